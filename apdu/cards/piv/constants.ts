/**
 * Numbers of PIV: NIST SP 800-73-5 part 1 (data model) and part 2 (card commands), and Yubico's extensions as its SDK documents them.
 */
import { parseHex } from '../../bytes.ts';
import type { KeyAlgorithm, KeyUsage } from '../../token.ts';

/** SP 800-73-5 part 1, section 2.2: the version bytes at the end are left out, since cards of every version answer to the truncated AID. */
export const PIV_APPLICATION_ID = parseHex('A00000030800001000');

/** SP 800-73-5 part 2, section 3, table 2. */
export const INS_VERIFY = 0x20;
export const INS_CHANGE_REFERENCE_DATA = 0x24;
export const INS_RESET_RETRY_COUNTER = 0x2c;
export const INS_GENERAL_AUTHENTICATE = 0x87;
export const INS_GENERATE_ASYMMETRIC_KEY_PAIR = 0x47;
export const INS_GET_DATA = 0xcb;
export const INS_PUT_DATA = 0xdb;

/** Yubico PIV extensions (Yubico .NET SDK, users-manual/application-piv/apdu). */
export const INS_YUBICO_MOVE_KEY = 0xf6;
export const INS_YUBICO_GET_METADATA = 0xf7;
export const INS_YUBICO_GET_SERIAL = 0xf8;
export const INS_YUBICO_ATTEST = 0xf9;
export const INS_YUBICO_SET_PIN_RETRIES = 0xfa;
export const INS_YUBICO_RESET = 0xfb;
export const INS_YUBICO_VERSION = 0xfd;
export const INS_YUBICO_IMPORT_KEY = 0xfe;
export const INS_YUBICO_SET_MANAGEMENT_KEY = 0xff;

/** P2 of VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (SP 800-73-5 part 1, table 4). */
export const PIN_REFERENCE = '80';
export const PUK_REFERENCE = '81';
export const GLOBAL_PIN_REFERENCE = '00';
/** SP 800-73-5 part 2, section 2.4.3: six to eight digits, FF-padded to eight bytes. Yubico lets a PUK have six to eight as well. */
export const PIN_MIN_LENGTH = 6;
export const PIN_BLOCK_LENGTH = 8;

/** Card management key (SP 800-73-5 part 1, table 4). */
export const MANAGEMENT_KEY_REFERENCE = 0x9b;
/** What cards leave the factory with (Yubico .NET SDK, users-manual/application-piv/pin-puk-mgmt-key): public, so no secret. */
export const FACTORY_MANAGEMENT_KEY = parseHex('010203040506070801020304050607080102030405060708');
export const YUBICO_ATTESTATION_KEY_REFERENCE = 0xf9;

/** Algorithm identifiers (SP 800-78-5, table 6-2; RSA-1024 from SP 800-78-2, RSA-4096 from Yubico firmware 5.7). */
export const ALGORITHM_IDS: Readonly<Record<KeyAlgorithm, number>> = {
  'RSA-1024': 0x06,
  'RSA-2048': 0x07,
  'RSA-3072': 0x05,
  'RSA-4096': 0x16,
  'P-256': 0x11,
  'P-384': 0x14,
};

/** What a card of the standard makes (SP 800-78-5, section 3.1); earlier cards have no RSA-3072, and refuse it. */
export const PIV_MADE_KEYS: readonly KeyAlgorithm[] = ['RSA-2048', 'RSA-3072', 'P-256', 'P-384'];

/** Dynamic authentication template and its data objects (SP 800-73-5 part 2, table 7). */
export const TAG_DYNAMIC_AUTHENTICATION = 0x7c;
export const TAG_WITNESS = 0x80;
export const TAG_CHALLENGE = 0x81;
export const TAG_RESPONSE = 0x82;
export const TAG_EXPONENTIATION = 0x85;

/** GENERATE ASYMMETRIC KEY PAIR (SP 800-73-5 part 2, section 3.3.2, tables 13 and 15). */
export const TAG_CONTROL_REFERENCE = 0xac;
export const TAG_MECHANISM = 0x80;
export const TAG_PUBLIC_KEY = 0x7f49;
export const TAG_MODULUS = 0x81;
export const TAG_PUBLIC_EXPONENT = 0x82;
export const TAG_POINT = 0x86;
/** Yubico: policies of a key at generation and import. */
export const TAG_YUBICO_PIN_POLICY = 0xaa;
export const TAG_YUBICO_TOUCH_POLICY = 0xab;

