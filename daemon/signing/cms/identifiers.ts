/** Object identifiers of CMS (RFC 5652), enhanced security services (RFC 5035), time stamps (RFC 3161) and CAdES (ETSI EN 319 122-1). */

/** RFC 5652, sections 4, 5.1 and 11. */
export const OID_DATA = '1.2.840.113549.1.7.1';
export const OID_SIGNED_DATA = '1.2.840.113549.1.7.2';
export const OID_CONTENT_TYPE = '1.2.840.113549.1.9.3';
export const OID_MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
export const OID_SIGNING_TIME = '1.2.840.113549.1.9.5';
/** RFC 2634, section 5.4: SHA-1 of the certificate. */
export const OID_SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12';
/** RFC 5035, section 3. */
export const OID_SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';
/** RFC 3161, section 2.4.2 and appendix A. */
export const OID_TST_INFO = '1.2.840.113549.1.9.16.1.4';
export const OID_SIGNATURE_TIME_STAMP = '1.2.840.113549.1.9.16.2.14';
