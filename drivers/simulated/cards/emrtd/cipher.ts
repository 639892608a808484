/**
 * What a passport's chip encrypts and authenticates by (ICAO Doc 9303-11, section 9.8): Triple-DES with two keys and the retail MAC, or AES with CMAC. Also the
 * derivation of their keys (section 9.7.1).
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { bigIntToBytes, bytesToBigInt, concatBytes } from '../../bytes.ts';

export const SUITE_NAMES = ['3DES', 'AES-128', 'AES-192', 'AES-256'] as const;
export type SuiteName = (typeof SUITE_NAMES)[number];

export interface Suite {
  readonly name: SuiteName;
  readonly keyBytes: number;
  readonly blockBytes: number;
  /** CBC over whole blocks; without a vector it is nought. */
  encrypt(key: Uint8Array, blocks: Uint8Array, vector?: Uint8Array): Uint8Array;
  decrypt(key: Uint8Array, blocks: Uint8Array, vector?: Uint8Array): Uint8Array;
  /** Eight bytes. The retail MAC pads whatever it is given, CMAC by its own rule. */
  authenticate(key: Uint8Array, message: Uint8Array): Uint8Array;
}

export const CODE_BYTES = 8;
/** What derived keys are for: the counter of section 9.7.1. */
export const FOR_ENCRYPTION = 1;
export const FOR_AUTHENTICATION = 2;
export const FOR_PASSWORD = 3;
const DES_BLOCK = 8;
const AES_BLOCK = 16;

const TRIPLE_DES: Suite = {
  ...{ name: '3DES', keyBytes: 16, blockBytes: DES_BLOCK },
  encrypt: (key, blocks, vector) =>
    cbc('encrypt', 'des-ede3-cbc', { key: threeKeys(key), blocks, vector, blockBytes: DES_BLOCK }),
  decrypt: (key, blocks, vector) =>
    cbc('decrypt', 'des-ede3-cbc', { key: threeKeys(key), blocks, vector, blockBytes: DES_BLOCK }),
  authenticate: retailCode,
};

function aes(bits: 128 | 192 | 256): Suite {
  const cipher = `aes-${bits}-cbc`;
  return {
    ...{ name: `AES-${bits}`, keyBytes: bits / 8, blockBytes: AES_BLOCK },
    encrypt: (key, blocks, vector) => cbc('encrypt', cipher, { key, blocks, vector, blockBytes: AES_BLOCK }),
    decrypt: (key, blocks, vector) => cbc('decrypt', cipher, { key, blocks, vector, blockBytes: AES_BLOCK }),
    authenticate: (key, message) => cipherCode(cipher, key, message),
  };
}

export const SUITES: Readonly<Record<SuiteName, Suite>> = {
  '3DES': TRIPLE_DES,
  'AES-128': aes(128),
  'AES-192': aes(192),
  'AES-256': aes(256),
};

interface CbcInput {
  readonly key: Uint8Array;
  readonly blocks: Uint8Array;
  readonly vector: Uint8Array | undefined;
  readonly blockBytes: number;
}

function cbc(direction: 'decrypt' | 'encrypt', name: string, { key, blocks, vector, blockBytes }: CbcInput): Uint8Array {
  const start = vector ?? new Uint8Array(blockBytes);
  const cipher = direction === 'encrypt' ? createCipheriv(name, key, start) : createDecipheriv(name, key, start);
  cipher.setAutoPadding(false);
  return concatBytes(cipher.update(blocks), cipher.final());
}

/** Keying option 2 (NIST SP 800-67, section 3.2): the first key once more as the third. */
function threeKeys(key: Uint8Array): Uint8Array {
  return concatBytes(key, key.subarray(0, DES_BLOCK));
}

/** ISO/IEC 9797-1:2011, MAC algorithm 3, padding method 2: single DES throughout, at the end decrypted by the other key and encrypted by the first. */
function retailCode(key: Uint8Array, message: Uint8Array): Uint8Array {
  const single = (half: Uint8Array): Uint8Array => concatBytes(half, half, half);
  const [first, second] = [single(key.subarray(0, DES_BLOCK)), single(key.subarray(DES_BLOCK))];
  const block = { vector: undefined, blockBytes: DES_BLOCK };
  const chained = cbc('encrypt', 'des-ede3-cbc', { ...block, key: first, blocks: padBlocks(message, DES_BLOCK) });
  const between = cbc('decrypt', 'des-ede3-cbc', { ...block, key: second, blocks: chained.slice(-DES_BLOCK) });
  return cbc('encrypt', 'des-ede3-cbc', { ...block, key: first, blocks: between });
}

/** CMAC (RFC 4493, section 2.4, for any length of key), its first eight bytes. */
function cipherCode(cipher: string, key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = { key, vector: undefined, blockBytes: AES_BLOCK };
  const first = doubleInField(cbc('encrypt', cipher, { ...block, blocks: new Uint8Array(AES_BLOCK) }));
  const isWhole = message.length > 0 && message.length % AES_BLOCK === 0;
  const blocks = isWhole ? message.slice() : padBlocks(message, AES_BLOCK);
  const mask = isWhole ? first : doubleInField(first);
  mask.forEach((byte, index) => {
    const at = blocks.length - AES_BLOCK + index;
    blocks[at] = (blocks[at] ?? 0) ^ byte;
  });
  return cbc('encrypt', cipher, { ...block, blocks })
    .slice(-AES_BLOCK)
    .subarray(0, CODE_BYTES);
}

/** Times x in the field of 2^128 elements, by the polynomial 0x87 (RFC 4493, section 2.3). */
function doubleInField(block: Uint8Array): Uint8Array {
  const doubled = bytesToBigInt(block) << 1n;
  const overflow = doubled >> 128n;
  return bigIntToBytes((doubled & ((1n << 128n) - 1n)) ^ (overflow * 0x87n), AES_BLOCK);
}

/** Padding method 2 (ISO/IEC 9797-1:2011, section 6.3.3). */
export function padBlocks(message: Uint8Array, blockBytes: number): Uint8Array {
  return concatBytes(message, Uint8Array.of(0x80), new Uint8Array(blockBytes - 1 - (message.length % blockBytes)));
}

/** Undefined for what is not padded so. */
export function unpadBlocks(blocks: Uint8Array): Uint8Array | undefined {
  let end = blocks.length;
  while (end > 0 && blocks[end - 1] === 0) end--;
  return blocks[end - 1] === 0x80 ? blocks.subarray(0, end - 1) : undefined;
}

export function deriveKey(suite: Suite, secret: Uint8Array, counter: number): Uint8Array {
  const hash = createHash(suite.keyBytes > 16 ? 'sha256' : 'sha1')
    .update(secret)
    .update(Uint8Array.of(0, 0, 0, counter));
  const key = new Uint8Array(hash.digest()).slice(0, suite.keyBytes);
  return suite.name === '3DES' ? key.map(oddParity) : key;
}

function oddParity(byte: number): number {
  const ones = (byte >> 1).toString(2).replaceAll('0', '').length;
  return (byte & 0xfe) | ((ones + 1) % 2);
}
