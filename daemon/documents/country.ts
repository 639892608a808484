/** The state that signed a document: the country of the signer's certificate, in two letters (ICAO Doc 9303-12, section 7.1.1.6). */
import type { CertificateFacts } from '../identity/certificate-facts.ts';

/** X.520, section 6.3.1: countryName. */
const OID_COUNTRY = '2.5.4.6';

/** In capitals; "" for a certificate without. */
export function countryOf({ subject, issuer }: CertificateFacts): string {
  const [country = ''] = subject.attributes.get(OID_COUNTRY) ?? issuer.attributes.get(OID_COUNTRY) ?? [];
  return country.toUpperCase();
}
