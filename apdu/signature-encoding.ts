/**
 * What the host does around a private-key operation on a card: padding a digest for raw RSA (RFC 8017, section 9), and turning
 * an ECDSA signature from DER (RFC 3279, section 2.2.3) into r‖s (RFC 7518, section 3.4).
 */
import { createHash } from 'node:crypto';
import { concat, formatHex, parseHex } from './bytes.ts';
import { CardDataError } from './errors.ts';
import { TlvError, decodeFirstTlv, encodeTlv, type TlvObject } from './tlv/ber-tlv.ts';
import type { KeyAlgorithm, SignatureAlgorithm } from './token.ts';

type HashName = 'sha256' | 'sha384' | 'sha512';
/** Also those that no signature algorithm of a name is made with. */
export type PaddingHash = HashName | 'sha1' | 'sha224';

interface SignatureScheme {
  readonly family: 'pkcs1' | 'pss' | 'ecdsa';
  readonly hash: HashName;
  readonly digestLength: number;
}

export const SIGNATURE_SCHEMES: Readonly<Record<SignatureAlgorithm, SignatureScheme>> = {
  RS256: { family: 'pkcs1', hash: 'sha256', digestLength: 32 },
  RS384: { family: 'pkcs1', hash: 'sha384', digestLength: 48 },
  RS512: { family: 'pkcs1', hash: 'sha512', digestLength: 64 },
  PS256: { family: 'pss', hash: 'sha256', digestLength: 32 },
  PS384: { family: 'pss', hash: 'sha384', digestLength: 48 },
  PS512: { family: 'pss', hash: 'sha512', digestLength: 64 },
  ES256: { family: 'ecdsa', hash: 'sha256', digestLength: 32 },
  ES384: { family: 'ecdsa', hash: 'sha384', digestLength: 48 },
};

const DIGEST_LENGTHS: Readonly<Record<PaddingHash, number>> = { sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 };

/** DER of DigestInfo up to the digest (RFC 8017, section 9.2, note 1). */
const DIGEST_INFO_PREFIX: Readonly<Record<PaddingHash, Uint8Array>> = {
  sha1: parseHex('3021300906052B0E03021A05000414'),
  sha224: parseHex('302D300D06096086480165030402040500041C'),
  sha256: parseHex('3031300D060960864801650304020105000420'),
  sha384: parseHex('3041300D060960864801650304020205000430'),
  sha512: parseHex('3051300D060960864801650304020305000440'),
};

/**
 * True when a key of this kind can make this signature: ES256 goes with P-256 and ES384 with P-384 (RFC 7518, section 3.4). PS512 wants 130
 * bytes for hash, salt and two more (RFC 8017, section 9.1.1, step 3), which a modulus of 1024 bits has not.
 */
export function fitsKey(algorithm: SignatureAlgorithm, key: KeyAlgorithm): boolean {
  if (algorithm === 'ES256') return key === 'P-256';
  if (algorithm === 'ES384') return key === 'P-384';
  if (algorithm === 'PS512' && key === 'RSA-1024') return false;
  return key.startsWith('RSA-');
}

/** DER of DigestInfo (RFC 8017, section 9.2): what PKCS #1 v1.5 pads, and what CKM_RSA_PKCS of PKCS #11 wants. */
export function encodeDigestInfo(hash: PaddingHash, digest: Uint8Array): Uint8Array {
  return concat(DIGEST_INFO_PREFIX[hash], digest);
}

/** EMSA-PKCS1-v1_5 (RFC 8017, section 9.2) of a digest made already. */
export function encodePkcs1(hash: HashName, digest: Uint8Array, modulusLength: number): Uint8Array {
  return padPkcs1(encodeDigestInfo(hash, digest), modulusLength);
}

/** What stands before the content in a block: 00 01, at least eight times FF, 00 (RFC 8017, section 9.2, step 4). */
export const PKCS1_OVERHEAD = 11;

/** The padding of EMSA-PKCS1-v1_5 around content that is there already. Throws RangeError for one that is too long. */
export function padPkcs1(content: Uint8Array, modulusLength: number): Uint8Array {
  if (content.length > modulusLength - PKCS1_OVERHEAD)
    throw new RangeError(`padding ${content.length} bytes: a key of ${modulusLength} bytes has no room for them`);
  const padding = new Uint8Array(modulusLength - content.length - 3).fill(0xff);
  return concat(Uint8Array.of(0x00, 0x01), padding, Uint8Array.of(0x00), content);
}

