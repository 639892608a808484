/**
 * ECDSA verification of a digest that was made elsewhere (FIPS 186-5, section 6.4.2). Node verifies only what it hashes itself, and has elliptic-curve
 * multiplication as ECDH alone, which gives x-coordinates; the y-coordinate of a multiple is recovered from the x-coordinate of the next multiple.
 * Public values only: nothing here need be constant in time.
 */
import { createECDH, type KeyObject } from 'node:crypto';
import type { EllipticKeyAlgorithm } from './token.ts';

interface Curve {
  /** OpenSSL's name. */
  readonly name: string;
  readonly lengthBytes: number;
  /** y² = x³ - 3x + b over the integers modulo p; n is the order of the base point (SP 800-186, sections 3.2.1.3 and 3.2.1.4). */
  readonly p: bigint;
  readonly b: bigint;
  readonly n: bigint;
}

const CURVES: Readonly<Record<EllipticKeyAlgorithm, Curve>> = {
  'P-256': {
    name: 'prime256v1',
    lengthBytes: 32,
    p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  'P-384': {
    name: 'secp384r1',
    lengthBytes: 48,
    p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
};

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** For a signature r‖s over a digest as long as the curve's order. */
export function verifyEllipticDigest(
  algorithm: EllipticKeyAlgorithm,
  key: KeyObject,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const curve = CURVES[algorithm];
  const { lengthBytes, n } = curve;
  if (signature.length !== 2 * lengthBytes || digest.length !== lengthBytes) return false;
  const [r, s] = [toBigInt(signature.subarray(0, lengthBytes)), toBigInt(signature.subarray(lengthBytes))];
  if (r === 0n || r >= n || s === 0n || s >= n) return false;
  const inverse = invert(s, n);
  const u1 = (toBigInt(digest) * inverse) % n;
  const u2 = (r * inverse) % n;
  const sum = add(curve, multiplyBase(curve, u1), multiply(curve, pointOf(key), u2));
  return sum !== undefined && sum.x % n === r;
}

function pointOf(key: KeyObject): Point {
  const { x, y } = key.export({ format: 'jwk' });
  return { x: toBigInt(Buffer.from(x ?? '', 'base64url')), y: toBigInt(Buffer.from(y ?? '', 'base64url')) };
}

/** Undefined for the point at infinity. */
function multiplyBase(curve: Curve, scalar: bigint): Point | undefined {
  if (scalar === 0n) return undefined;
  const ecdh = createECDH(curve.name);
  ecdh.setPrivateKey(toBytes(scalar, curve.lengthBytes));
  const point = ecdh.getPublicKey();
  return { x: toBigInt(point.subarray(1, 1 + curve.lengthBytes)), y: toBigInt(point.subarray(1 + curve.lengthBytes)) };
}

/** `scalar` is in 1..n-1. */
function multiply(curve: Curve, point: Point, scalar: bigint): Point {
  if (scalar === 1n) return point;
  if (scalar === curve.n - 1n) return negate(curve, point);
  const x1 = multiplyToX(curve, point, scalar);
  const x2 = multiplyToX(curve, point, scalar + 1n);
  return { x: x1, y: recoverY(curve, point, x1, x2) };
}

function multiplyToX(curve: Curve, { x, y }: Point, scalar: bigint): bigint {
  if (scalar === 1n) return x;
  if (scalar === curve.n - 1n) return x;
  const ecdh = createECDH(curve.name);
  ecdh.setPrivateKey(toBytes(scalar, curve.lengthBytes));
  const uncompressed = Buffer.concat([Uint8Array.of(0x04), toBytes(x, curve.lengthBytes), toBytes(y, curve.lengthBytes)]);
  return toBigInt(ecdh.computeSecret(uncompressed));
}

/**
 * y of kP from x1 = x(kP) and x2 = x((k + 1)P), by the addition law: with d = x1 - x, (x1 + x + x2) d² = (y1 - y)², and the curve's equation for y1² and y².
 */
function recoverY({ p, b }: Curve, { x, y }: Point, x1: bigint, x2: bigint): bigint {
  const difference = x1 - x;
  const squares = x1 ** 3n - 3n * x1 + b + (x ** 3n - 3n * x + b);
  return modulo((squares - (x1 + x + x2) * difference * difference) * invert(modulo(2n * y, p), p), p);
}

/** Undefined for the point at infinity. */
function add(curve: Curve, one: Point | undefined, other: Point): Point | undefined {
  if (!one) return other;
  const { p } = curve;
  const isSameX = one.x === other.x;
  if (isSameX && one.y !== other.y) return undefined;
  const [rise, run] = isSameX ? [3n * one.x * one.x - 3n, 2n * one.y] : [other.y - one.y, other.x - one.x];
  const slope = modulo(modulo(rise, p) * invert(modulo(run, p), p), p);
  const x = modulo(slope * slope - one.x - other.x, p);
  return { x, y: modulo(slope * (one.x - x) - one.y, p) };
}

function negate({ p }: Curve, { x, y }: Point): Point {
  return { x, y: modulo(-y, p) };
}

function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** Modulo a prime, of what is not 0. */
function invert(value: bigint, modulus: bigint): bigint {
  let [remainder, next] = [modulus, value];
  let [coefficient, following] = [0n, 1n];
  while (next !== 0n) {
    const quotient = remainder / next;
    [remainder, next] = [next, remainder - quotient * next];
    [coefficient, following] = [following, coefficient - quotient * following];
  }
  return modulo(coefficient, modulus);
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex') || '0'}`);
}

function toBytes(value: bigint, lengthBytes: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * lengthBytes, '0'), 'hex');
}
