/**
 * The numbers of PIV as this simulator reads them from its sources, on its own: NIST SP 800-73-5 part 1 (objects, references, algorithms) and
 * part 2 (commands); NIST SP 800-78-5 table 10 (algorithms); the Yubico extensions from Yubico.NET.SDK docs/users-manual/application-piv/apdu.
 */

// SP 800-73-5 part 2, sections 3.1 to 3.3; ISO/IEC 7816-4 names them.
export const INS_VERIFY = 0x20;
export const INS_CHANGE_REFERENCE_DATA = 0x24;
export const INS_RESET_RETRY_COUNTER = 0x2c;
export const INS_GENERATE_ASYMMETRIC_KEY_PAIR = 0x47;
export const INS_GENERAL_AUTHENTICATE = 0x87;
export const INS_SELECT = 0xa4;
export const INS_GET_DATA = 0xcb;
export const INS_PUT_DATA = 0xdb;
// Yubico.NET.SDK docs/users-manual/application-piv/apdu: move-key, metadata, serial, attest, set-pin-retries, reset-piv, version, import-asym, set-mgmt-key.
export const INS_MOVE_KEY = 0xf6;
export const INS_GET_METADATA = 0xf7;
export const INS_GET_SERIAL = 0xf8;
export const INS_ATTEST = 0xf9;
export const INS_SET_PIN_RETRIES = 0xfa;
export const INS_RESET = 0xfb;
export const INS_GET_VERSION = 0xfd;
export const INS_IMPORT_KEY = 0xfe;
export const INS_SET_MANAGEMENT_KEY = 0xff;

/** SP 800-73-5 part 1, section 2.2: RID of NIST, then PIX with version 1.0. */
export const APPLICATION_ID = Uint8Array.of(0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00);
export const RID_LENGTH = 5;

// SP 800-73-5 part 1, tables 4 and 5: key references.
export const REFERENCE_GLOBAL_PIN = 0x00;
export const REFERENCE_PIN = 0x80;
export const REFERENCE_PUK = 0x81;
export const KEY_AUTHENTICATION = 0x9a;
export const KEY_MANAGEMENT_KEY = 0x9b;
export const KEY_SIGNATURE = 0x9c;
export const KEY_KEY_MANAGEMENT = 0x9d;
export const KEY_CARD_AUTHENTICATION = 0x9e;
export const KEY_FIRST_RETIRED = 0x82;
export const KEY_LAST_RETIRED = 0x95;
/** Yubico.NET.SDK docs/users-manual/application-piv/slots: attestation. */
export const KEY_ATTESTATION = 0xf9;

// SP 800-78-5, table 10: algorithm identifiers. 16 is Yubico's, from firmware 5.7.
export const ALGORITHM_3DES = 0x03;
/** The default value of the standard, which means 3DES too. */
export const ALGORITHM_3DES_DEFAULT = 0x00;
export const ALGORITHM_RSA_3072 = 0x05;
export const ALGORITHM_RSA_1024 = 0x06;
export const ALGORITHM_RSA_2048 = 0x07;
export const ALGORITHM_AES_128 = 0x08;
export const ALGORITHM_AES_192 = 0x0a;
export const ALGORITHM_AES_256 = 0x0c;
export const ALGORITHM_P256 = 0x11;
export const ALGORITHM_P384 = 0x14;
export const ALGORITHM_RSA_4096 = 0x16;

// SP 800-73-5 part 2, table 7: the dynamic authentication template.
export const TAG_DYNAMIC_AUTHENTICATION = 0x7c;
export const TAG_WITNESS = 0x80;
export const TAG_CHALLENGE = 0x81;
export const TAG_RESPONSE = 0x82;
export const TAG_EXPONENTIATION = 0x85;

// SP 800-73-5 part 2, section 3.3.2: key generation; AA and AB are Yubico's (apdu/generate-pair).
export const TAG_CONTROL_REFERENCE = 0xac;
export const TAG_MECHANISM = 0x80;
export const TAG_PARAMETER = 0x81;
export const TAG_PIN_POLICY = 0xaa;
export const TAG_TOUCH_POLICY = 0xab;
export const TAG_PUBLIC_KEY = 0x7f49;
export const TAG_MODULUS = 0x81;
export const TAG_PUBLIC_EXPONENT = 0x82;
export const TAG_POINT = 0x86;

// SP 800-73-5 part 1, tables 2 and 3, and appendix A: data objects.
export const TAG_TAG_LIST = 0x5c;
export const TAG_DATA = 0x53;
export const TAG_DISCOVERY = 0x7e;
export const TAG_BIOMETRIC_GROUP = 0x7f61;
export const TAG_CHUID = 0x5fc102;
export const TAG_CAPABILITY_CONTAINER = 0x5fc107;
export const TAG_CERTIFICATE = 0x70;
export const TAG_CERTIFICATE_INFO = 0x71;
export const TAG_ERROR_DETECTION = 0xfe;
/** Yubico.NET.SDK docs/users-manual/application-piv/piv-objects: the certificate of F9. */
export const TAG_ATTESTATION_CERTIFICATE = 0x5fff01;
/** The range of tags that a YubiKey stores (same place). */
export const FIRST_STORABLE_TAG = 0x5f0000;
export const LAST_STORABLE_TAG = 0x5fffff;

/** Part 1, table 2: printed information, fingerprints, facial image, iris, pairing code are read after the PIN only. */
export const PIN_PROTECTED_TAGS: ReadonlySet<number> = new Set([0x5fc103, 0x5fc108, 0x5fc109, 0x5fc121, 0x5fc123]);

/** Part 1, table 3: certificate objects of the four keys. Retired key n (reference 81 + n) has 5FC10C + n. */
const CERTIFICATE_TAGS: ReadonlyMap<number, number> = new Map([
  [KEY_AUTHENTICATION, 0x5fc105],
  [KEY_SIGNATURE, 0x5fc10a],
  [KEY_KEY_MANAGEMENT, 0x5fc10b],
  [KEY_CARD_AUTHENTICATION, 0x5fc101],
  [KEY_ATTESTATION, TAG_ATTESTATION_CERTIFICATE],
]);

export function isRetiredKey(reference: number): boolean {
  return reference >= KEY_FIRST_RETIRED && reference <= KEY_LAST_RETIRED;
}

/** Undefined for a reference that is no asymmetric key. */
export function certificateTagOf(reference: number): number | undefined {
  return isRetiredKey(reference) ? 0x5fc10d + reference - KEY_FIRST_RETIRED : CERTIFICATE_TAGS.get(reference);
}

/** Part 1, table 3: 5FC101 to 5FC123 but 5FC104, with 7E and 7F61. */
export function isStandardTag(tag: number): boolean {
  return tag === TAG_DISCOVERY || tag === TAG_BIOMETRIC_GROUP || (tag >= 0x5fc101 && tag <= 0x5fc123 && tag !== 0x5fc104);
}

// Yubico.NET.SDK docs/users-manual/application-piv/apdu/generate-pair and metadata.
export const PIN_POLICY_DEFAULT = 0x00;
export const PIN_POLICY_NEVER = 0x01;
export const PIN_POLICY_ONCE = 0x02;
export const PIN_POLICY_ALWAYS = 0x03;
export const PIN_POLICY_MATCH_ALWAYS = 0x05;
export const TOUCH_POLICY_NEVER = 0x01;
export const TOUCH_POLICY_ALWAYS = 0x02;
export const TOUCH_POLICY_CACHED = 0x03;
export const ORIGIN_GENERATED = 0x01;
export const ORIGIN_IMPORTED = 0x02;
