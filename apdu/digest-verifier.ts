/**
 * Verifies signatures over digests that were made elsewhere: RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017, section 8) by raising to the public exponent and
 * encoding again what the card was given, ECDSA in elliptic-digest.ts.
 */
import { constants, createPublicKey, publicDecrypt, type KeyObject, type RsaPublicKey } from 'node:crypto';
import { equalBytes } from './bytes.ts';
import { MODULUS_LENGTH, keyAlgorithmOf } from './public-key.ts';
import { SIGNATURE_SCHEMES, encodeDigestInfo, encodePss, fitsKey, recoverPssSalt } from './signature-encoding.ts';
import type { EllipticKeyAlgorithm, KeyAlgorithm, RsaKeyAlgorithm, SignatureAlgorithm } from './token.ts';
import { verifyEllipticDigest } from './elliptic-digest.ts';

export type DigestVerifier = (digest: Uint8Array, signature: Uint8Array) => boolean;

/** For the SubjectPublicKeyInfo, DER. Undefined when the algorithm does not go with such a key, or it is none. */
export function createDigestVerifier(publicKey: Uint8Array, algorithm: SignatureAlgorithm): DigestVerifier | undefined {
  const key = openPublicKey(publicKey);
  const kind = key && keyAlgorithmOf(key);
  if (!kind || !fitsKey(algorithm, kind)) return undefined;
  if (isElliptic(kind)) return (digest, signature) => verifyEllipticDigest(kind, key, digest, signature);
  return (digest, signature) => verifyRsa(key, kind, algorithm, digest, signature);
}

function verifyRsa(
  key: KeyObject,
  kind: RsaKeyAlgorithm,
  algorithm: SignatureAlgorithm,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { family, hash } = SIGNATURE_SCHEMES[algorithm];
  const modulusLength = MODULUS_LENGTH[kind];
  if (signature.length !== modulusLength) return false;
  if (family === 'pkcs1') {
    // OpenSSL takes the padding off, and there is but one that fills the modulus. A key without options is a third quicker.
    const info = raise(key, signature);
    return info !== undefined && equalBytes(info, encodeDigestInfo(hash, digest));
  }
  const block = raise({ key, padding: constants.RSA_NO_PADDING }, signature);
  if (!block) return false;
  const salt = recoverPssSalt(hash, block);
  return salt !== undefined && equalBytes(block, encodePss(hash, digest, salt, modulusLength));
}

/** Undefined for a number that is not below the modulus, and for padding that is not right: block type 1 unless `key` says that there is none. */
function raise(key: KeyObject | RsaPublicKey, signature: Uint8Array): Uint8Array | undefined {
  try {
    return publicDecrypt(key, signature);
  } catch {
    return undefined;
  }
}

function openPublicKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

function isElliptic(kind: KeyAlgorithm): kind is EllipticKeyAlgorithm {
  return kind === 'P-256' || kind === 'P-384';
}
