/**
 * Signature algorithms as CMS names them: object identifiers and parameters, by pkijs. What is weak (MD5, SHA-1, RSA under 2048 bits) or unknown
 * is told apart by name and never verified.
 */
import { constants, verify, type KeyObject } from 'node:crypto';
import { Null } from 'asn1js';
import { AlgorithmIdentifier, RSASSAPSSParams } from 'pkijs';
import { SIGNATURE_SCHEMES } from '../../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm } from '../../../apdu/token.ts';
import { DerError, orDerError } from './asn1.ts';

export type HashName = 'sha256' | 'sha384' | 'sha512';

export const HASH_NAMES: readonly HashName[] = ['sha256', 'sha384', 'sha512'];

/** RFC 5754, section 2. */
const HASH_OIDS: Readonly<Record<HashName, string>> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
/** RFC 8017, appendix A.2.4; RFC 5758, section 3.2. */
const PKCS1_OIDS: Readonly<Record<HashName, string>> = {
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};
const ECDSA_OIDS: Readonly<Record<HashName, string>> = {
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};
/** RFC 3370, section 3.2: the hash is that of the SignerInfo then. */
const OID_RSA = '1.2.840.113549.1.1.1';
const OID_PSS = '1.2.840.113549.1.1.10';
const OID_MGF1 = '1.2.840.113549.1.1.8';
const OID_SHA1 = '1.3.14.3.2.26';

/** What people may meet and must not trust (RFC 8017, RFC 3279, RFC 5758). */
const WEAK_NAMES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.2.5', 'MD5'],
  [OID_SHA1, 'SHA-1'],
  ['2.16.840.1.101.3.4.2.4', 'SHA-224'],
  ['1.2.840.113549.1.1.4', 'RSA with MD5'],
  ['1.2.840.113549.1.1.5', 'RSA with SHA-1'],
  ['1.2.840.113549.1.1.14', 'RSA with SHA-224'],
  ['1.2.840.10045.4.1', 'ECDSA with SHA-1'],
  ['1.2.840.10040.4.3', 'DSA with SHA-1'],
]);

/** NIST SP 800-131A Rev. 2, table 2. */
const MIN_RSA_BITS = 2048;
/** FIPS 186-4, and RFC 5639 as ETSI TS 119 312, section 5.2.3, has it: passports are signed on both. Parameters that are written out are known by their name too. */
const CURVES = new Set([
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'brainpoolP256r1',
  'brainpoolP320r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
]);

/** Something is signed with what nobody should trust any more, or with what is not known here. */
export class AlgorithmNotAllowedError extends Error {
  override readonly name = 'AlgorithmNotAllowedError';
  readonly algorithm: string;

  constructor(algorithm: string) {
    super(`algorithm not allowed: ${algorithm}`);
    this.algorithm = algorithm;
  }
}

export interface SignatureScheme {
  readonly family: 'pkcs1' | 'pss' | 'ecdsa';
  readonly hash: HashName;
  /** JWA where there is one: "RS256". */
  readonly name: string;
}

export function encodeHashAlgorithm(hash: HashName): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithmId: HASH_OIDS[hash] });
}

/** AlgorithmIdentifier of a digest. Throws AlgorithmNotAllowedError. */
export function decodeHashAlgorithm({ algorithmId }: AlgorithmIdentifier): HashName {
  const hash = HASH_NAMES.find((name) => HASH_OIDS[name] === algorithmId);
  if (!hash) throw new AlgorithmNotAllowedError(WEAK_NAMES.get(algorithmId) ?? algorithmId);
  return hash;
}

export function encodeSignatureAlgorithm(algorithm: SignatureAlgorithm): AlgorithmIdentifier {
  const { family, hash, digestLength } = SIGNATURE_SCHEMES[algorithm];
  if (family === 'ecdsa') return new AlgorithmIdentifier({ algorithmId: ECDSA_OIDS[hash] });
  if (family === 'pkcs1') return new AlgorithmIdentifier({ algorithmId: PKCS1_OIDS[hash], algorithmParams: new Null() });
  // RFC 4055, section 3.1.
  const hashAlgorithm = new AlgorithmIdentifier({ algorithmId: HASH_OIDS[hash], algorithmParams: new Null() });
  const maskGenAlgorithm = new AlgorithmIdentifier({ algorithmId: OID_MGF1, algorithmParams: hashAlgorithm.toSchema() });
  const parameters = new RSASSAPSSParams({ hashAlgorithm, maskGenAlgorithm, saltLength: digestLength });
  return new AlgorithmIdentifier({ algorithmId: OID_PSS, algorithmParams: parameters.toSchema() });
}

