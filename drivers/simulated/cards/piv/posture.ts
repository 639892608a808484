/** What kind of card the simulator poses as: a YubiKey of some firmware, or a plain card of the standard alone. */
import {
  ALGORITHM_P256,
  ALGORITHM_P384,
  ALGORITHM_RSA_1024,
  ALGORITHM_RSA_2048,
  ALGORITHM_RSA_3072,
  ALGORITHM_RSA_4096,
  FIRST_STORABLE_TAG,
  KEY_ATTESTATION,
  KEY_AUTHENTICATION,
  KEY_CARD_AUTHENTICATION,
  KEY_KEY_MANAGEMENT,
  KEY_SIGNATURE,
  LAST_STORABLE_TAG,
  isRetiredKey,
  isStandardTag,
} from './constants.ts';

export type PivProfile = 'yubikey' | 'plain';

/** Major, minor, patch. */
export type FirmwareVersion = readonly [number, number, number];

export interface Posture {
  readonly profile: PivProfile;
  readonly firmware: FirmwareVersion;
  readonly serialNumber: number;
  readonly carriesExtendedLength: boolean;
  /** A SELECT of PIV clears PIN and management-key states, against SP 800-73-5 part 2, section 3.1.1; some cards do. */
  readonly clearsOnSelect: boolean;
  /** Room for data objects. */
  readonly capacityBytes: number;
  /** Greatest content of one data object. */
  readonly maxObjectBytes: number;
}

/** Historical bytes: category 80, card capabilities (7816-4, section 12.1.1.9), card issuer's data. A YubiKey 5's ATR, from OpenSC's table piv_atrs. */
const YUBIKEY_ATR_HEAD = [0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73, 0xc0, 0x21];
const YUBIKEY_ATR_TAIL = [0x57, 0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79];
/** T=1 alone; "PIV-SIM". */
const PLAIN_ATR_HEAD = [0x3b, 0x8d, 0x01, 0x80, 0x73, 0xc8, 0x21];
const PLAIN_ATR_TAIL = [0x57, 0x50, 0x49, 0x56, 0x2d, 0x53, 0x49, 0x4d];
/** Third software function table: command chaining, extended Lc and Le (7816-4, table 119). */
const CAPABILITY_CHAINING = 0x80;
const CAPABILITY_EXTENDED = 0x40;

/** The ATR says what the card carries; TCK makes the XOR of T0 to TCK zero (7816-3, section 8.2.5). */
export function atrOf(posture: Pick<Posture, 'profile' | 'carriesExtendedLength'>): Uint8Array {
  const [head, tail] = posture.profile === 'yubikey' ? [YUBIKEY_ATR_HEAD, YUBIKEY_ATR_TAIL] : [PLAIN_ATR_HEAD, PLAIN_ATR_TAIL];
  const bytes = [...head, CAPABILITY_CHAINING | (posture.carriesExtendedLength ? CAPABILITY_EXTENDED : 0), ...tail];
  const tck = bytes.slice(1).reduce((xor, byte) => xor ^ byte, 0);
  return Uint8Array.from([...bytes, tck]);
}

export function isAtLeast(posture: Posture, minimum: FirmwareVersion): boolean {
  if (posture.profile !== 'yubikey') return false;
  for (const [index, part] of minimum.entries()) {
    const actual = posture.firmware[index] ?? 0;
    if (actual !== part) return actual > part;
  }
  return true;
}

/** Yubico/yubikey-manager yubikit/piv.py: version gates. SP 800-73-5 part 1, table 5, for the plain card. */
export function algorithmsOf(posture: Posture): readonly number[] {
  if (posture.profile === 'plain') return [ALGORITHM_RSA_2048, ALGORITHM_RSA_3072, ALGORITHM_P256, ALGORITHM_P384];
  const since4 = [ALGORITHM_RSA_1024, ALGORITHM_RSA_2048, ALGORITHM_P256, ALGORITHM_P384];
  return isAtLeast(posture, [5, 7, 0]) ? [...since4, ALGORITHM_RSA_3072, ALGORITHM_RSA_4096] : since4;
}

/** True for references that may hold an asymmetric key. */
export function isKeyReference(posture: Posture, reference: number): boolean {
  const main = [KEY_AUTHENTICATION, KEY_SIGNATURE, KEY_KEY_MANAGEMENT, KEY_CARD_AUTHENTICATION];
  return main.includes(reference) || isRetiredKey(reference) || (posture.profile === 'yubikey' && reference === KEY_ATTESTATION);
}

/** SP 800-73-5 part 2, table 12: retired keys are not generated on a plain card. */
export function isGenerable(posture: Posture, reference: number): boolean {
  return isKeyReference(posture, reference) && (posture.profile === 'yubikey' || !isRetiredKey(reference));
}

export function isStorableTag(posture: Posture, tag: number): boolean {
  return isStandardTag(tag) || (posture.profile === 'yubikey' && tag >= FIRST_STORABLE_TAG && tag <= LAST_STORABLE_TAG);
}

/** Reads "5.4.3". Throws SyntaxError for anything else. */
export function parseFirmware(text: string): FirmwareVersion {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  const parts = (match ?? []).slice(1).map(Number);
  if (parts.length !== 3 || parts.some((part) => part > 255))
    throw new SyntaxError(`"${text}" is no firmware version such as 5.4.3`);
  return [parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0];
}
