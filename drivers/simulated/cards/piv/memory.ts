/** What a PIV card remembers: `Memory` without power, `Session` until the next reset. */
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { concatBytes, parseHex } from '../../bytes.ts';
import {
  ALGORITHM_3DES,
  ALGORITHM_AES_128,
  ALGORITHM_AES_192,
  ALGORITHM_AES_256,
  KEY_CARD_AUTHENTICATION,
  KEY_SIGNATURE,
  PIN_POLICY_ALWAYS,
  PIN_POLICY_DEFAULT,
  PIN_POLICY_MATCH_ALWAYS,
  PIN_POLICY_NEVER,
  PIN_POLICY_ONCE,
  TAG_BIOMETRIC_GROUP,
  TAG_CAPABILITY_CONTAINER,
  TAG_CHUID,
  TAG_DATA,
  TAG_DISCOVERY,
  TAG_ERROR_DETECTION,
  TOUCH_POLICY_NEVER,
} from './constants.ts';
import { isAtLeast, type Posture } from './posture.ts';
import type { PrivateKey } from './private-key.ts';

/** A PIN or PUK. */
export interface ReferenceData {
  /** Eight bytes, padded with FF (SP 800-73-5 part 1, section 2.4.3). */
  block: Uint8Array;
  attemptsTotal: number;
  attemptsRemaining: number;
}

export interface ManagementKey {
  algorithm: number;
  key: Uint8Array;
  touchPolicy: number;
}

export interface StoredKey {
  readonly privateKey: PrivateKey;
  readonly pinPolicy: number;
  readonly touchPolicy: number;
  readonly origin: number;
}

export interface Memory {
  readonly pin: ReferenceData;
  readonly puk: ReferenceData;
  managementKey: ManagementKey;
  /** By tag; whole data objects as GET DATA answers them, with their outer tag. */
  readonly objects: Map<number, Uint8Array>;
  /** By key reference. */
  readonly keys: Map<number, StoredKey>;
}

/** What GENERAL AUTHENTICATE gave out and the next command may answer. */
export interface OpenChallenge {
  readonly kind: 'challenge' | 'witness';
  readonly plain: Uint8Array;
}

export interface Session {
  selected: boolean;
  pinVerified: boolean;
  /** The PIN was verified by the command right before this one. */
  pinFresh: boolean;
  managementAuthenticated: boolean;
  challenge: OpenChallenge | undefined;
}

export type RandomBytes = (lengthBytes: number) => Uint8Array;

/** A PIV card at work: what every instruction acts upon. */
export interface Piv {
  readonly posture: Posture;
  readonly memory: Memory;
  /** Replaced at every reset: an instruction that waited compares it before it writes. */
  session: Session;
  readonly randomBytes: RandomBytes;
  readonly now: () => Date;
  /** Says that memory has changed. */
  readonly markChanged: () => void;
}

export function newSession(): Session {
  return { selected: false, pinVerified: false, pinFresh: false, managementAuthenticated: false, challenge: undefined };
}

export const secureRandomBytes: RandomBytes = (lengthBytes) => new Uint8Array(systemRandomBytes(lengthBytes));

const REFERENCE_DATA_LENGTH = 8;
const PADDING = 0xff;

/** Pads with FF to eight bytes. Throws RangeError for more than eight. */
export function padReferenceData(value: Uint8Array): Uint8Array {
  if (value.length > REFERENCE_DATA_LENGTH)
    throw new RangeError(`padding a PIN: ${value.length} bytes are more than ${REFERENCE_DATA_LENGTH}`);
  const block = new Uint8Array(REFERENCE_DATA_LENGTH).fill(PADDING);
  block.set(value);
  return block;
}

/** Yubico.NET.SDK docs/users-manual/application-piv/pin-puk-mgmt-key. */
export const DEFAULT_PIN = padReferenceData(new TextEncoder().encode('123456'));
export const DEFAULT_PUK = padReferenceData(new TextEncoder().encode('12345678'));
const DEFAULT_MANAGEMENT_KEY = '010203040506070801020304050607080102030405060708';
export const DEFAULT_ATTEMPTS = 3;

