/** Numbers of ICAO Doc 9303-10 (files) and 9303-11 (commands), each with its place there. */

/** Section 3.6.1 of 9303-10: the eMRTD application. */
export const APPLICATION_ID = Uint8Array.of(0xa0, 0x00, 0x00, 0x02, 0x47, 0x10, 0x01);

/** ISO/IEC 7816-4:2020, table 4. */
export const INS_MANAGE_SECURITY_ENVIRONMENT = 0x22;
export const INS_EXTERNAL_AUTHENTICATE = 0x82;
export const INS_GET_CHALLENGE = 0x84;
export const INS_GENERAL_AUTHENTICATE = 0x86;
export const INS_INTERNAL_AUTHENTICATE = 0x88;
export const INS_SELECT = 0xa4;
export const INS_READ_BINARY = 0xb0;
export const INS_READ_BINARY_ODD = 0xb1;

/** Secure messaging data objects missing, and wrong (ISO/IEC 7816-4:2020, table 6). */
export const SW_SECURE_MESSAGING_OBJECTS_MISSING = 0x6987;
export const SW_SECURE_MESSAGING_OBJECTS_WRONG = 0x6988;
/** A password that is not the right one, without a counter and with one (9303-11, section 4.4.4.3). */
export const SW_AUTHENTICATION_FAILED = 0x6300;
export const SW_TRIES_LEFT = 0x63c0;

/** What a reader sends in 7C (9303-11, section 4.4.4.2, table 4); the chip answers with the tag above. */
export const TAG_DYNAMIC_DATA = 0x7c;
export const TAG_NONCE = 0x80;
export const TAG_MAPPING = 0x81;
export const TAG_EPHEMERAL_KEY = 0x83;
export const TAG_TOKEN = 0x85;
export const TAG_CHIP_AUTHENTICATION_DATA = 0x8a;

/** Object identifiers of SecurityInfos (9303-11, section 9.2), dotted. */
export const OID_PACE = '0.4.0.127.0.7.2.2.4';
export const OID_CHIP_AUTHENTICATION = '0.4.0.127.0.7.2.2.3';
export const OID_CHIP_AUTHENTICATION_KEY = '0.4.0.127.0.7.2.2.1';
export const OID_ACTIVE_AUTHENTICATION = '2.23.136.1.1.5';
export const OID_LDS_SECURITY_OBJECT = '2.23.136.1.1.1';
export const OID_CSCA_MASTER_LIST = '2.23.136.1.1.2';
/** Of EF.CardSecurity (9303-11, section 9.2.11; TR-03110-3, appendix A.1.2.5). */
export const OID_SECURITY_OBJECT = '0.4.0.127.0.7.3.2.1';
