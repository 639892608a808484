/** What can be done with a key, mechanism by mechanism: how a message becomes the digest that a card signs, and what a signature looks like. */
import { constants, createHash, createPublicKey, publicDecrypt } from 'node:crypto';
import { createDigestVerifier } from '../../apdu/digest-verifier.ts';
import { COORDINATE_LENGTH } from '../../apdu/public-key.ts';
import type { KeyAlgorithm, KeyUsage, SignatureAlgorithm } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import { isKnownMechanism, type Mechanism } from '../rpc/mechanisms.ts';
import type { Dialect } from '../rpc/calls.ts';

export type HashName = 'sha256' | 'sha384' | 'sha512';
export const DIGESTS: ReadonlyMap<number, string> = new Map([
  [ck.CKM_SHA_1, 'sha1'],
  [ck.CKM_SHA256, 'sha256'],
  [ck.CKM_SHA384, 'sha384'],
  [ck.CKM_SHA512, 'sha512'],
]);
const HASH_BY_MECHANISM: ReadonlyMap<number, HashName> = new Map([
  [ck.CKM_SHA256, 'sha256'],
  [ck.CKM_SHA384, 'sha384'],
  [ck.CKM_SHA512, 'sha512'],
]);

type Family = 'pkcs1' | 'pss' | 'ecdsa';
interface SigningRow {
  readonly family: Family;
  /** The message is hashed here; absent: it comes as a digest (ECDSA, PSS) or a DigestInfo (PKCS #1). */
  readonly hash?: HashName;
}

const SIGNING: ReadonlyMap<number, SigningRow> = new Map<number, SigningRow>([
  [ck.CKM_RSA_PKCS, { family: 'pkcs1' }],
  [ck.CKM_SHA256_RSA_PKCS, { family: 'pkcs1', hash: 'sha256' }],
  [ck.CKM_SHA384_RSA_PKCS, { family: 'pkcs1', hash: 'sha384' }],
  [ck.CKM_SHA512_RSA_PKCS, { family: 'pkcs1', hash: 'sha512' }],
  [ck.CKM_RSA_PKCS_PSS, { family: 'pss' }],
  [ck.CKM_SHA256_RSA_PKCS_PSS, { family: 'pss', hash: 'sha256' }],
  [ck.CKM_SHA384_RSA_PKCS_PSS, { family: 'pss', hash: 'sha384' }],
  [ck.CKM_SHA512_RSA_PKCS_PSS, { family: 'pss', hash: 'sha512' }],
  [ck.CKM_ECDSA, { family: 'ecdsa' }],
  [ck.CKM_ECDSA_SHA256, { family: 'ecdsa', hash: 'sha256' }],
  [ck.CKM_ECDSA_SHA384, { family: 'ecdsa', hash: 'sha384' }],
  [ck.CKM_ECDSA_SHA512, { family: 'ecdsa', hash: 'sha512' }],
]);

const DECRYPTING = [ck.CKM_RSA_PKCS, ck.CKM_RSA_PKCS_OAEP];

export interface MechanismInfo {
  readonly min: number;
  readonly max: number;
  readonly flags: number;
}

/** Of a token with these keys, as far as the client's dialect has them. */
export function mechanismsOf(
  keys: readonly { readonly algorithm: KeyAlgorithm; readonly usage: KeyUsage }[],
  dialect: Dialect,
): ReadonlyMap<number, MechanismInfo> {
  const rows = new Map<number, MechanismInfo>();
  const add = (type: number, flags: number, sizes: readonly number[]): void => {
    if (sizes.length === 0 || !isKnownMechanism(type, dialect)) return;
    rows.set(type, { min: Math.min(...sizes), max: Math.max(...sizes), flags: flags | (rows.get(type)?.flags ?? 0) });
  };
  const sizesOf = (kind: 'P-' | 'RSA-', which = keys): readonly number[] =>
    which.filter(({ algorithm }) => algorithm.startsWith(kind)).map(({ algorithm }) => Number(algorithm.slice(kind.length)));
  const deciphering = keys.filter(({ usage }) => usage === 'key agreement');
  for (const [type, { family, hash }] of SIGNING) {
    const curve = family === 'ecdsa' ? ck.CKF_EC_F_P | ck.CKF_EC_NAMEDCURVE | ck.CKF_EC_UNCOMPRESS : 0;
    const isOnCard = hash === undefined ? ck.CKF_HW : 0;
    add(type, ck.CKF_SIGN | ck.CKF_VERIFY | isOnCard | curve, sizesOf(family === 'ecdsa' ? 'P-' : 'RSA-'));
  }
  for (const type of DECRYPTING) {
    const sizes = sizesOf('RSA-', deciphering);
    if (sizes.length > 0) add(type, ck.CKF_DECRYPT | ck.CKF_HW, [...sizes, ...(rows.has(type) ? sizesOf('RSA-') : [])]);
  }
  for (const type of DIGESTS.keys())
    if (isKnownMechanism(type, dialect)) rows.set(type, { min: 0, max: 0, flags: ck.CKF_DIGEST });
  return rows;
}

/** A digest by an algorithm that cards know by name, or, with RSA, content that is padded as it is. */
export type ToBeSigned =
  { readonly algorithm: SignatureAlgorithm; readonly digest: Uint8Array } | { readonly content: Uint8Array };