/** EMSA-PSS (RFC 8017, section 9.1.1), MGF1 with the same hash, modulus a whole number of bytes. Throws RangeError for a salt that is too long. */
export function encodePss(hash: PaddingHash, digest: Uint8Array, salt: Uint8Array, modulusLength: number): Uint8Array {
  const h = createHash(hash).update(new Uint8Array(8)).update(digest).update(salt).digest();
  const dbLength = modulusLength - h.length - 1;
  const db = concat(new Uint8Array(dbLength - salt.length - 1), Uint8Array.of(0x01), salt);
  const mask = mgf1(hash, h, dbLength);
  const masked = db.map((byte, index) => byte ^ (mask[index] ?? 0));
  masked[0] = (masked[0] ?? 0) & 0x7f; // emBits is one less than the modulus' bits
  return concat(masked, h, Uint8Array.of(0xbc));
}

/** The salt in an EMSA-PSS block (RFC 8017, section 9.1.2, steps 5 to 11), by default as long as the hash. Undefined when there is no room for one. */
export function recoverPssSalt(
  hash: PaddingHash,
  block: Uint8Array,
  saltLength: number = DIGEST_LENGTHS[hash],
): Uint8Array | undefined {
  const digestLength = DIGEST_LENGTHS[hash];
  const dbLength = block.length - digestLength - 1;
  if (dbLength <= saltLength) return undefined;
  const h = block.subarray(dbLength, dbLength + digestLength);
  const mask = mgf1(hash, h, dbLength);
  const db = block.subarray(0, dbLength).map((byte, index) => byte ^ (mask[index] ?? 0));
  return db.subarray(dbLength - saltLength);
}

/** DER SEQUENCE { r, s } to r‖s of fixed length. Anything else is a CardDataError. */
export function ecdsaFromDer(der: Uint8Array, coordinateLength: number): Uint8Array {
  const [sequence, r, s] = decodeSequenceOfTwo(der);
  if (sequence.tag !== 0x30 || r.tag !== 0x02 || s.tag !== 0x02)
    throw new CardDataError('reading a signature: not a DER sequence of two integers');
  return concat(fixedLength(r.value, coordinateLength), fixedLength(s.value, coordinateLength));
}

function decodeSequenceOfTwo(der: Uint8Array): readonly [sequence: TlvObject, first: TlvObject, second: TlvObject] {
  try {
    const sequence = decodeFirstTlv(der).object;
    const first = decodeFirstTlv(sequence.value);
    return [sequence, first.object, decodeFirstTlv(first.rest).object];
  } catch (error) {
    if (!(error instanceof TlvError)) throw error;
    throw new CardDataError(`reading a signature: card gave none (${formatHex(der.subarray(0, 4))}…)`, {}, { cause: error });
  }
}

/** r‖s to DER SEQUENCE { r, s }. */
export function ecdsaToDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  return encodeTlv(0x30, encodeInteger(signature.subarray(0, half)), encodeInteger(signature.subarray(half)));
}

function encodeInteger(unsigned: Uint8Array): Uint8Array {
  let start = 0;
  while (start < unsigned.length - 1 && unsigned[start] === 0) start++;
  const significant = unsigned.subarray(start);
  const isNegative = ((significant[0] ?? 0) & 0x80) !== 0;
  return encodeTlv(0x02, Uint8Array.of(...(isNegative ? [0x00] : [])), significant);
}

function fixedLength(integer: Uint8Array, length: number): Uint8Array {
  let start = 0;
  while (start < integer.length && integer[start] === 0) start++;
  const significant = integer.subarray(start);
  if (significant.length > length)
    throw new CardDataError(`reading a signature: an integer of ${significant.length} bytes, ${length} expected`);
  return concat(new Uint8Array(length - significant.length), significant);
}

/** MGF1 (RFC 8017, appendix B.2.1). */
export function mgf1(hash: PaddingHash, seed: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let counter = 0, made = 0; made < length; counter++) {
    const count = Uint8Array.of(counter >>> 24, counter >>> 16, counter >>> 8, counter);
    const block = createHash(hash).update(seed).update(count).digest();
    blocks.push(block);
    made += block.length;
  }
  return concat(...blocks).subarray(0, length);
}
