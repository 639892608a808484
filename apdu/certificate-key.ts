/** The public key in a certificate, as far as cards have keys of its kind. */
import { X509Certificate } from 'node:crypto';
import { keyAlgorithmOf } from './public-key.ts';
import type { KeyAlgorithm } from './token.ts';

export interface CertifiedKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/** Undefined for a certificate that does not parse, and for a key that no card here has. */
export function keyOfCertificate(der: Uint8Array): CertifiedKey | undefined {
  let key;
  try {
    key = new X509Certificate(der).publicKey; // read at this moment: a certificate may parse around a key that does not
  } catch {
    return undefined;
  }
  const algorithm = keyAlgorithmOf(key);
  return algorithm && { algorithm, publicKey: new Uint8Array(key.export({ type: 'spki', format: 'der' })) };
}
