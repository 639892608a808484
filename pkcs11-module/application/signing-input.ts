/** How a message becomes what a card signs, and what a signature looks like (PKCS #11 v3.0, sections 2.1 and 2.3). */
import { createHash } from 'node:crypto';
import { COORDINATE_LENGTH, MODULUS_LENGTH } from '../../apdu/public-key.ts';
import { PKCS1_OVERHEAD, encodeDigestInfo } from '../../apdu/signature-encoding.ts';
import type { KeyAlgorithm, SignatureAlgorithm } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { Mechanism } from '../rpc/mechanisms.ts';
import { HASH_LENGTH, hashOf, maskHashOf, type HashName } from './hashes.ts';
import { SIGNING, type SigningRow } from './mechanisms.ts';

export interface PssInput {
  readonly kind: 'pss';
  readonly hash: HashName;
  readonly digest: Uint8Array;
  readonly saltLength: number;
}

/** A digest by an algorithm that cards know by name; or, with RSA, content that is padded as it is, a digest with a salt of its own, or the block itself. */
export type ToBeSigned =
  | { readonly kind: 'digest'; readonly algorithm: SignatureAlgorithm; readonly digest: Uint8Array }
  | { readonly kind: 'content'; readonly content: Uint8Array }
  | { readonly kind: 'block'; readonly block: Uint8Array }
  | PssInput;

interface Pss {
  readonly hash: HashName;
  readonly saltLength: number;
}

/** A signature under way: takes the message, and gives what the card is to sign. */
export class SigningInput {
  readonly algorithm: KeyAlgorithm;
  readonly signatureLength: number;
  /** Of PSS alone. */
  readonly pss: Pss | undefined;
  readonly #row: SigningRow;
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
    this.signatureLength = isElliptic ? 2 * COORDINATE_LENGTH[algorithm] : MODULUS_LENGTH[algorithm];
    this.#row = row;
    this.#hash = row.hash === undefined ? undefined : createHash(row.hash);
    this.pss = row.family === 'pss' ? pssOf(mechanism, row, this.signatureLength) : undefined;
  }

  /** True for what only a card does that takes any block. */
  get isBlock(): boolean {
    return this.#row.family === 'raw' || (this.pss !== undefined && usualPss(this.pss) === undefined);
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
        const algorithm = known && PKCS1_NAMES.get(known.hash);
        if (known && algorithm) return { kind: 'digest', algorithm, digest: known.digest };
        return { kind: 'content', content: hash === undefined ? data : encodeDigestInfo(hash, data) };
      }
      case 'pss':
        return this.#finishPss(data);
      case 'ecdsa': {
        const length = COORDINATE_LENGTH[this.algorithm as 'P-256' | 'P-384'];
        return {
          kind: 'digest',
          algorithm: this.algorithm === 'P-256' ? 'ES256' : 'ES384',
          digest: fitDigest(data, length),
        };
      }
      case 'raw':
        return { kind: 'block', block: withZerosBefore(data, this.signatureLength) };
    }
  }

  #finishPss(digest: Uint8Array): ToBeSigned {
    const { pss } = this;
    if (!pss || digest.length !== HASH_LENGTH[pss.hash])
      throw new CkError(ck.CKR_DATA_LEN_RANGE, 'signing: the digest has another length');
    const algorithm = usualPss(pss);
    return algorithm ? { kind: 'digest', algorithm, digest } : { kind: 'pss', digest, ...pss };
  }
}

const PKCS1_NAMES: ReadonlyMap<HashName, SignatureAlgorithm> = new Map([
  ['sha256', 'RS256'],
  ['sha384', 'RS384'],
  ['sha512', 'RS512'],
]);
const PSS_NAMES: ReadonlyMap<HashName, SignatureAlgorithm> = new Map([
  ['sha256', 'PS256'],
  ['sha384', 'PS384'],
  ['sha512', 'PS512'],
]);

/** What cards know by name: salts as long as the hash. */
function usualPss({ hash, saltLength }: Pss): SignatureAlgorithm | undefined {
  return saltLength === HASH_LENGTH[hash] ? PSS_NAMES.get(hash) : undefined;
}

/** Without parameters, those that go with the hash of the mechanism: some clients drop them. A mask by another hash is not done. */
function pssOf({ parameters }: Mechanism, row: SigningRow, modulusLength: number): Pss {
  const hash = parameters?.kind === 'pss' ? hashOf(parameters.hash) : row.hash;
  const saltLength = parameters?.kind === 'pss' ? parameters.saltLength : hash && HASH_LENGTH[hash];
  const isMasked = parameters?.kind !== 'pss' || maskHashOf(parameters.mgf) === hash;
  if (hash && saltLength !== undefined && isMasked && (row.hash ?? hash) === hash) {
    // RFC 8017, section 9.1.1, step 3.
    if (HASH_LENGTH[hash] + saltLength + 2 <= modulusLength) return { hash, saltLength };
  }
  throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, 'signing: PSS with these parameters is not done');
}

/** As ECDSA takes them (FIPS 186-5, section 6.4.1): the leftmost bits of a longer one; a shorter one is the same number with zeros before it. */
function fitDigest(digest: Uint8Array, length: number): Uint8Array {
  return digest.length >= length ? digest.slice(0, length) : withZerosBefore(digest, length);
}

export function withZerosBefore(number: Uint8Array, length: number): Uint8Array {
  const padded = new Uint8Array(length);
  padded.set(number, length - number.length);
  return padded;
}

function parseDigestInfo(data: Uint8Array): { readonly hash: HashName; readonly digest: Uint8Array } | undefined {
  for (const hash of PKCS1_NAMES.keys()) {
    const digest = data.slice(data.length - HASH_LENGTH[hash]);
    if (data.length > digest.length && Buffer.compare(encodeDigestInfo(hash, digest), data) === 0) return { hash, digest };
  }
  return undefined;
}