/** How a signature is verified. `digest`: the hash that the structure around it names, where the algorithm names none. Throws AlgorithmNotAllowedError. */
export function decodeSignatureAlgorithm(algorithm: AlgorithmIdentifier, digest?: HashName): SignatureScheme {
  const { algorithmId: oid } = algorithm;
  const named = (family: SignatureScheme['family'], hash: HashName): SignatureScheme => {
    const prefix = { pkcs1: 'RS', pss: 'PS', ecdsa: 'ES' }[family];
    return { family, hash, name: `${prefix}${hash.slice(3)}` };
  };
  for (const hash of HASH_NAMES) {
    if (oid === PKCS1_OIDS[hash]) return named('pkcs1', hash);
    if (oid === ECDSA_OIDS[hash]) return named('ecdsa', hash);
  }
  if (oid === OID_RSA && digest) return named('pkcs1', digest);
  if (oid === OID_PSS) return named('pss', decodePss(algorithm));
  throw new AlgorithmNotAllowedError(WEAK_NAMES.get(oid) ?? oid);
}

/** RFC 4055, section 3.1: what is absent is SHA-1. */
function decodePss({ algorithmParams }: AlgorithmIdentifier): HashName {
  const { hashAlgorithm, maskGenAlgorithm } = orDerError('no parameters of RSASSA-PSS', () =>
    algorithmParams === undefined ? new RSASSAPSSParams() : new RSASSAPSSParams({ schema: algorithmParams as unknown }),
  );
  const mask = orDerError(
    'no mask of RSASSA-PSS',
    () => new AlgorithmIdentifier({ schema: maskGenAlgorithm.algorithmParams as unknown }),
  );
  if ([hashAlgorithm, mask].some(({ algorithmId }) => algorithmId === OID_SHA1))
    throw new AlgorithmNotAllowedError('RSASSA-PSS with SHA-1');
  const hash = decodeHashAlgorithm(hashAlgorithm);
  if (maskGenAlgorithm.algorithmId !== OID_MGF1 || decodeHashAlgorithm(mask) !== hash)
    throw new AlgorithmNotAllowedError('RSASSA-PSS with another mask than MGF1 of its own hash');
  return hash;
}

/** Throws AlgorithmNotAllowedError for a key that is too short, or of a kind that is not known here. */
export function requireStrongKey(key: KeyObject): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = details?.modulusLength ?? 0;
    if (bits < MIN_RSA_BITS) throw new AlgorithmNotAllowedError(`RSA of ${bits} bits`);
  } else if (type !== 'ec' || !CURVES.has(details?.namedCurve ?? '')) {
    throw new AlgorithmNotAllowedError(`key of kind ${details?.namedCurve ?? type ?? 'unknown'}`);
  }
}

/** Whether the signature (ECDSA in DER) over these bytes is by this key. A key of another kind than the scheme's made none. */
export function verifySignature(
  { family, hash }: SignatureScheme,
  key: KeyObject,
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  const isElliptic = key.asymmetricKeyType === 'ec';
  if (isElliptic !== (family === 'ecdsa')) return false;
  const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_AUTO } = constants;
  const how = {
    ecdsa: { dsaEncoding: 'der' as const },
    pkcs1: { padding: RSA_PKCS1_PADDING },
    pss: { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_AUTO },
  }[family];
  try {
    return verify(hash, signed, { key, ...how }, signature);
  } catch (error) {
    // A key that is bound to RSASSA-PSS refuses anything else (RFC 4055, section 1.2).
    if (key.asymmetricKeyType === 'rsa-pss') return false;
    throw new DerError(`a signature could not be looked at: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}
