/** Who signed a CMS, when every signature in it is good over its content. Whether their certificates are trusted is not asked here. */
import type { X509Certificate } from 'node:crypto';
import { ApiError } from '../../errors.ts';
import { childrenOf, rawOf, readDer } from '../../signing/cms/asn1.ts';
import { digestsOf } from '../../signing/cms/content-digests.ts';
import { OID_DATA } from '../../signing/cms/identifiers.ts';
import { checkIntegrity } from '../../signing/cms/integrity.ts';
import { parseSignedData } from '../../signing/cms/parse.ts';

export interface GoodSignature {
  readonly certificate: X509Certificate;
  /** As the signer says. */
  readonly claimedTime?: Date;
}

export interface GoodSignatures {
  readonly signers: readonly [GoodSignature, ...GoodSignature[]];
  readonly content: Uint8Array;
}

/** `detached`: the content that it is over; without it, the CMS must hold its own. A text says what is wrong. Never throws for what the bytes are. */
export function readSigners(cms: Uint8Array, detached?: Uint8Array): GoodSignatures | string {
  try {
    const signedData = parseSignedData(cms);
    if ((signedData.content === undefined) !== (detached !== undefined))
      return detached ? 'it holds content of its own' : 'what is signed is not in it';
    const content = signedData.content ?? detached ?? new Uint8Array();
    const digestOf = digestsOf(content);
    const good: GoodSignature[] = [];
    for (const signer of signedData.signers) {
      const { findings, certificate, claimedTime, ...verdict } = checkIntegrity(signedData, signer, {
        contentType: OID_DATA,
        digestOf,
      });
      const isGood = verdict.digest === 'match' && verdict.signature === 'good' && verdict.signingCertificate === 'match';
      if (!isGood || !certificate || findings.length > 0)
        return findings[0]?.text ?? 'a signer signed no reference to the certificate';
      good.push({ certificate, ...(claimedTime ? { claimedTime } : {}) });
    }
    const [first, ...others] = good;
    return first ? { signers: [first, ...others], content } : 'nobody has signed it';
  } catch (error) {
    if (error instanceof ApiError) return error.message; // cms_invalid, algorithm_not_allowed
    throw error;
  }
}

/**
 * Of something that one desk sealed: one signer, and around the signature nothing but what follows from it. CMS leaves versions, lists of algorithms and further
 * certificates unsigned (RFC 5652, section 5.4); changed there, a seal would still verify.
 */
export function readSeal(
  cms: Uint8Array,
  detached?: Uint8Array,
): { readonly certificate: X509Certificate; readonly content: Uint8Array } | string {
  const read = readSigners(cms, detached);
  if (typeof read === 'string') return read;
  const { signers, content } = read;
  const [{ certificate }, ...others] = signers;
  if (others.length > 0) return `it has ${signers.length} signers`;
  return isBare(cms, certificate) ? { certificate, content } : 'there is something around the signature that no seal has';
}

/** Versions: RFC 5652, sections 5.1 and 5.3, for data that is signed by one who is named by issuer and serial number. */
function isBare(cms: Uint8Array, certificate: X509Certificate): boolean {
  const { version, digestAlgorithms, certificates, revocation, signers } = parseSignedData(cms);
  const [signer] = signers;
  if (!signer || version !== 1 || revocation || signer.unsignedAttributes) return false;
  const [signerVersion, , digestAlgorithm] = childrenOf(readDer(signer.raw)).map(rawOf);
  return (
    isSame([signerVersion], [VERSION_1]) && isSame(digestAlgorithms, [digestAlgorithm]) && isSame(certificates, [certificate.raw])
  );
}

/** INTEGER 1, DER. */
const VERSION_1 = Uint8Array.of(0x02, 0x01, 0x01);

function isSame(some: readonly (Uint8Array | undefined)[], others: readonly (Uint8Array | undefined)[]): boolean {
  return (
    some.length === others.length &&
    some.every((one, index) => {
      const other = others[index];
      return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
    })
  );
}
