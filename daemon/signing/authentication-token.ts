/**
 * The authentication token of Web eID, format web-eid:1.0 (web-eid/web-eid-system-architecture-doc, "Web eID authentication token specification"): a signature
 * over hash(origin) followed by hash(challenge), so that it is good for one site and one challenge. Both are hashed as the texts that they are.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import { ApiError } from '../errors.ts';
import { PRODUCT, VERSION } from '../version.ts';
import { verifyOptions } from './verify-options.ts';

export interface AuthenticationToken {
  readonly unverifiedCertificate: string;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: string;
  readonly format: 'web-eid:1.0';
  readonly appVersion: string;
}

export interface TokenFor {
  readonly origin: string;
  readonly challenge: string;
  /** Of the key that signs, DER. */
  readonly certificate: Uint8Array;
  /** SubjectPublicKeyInfo of that certificate, DER. */
  readonly publicKey: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
}

/** `sign` gives the signature of a digest, ECDSA as r‖s. Throws public_key_mismatch when it is by another key than the certificate's. */
export async function createAuthenticationToken(
  { origin, challenge, certificate, publicKey, algorithm }: TokenFor,
  sign: (digest: Uint8Array) => Promise<Uint8Array>,
): Promise<AuthenticationToken> {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const { hash, ...options } = verifyOptions(algorithm, key);
  const digestOf = (data: string | Uint8Array): Buffer => createHash(hash).update(data).digest();
  const signed = Buffer.concat([digestOf(origin), digestOf(challenge)]);
  const signature = await sign(digestOf(signed));
  if (!verify(hash, signed, options, signature))
    throw new ApiError('public_key_mismatch', 'logging in: the signature of the card does not verify with its certificate');
  return {
    unverifiedCertificate: Buffer.from(certificate).toString('base64'),
    algorithm,
    signature: Buffer.from(signature).toString('base64'),
    format: 'web-eid:1.0',
    appVersion: `${PRODUCT} ${VERSION}`,
  };
}