/** GET DATA and PUT DATA (SP 800-73-5 part 2, sections 3.1.2 and 3.3.1). */
export const TAG_LIST = 0x5c;
export const TAG_DATA = 0x53;

export interface PivKeySlot {
  readonly keyReference: string;
  readonly label: string;
  readonly usage: KeyUsage;
  readonly certificateTag: number;
  readonly pinPolicy: 'never' | 'once' | 'always';
}

/** Asymmetric keys with a certificate (SP 800-73-5 part 1, tables 3 and 4). */
export const PIV_KEY_SLOTS: readonly PivKeySlot[] = [
  { keyReference: '9A', label: 'PIV Authentication Key', usage: 'authentication', certificateTag: 0x5fc105, pinPolicy: 'once' },
  { keyReference: '9C', label: 'Digital Signature Key', usage: 'signature', certificateTag: 0x5fc10a, pinPolicy: 'always' },
  { keyReference: '9D', label: 'Key Management Key', usage: 'key agreement', certificateTag: 0x5fc10b, pinPolicy: 'once' },
  { keyReference: '9E', label: 'Card Authentication Key', usage: 'authentication', certificateTag: 0x5fc101, pinPolicy: 'never' },
];

/** Retired key n (1 to 20): key reference 81+n, certificate 5FC10C+n (SP 800-73-5 part 1, tables 3 and 4). */
export const PIV_RETIRED_KEY_SLOTS: readonly PivKeySlot[] = Array.from({ length: 20 }, (_, index) => ({
  keyReference: (0x82 + index).toString(16).toUpperCase(),
  label: `Retired Key Management Key ${index + 1}`,
  usage: 'key agreement',
  certificateTag: 0x5fc10d + index,
  pinPolicy: 'once',
}));

/** Attestation key of a YubiKey, its certificate in 5FFF01. */
export const YUBICO_ATTESTATION_CERTIFICATE_TAG = 0x5fff01;

export interface PivDataObject {
  readonly name: string;
  readonly tag: number;
  /** Who may read it over the contact interface. */
  readonly read: 'always' | 'pin';
}

/** Every data object (SP 800-73-5 part 1, tables 2 and 3). Sorted by tag. */
export const PIV_DATA_OBJECTS: readonly PivDataObject[] = [
  { name: 'Discovery Object', tag: 0x7e, read: 'always' },
  { name: 'Biometric Information Templates Group Template', tag: 0x7f61, read: 'always' },
  { name: 'X.509 Certificate for Card Authentication', tag: 0x5fc101, read: 'always' },
  { name: 'Card Holder Unique Identifier', tag: 0x5fc102, read: 'always' },
  { name: 'Cardholder Fingerprints', tag: 0x5fc103, read: 'pin' },
  { name: 'X.509 Certificate for PIV Authentication', tag: 0x5fc105, read: 'always' },
  { name: 'Security Object', tag: 0x5fc106, read: 'always' },
  { name: 'Card Capability Container', tag: 0x5fc107, read: 'always' },
  { name: 'Cardholder Facial Image', tag: 0x5fc108, read: 'pin' },
  { name: 'Printed Information', tag: 0x5fc109, read: 'pin' },
  { name: 'X.509 Certificate for Digital Signature', tag: 0x5fc10a, read: 'always' },
  { name: 'X.509 Certificate for Key Management', tag: 0x5fc10b, read: 'always' },
  { name: 'Key History Object', tag: 0x5fc10c, read: 'always' },
  ...PIV_RETIRED_KEY_SLOTS.map((slot, index): PivDataObject => ({
    name: `Retired X.509 Certificate for Key Management ${index + 1}`,
    tag: slot.certificateTag,
    read: 'always',
  })),
  { name: 'Cardholder Iris Images', tag: 0x5fc121, read: 'pin' },
  { name: 'Secure Messaging Certificate Signer', tag: 0x5fc122, read: 'always' },
  { name: 'Pairing Code Reference Data Container', tag: 0x5fc123, read: 'pin' },
];

export const TAG_CHUID = 0x5fc102;
export const TAG_KEY_HISTORY = 0x5fc10c;
export const TAG_DISCOVERY = 0x7e;
export const TAG_BIOMETRIC_GROUP = 0x7f61;

/** The key slot of a reference, whatever its case. */
export function findKeySlot(keyReference: string): PivKeySlot | undefined {
  const wanted = keyReference.toUpperCase();
  return (
    PIV_KEY_SLOTS.find((slot) => slot.keyReference === wanted) ??
    PIV_RETIRED_KEY_SLOTS.find((slot) => slot.keyReference === wanted)
  );
}
