/**
 * Groups in which the chip agrees on keys (ICAO Doc 9303-11, section 9.5.1, table 6). Parameters of curves are those that OpenSSL writes out for the curve's name, so that no
 * number is taken from the code that is tested; those of RFC 5114 are as `openssl genpkey -algorithm DHX -pkeyopt dh_rfc5114:N` gives them.
 */
import { generateKeyPairSync } from 'node:crypto';
import { weierstrass } from '@noble/curves/abstract/weierstrass.js';
import { SW_WRONG_DATA } from '../../../../apdu/iso7816/status-word.ts';
import { decodeFirstTlv, decodeTlv, encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { NO_BYTES, bigIntToBytes, bytesToBigInt } from '../../bytes.ts';
import { encodeInteger, encodeOid, sequence } from '../../certificate.ts';
import { Refusal } from '../../transport.ts';
import { PRIME_GROUPS, type PrimeGroup } from './prime-groups.ts';

export interface Group {
  readonly kind: 'DH' | 'ECDH';
  readonly order: bigint;
  readonly fieldBits: number;
  readonly generator: Uint8Array;
  /** Refuses with 6A80 what is no element. */
  multiply(element: Uint8Array, scalar: bigint): Uint8Array;
  add(left: Uint8Array, right: Uint8Array): Uint8Array;
  /** What is derived from: the x-coordinate, or the number itself. */
  secretOf(element: Uint8Array): Uint8Array;
  /** The integrated mapping's function f_G. Undefined where this chip has none. */
  readonly mapToElement?: (pseudoRandom: bigint) => Uint8Array;
  /** SubjectPublicKeyInfo with explicit parameters (section 9.4.2), DER. */
  publicKeyInfo(element: Uint8Array): Uint8Array;
}

/** By the number of the standardized domain parameters, the names that OpenSSL has. */
const CURVE_NAMES: Readonly<Record<number, string>> = {
  8: 'prime192v1',
  9: 'brainpoolP192r1',
  10: 'secp224r1',
  11: 'brainpoolP224r1',
  12: 'prime256v1',
  13: 'brainpoolP256r1',
  14: 'brainpoolP320r1',
  15: 'secp384r1',
  16: 'brainpoolP384r1',
  17: 'brainpoolP512r1',
  18: 'secp521r1',
};
/** dhpublicnumber (ANSI X9.42; RFC 3279, section 2.3.3). */
const OID_DH_PUBLIC_NUMBER = '1.2.840.10046.2.1';

export const GROUP_NUMBERS: readonly number[] = [...PRIME_GROUPS.keys(), ...Object.keys(CURVE_NAMES).map(Number)];

/** Each draw fits with a chance of a half at least. */
const MAX_DRAWS = 128;

const made = new Map<number, Group>();

/** Throws RangeError for a number that is reserved. */
export function groupOf(number: number): Group {
  const found = made.get(number) ?? makeGroup(number);
  made.set(number, found);
  return found;
}

export function isCurve(number: number): boolean {
  return number in CURVE_NAMES;
}

function makeGroup(number: number): Group {
  const name = CURVE_NAMES[number];
  if (name !== undefined) return curveGroup(name);
  const group = PRIME_GROUPS.get(number);
  if (!group) throw new RangeError(`domain parameters ${number} are reserved`);
  return primeGroup(group);
}

interface Curve {
  readonly p: bigint;
  readonly a: bigint;
  readonly b: bigint;
  readonly n: bigint;
  readonly Gx: bigint;
  readonly Gy: bigint;
}

function curveGroup(name: string): Group {
  const { curve, algorithm } = explicitCurve(name);
  const { p, n } = curve;
  const Point = weierstrass({ ...curve, h: 1n });
  type CurvePoint = InstanceType<typeof Point>;
  const decode = (bytes: Uint8Array): CurvePoint =>
    orRefuse(() => {
      if (bytes[0] !== 0x04) throw new RangeError('points are uncompressed');
      const point = Point.fromBytes(bytes);
      point.assertValidity();
      return point;
    });
  const encode = (point: CurvePoint): Uint8Array => orRefuse(() => point.toBytes(false));
  const fieldBytes = bytesFor(p);
  return {
    ...{ kind: 'ECDH', order: n, fieldBits: p.toString(2).length, generator: Point.BASE.toBytes(false) },
    multiply: (element, scalar) => encode(decode(element).multiply(scalar)),
    add: (left, right) => encode(decode(left).add(decode(right))),
    secretOf: (element) => element.slice(1, 1 + fieldBytes),
    ...(p % 4n === 3n ? { mapToElement: (number) => encode(Point.fromAffine(mapToPoint(curve, number % p))) } : {}),
    publicKeyInfo: (element) => sequence(algorithm, encodeTlv(0x03, Uint8Array.of(0), element)),
  };
}

/** What OpenSSL writes for a key with explicit parameters (RFC 3279, section 2.3.5: ECParameters). */
function explicitCurve(namedCurve: string): { readonly curve: Curve; readonly algorithm: Uint8Array } {
  const { publicKey } = generateKeyPairSync('ec', {
    ...{ namedCurve, paramEncoding: 'explicit' },
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  });
  const algorithm = decodeTlv(decodeFirstTlv(new Uint8Array(publicKey)).object.value)[0]?.value ?? NO_BYTES;
  const parameters = decodeTlv(decodeTlv(algorithm)[1]?.value ?? NO_BYTES).map(({ value }) => value);
  const [, fieldId = NO_BYTES, coefficients = NO_BYTES, base = NO_BYTES, order = NO_BYTES] = parameters;
  const numbers = (bytes: Uint8Array): readonly bigint[] => decodeTlv(bytes).map(({ value }) => bytesToBigInt(value));
  const [, p = 0n] = numbers(fieldId);
  const [a = 0n, b = 0n] = numbers(coefficients);
  const half = (base.length - 1) / 2;
  const [Gx, Gy] = [bytesToBigInt(base.subarray(1, 1 + half)), bytesToBigInt(base.subarray(1 + half))];
  return { curve: { p, a, b, n: bytesToBigInt(order), Gx, Gy }, algorithm: sequence(algorithm) };
}

/** Simplified SWU as appendix B.2 of 9303-11 has it, step by step in affine coordinates. */
function mapToPoint({ p, a, b }: Curve, t: bigint): { readonly x: bigint; readonly y: bigint } {
  const reduce = (value: bigint): bigint => ((value % p) + p) % p;
  const alpha = reduce(-(t ** 2n));
  const sum = reduce(alpha ** 2n + alpha);
  const x2 = reduce(-b * (1n + sum) * power(reduce(a * sum), p - 2n, p));
  const h2 = reduce(x2 ** 3n + a * x2 + b);
  const root = power(h2, p - 1n - (p + 1n) / 4n, p);
  if (reduce(root ** 2n * h2) === 1n) return { x: x2, y: reduce(root * h2) };
  return { x: reduce(alpha * x2), y: reduce(root * t ** 3n * h2) };
}

function primeGroup({ p, g, q }: PrimeGroup): Group {
  const length = bytesFor(p);
  const decode = (bytes: Uint8Array): bigint => {
    const value = bytesToBigInt(bytes);
    if (value <= 1n || value >= p - 1n || power(value, q, p) !== 1n) throw new Refusal(SW_WRONG_DATA);
    return value;
  };
  const encode = (value: bigint): Uint8Array => {
    if (value <= 1n) throw new Refusal(SW_WRONG_DATA);
    return bigIntToBytes(value, length);
  };
  const algorithm = sequence(encodeOid(OID_DH_PUBLIC_NUMBER), sequence(encodeInteger(p), encodeInteger(g), encodeInteger(q)));
  return {
    ...{ kind: 'DH', order: q, fieldBits: p.toString(2).length, generator: bigIntToBytes(g, length) },
    multiply: (element, scalar) => encode(power(decode(element), scalar, p)),
    add: (left, right) => encode((decode(left) * decode(right)) % p),
    secretOf: (element) => element,
    mapToElement: (number) => encode(power(number % p, (p - 1n) / q, p)),
    publicKeyInfo: (element) => sequence(algorithm, encodeTlv(0x03, Uint8Array.of(0), encodeInteger(bytesToBigInt(element)))),
  };
}

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === '1') result = (result * base) % modulus;
  }
  return result;
}

/** From 1 to the order less 1, of the bytes that `random` gives. */
export function drawScalar({ order }: Group, random: (lengthBytes: number) => Uint8Array): bigint {
  const bits = order.toString(2).length;
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const scalar = bytesToBigInt(random(bytesFor(order))) & ((1n << BigInt(bits)) - 1n);
    if (scalar > 0n && scalar < order) return scalar;
  }
  throw new RangeError('drawing a scalar: what is drawn is not random');
}

function bytesFor(value: bigint): number {
  return Math.ceil(value.toString(2).length / 8);
}

/** The library's complaint about a point is the chip's 6A80. */
function orRefuse<T>(compute: () => T): T {
  try {
    return compute();
  } catch {
    throw new Refusal(SW_WRONG_DATA);
  }
}
