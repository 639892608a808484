/** Numbers of ISO/IEC 7816-4, 7816-8 and 7816-15 that a PKCS #15 card needs; those of this card's own are in `profile.ts` and `layout.ts`. */

/** ISO/IEC 7816-4:2020, section 11, and 7816-8:2021, section 5; table of instructions in 7816-4, section 5.4.2. */
export const INS_VERIFY = 0x20;
export const INS_MANAGE_SECURITY_ENVIRONMENT = 0x22;
export const INS_CHANGE_REFERENCE_DATA = 0x24;
export const INS_PERFORM_SECURITY_OPERATION = 0x2a;
export const INS_RESET_RETRY_COUNTER = 0x2c;
export const INS_GENERATE_ASYMMETRIC_KEY_PAIR = 0x46;
export const INS_SELECT = 0xa4;
export const INS_READ_BINARY = 0xb0;
export const INS_GET_DATA = 0xca;
export const INS_UPDATE_BINARY = 0xd6;
export const INS_CREATE_FILE = 0xe0;
export const INS_DELETE_FILE = 0xe4;

/** ISO/IEC 7816-4:2020, tables 6 and 7. */
export const SW_COMMAND_INCOMPATIBLE_WITH_FILE_STRUCTURE = 0x6981;
export const SW_NC_INCONSISTENT_WITH_P1_P2 = 0x6a87;
export const SW_FILE_ALREADY_EXISTS = 0x6a89;

/** File identifiers that are fixed: the MF and EF.DIR (7816-4, section 7.3.1), those of PKCS #15 v1.1, section 5.5, which 7816-15 keeps. */
export const FID_MF = 0x3f00;
export const FID_DIR = 0x2f00;
export const FID_APPLICATION = 0x5015;
export const FID_ODF = 0x5031;
export const FID_TOKEN_INFO = 0x5032;
export const FID_UNUSED_SPACE = 0x5033;

/** RID of RSA Laboratories, then "PKCS-15" (PKCS #15 v1.1, section 5.4.1). */
export const PKCS15_APPLICATION_ID = 'a000000063504b43532d3135';

/** File control information (7816-4, section 7.4.3, tables 10 and 11). */
export const TAG_FCP = 0x62;
export const TAG_FMD = 0x64;
export const TAG_FCI = 0x6f;
export const TAG_SIZE = 0x80;
export const TAG_FILE_DESCRIPTOR = 0x82;
export const TAG_FILE_IDENTIFIER = 0x83;
export const TAG_DF_NAME = 0x84;
export const TAG_SHORT_EF_IDENTIFIER = 0x88;
export const TAG_LIFE_CYCLE_STATUS = 0x8a;
export const TAG_COMPACT_SECURITY_ATTRIBUTES = 0x8c;

/** Control reference templates and what is in them (7816-4, section 10.3.2, tables 61 and 62). */
export const CRT_AUTHENTICATION = 0xa4;
export const CRT_HASH = 0xaa;
export const CRT_DIGITAL_SIGNATURE = 0xb6;
export const CRT_CONFIDENTIALITY = 0xb8;
export const TAG_ALGORITHM_REFERENCE = 0x80;
export const TAG_FILE_REFERENCE = 0x81;
export const TAG_KEY_REFERENCE = 0x84;

/** Public key template and its parts (7816-8:2021, section 5.1, table 3). */
export const TAG_PUBLIC_KEY = 0x7f49;
export const TAG_MODULUS = 0x81;
export const TAG_PUBLIC_EXPONENT = 0x82;
export const TAG_POINT = 0x86;
