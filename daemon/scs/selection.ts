/** Which certificate a request means: of the signature keys of the cards on the desk, the first that fits its selector. */
import { X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { AuthorityKeyIdentifier, Certificate, KeyUsage, id_ce_authorityKeyIdentifier, id_ce_keyUsage } from '@peculiar/asn1-x509';
import { fitsKey } from '../../apdu/signature-encoding.ts';
import { keyAlgorithmOf } from '../../apdu/public-key.ts';
import type { KeyAlgorithm, KeyUsage as TokenKeyUsage, SignatureAlgorithm, TokenContents } from '../../apdu/token.ts';
import type { CardRecord } from '../desk/records.ts';
import { issuersOf } from '../signing/issuers.ts';
import { ScsFailedError, type HashAlgorithm, type ScsSelector } from './messages.ts';

export interface Selected {
  readonly card: string;
  readonly keyReference: string;
  readonly algorithm: SignatureAlgorithm;
  readonly chain: readonly Uint8Array[];
}

interface Candidate {
  readonly card: string;
  readonly contents: TokenContents;
  readonly keyReference: string;
  readonly usage: TokenKeyUsage;
  readonly kind: KeyAlgorithm;
  readonly certificate: X509Certificate;
}

const ALGORITHMS: Readonly<Record<HashAlgorithm, readonly SignatureAlgorithm[]>> = {
  SHA256: ['RS256', 'ES256'],
  SHA384: ['RS384', 'ES384'],
  SHA512: ['RS512'],
};

/** Names of bits as selectors write them, in any case (RFC 5280, section 4.2.1.3). */
const KEY_USAGES: Readonly<Record<string, string>> = {
  digitalsignature: 'digitalSignature',
  nonrepudiation: 'nonRepudiation',
  contentcommitment: 'nonRepudiation',
  keyencipherment: 'keyEncipherment',
  dataencipherment: 'dataEncipherment',
  keyagreement: 'keyAgreement',
};

/** Throws ScsFailedError when no card or several fit, when only a key fits that signs nothing for a page, and when the hash does not go with the key. */
export function select(
  cards: readonly Pick<CardRecord, 'id' | 'contents'>[],
  selector: ScsSelector,
  hash: HashAlgorithm,
): Selected {
  const fitting = cards.flatMap(candidatesOf).filter((candidate) => fits(candidate, selector));
  const allowed = fitting.filter(({ usage }) => usage === 'signature');
  const [first] = allowed;
  if (!first) {
    if (fitting.length > 0)
      throw new ScsFailedError(403, 'Only a key for authentication fits, and such a key signs nothing that a web page hands in.');
    throw new ScsFailedError(404, 'No card in a reader has a certificate that fits.');
  }
  if (allowed.some(({ card }) => card !== first.card))
    throw new ScsFailedError(409, 'Several cards fit. Leave the one that is to sign in its reader.');
  const algorithm = ALGORITHMS[hash].find((name) => fitsKey(name, first.kind));
  if (!algorithm) throw new ScsFailedError(400, `${hash} does not go with the key of the certificate.`);
  return { card: first.card, keyReference: first.keyReference, algorithm, chain: chainOf(first) };
}

function candidatesOf({ id, contents }: Pick<CardRecord, 'id' | 'contents'>): readonly Candidate[] {
  if (!contents) return [];
  return contents.certificates.flatMap(({ keyReference, der }) => {
    const key = contents.keys.find((one) => one.keyReference === keyReference);
    const certificate = parse(der);
    const kind = certificate && keyAlgorithmOf(certificate.publicKey);
    return key && kind ? [{ card: id, contents, keyReference, usage: key.usage, kind, certificate }] : [];
  });
}

/** Any of the values of a field will do; a field that is absent or empty asks for nothing. Of key usages all must be there. */
function fits({ certificate, kind }: Candidate, { issuers, akis, keyusages, keyalgorithms }: ScsSelector): boolean {
  const { keyUsages, authorityKeyId } = extensionsOf(certificate);
  const isAny = (values: readonly string[] | undefined, test: (value: string) => boolean): boolean =>
    values === undefined || values.length === 0 || values.some(test);
  const issuer = normalise(certificate.issuer.split('\n'));
  return (
    isAny(issuers, (value) => normalise(value.split(/,(?=\s*[A-Za-z0-9.]+\s*=)/)) === issuer) &&
    isAny(akis, (value) => isKeyId(value, authorityKeyId)) &&
    isAny(keyalgorithms, (value) => isKind(value, kind)) &&
    (keyusages ?? []).every((value) => keyUsages.has(KEY_USAGES[value.toLowerCase()] ?? ''))
  );
}

function isKind(value: string, kind: KeyAlgorithm): boolean {
  const family = kind.startsWith('RSA') ? ['rsa'] : ['ec', 'ecc', 'ecdsa'];
  return family.includes(value.toLowerCase());
}

/** Base64, or hexadecimal with or without colons. */
function isKeyId(value: string, keyId: Buffer | undefined): boolean {
  if (!keyId) return false;
  return Buffer.from(value, 'base64').equals(keyId) || value.replaceAll(':', '').toLowerCase() === keyId.toString('hex');
}

/** The parts of a distinguished name in no order: some write it from the country on, some the other way round. */
function normalise(parts: readonly string[]): string {
  return parts
    .map((part) =>
      part
        .trim()
        .replace(/\s*=\s*/, '=')
        .toLowerCase(),
    )
    .filter((part) => part !== '')
    .sort()
    .join('\n');
}

function extensionsOf({ raw }: X509Certificate): {
  readonly keyUsages: ReadonlySet<string>;
  readonly authorityKeyId: Buffer | undefined;
} {
  const { extensions } = AsnConvert.parse(raw, Certificate).tbsCertificate;
  const valueOf = (id: string): ArrayBuffer | undefined => extensions?.find(({ extnID }) => extnID === id)?.extnValue.buffer;
  const usage = valueOf(id_ce_keyUsage);
  const authority = valueOf(id_ce_authorityKeyIdentifier);
  const keyId = authority && AsnConvert.parse(authority, AuthorityKeyIdentifier).keyIdentifier;
  return {
    keyUsages: new Set(usage ? AsnConvert.parse(usage, KeyUsage).toJSON() : []),
    authorityKeyId: keyId && Buffer.from(keyId.buffer),
  };
}

/** The signer's, and from the same card those of its issuers. */
function chainOf({ certificate, contents }: Candidate): readonly Uint8Array[] {
  const others = contents.certificates.map(({ der }) => der);
  return [certificate.raw, ...issuersOf(certificate.raw, others)];
}

function parse(der: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    AsnConvert.parse(certificate.raw, Certificate);
    return certificate;
  } catch {
    return undefined; // what a card holds need not parse
  }
}
