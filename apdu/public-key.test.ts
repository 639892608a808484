import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CardDataError } from './errors.ts';
import { encodeEllipticPublicKey, encodeRsaPublicKey, keyAlgorithmOf } from './public-key.ts';

const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: 'der', type: 'spki' }));
const field = (key: KeyObject, name: 'n' | 'e' | 'x' | 'y'): Uint8Array =>
  new Uint8Array(Buffer.from(key.export({ format: 'jwk' })[name] ?? '', 'base64url'));
const pointOf = (key: KeyObject): Uint8Array => Uint8Array.of(0x04, ...field(key, 'x'), ...field(key, 'y'));

describe('encodeRsaPublicKey', () => {
  it('makes the SubjectPublicKeyInfo that OpenSSL makes, leading zeros in the modulus or not', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(encodeRsaPublicKey(field(publicKey, 'n'), field(publicKey, 'e'))).toEqual(spkiOf(publicKey));
    const padded = Uint8Array.of(0, ...field(publicKey, 'n'));
    expect(encodeRsaPublicKey(padded, field(publicKey, 'e'))).toEqual(spkiOf(publicKey));
  });
});

describe('encodeEllipticPublicKey', () => {
  it.each(['P-256', 'P-384'] as const)('makes the SubjectPublicKeyInfo that OpenSSL makes for %s', (namedCurve) => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve });
    expect(encodeEllipticPublicKey(namedCurve, pointOf(publicKey))).toEqual(spkiOf(publicKey));
  });

  it('refuses a point off the curve, of another curve, compressed, cut short, or empty', () => {
    const point = pointOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
    const off = point.slice();
    off[64] = (off[64] ?? 0) ^ 1;
    const compressed = Uint8Array.of(0x02, ...point.subarray(1));
    for (const bad of [off, compressed, point.subarray(0, 64), new Uint8Array(), new Uint8Array(65)])
      expect(() => encodeEllipticPublicKey('P-256', bad)).toThrow(CardDataError);
    expect(() => encodeEllipticPublicKey('P-384', point)).toThrow(CardDataError);
  });
});

describe('keyAlgorithmOf', () => {
  it.each([
    ['RSA-1024', () => generateKeyPairSync('rsa', { modulusLength: 1024 })],
    ['RSA-2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    [undefined, () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    [undefined, () => generateKeyPairSync('ed25519')],
    [undefined, () => generateKeyPairSync('rsa', { modulusLength: 1032 })],
  ])('names a key %s', (algorithm, make) => {
    const { publicKey } = make();
    expect(keyAlgorithmOf(createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })))).toBe(algorithm);
  });
});
