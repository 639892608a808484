/** Numbers of PKCS #11 v2.40 (OASIS, Cryptographic Token Interface Base Specification, and Current Mechanisms), spelt as there. */

/** Base Specification, section 3.2 (slot flags) and 3.3 (token flags). */
export const CKF_TOKEN_PRESENT = 0x1;
export const CKF_HW_SLOT = 0x4;
export const CKF_WRITE_PROTECTED = 0x2;
export const CKF_LOGIN_REQUIRED = 0x4;
export const CKF_USER_PIN_INITIALIZED = 0x8;
export const CKF_PROTECTED_AUTHENTICATION_PATH = 0x100;
export const CKF_TOKEN_INITIALIZED = 0x400;
export const CKF_USER_PIN_FINAL_TRY = 0x20000;
export const CKF_USER_PIN_LOCKED = 0x40000;
export const CKF_SO_PIN_FINAL_TRY = 0x200000;
export const CKF_SO_PIN_LOCKED = 0x400000;

/** Section 3.3: CK_SESSION_INFO flags, given to C_OpenSession. */
export const CKF_RW_SESSION = 0x2;
export const CKF_SERIAL_SESSION = 0x4;
/** Section 5.4, CK_C_INITIALIZE_ARGS. */
export const CKF_OS_LOCKING_OK = 0x2;
/** Section 5.5, C_WaitForSlotEvent. */
export const CKF_DONT_BLOCK = 0x1;

/** Section 3.3, CK_USER_TYPE. */
export const CKU_SO = 0;
export const CKU_USER = 1;
export const CKU_CONTEXT_SPECIFIC = 2;

/** Section 3.4, CK_OBJECT_CLASS. */
export const CKO_CERTIFICATE = 1;
export const CKO_PUBLIC_KEY = 2;
export const CKO_PRIVATE_KEY = 3;

/** Section 3.4, CK_KEY_TYPE and CK_CERTIFICATE_TYPE. */
export const CKK_RSA = 0;
export const CKK_EC = 3;
export const CKC_X_509 = 0;

/** Section 3.4, CK_ATTRIBUTE_TYPE. */
export const CKA_CLASS = 0x0;
export const CKA_TOKEN = 0x1;
export const CKA_PRIVATE = 0x2;
export const CKA_LABEL = 0x3;
export const CKA_VALUE = 0x11;
export const CKA_CERTIFICATE_TYPE = 0x80;
export const CKA_ISSUER = 0x81;
export const CKA_SERIAL_NUMBER = 0x82;
export const CKA_CERTIFICATE_CATEGORY = 0x87;
export const CKA_KEY_TYPE = 0x100;
export const CKA_SUBJECT = 0x101;
export const CKA_ID = 0x102;
export const CKA_SENSITIVE = 0x103;
export const CKA_ENCRYPT = 0x104;
export const CKA_DECRYPT = 0x105;
export const CKA_SIGN = 0x108;
export const CKA_VERIFY = 0x10a;
export const CKA_DERIVE = 0x10c;
export const CKA_MODULUS = 0x120;
export const CKA_MODULUS_BITS = 0x121;
export const CKA_PUBLIC_EXPONENT = 0x122;
export const CKA_EXTRACTABLE = 0x162;
export const CKA_LOCAL = 0x163;
export const CKA_EC_PARAMS = 0x180;
export const CKA_EC_POINT = 0x181;
export const CKA_ALWAYS_AUTHENTICATE = 0x202;

/** Current Mechanisms, sections 2.1 (RSA), 2.3 (EC), 2.20 to 2.22 (SHA-2). */
export const CKM_RSA_PKCS_KEY_PAIR_GEN = 0x0;
export const CKM_RSA_PKCS = 0x1;
export const CKM_RSA_X_509 = 0x3;
export const CKM_RSA_PKCS_PSS = 0xd;
export const CKM_SHA256 = 0x250;
export const CKM_SHA384 = 0x260;
export const CKM_SHA512 = 0x270;
export const CKM_EC_KEY_PAIR_GEN = 0x1040;
export const CKM_ECDSA = 0x1041;
/** Current Mechanisms, section 2.1.7: CK_RSA_PKCS_MGF_TYPE. */
export const CKG_MGF1_SHA256 = 0x2;
export const CKG_MGF1_SHA384 = 0x3;
export const CKG_MGF1_SHA512 = 0x4;

/** Section 3.6, CK_RV; those that are looked at one by one. All have their names in return-values.ts. */
export const CKR_OK = 0x0;
export const CKR_NO_EVENT = 0x8;
export const CKR_ATTRIBUTE_SENSITIVE = 0x11;
export const CKR_ATTRIBUTE_TYPE_INVALID = 0x12;
export const CKR_FUNCTION_NOT_SUPPORTED = 0x54;
export const CKR_SESSION_READ_ONLY = 0xb5;
export const CKR_TOKEN_NOT_PRESENT = 0xe0;
export const CKR_TOKEN_NOT_RECOGNIZED = 0xe1;
export const CKR_TOKEN_WRITE_PROTECTED = 0xe2;
export const CKR_USER_ALREADY_LOGGED_IN = 0x100;
export const CKR_USER_NOT_LOGGED_IN = 0x101;
export const CKR_BUFFER_TOO_SMALL = 0x150;