/** What a block of PKCS #1 v1.5 has besides its content (RFC 8017, section 9.2). */
const PKCS1_OVERHEAD = 11;

/** A signature under way: takes the message, and gives what the card is to sign. */
export class SigningInput {
  readonly algorithm: KeyAlgorithm;
  readonly signatureLength: number;
  readonly #row: SigningRow;
  readonly #mechanism: Mechanism;
  readonly #hash: ReturnType<typeof createHash> | undefined;
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  /** Throws CkError: mechanism, parameters or kind of key do not go together. */
  constructor(mechanism: Mechanism, algorithm: KeyAlgorithm) {
    const row = SIGNING.get(mechanism.type);
    if (!row) throw new CkError(ck.CKR_MECHANISM_INVALID, `signing: mechanism ${mechanism.type} is not known`);
    const isElliptic = algorithm === 'P-256' || algorithm === 'P-384';
    if ((row.family === 'ecdsa') !== isElliptic)
      throw new CkError(ck.CKR_KEY_TYPE_INCONSISTENT, `signing: ${row.family} does not go with ${algorithm}`);
    this.algorithm = algorithm;
    this.signatureLength = isElliptic ? 2 * COORDINATE_LENGTH[algorithm] : Number(algorithm.slice(4)) / 8;
    this.#row = row;
    this.#mechanism = mechanism;
    this.#hash = row.hash === undefined ? undefined : createHash(row.hash);
    if (row.family === 'pss') this.#pssHash();
  }

  update(piece: Uint8Array): void {
    this.#hash?.update(piece);
    if (this.#hash) return;
    this.#length += piece.length;
    if (this.#length > this.signatureLength - (this.#row.family === 'pkcs1' ? PKCS1_OVERHEAD : 0))
      throw new CkError(ck.CKR_DATA_LEN_RANGE, 'signing: the data are longer than the key');
    this.#pieces.push(piece);
  }

  /** Throws CkError for data that no card signs. */
  finish(): ToBeSigned {
    const data = this.#hash ? new Uint8Array(this.#hash.digest()) : new Uint8Array(Buffer.concat(this.#pieces));
    const { family, hash } = this.#row;
    switch (family) {
      case 'pkcs1': {
        const known = hash === undefined ? parseDigestInfo(data) : { hash, digest: data };
        return known ? { algorithm: `RS${bits(known.hash)}`, digest: known.digest } : { content: data };
      }
      case 'pss': {
        const wanted = this.#pssHash();
        if (data.length !== bits(wanted) / 8) throw new CkError(ck.CKR_DATA_LEN_RANGE, 'signing: the digest has another length');
        return { algorithm: `PS${bits(wanted)}`, digest: data };
      }
      case 'ecdsa': {
        const length = COORDINATE_LENGTH[this.algorithm as 'P-256' | 'P-384'];
        return { algorithm: this.algorithm === 'P-256' ? 'ES256' : 'ES384', digest: fitDigest(data, length) };
      }
    }
  }

  /** Salts as long as the hash: what cards and verifiers of the field do. */
  #pssHash(): HashName {
    const { parameters } = this.#mechanism;
    const named = parameters?.kind === 'pss' ? HASH_BY_MECHANISM.get(parameters.hash) : this.#row.hash;
    const isUsual = parameters?.kind !== 'pss' || (named !== undefined && parameters.saltLength === bits(named) / 8);
    if (named && isUsual && (this.#row.hash ?? named) === named) return named;
    throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, 'signing: PSS with these parameters is not done');
  }
}

/** True when the signature holds. `publicKey`: SubjectPublicKeyInfo, DER. */
export function verifies(input: SigningInput, publicKey: Uint8Array, signature: Uint8Array): boolean {
  const signed = input.finish();
  if ('content' in signed) return verifiesPadded(signed.content, publicKey, signature);
  return createDigestVerifier(publicKey, signed.algorithm)?.(signed.digest, signature) ?? false;
}

function verifiesPadded(content: Uint8Array, publicKey: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  try {
    return Buffer.compare(publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature), content) === 0;
  } catch {
    return false; // the padding is another
  }
}

function bits(hash: HashName): 256 | 384 | 512 {
  return hash === 'sha256' ? 256 : hash === 'sha384' ? 384 : 512;
}

/** As ECDSA takes them (FIPS 186-5, section 6.4.1): the leftmost bits of a longer one; a shorter one is the same number with zeros before it. */
function fitDigest(digest: Uint8Array, length: number): Uint8Array {
  if (digest.length >= length) return digest.slice(0, length);
  const fitted = new Uint8Array(length);
  fitted.set(digest, length - digest.length);
  return fitted;
}

/** DigestInfo (RFC 8017, section 9.2), as it begins for each hash. */
const PREFIXES: readonly (readonly [HashName, string])[] = [
  ['sha256', '3031300d060960864801650304020105000420'],
  ['sha384', '3041300d060960864801650304020205000430'],
  ['sha512', '3051300d060960864801650304020305000440'],
];

function parseDigestInfo(data: Uint8Array): { readonly hash: HashName; readonly digest: Uint8Array } | undefined {
  const text = Buffer.from(data).toString('hex');
  for (const [hash, prefix] of PREFIXES)
    if (text.startsWith(prefix) && data.length === prefix.length / 2 + bits(hash) / 8)
      return { hash, digest: data.slice(prefix.length / 2) };
  return undefined;
}
