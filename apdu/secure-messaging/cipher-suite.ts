/**
 * What secure messaging encrypts and authenticates by: Triple-DES with the retail MAC, or AES with CMAC (ICAO Doc 9303-11, section 9.8). Keys are raw bytes: 16 for
 * Triple-DES (two keys), 16, 24 or 32 for AES.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat } from '../bytes.ts';

export type CipherSuiteName = '3DES' | 'AES-128' | 'AES-192' | 'AES-256';

export interface CipherSuite {
  readonly name: CipherSuiteName;
  readonly keyLengthBytes: 16 | 24 | 32;
  readonly blockLengthBytes: 8 | 16;
  /** CBC without padding: whole blocks. Initialization vector: nought unless given. */
  encrypt(key: Uint8Array, data: Uint8Array, initializationVector?: Uint8Array): Uint8Array;
  decrypt(key: Uint8Array, data: Uint8Array, initializationVector?: Uint8Array): Uint8Array;
  /** Eight bytes; pads by itself what its algorithm wants padded. */
  mac(key: Uint8Array, data: Uint8Array): Uint8Array;
}

export const MAC_LENGTH = 8;
const DES_BLOCK = 8;
const AES_BLOCK = 16;
/** Last byte of the polynomial of CMAC's subkeys for blocks of 128 bits (NIST SP 800-38B, section 5.3). */
const CMAC_POLYNOMIAL = 0x87;

const tripleDes: CipherSuite = {
  name: '3DES',
  keyLengthBytes: 16,
  blockLengthBytes: DES_BLOCK,
  encrypt: (key, data, iv) => encryptCbc('des-ede-cbc', key, data, iv ?? new Uint8Array(DES_BLOCK)),
  decrypt: (key, data, iv) => decryptCbc('des-ede-cbc', key, data, iv ?? new Uint8Array(DES_BLOCK)),
  mac: retailMac,
};

function aes(bits: 128 | 192 | 256): CipherSuite {
  const cipher = `aes-${bits}-cbc`;
  return {
    name: `AES-${bits}`,
    keyLengthBytes: bits === 128 ? 16 : bits === 192 ? 24 : 32,
    blockLengthBytes: AES_BLOCK,
    encrypt: (key, data, iv) => encryptCbc(cipher, key, data, iv ?? new Uint8Array(AES_BLOCK)),
    decrypt: (key, data, iv) => decryptCbc(cipher, key, data, iv ?? new Uint8Array(AES_BLOCK)),
    mac: (key, data) => cmac(cipher, key, data).subarray(0, MAC_LENGTH),
  };
}

export const CIPHER_SUITES: Readonly<Record<CipherSuiteName, CipherSuite>> = {
  '3DES': tripleDes,
  'AES-128': aes(128),
  'AES-192': aes(192),
  'AES-256': aes(256),
};

/** Padding method 2: 80, then noughts to the end of a block (ISO/IEC 9797-1:2011, section 6.3.3). Always adds something. */
export function pad(data: Uint8Array, blockLengthBytes: number): Uint8Array {
  const padded = new Uint8Array(Math.floor(data.length / blockLengthBytes + 1) * blockLengthBytes);
  padded.set(data);
  padded[data.length] = 0x80;
  return padded;
}

/** Undefined for what was not padded so. */
export function unpad(padded: Uint8Array): Uint8Array | undefined {
  const mark = padded.findLastIndex((byte) => byte !== 0);
  return mark !== -1 && padded[mark] === 0x80 ? padded.subarray(0, mark) : undefined;
}

function encryptCbc(cipher: string, key: Uint8Array, data: Uint8Array, iv: Uint8Array): Uint8Array {
  const encryption = createCipheriv(cipher, key, iv).setAutoPadding(false);
  return concat(encryption.update(data), encryption.final());
}

function decryptCbc(cipher: string, key: Uint8Array, data: Uint8Array, iv: Uint8Array): Uint8Array {
  const decryption = createDecipheriv(cipher, key, iv).setAutoPadding(false);
  return concat(decryption.update(data), decryption.final());
}

/**
 * ISO/IEC 9797-1:2011, MAC algorithm 3 with DES: CBC by the first key, and the last block through both. Single DES is Triple-DES with one key twice, which every
 * OpenSSL still has.
 */
function retailMac(key: Uint8Array, data: Uint8Array): Uint8Array {
  const padded = pad(data, DES_BLOCK);
  const first = key.subarray(0, DES_BLOCK);
  const single = concat(first, first);
  const noughts = new Uint8Array(DES_BLOCK);
  const head = padded.subarray(0, padded.length - DES_BLOCK);
  const chained = head.length === 0 ? noughts : encryptCbc('des-ede-cbc', single, head, noughts).slice(-DES_BLOCK);
  return encryptCbc('des-ede-cbc', key, padded.subarray(padded.length - DES_BLOCK), chained);
}

/** NIST SP 800-38B, section 6.2. */
function cmac(cipher: string, key: Uint8Array, data: Uint8Array): Uint8Array {
  const noughts = new Uint8Array(AES_BLOCK);
  const whole = doubled(encryptCbc(cipher, key, noughts, noughts));
  const isWhole = data.length > 0 && data.length % AES_BLOCK === 0;
  const message = isWhole ? Uint8Array.from(data) : pad(data, AES_BLOCK);
  const subkey = isWhole ? whole : doubled(whole);
  const last = message.length - AES_BLOCK;
  for (let index = 0; index < AES_BLOCK; index++) message[last + index] = (message[last + index] ?? 0) ^ (subkey[index] ?? 0);
  return encryptCbc(cipher, key, message, noughts).slice(-AES_BLOCK);
}

/** In the field of 2^128 elements. */
function doubled(block: Uint8Array): Uint8Array {
  const shifted = block.map((byte, index) => (byte << 1) | ((block[index + 1] ?? 0) >> 7));
  if ((block[0] ?? 0) & 0x80) shifted[AES_BLOCK - 1] = (shifted[AES_BLOCK - 1] ?? 0) ^ CMAC_POLYNOMIAL;
  return shifted;
}
