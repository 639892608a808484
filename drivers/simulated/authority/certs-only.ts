/** Certificates in a CMS without signers (RFC 5652, section 5.1): "certs-only", as EST gives them out (RFC 7030, sections 4.1.3 and 4.2.3). */
import { ContentInfo, EncapsulatedContentInfo, SignedData } from 'pkijs';
import { readCertificate } from './issuers.ts';

/** RFC 5652, sections 4 and 5.1. */
const OID_DATA = '1.2.840.113549.1.7.1';
const OID_SIGNED_DATA = '1.2.840.113549.1.7.2';

/** DER. */
export function encodeCertsOnly(ders: readonly Uint8Array[]): Uint8Array {
  const signedData = new SignedData({
    version: 1,
    encapContentInfo: new EncapsulatedContentInfo({ eContentType: OID_DATA }),
    certificates: ders.map((der) => readCertificate(der)),
  });
  const content = new ContentInfo({ contentType: OID_SIGNED_DATA, content: signedData.toSchema(true) });
  return new Uint8Array(content.toSchema().toBER());
}
