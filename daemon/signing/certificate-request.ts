/** PKCS #10 certification requests (RFC 2986), signed by a key on a card. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyAlgorithm, SignatureAlgorithm } from '../../apdu/token.ts';
import { AlgorithmNotSupportedError } from '../../apdu/errors.ts';
import { SIGNATURE_SCHEMES, fitsKey } from '../../apdu/signature-encoding.ts';
import { ApiError } from '../errors.ts';
import type { RequestedExtensions } from './extension-request.ts';
import { verifyOptions } from './verify-options.ts';

export interface RequestedCertificate {
  /** RFC 4514. */
  readonly subject: string;
  readonly key: { readonly algorithm: KeyAlgorithm; readonly publicKey: Uint8Array };
  readonly algorithm: SignatureAlgorithm;
  /** What the certificate is asked to say of the key and its card. The authority decides. */
  readonly extensions?: RequestedExtensions;
}

/** `told` are those that the card says it does, where it does. */
export function preferredAlgorithm(key: KeyAlgorithm, told?: readonly SignatureAlgorithm[]): SignatureAlgorithm {
  const usual = key === 'P-256' ? 'ES256' : key === 'P-384' ? 'ES384' : 'RS256';
  return told?.includes(usual) === false ? (told[0] ?? usual) : usual;
}

/**
 * `sign` gives the signature of a digest, ECDSA as r‖s. The signature is verified with the public key before it is given out:
 * public_key_mismatch when the card signed with another key.
 */
export async function createCertificateRequest(
  wanted: RequestedCertificate,
  sign: (digest: Uint8Array) => Promise<Uint8Array>,
): Promise<{ readonly request: string; readonly algorithm: SignatureAlgorithm }> {
  const { key, algorithm } = wanted;
  if (!fitsKey(algorithm, key.algorithm))
    throw new AlgorithmNotSupportedError(`requesting a certificate: ${algorithm} does not go with an ${key.algorithm} key`);
  // These libraries take 40 ms to load, and most sessions never need them.
  const { encodeRequestInfo, encodeRequest } = await import('./certificate-request-asn1.ts');
  const info = encodeRequestInfo(wanted.subject, key.publicKey, wanted.extensions);
  const { hash, ...options } = verifyOptions(
    algorithm,
    createPublicKey({ key: Buffer.from(key.publicKey), format: 'der', type: 'spki' }),
  );
  const signature = await sign(createHash(hash).update(info).digest());
  if (!verify(hash, info, options, signature)) {
    throw new ApiError(
      'public_key_mismatch',
      'requesting a certificate: the signature of the card does not verify with the public key',
    );
  }
  const { family } = SIGNATURE_SCHEMES[algorithm];
  const der = encodeRequest(info, { family, hash }, signature);
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/(.{64})(?!$)/g, '$1\n');
  return { request: `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----\n`, algorithm };
}