/** Length of a management key in bytes, by algorithm identifier. */
export const MANAGEMENT_KEY_LENGTHS: ReadonlyMap<number, number> = new Map([
  [ALGORITHM_3DES, 24],
  [ALGORITHM_AES_128, 16],
  [ALGORITHM_AES_192, 24],
  [ALGORITHM_AES_256, 32],
]);

/** 3DES to firmware 5.6, the same bytes as AES-192 from 5.7. */
export function defaultManagementKey(posture: Posture): ManagementKey {
  const algorithm = isAtLeast(posture, [5, 7, 0]) ? ALGORITHM_AES_192 : ALGORITHM_3DES;
  return { algorithm, key: parseHex(DEFAULT_MANAGEMENT_KEY), touchPolicy: TOUCH_POLICY_NEVER };
}

/** SP 800-73-5 part 1, section 3.3.2: the PIV PIN alone satisfies the access rules. */
const DISCOVERY = parseHex('7e124f0ba0000003080000100001005f2f024000');
/** yubico-piv-tool 2.2.0 `set-chuid`: agency 9999, system 9999, credential 999999, of a non-federal issuer. */
const FASC_N = parseHex('d4e739da739ced39ce739d836858210842108421c84210c3eb');
const GUID_LENGTH = 16;
/** YYYYMMDD, as CHUID has it. */
const EXPIRATION_DATE = '20991231';
/** What `set-ccc` of yubico-piv-tool 2.2.0 writes, around fourteen bytes of its own. */
const CAPABILITY_HEAD = parseHex('f015a000000116ff02');
const CAPABILITY_TAIL = parseHex('f10121f20121f300f40100f50110f600f700fa00fb00fc00fd00fe00');
const CAPABILITY_UNIQUE_LENGTH = 14;

/** The objects of a card that nobody has personalised yet, with a card UUID and a capability container of its own. */
export function initialObjects(randomBytes: RandomBytes): Map<number, Uint8Array> {
  const chuid = concatBytes(
    encodeTlv(0x30, FASC_N),
    encodeTlv(0x34, makeUuid(randomBytes)),
    encodeTlv(0x35, new TextEncoder().encode(EXPIRATION_DATE)),
    encodeTlv(0x3e),
    encodeTlv(TAG_ERROR_DETECTION),
  );
  return new Map([
    [TAG_DISCOVERY, DISCOVERY],
    [TAG_CHUID, encodeTlv(TAG_DATA, chuid)],
    [TAG_CAPABILITY_CONTAINER, encodeTlv(TAG_DATA, CAPABILITY_HEAD, randomBytes(CAPABILITY_UNIQUE_LENGTH), CAPABILITY_TAIL)],
  ]);
}

/** RFC 9562, section 5.4: version 4. */
function makeUuid(randomBytes: RandomBytes): Uint8Array {
  const uuid = Uint8Array.from(randomBytes(GUID_LENGTH));
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}

/** Policy 0 stands for the slot's own: 9C always, 9E never, the others once. */
export function pinPolicyOf(reference: number, policy: number): number {
  if (policy !== PIN_POLICY_DEFAULT) return policy;
  if (reference === KEY_SIGNATURE) return PIN_POLICY_ALWAYS;
  return reference === KEY_CARD_AUTHENTICATION ? PIN_POLICY_NEVER : PIN_POLICY_ONCE;
}

/** Whether the security state lets a key with this policy be used. A PIN matched by finger counts as one typed. */
export function satisfiesPinPolicy(session: Session, policy: number, pinFresh: boolean): boolean {
  if (policy === PIN_POLICY_NEVER) return true;
  return policy === PIN_POLICY_ALWAYS || policy === PIN_POLICY_MATCH_ALWAYS ? pinFresh : session.pinVerified;
}

/** A data object with its outer tag: 53, but for 7E and 7F61, which stand for themselves. */
export function encodeObject(tag: number, content: Uint8Array): Uint8Array {
  return encodeTlv(tag === TAG_DISCOVERY || tag === TAG_BIOMETRIC_GROUP ? tag : TAG_DATA, content);
}

/** Total content of the data objects. */
export function usedBytes(memory: Memory): number {
  let sum = 0;
  for (const object of memory.objects.values()) sum += object.length;
  return sum;
}
