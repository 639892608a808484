/**
 * One signer of a CMS looked at by itself: its certificate, the digest of the content, the signature over the attributes, the signed reference to the certificate
 * (RFC 5652, section 5.6; RFC 5035, section 5). Who the certificate belongs to, and when, is for others to say.
 */
import type { X509Certificate } from 'node:crypto';
import {
  AlgorithmNotAllowedError,
  decodeHashAlgorithm,
  decodeSignatureAlgorithm,
  requireStrongKey,
  verifySignature,
  type HashName,
  type SignatureScheme,
} from './algorithms.ts';
import { DerError, octetsOf, oidOf, readDer, timeOf } from './asn1.ts';
import {
  OID_CONTENT_TYPE,
  OID_MESSAGE_DIGEST,
  OID_SIGNING_CERTIFICATE,
  OID_SIGNING_CERTIFICATE_V2,
  OID_SIGNING_TIME,
} from './identifiers.ts';
import { singleValue, type SignedData, type SignerInfo } from './parse.ts';
import { readCertificate } from '../certificate.ts';
import { EXTENSION, certificateId, extensionsOf, isReadable, publicKeyOf } from '../certificate-fields.ts';
import { invalid, uncertain, type Finding, type SignerReport } from './report.ts';
import { refersTo } from './signing-certificate.ts';

export interface IntegrityOptions {
  readonly contentType: string;
  /** Undefined when the content, or its digest by this hash, is not at hand. */
  readonly digestOf: (hash: HashName) => Uint8Array | undefined;
  /** Time stamps still refer to their certificate by its SHA-1 (RFC 3161, section 2.4.2), which only names it. */
  readonly takesSha1Reference?: boolean;
}

export type Integrity = Pick<SignerReport, 'algorithm' | 'digest' | 'signature' | 'signingCertificate' | 'claimedTime'> & {
  readonly certificate: X509Certificate | undefined;
  readonly findings: readonly Finding[];
};

/** Never throws for what the signer holds: what is no CMS in it is a FORMAT_FAILURE. */
export function checkIntegrity(signedData: SignedData, signer: SignerInfo, options: IntegrityOptions): Integrity {
  const check = new IntegrityCheck(signedData, signer, options);
  try {
    check.run();
  } catch (error) {
    if (error instanceof AlgorithmNotAllowedError) check.note(uncertain('CRYPTO_CONSTRAINTS_FAILURE', error.message));
    else if (error instanceof DerError) check.note(invalid('FORMAT_FAILURE', error.message));
    else throw error;
  }
  return check.result();
}

class IntegrityCheck {
  readonly #signedData: SignedData;
  readonly #signer: SignerInfo;
  readonly #options: IntegrityOptions;
  readonly #findings: Finding[] = [];
  #certificate: X509Certificate | undefined;
  #algorithm = 'unknown';
  #digest: Integrity['digest'] = 'not_checked';
  #signature: Integrity['signature'] = 'not_checked';
  #reference: Integrity['signingCertificate'] = 'absent';
  #claimedTime: Date | undefined;

  constructor(signedData: SignedData, signer: SignerInfo, options: IntegrityOptions) {
    this.#signedData = signedData;
    this.#signer = signer;
    this.#options = options;
  }

