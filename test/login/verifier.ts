/**
 * What a server does with an authentication token of Web eID, version 1.0, written from its specification and from nothing of ours: the certificate out of the token,
 * the signature over hash(origin) followed by hash(nonce), with the hash function of the algorithm's name. The chain is the server's own affair.
 */
import { createHash, verify, X509Certificate } from 'node:crypto';

export interface Expected {
  readonly origin: string;
  readonly nonce: string;
}

/** The certificate of who logs in, or the reason why not. */
export function verifyToken(token: Readonly<Record<string, unknown>>, { origin, nonce }: Expected): X509Certificate | string {
  const { unverifiedCertificate, algorithm, signature, format } = token;
  if (typeof format !== 'string' || !format.startsWith('web-eid:1')) return 'format';
  const match = /^(ES|RS|PS)(256|384|512)$/.exec(String(algorithm));
  if (!match) return 'algorithm';
  const [, family, size = ''] = match;
  const certificate = new X509Certificate(Buffer.from(String(unverifiedCertificate), 'base64'));
  const key = certificate.publicKey;
  if ((family === 'ES') !== (key.asymmetricKeyType === 'ec')) return 'kind of key';
  const hash = `sha${size}`;
  const hashed = (text: string): Buffer => createHash(hash).update(Buffer.from(text, 'utf8')).digest();
  const data = Buffer.concat([hashed(origin), hashed(nonce)]);
  const isGood = verify(hash, data, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(String(signature), 'base64'));
  return isGood ? certificate : 'signature';
}
