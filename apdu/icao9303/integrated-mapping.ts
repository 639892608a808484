/** The integrated mapping of PACE (ICAO Doc 9303-11, appendix B): a point of the curve out of two nonces, which nobody knows the logarithm of. */
import type { CipherSuite } from '../secure-messaging/cipher-suite.ts';
import { concat, parseHex } from '../bytes.ts';

/** The constants of the pseudo-random function, for blocks of keys of 128 bits and of longer ones (9303-11, section 4.4.3.3.2). */
const SHORT = { c0: parseHex('A668892A7C41E3CA739F40B057D85904'), c1: parseHex('A4E136AC725F738B01C1F60217C188AD') };
const LONG = {
  c0: parseHex('D463D65234124EF7897054986DCA0A174E28DF758CBAA03F240616414D5A1676'),
  c1: parseHex('54BD7255F0AAF831BEC3423FCF39D69B6CBF066677D0FAAE5AADD99DF8E53517'),
};
/** Bits by which the stream is longer than the prime, so that the remainder is even (section 4.4.3.3.2). */
const SURPLUS_BITS = 64;

/** R(s, t) before its remainder by the prime: `nonce` is the card's, `readerNonce` of the key's length. */
export function pseudoRandom(suite: CipherSuite, nonce: Uint8Array, readerNonce: Uint8Array, primeBits: number): Uint8Array {
  const { c0, c1 } = suite.keyLengthBytes === 16 ? SHORT : LONG;
  const blocks = Math.ceil((primeBits + SURPLUS_BITS) / (8 * c0.length));
  const keyOf = (block: Uint8Array): Uint8Array => block.subarray(0, suite.keyLengthBytes);
  let key = keyOf(suite.encrypt(readerNonce, nonce));
  const stream: Uint8Array[] = [];
  for (let block = 0; block < blocks; block++) {
    stream.push(suite.encrypt(key, c1));
    key = keyOf(suite.encrypt(key, c0));
  }
  return concat(...stream);
}

interface Curve {
  readonly p: bigint;
  readonly a: bigint;
  readonly b: bigint;
}

/** Appendix B.2, in affine coordinates; for primes that leave 3 by 4, as all of these but P-224 do. Throws RangeError for others. */
export function mapToCurve({ p, a, b }: Curve, t: bigint): { readonly x: bigint; readonly y: bigint } {
  if (p % 4n !== 3n) throw new RangeError('mapping to a curve: its prime does not leave 3 by 4');
  const mod = (value: bigint): bigint => ((value % p) + p) % p;
  const power = (base: bigint, exponent: bigint): bigint => {
    let [result, square] = [1n, mod(base)];
    for (let rest = exponent; rest > 0n; rest >>= 1n) {
      if (rest & 1n) result = mod(result * square);
      square = mod(square * square);
    }
    return result;
  };
  const alpha = mod(-t * t);
  const alphas = mod(alpha + alpha * alpha);
  const x2 = mod(-b * (1n + alphas) * power(a * alphas, p - 2n));
  const x3 = mod(alpha * x2);
  const h2 = mod(x2 * x2 * x2 + a * x2 + b);
  const u = mod(t * t * t * h2);
  const root = power(h2, p - 1n - (p + 1n) / 4n);
  return mod(root * root * h2) === 1n ? { x: x2, y: mod(root * h2) } : { x: x3, y: mod(root * u) };
}
