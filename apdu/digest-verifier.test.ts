import { constants, createHash, generateKeyPairSync, privateEncrypt, sign, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseHex } from './bytes.ts';
import { SIGNATURE_SCHEMES, encodeDigestInfo, encodePkcs1 } from './signature-encoding.ts';
import type { SignatureAlgorithm } from './token.ts';
import { createDigestVerifier, type DigestVerifier } from './digest-verifier.ts';

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
const rsa = (modulusLength: number): Pair => generateKeyPairSync('rsa', { modulusLength });
const elliptic = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve });
const PAIRS: readonly (readonly [string, Pair, Pair, readonly SignatureAlgorithm[]])[] = [
  ['RSA-2048', rsa(2048), rsa(2048), ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
  ['RSA-1024', rsa(1024), rsa(1024), ['RS256', 'PS256']],
  ['P-256', elliptic('P-256'), elliptic('P-256'), ['ES256']],
  ['P-384', elliptic('P-384'), elliptic('P-384'), ['ES384']],
];
const CASES = PAIRS.flatMap(([name, pair, other, algorithms]) =>
  algorithms.map((algorithm) => [algorithm, name, pair, other] as const),
);

function verifierOf({ publicKey }: Pair, algorithm: SignatureAlgorithm): DigestVerifier {
  const verifier = createDigestVerifier(publicKey.export({ type: 'spki', format: 'der' }), algorithm);
  if (!verifier) throw new Error('the key does not go with the algorithm');
  return verifier;
}

/** By Node, which hashes itself. */
function signed({ privateKey }: Pair, algorithm: SignatureAlgorithm, data: Buffer): { digest: Buffer; signature: Buffer } {
  const { family, hash, digestLength } = SIGNATURE_SCHEMES[algorithm];
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: digestLength };
  const options = { key: privateKey, dsaEncoding: 'ieee-p1363' as const, ...(family === 'pss' ? padding : {}) };
  return { digest: createHash(hash).update(data).digest(), signature: sign(hash, data, options) };
}

describe('a signature over a digest', () => {
  it.each(CASES)('by %s and %s is right, time and again', (algorithm, _name, pair) => {
    const verify = verifierOf(pair, algorithm);
    for (let round = 0; round < 8; round++) {
      const { digest, signature } = signed(pair, algorithm, Buffer.from(`document ${round}`));
      expect(verify(digest, signature)).toBe(true);
    }
  });

  it.each(CASES)(
    'by %s and %s is wrong with one bit changed, for another digest, by another key, too short or long',
    (...row) => {
      const [algorithm, , pair, other] = row;
      const verify = verifierOf(pair, algorithm);
      const { digest, signature } = signed(pair, algorithm, Buffer.from('document'));
      for (const at of [0, signature.length >> 1, signature.length - 1]) {
        const changed = Buffer.from(signature);
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(verify(digest, changed)).toBe(false);
      }
      const changed = Buffer.from(digest);
      changed[0] = (changed[0] ?? 0) ^ 0x80;
      expect(verify(changed, signature)).toBe(false);
      expect(verify(digest, signed(other, algorithm, Buffer.from('document')).signature)).toBe(false);
      expect(verify(digest, signature.subarray(1))).toBe(false);
      expect(verify(digest, Buffer.concat([signature, Buffer.alloc(1)]))).toBe(false);
      expect(verify(digest, Buffer.alloc(signature.length))).toBe(false);
      expect(verify(digest, Buffer.alloc(signature.length, 0xff))).toBe(false);
    },
  );

  it('by RS256 is wrong with another padding, or with anything beside the digest in it', () => {
    const [, pair] = PAIRS[0] ?? [];
    if (!pair) throw new Error('no key');
    const digest = createHash('sha256').update('document').digest();
    const right = encodePkcs1('sha256', digest, 256);
    const raw = (block: Uint8Array): Buffer => privateEncrypt({ key: pair.privateKey, padding: constants.RSA_NO_PADDING }, block);
    const info = Buffer.from(encodeDigestInfo('sha256', digest));
    const padded = (pad: number): Buffer => Buffer.concat([Buffer.of(0, 1), Buffer.alloc(pad, 0xff), Buffer.of(0), info]);
    const verify = verifierOf(pair, 'RS256');
    expect(verify(digest, raw(right))).toBe(true);
    const changed = (at: number, value: number): Buffer => {
      const block = Buffer.from(right);
      block[at] = value;
      return block;
    };
    for (const block of [changed(0, 0x01), changed(1, 0x02), changed(1, 0x00), changed(9, 0xfe), changed(100, 0x00)])
      expect(verify(digest, raw(block))).toBe(false);
    // Room that is left before or behind the digest.
    const short = padded(8);
    expect(verify(digest, raw(Buffer.concat([short, Buffer.alloc(256 - short.length, 0xaa)])))).toBe(false);
    expect(verify(digest, raw(Buffer.concat([Buffer.alloc(256 - short.length), short])))).toBe(false);
  });

  it('of a salt as long as the hash alone is PSS as JWA has it', () => {
    const [, pair] = PAIRS[0] ?? [];
    if (!pair) throw new Error('no key');
    const data = Buffer.from('document');
    const short = sign('sha256', data, { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 20 });
    expect(verifierOf(pair, 'PS256')(createHash('sha256').update(data).digest(), short)).toBe(false);
  });

  it('of the published example for P-256 and SHA-256 is right (RFC 6979, appendix A.2.5, message "sample")', () => {
    const x = Buffer.from('60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6', 'hex').toString('base64url');
    const y = Buffer.from('7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299', 'hex').toString('base64url');
    const key = Buffer.concat([
      parseHex('3059301306072A8648CE3D020106082A8648CE3D03010703420004'),
      Buffer.from(x, 'base64url'),
      Buffer.from(y, 'base64url'),
    ]);
    const signature = parseHex(
      'EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8',
    );
    const verify = createDigestVerifier(key, 'ES256');
    expect(verify?.(createHash('sha256').update('sample').digest(), signature)).toBe(true);
  });

  it('of a key of another kind, or of none, is not verified at all', () => {
    const [, pair] = PAIRS[0] ?? [];
    expect(
      createDigestVerifier(pair?.publicKey.export({ type: 'spki', format: 'der' }) ?? Buffer.alloc(0), 'ES256'),
    ).toBeUndefined();
    expect(createDigestVerifier(Buffer.from('none'), 'ES256')).toBeUndefined();
    expect(
      createDigestVerifier(elliptic('secp521r1').publicKey.export({ type: 'spki', format: 'der' }), 'ES384'),
    ).toBeUndefined();
  });
});
