import { constants, generateKeyPairSync, privateDecrypt, publicEncrypt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeOaep, decodePkcs1Encryption } from './encryption-decoding.ts';
import type { PaddingHash } from './signature-encoding.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const MESSAGE = Buffer.from('a session key');
const EMPTY = Buffer.alloc(0);

/** As a card does it: the primitive alone. */
function decipher(cryptogram: Uint8Array): Uint8Array {
  return new Uint8Array(privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, cryptogram));
}

describe('a block of PKCS #1 v1.5', () => {
  it.each([MESSAGE, EMPTY, Buffer.alloc(245, 1)])('gives back what OpenSSL put in', (message) => {
    const block = decipher(publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, message));
    expect(Buffer.from(decodePkcs1Encryption(block) ?? [])).toEqual(message);
  });

  it.each<[string, (block: Uint8Array) => void]>([
    ['another first byte', (block) => block.fill(1, 0, 1)],
    ['another type', (block) => block.fill(1, 1, 2)],
    ['too little padding', (block) => block.fill(0, 9, 10)],
    ['no end of the padding', (block) => block.fill(1, 2)],
  ])('with %s does not hold', (_, spoil) => {
    const block = decipher(publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, MESSAGE));
    spoil(block);
    expect(decodePkcs1Encryption(block)).toBeUndefined();
  });
});

describe('a block of OAEP', () => {
  const label = Buffer.from('label');

  it.each<PaddingHash>(['sha1', 'sha256', 'sha384', 'sha512'])('gives back what OpenSSL put in by %s', (hash) => {
    for (const message of [MESSAGE, EMPTY]) {
      const cryptogram = publicEncrypt({ key: publicKey, oaepHash: hash, oaepLabel: label }, message);
      const decoded = decodeOaep(decipher(cryptogram), { hash, maskHash: hash, label });
      expect(Buffer.from(decoded ?? 'nothing')).toEqual(message);
    }
  });

  it('with another label, another hash, or any byte changed does not hold', () => {
    const block = decipher(publicEncrypt({ key: publicKey, oaepHash: 'sha256', oaepLabel: label }, MESSAGE));
    const options = { hash: 'sha256', maskHash: 'sha256', label } as const;
    expect(decodeOaep(block, { ...options, label: EMPTY })).toBeUndefined();
    expect(decodeOaep(block, { ...options, hash: 'sha1' })).toBeUndefined();
    expect(decodeOaep(block, { ...options, maskHash: 'sha1' })).toBeUndefined();
    for (const at of [0, 1, 32, 33, 64]) {
      const spoilt = Uint8Array.from(block, (byte, index) => (index === at ? byte ^ 1 : byte));
      expect(decodeOaep(spoilt, options)).toBeUndefined();
    }
    expect(decodeOaep(block.subarray(0, 40), options)).toBeUndefined();
  });
});