  note(finding: Finding): void {
    this.#findings.push(finding);
    if (finding.code === 'CRYPTO_CONSTRAINTS_FAILURE' && this.#algorithm === 'unknown')
      this.#algorithm = finding.text.slice(finding.text.indexOf(':') + 2);
  }

  run(): void {
    const { signedAttributes } = this.#signer;
    this.#certificate = findCertificate(this.#signedData, this.#signer);
    if (!this.#certificate) this.note(uncertain('NO_SIGNING_CERTIFICATE_FOUND', 'the certificate of the signer is not in it'));
    if (!signedAttributes) {
      this.note(invalid('FORMAT_FAILURE', 'it has no signed attributes, which CAdES wants'));
      return;
    }
    const time = singleValue(signedAttributes, OID_SIGNING_TIME);
    this.#claimedTime = time && timeOf(time);
    const hash = decodeHashAlgorithm(this.#signer.digestAlgorithm);
    const scheme = decodeSignatureAlgorithm(this.#signer.signatureAlgorithm, hash);
    this.#algorithm = scheme.name;
    if (this.#certificate) this.#checkSignature(this.#certificate, scheme, signedAttributes.set);
    this.#checkContent(hash);
    if (this.#certificate) this.#checkReference(this.#certificate);
  }

  result(): Integrity {
    return {
      certificate: this.#certificate,
      findings: this.#findings,
      algorithm: this.#algorithm,
      digest: this.#digest,
      signature: this.#signature,
      signingCertificate: this.#reference,
      ...(this.#claimedTime ? { claimedTime: this.#claimedTime } : {}),
    };
  }

  #checkSignature(certificate: X509Certificate, scheme: SignatureScheme, signed: Uint8Array): void {
    const key = publicKeyOf(certificate);
    requireStrongKey(key);
    const isGood = verifySignature(scheme, key, signed, this.#signer.signature);
    this.#signature = isGood ? 'good' : 'bad';
    if (!isGood)
      this.note(invalid('SIG_CRYPTO_FAILURE', 'the signature is not by the key of the certificate over these signed attributes'));
  }

  #checkContent(hash: HashName): void {
    const { signedAttributes } = this.#signer;
    const type = singleValue(signedAttributes, OID_CONTENT_TYPE);
    const stated = singleValue(signedAttributes, OID_MESSAGE_DIGEST);
    if (!type || !stated) throw new DerError('the signed attributes lack content-type or message-digest');
    const { contentType } = this.#signedData;
    const said = oidOf(type);
    if (said !== contentType || contentType !== this.#options.contentType)
      this.note(invalid('FORMAT_FAILURE', `the content is said to be of type ${said}`));
    const digest = this.#options.digestOf(hash);
    if (!digest) {
      this.note(uncertain('SIGNED_DATA_NOT_FOUND', `the content, or its digest by ${hash}, was not given`));
      return;
    }
    const matches = Buffer.compare(octetsOf(stated), digest) === 0;
    this.#digest = matches ? 'match' : 'mismatch';
    if (!matches) this.note(invalid('HASH_FAILURE', 'the content is not what was signed: its digest is another'));
  }

  #checkReference(certificate: X509Certificate): void {
    const { signedAttributes } = this.#signer;
    const second = singleValue(signedAttributes, OID_SIGNING_CERTIFICATE_V2);
    const first = this.#options.takesSha1Reference ? singleValue(signedAttributes, OID_SIGNING_CERTIFICATE) : undefined;
    const value = second ?? first;
    if (!value) return;
    const matches = refersTo(value, certificate, second ? 'sha256' : 'sha1');
    this.#reference = matches ? 'match' : 'mismatch';
    if (!matches)
      this.note(invalid('SIG_CONSTRAINTS_FAILURE', 'the signer signed a reference to another certificate than this one'));
  }
}

/** The certificates that a CMS carries; what is no X.509 certificate among them is left out. */
export function certificatesIn(signedData: SignedData): readonly X509Certificate[] {
  const certificates = known.get(signedData) ?? signedData.certificates.flatMap(readFields);
  known.set(signedData, certificates);
  return certificates;
}

function readFields(der: Uint8Array): readonly X509Certificate[] {
  const certificate = readCertificate(der);
  return certificate && isReadable(certificate) ? [certificate] : [];
}

/** Read once for all signers. */
const known = new WeakMap<SignedData, readonly X509Certificate[]>();

export function findCertificate(signedData: SignedData, { id }: SignerInfo): X509Certificate | undefined {
  return certificatesIn(signedData).find((certificate) => {
    if ('keyIdentifier' in id) {
      const extension = extensionsOf(certificate).get(EXTENSION.subjectKeyIdentifier);
      return extension !== undefined && Buffer.compare(octetsOf(readDer(extension.value)), id.keyIdentifier) === 0;
    }
    const own = certificateId(certificate);
    return Buffer.compare(own.issuer, id.issuer) === 0 && Buffer.compare(own.serialNumber, id.serialNumber) === 0;
  });
}
