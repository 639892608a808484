/**
 * RSA decryption from the block on that a card gives back: padding of PKCS #1 v1.5 and OAEP (RFC 8017, sections 7.2.2 and 7.1.2). What is wrong with a block is not
 * told: callers answer the same to every one that does not hold.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { mgf1, type PaddingHash } from './signature-encoding.ts';

/** 00 02, then at least eight bytes that are not 0. */
const PKCS1_TYPE_ENCRYPTION = 0x02;
const SHORTEST_PADDING = 8;

/** Undefined for a block that does not hold. */
export function decodePkcs1Encryption(block: Uint8Array): Uint8Array | undefined {
  let end = 0;
  for (let index = block.length - 1; index >= 2; index--) if (block[index] === 0) end = index;
  const holds = block[0] === 0 && block[1] === PKCS1_TYPE_ENCRYPTION && end >= 2 + SHORTEST_PADDING;
  return holds ? block.slice(end + 1) : undefined;
}

export interface OaepOptions {
  readonly hash: PaddingHash;
  readonly maskHash: PaddingHash;
  readonly label: Uint8Array;
}

/** Undefined for a block that does not hold. */
export function decodeOaep(block: Uint8Array, { hash, maskHash, label }: OaepOptions): Uint8Array | undefined {
  const labelHash = createHash(hash).update(label).digest();
  const { length } = labelHash;
  if (block.length < 2 * length + 2) return undefined;
  const maskedSeed = block.subarray(1, 1 + length);
  const maskedData = block.subarray(1 + length);
  const seed = unmask(maskedSeed, mgf1(maskHash, maskedData, length));
  const data = unmask(maskedData, mgf1(maskHash, seed, maskedData.length));
  const isLabel = timingSafeEqual(data.subarray(0, length), labelHash);
  let separator = 0;
  let isPadded = true;
  for (let index = data.length - 1; index >= length; index--) if (data[index] !== 0) separator = index;
  if (separator === 0 || data[separator] !== 0x01) isPadded = false;
  return block[0] === 0 && isLabel && isPadded ? data.slice(separator + 1) : undefined;
}

function unmask(masked: Uint8Array, mask: Uint8Array): Uint8Array {
  return Uint8Array.from(masked, (byte, index) => byte ^ (mask[index] ?? 0));
}
