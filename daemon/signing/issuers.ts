/** Which certificates among some issued one, and those that issued them: what goes along with a signature. */
import type { X509Certificate } from 'node:crypto';
import { ApiError } from '../errors.ts';
import { readCertificate } from './certificate.ts';

/** From the nearest on. What is no certificate is left out. Throws certificate_invalid when `leaf` is none. */
export function issuersOf(leaf: Uint8Array, others: readonly Uint8Array[]): readonly Uint8Array[] {
  const candidates = others.flatMap((der) => readCertificate(der) ?? []);
  const found: X509Certificate[] = [];
  let last = readCertificate(leaf);
  if (!last) throw new ApiError('certificate_invalid', 'reading the certificate of the key: it does not parse as X.509');
  for (;;) {
    const current: X509Certificate = last;
    const issuer = candidates.find((one) => !found.includes(one) && !one.raw.equals(current.raw) && current.checkIssued(one));
    if (!issuer) return found.map(({ raw }) => new Uint8Array(raw));
    found.push(issuer);
    last = issuer;
  }
}
