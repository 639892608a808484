/**
 * Groups in which PACE and chip authentication agree on keys: an elliptic curve or a multiplicative group, behind one contract (ICAO Doc 9303-11, sections 9.4.1 and
 * 9.4.4). Elements are bytes as they go to the card: an uncompressed point, or an integer of the prime's length.
 */
import { weierstrass, type WeierstrassPoint } from '@noble/curves/abstract/weierstrass.js';
import { formatHex, parseHex } from '../bytes.ts';
import { SecureMessagingError } from '../errors.ts';
import { CURVES, GROUPS, type CurveParameters, type GroupParameters } from './domain-parameters.ts';
import { mapToCurve } from './integrated-mapping.ts';

export interface AgreementGroup {
  readonly name: string;
  readonly kind: 'DH' | 'ECDH';
  /** Bits of the prime. */
  readonly primeBits: number;
  /** Of a secret scalar. */
  readonly scalarLengthBytes: number;
  readonly generator: Uint8Array;
  /** Throws SecureMessagingError for an element that is none of the group, or its neutral one. */
  power(element: Uint8Array, scalar: bigint): Uint8Array;
  combine(left: Uint8Array, right: Uint8Array): Uint8Array;
  /** What two sides share when this is their common element: the x-coordinate of a point, the integer itself otherwise. */
  sharedSecret(element: Uint8Array): Uint8Array;
  /** Of the pseudo-random field element (9303-11, appendix B.1 and B.2). */
  integratedMapping(fieldElement: bigint): Uint8Array;
  /** From 1 to the order less 1; drawn anew until it is. */
  drawScalar(randomBytes: (length: number) => Uint8Array): bigint;
}

/** Undefined for numbers that are reserved. */
export function standardizedGroup(id: number): AgreementGroup | undefined {
  const curve = CURVES.find((one) => one.id === id);
  if (curve) return curveGroup(curve);
  const group = GROUPS.find((one) => one.id === id);
  return group && integerGroup(group);
}

export function curveGroup({ name, p, a, b, n, Gx, Gy }: CurveParameters): AgreementGroup {
  const Point = weierstrass({ p, n, h: 1n, a, b, Gx, Gy });
  const decode = (bytes: Uint8Array): WeierstrassPoint<bigint> => {
    try {
      const point = Point.fromBytes(bytes);
      point.assertValidity();
      return point;
    } catch (error) {
      throw new SecureMessagingError(`agreeing on keys: what came is no point of ${name}`, {}, { cause: error });
    }
  };
  const encode = (point: WeierstrassPoint<bigint>): Uint8Array => {
    if (point.is0()) throw new SecureMessagingError('agreeing on keys: card and reader came to the neutral point');
    return point.toBytes(false);
  };
  // The library takes no scalar of nought, which a card may send or a nonce be.
  const multiply = (point: WeierstrassPoint<bigint>, scalar: bigint): WeierstrassPoint<bigint> =>
    scalar === 0n ? Point.ZERO : point.multiply(scalar);
  const primeBits = bitsOf(p);
  return {
    ...{ name, kind: 'ECDH', primeBits, scalarLengthBytes: bytesOf(n) },
    generator: Point.BASE.toBytes(false),
    power: (element, scalar) => encode(multiply(decode(element), scalar % n)),
    combine: (left, right) => encode(decode(left).add(decode(right))),
    sharedSecret: (element) => element.subarray(1, 1 + bytesOf(p)),
    integratedMapping: (fieldElement) => encode(Point.fromAffine(mapToCurve({ p, a, b }, fieldElement))),
    drawScalar: (randomBytes) => drawBelow(n, randomBytes),
  };
}

export function integerGroup({ name, p, g, q }: GroupParameters): AgreementGroup {
  const length = bytesOf(p);
  const decode = (bytes: Uint8Array): bigint => {
    const value = toInteger(bytes);
    if (value > 1n && value < p - 1n && modularPower(value, q, p) === 1n) return value;
    throw new SecureMessagingError(`agreeing on keys: what came is no element of ${name}`);
  };
  const encode = (value: bigint): Uint8Array => {
    if (value <= 1n) throw new SecureMessagingError('agreeing on keys: card and reader came to the neutral element');
    return toBytes(value, length);
  };
  return {
    ...{ name, kind: 'DH', primeBits: bitsOf(p), scalarLengthBytes: bytesOf(q) },
    generator: toBytes(g, length),
    power: (element, scalar) => encode(modularPower(decode(element), scalar, p)),
    combine: (left, right) => encode((decode(left) * decode(right)) % p),
    sharedSecret: (element) => element,
    integratedMapping: (fieldElement) => encode(modularPower(fieldElement, (p - 1n) / q, p)),
    drawScalar: (randomBytes) => drawBelow(q, randomBytes),
  };
}

export function toInteger(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${formatHex(bytes)}`);
}

export function toBytes(value: bigint, length: number): Uint8Array {
  return parseHex(
    value
      .toString(16)
      .toUpperCase()
      .padStart(2 * length, '0'),
  );
}

export function modularPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** Tries that a scalar may need: one below a power of two by half needs two on average. */
const MAX_DRAWS = 128;

function drawBelow(order: bigint, randomBytes: (length: number) => Uint8Array): bigint {
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const scalar = toInteger(randomBytes(bytesOf(order))) & ((1n << BigInt(bitsOf(order))) - 1n);
    if (scalar > 0n && scalar < order) return scalar;
  }
  throw new Error('drawing a secret scalar: the random bytes are not random');
}

function bitsOf(value: bigint): number {
  return value.toString(2).length;
}

function bytesOf(value: bigint): number {
  return Math.ceil(bitsOf(value) / 8);
}
