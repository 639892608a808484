import {
  constants,
  createHash,
  generateKeyPairSync,
  privateEncrypt,
  publicDecrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat, parseHex } from './bytes.ts';
import { CardDataError } from './errors.ts';
import { SIGNATURE_SCHEMES, ecdsaFromDer, ecdsaToDer, encodePkcs1, encodePss, fitsKey } from './signature-encoding.ts';
import { encodeTlv } from './tlv/ber-tlv.ts';
import type { KeyAlgorithm, SignatureAlgorithm } from './token.ts';

const MESSAGE = Buffer.from('what is signed');
const RSA_KEYS = { 1024: makeRsa(1024), 2048: makeRsa(2048) };
const SALT_LIKE_DIGEST = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

function makeRsa(modulusLength: number): ReturnType<typeof generateKeyPairSync> {
  return generateKeyPairSync('rsa', { modulusLength });
}

const digestOf = (hash: string): Uint8Array => new Uint8Array(createHash(hash).update(MESSAGE).digest());

describe('padding for raw RSA', () => {
  it.each([
    ['RS256', 1024],
    ['RS256', 2048],
    ['RS384', 1024],
    ['RS384', 2048],
    ['RS512', 1024],
    ['RS512', 2048],
  ] as const)('makes a block that verifies as %s under an RSA-%d key', (algorithm, bits) => {
    const { hash } = SIGNATURE_SCHEMES[algorithm];
    const { privateKey, publicKey } = RSA_KEYS[bits];
    const block = encodePkcs1(hash, digestOf(hash), bits / 8);
    const signature = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);
    expect(block.length).toBe(bits / 8);
    expect(verify(hash, MESSAGE, publicKey, signature)).toBe(true);
    expect(signature).toEqual(sign(hash, MESSAGE, privateKey));
  });

  it.each([
    ['PS256', 1024],
    ['PS256', 2048],
    ['PS384', 1024],
    ['PS384', 2048],
    ['PS512', 2048],
  ] as const)('makes a block that verifies as %s under an RSA-%d key', (algorithm, bits) => {
    const { hash, digestLength } = SIGNATURE_SCHEMES[algorithm];
    const { privateKey, publicKey } = RSA_KEYS[bits];
    const block = encodePss(hash, digestOf(hash), randomBytes(digestLength), bits / 8);
    const signature = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);
    expect(verify(hash, MESSAGE, { key: publicKey, ...SALT_LIKE_DIGEST }, signature)).toBe(true);
  });

  it('puts the salt into a PSS block: another salt makes another block, the same the same', () => {
    const digest = digestOf('sha256');
    const [first, again, other] = [1, 1, 2].map((fill) => encodePss('sha256', digest, new Uint8Array(32).fill(fill), 256));
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
  });

  it('signs what the key can undo: the block comes back out of the public operation', () => {
    const block = encodePkcs1('sha256', digestOf('sha256'), 256);
    const { privateKey, publicKey } = RSA_KEYS[2048];
    const signature = privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);
    expect(publicDecrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, signature)).toEqual(Buffer.from(block));
  });
});

describe('fitsKey', () => {
  const KEYS: readonly KeyAlgorithm[] = ['RSA-1024', 'RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384'];
  const RSA = KEYS.slice(0, 4);

  it.each<[SignatureAlgorithm, readonly KeyAlgorithm[]]>([
    ['RS256', RSA],
    ['RS384', RSA],
    ['RS512', RSA],
    ['PS256', RSA],
    ['PS384', RSA],
    ['PS512', ['RSA-2048', 'RSA-3072', 'RSA-4096']], // hash, salt and two bytes are 130, a modulus of 1024 bits has 128
    ['ES256', ['P-256']],
    ['ES384', ['P-384']],
  ])('pairs %s with %j', (algorithm, expected) => {
    expect(KEYS.filter((key) => fitsKey(algorithm, key))).toEqual(expected);
  });
});

describe('ECDSA signatures', () => {
  it.each([
    ['P-256', 'sha256', 32],
    ['P-384', 'sha384', 48],
  ] as const)(
    'of %s verify as r‖s after the way from DER, and as DER after the way back, 40 times',
    (namedCurve, hash, length) => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      for (let round = 0; round < 40; round++) {
        const der = sign(hash, MESSAGE, privateKey);
        const raw = ecdsaFromDer(der, length);
        expect(raw.length).toBe(2 * length);
        expect(verify(hash, MESSAGE, { key: publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true);
        expect(ecdsaToDer(raw)).toEqual(new Uint8Array(der));
      }
    },
  );

  it.each([
    ['r is short: zeros in front', '3006 020101 020102', `${'00'.repeat(31)}01${'00'.repeat(31)}02`],
    [
      'r has the high bit: a zero byte in DER alone',
      `3045 022100${'FF'.repeat(32)} 0220${'7F'.repeat(32)}`,
      `${'FF'.repeat(32)}${'7F'.repeat(32)}`,
    ],
    [
      'r has a zero byte at its front',
      `3043 021F${'11'.repeat(31)} 0220${'22'.repeat(32)}`,
      `00${'11'.repeat(31)}${'22'.repeat(32)}`,
    ],
  ])('go both ways when %s', (_, der, raw) => {
    expect(ecdsaFromDer(parseHex(der), 32)).toEqual(parseHex(raw));
    expect(ecdsaToDer(parseHex(raw))).toEqual(parseHex(der));
  });

  it('are read with more zeros in front than DER allows', () => {
    expect(ecdsaFromDer(parseHex('3008 0203000001 020102'), 32)).toEqual(parseHex(`${'00'.repeat(31)}01${'00'.repeat(31)}02`));
  });

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['no TLV', parseHex('30')],
    ['r‖s without DER', concat(Uint8Array.of(0x41), new Uint8Array(63).fill(1))],
    ['another tag than SEQUENCE', parseHex('3106 020101 020102')],
    ['an empty SEQUENCE', parseHex('3000')],
    ['one INTEGER', parseHex('3003 020101')],
    ['something else than INTEGER', parseHex('3006 040101 020102')],
    ['an INTEGER of 33 bytes', encodeTlv(0x30, encodeTlv(0x02, new Uint8Array(33).fill(1)), encodeTlv(0x02, Uint8Array.of(1)))],
  ])('are a CardDataError when the card gives %s', (_, der) => {
    expect(() => ecdsaFromDer(der, 32)).toThrow(CardDataError);
  });
});
