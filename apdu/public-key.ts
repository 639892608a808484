/** Public keys as cards give them (modulus and exponent, or a point), made into SubjectPublicKeyInfo, and back to an algorithm name. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { CardDataError } from './errors.ts';
import type { EllipticKeyAlgorithm, KeyAlgorithm } from './token.ts';

/** Length of a coordinate, in bytes (SEC 1, section 2.3.3). */
export const COORDINATE_LENGTH: Readonly<Record<EllipticKeyAlgorithm, number>> = { 'P-256': 32, 'P-384': 48 };

/** Modulus lengths that cards have, in bytes. */
export const MODULUS_LENGTH = { 'RSA-1024': 128, 'RSA-2048': 256, 'RSA-3072': 384, 'RSA-4096': 512 } as const;

const UNCOMPRESSED_POINT = 0x04;

export function encodeRsaPublicKey(modulus: Uint8Array, publicExponent: Uint8Array): Uint8Array {
  return toSpki({ kty: 'RSA', n: base64url(modulus), e: base64url(publicExponent) });
}

/** `point` is uncompressed: 04 ‖ X ‖ Y (SEC 1, section 2.3.3). A point that is not on the curve is a CardDataError. */
export function encodeEllipticPublicKey(algorithm: EllipticKeyAlgorithm, point: Uint8Array): Uint8Array {
  const length = COORDINATE_LENGTH[algorithm];
  if (point.length !== 1 + 2 * length || point[0] !== UNCOMPRESSED_POINT) {
    throw new CardDataError(`reading a public key: ${point.length} bytes are no uncompressed ${algorithm} point`);
  }
  return toSpki({
    kty: 'EC',
    crv: algorithm,
    x: base64url(point.subarray(1, 1 + length)),
    y: base64url(point.subarray(1 + length)),
  });
}

/** The algorithm of a key object, or undefined for one that no card here has. */
export function keyAlgorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa') return rsaAlgorithms.get(details?.modulusLength ?? 0);
  if (key.asymmetricKeyType === 'ec') return ellipticAlgorithms.get(details?.namedCurve ?? '');
  return undefined;
}

const rsaAlgorithms: ReadonlyMap<number, KeyAlgorithm> = new Map([
  [1024, 'RSA-1024'],
  [2048, 'RSA-2048'],
  [3072, 'RSA-3072'],
  [4096, 'RSA-4096'],
]);
/** OpenSSL's names for the curves. */
const ellipticAlgorithms: ReadonlyMap<string, KeyAlgorithm> = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
]);

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function toSpki(jwk: { kty: string; [field: string]: string }): Uint8Array {
  try {
    return new Uint8Array(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' }));
  } catch (error) {
    throw new CardDataError('reading a public key: the card gave one that is not valid', {}, { cause: error });
  }
}
