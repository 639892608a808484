import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeTlv, requireTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bytesToBigInt, parseHex } from '../../bytes.ts';
import { P256, agree, computeRsa, importCurve, openPrivateKey, signDigest } from './private-key.ts';

describe('signDigest', () => {
  it('signs as RFC 6979, appendix A.2.5, does with its k, for P-256 and SHA-256 of "sample"', () => {
    const key = importCurve(P256, parseHex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721'));
    const scalar = parseHex('a6e3c57dd01abe90086538398355dd4c3b17aa873382b0f24d6129493d8aad60');
    const ephemeral = importCurve(P256, scalar);
    if (!key || !ephemeral) throw new Error('the vector is no key');
    const point = requireTlv(decodeTlv(ephemeral.publicKey), 0x86);
    const digest = parseHex('af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf');
    const signature = signDigest(key, digest, () => ({ scalar, point })) ?? new Uint8Array();
    const [r, s] = decodeTlv(requireTlv(decodeTlv(signature), 0x30)).map(({ value }) => bytesToBigInt(value));
    expect(r).toBe(0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716n);
    expect(s).toBe(0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8n);
  });

  it('is for curves, and computeRsa for blocks below the modulus', () => {
    const rsa = openPrivateKey(
      new Uint8Array(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'der', type: 'pkcs8' })),
    );
    expect(signDigest(rsa, new Uint8Array(32))).toBeUndefined();
    expect(agree(rsa, new Uint8Array(65))).toBeUndefined();
    expect(computeRsa(rsa, new Uint8Array(128).fill(0xff))).toBeUndefined();
    expect(computeRsa(rsa, new Uint8Array(128))).toEqual(new Uint8Array(128));
  });

  it('has no key that a PIV card cannot hold', () => {
    const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    expect(() => openPrivateKey(new Uint8Array(ed25519))).toThrow(/ed25519 is no key of a PIV card/);
    expect(importCurve(P256, new Uint8Array(32).fill(0xff))).toBeUndefined();
  });
});
