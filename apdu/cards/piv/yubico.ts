/** Yubico's extensions of PIV (Yubico .NET SDK, users-manual/application-piv/apdu). Other cards answer 6D00, and the caller gets `undefined` or NotSupportedByCardError. */
import type { CardChannel } from '../../card-channel.ts';
import {
  CardDataError,
  NotSupportedByCardError,
  ObjectNotFoundError,
  SecurityStatusError,
  StatusWordError,
} from '../../errors.ts';
import { MAX_SHORT_NE, type CommandApdu } from '../../iso7816/command-apdu.ts';
import {
  SW_CLA_NOT_SUPPORTED,
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_FILE_NOT_FOUND,
  SW_INS_NOT_SUPPORTED,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
} from '../../iso7816/status-word.ts';
import { concat } from '../../bytes.ts';
import type { Secret } from '../../secret.ts';
import { TlvError, decodeTlv, encodeTlv, findTlv } from '../../tlv/ber-tlv.ts';
import type { KeyAlgorithm, PinPolicy, TouchPolicy } from '../../token.ts';
import {
  ALGORITHM_IDS,
  INS_YUBICO_ATTEST,
  INS_YUBICO_GET_METADATA,
  INS_YUBICO_GET_SERIAL,
  INS_YUBICO_IMPORT_KEY,
  INS_YUBICO_MOVE_KEY,
  INS_YUBICO_RESET,
  INS_YUBICO_SET_MANAGEMENT_KEY,
  INS_YUBICO_SET_PIN_RETRIES,
  INS_YUBICO_VERSION,
  MANAGEMENT_KEY_REFERENCE,
} from './constants.ts';
import { wholeNe } from './data.ts';
import { decodePublicKey } from './keys.ts';
import type { ManagementKeyAlgorithm } from './management-key.ts';

/** Metadata tags (apdu/metadata). */
const TAG_ALGORITHM = 0x01;
const TAG_POLICY = 0x02;
const TAG_ORIGIN = 0x03;
const TAG_METADATA_PUBLIC_KEY = 0x04;
const TAG_IS_DEFAULT = 0x05;
const TAG_RETRIES = 0x06;

const PIN_POLICIES: ReadonlyMap<number, PinPolicy> = new Map([
  [1, 'never'],
  [2, 'once'],
  [3, 'always'],
]);
const TOUCH_POLICIES: ReadonlyMap<number, TouchPolicy> = new Map([
  [1, 'never'],
  [2, 'always'],
  [3, 'cached'],
]);
const KEY_ALGORITHMS: ReadonlyMap<number, KeyAlgorithm> = new Map(
  (Object.entries(ALGORITHM_IDS) as [KeyAlgorithm, number][]).map(([name, id]) => [id, name]),
);

/** To P2 of SET MANAGEMENT KEY; FE would ask for a touch at each use. */
const NO_TOUCH = 0xff;
const MOVE_KEY_DELETES = 0xff;

export interface KeyMetadata {
  /** Algorithm identifier as the card gives it; FF for a PIN. */
  readonly algorithmId?: number;
  readonly algorithm?: KeyAlgorithm;
  readonly pinPolicy?: PinPolicy;
  readonly touchPolicy?: TouchPolicy;
  readonly origin?: 'generated' | 'imported';
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey?: Uint8Array;
  readonly isDefault?: boolean;
  readonly attemptsTotal?: number;
  readonly attemptsRemaining?: number;
}

/** True for an ATR whose historical bytes name a YubiKey. */
export function isYubiKey(channel: CardChannel): boolean {
  return channel.atr !== undefined && Buffer.from(channel.atr.historicalBytes).includes('YubiKey', 0, 'latin1');
}

/** Serial number of a YubiKey 5 or later, in decimal as printed on it. */
export async function readSerial(channel: CardChannel): Promise<string | undefined> {
  const data = await ask(channel, 'reading the serial number', { ins: INS_YUBICO_GET_SERIAL, p1: 0x00, p2: 0x00 });
  return data?.length === 4 ? String(Buffer.from(data).readUInt32BE()) : undefined;
}

/** "5.4.3". */
export async function readVersion(channel: CardChannel): Promise<string | undefined> {
  const data = await ask(channel, 'reading the firmware version', { ins: INS_YUBICO_VERSION, p1: 0x00, p2: 0x00 });
  return data?.length === 3 ? data.join('.') : undefined;
}

/** Undefined for an empty key slot and on cards without metadata (firmware before 5.3). */
export async function readMetadata(channel: CardChannel, reference: number): Promise<KeyMetadata | undefined> {
  const attempt = `reading metadata of ${reference.toString(16).toUpperCase()}`;
  const data = await ask(channel, attempt, { ins: INS_YUBICO_GET_METADATA, p1: 0x00, p2: reference });
  return data && decodeMetadata(attempt, data);
}

/** Attestation certificate of a generated key, X.509 in DER. */
export async function attest(channel: CardChannel, keyReference: string): Promise<Uint8Array> {
  const attempt = `attesting key ${keyReference}`;
  const data = await ask(channel, attempt, { ins: INS_YUBICO_ATTEST, p1: Number.parseInt(keyReference, 16), p2: 0x00 });
  if (!data) throw new NotSupportedByCardError(`${attempt}: card has no attestation, or no generated key there`);
  return data;
}

/** Needs the management key and a verified PIN. Sets PIN and PUK back to their defaults. */
export async function setPinRetries(channel: CardChannel, pinTries: number, pukTries: number): Promise<void> {
  await tell(channel, 'setting the number of PIN tries', {
    ins: INS_YUBICO_SET_PIN_RETRIES,
    p1: pinTries,
    p2: pukTries,
    sensitive: true,
  });
}

/** Wipes the application. The card allows it only when PIN and PUK are both blocked. */
export async function resetApplication(channel: CardChannel): Promise<void> {
  await tell(channel, 'resetting the PIV application', { ins: INS_YUBICO_RESET, p1: 0x00, p2: 0x00 });
}

/** Needs the management key in use until then. */
export async function setManagementKey(channel: CardChannel, algorithm: ManagementKeyAlgorithm, key: Secret): Promise<void> {
  const data = key.use((bytes) => concat(Uint8Array.of(algorithm.id, MANAGEMENT_KEY_REFERENCE, bytes.length), bytes));
  try {
    await tell(channel, 'setting the management key', {
      ins: INS_YUBICO_SET_MANAGEMENT_KEY,
      p1: 0xff,
      p2: NO_TOUCH,
      data,
      sensitive: true,
    });
  } finally {
    data.fill(0);
  }
}

/** Firmware 5.7 and later. Needs the management key. */
export async function deleteKey(channel: CardChannel, keyReference: string): Promise<void> {
  await tell(channel, `deleting key ${keyReference}`, {
    ins: INS_YUBICO_MOVE_KEY,
    p1: MOVE_KEY_DELETES,
    p2: Number.parseInt(keyReference, 16),
    sensitive: true,
  });
}

/** Private key parts of an import: RSA by its CRT numbers, elliptic by its scalar. */
export type PrivateKeyParts =
  | { readonly algorithm: 'P-256' | 'P-384'; readonly scalar: Secret }
  | {
      readonly algorithm: 'RSA-1024' | 'RSA-2048' | 'RSA-3072' | 'RSA-4096';
      readonly crt: readonly [p: Secret, q: Secret, dp: Secret, dq: Secret, qinv: Secret];
    };

/** Tags 01 to 05: p, q, dp, dq, qinv; 06: scalar (apdu/import-asym). Needs the management key. */
export async function importKey(channel: CardChannel, keyReference: string, parts: PrivateKeyParts): Promise<void> {
  const encoded =
    'scalar' in parts
      ? [parts.scalar.use((bytes) => encodeTlv(0x06, bytes))]
      : parts.crt.map((part, index) => part.use((bytes) => encodeTlv(0x01 + index, bytes)));
  const data = concat(...encoded);
  try {
    await tell(channel, `importing a key to ${keyReference}`, {
      ins: INS_YUBICO_IMPORT_KEY,
      p1: ALGORITHM_IDS[parts.algorithm],
      p2: Number.parseInt(keyReference, 16),
      data,
      sensitive: true,
    });
  } finally {
    for (const part of [data, ...encoded]) part.fill(0);
  }
}

function decodeMetadata(attempt: string, data: Uint8Array): KeyMetadata {
  try {
    const objects = decodeTlv(data);
    const algorithmId = findTlv(objects, TAG_ALGORITHM)?.[0];
    const algorithm = KEY_ALGORITHMS.get(algorithmId ?? -1);
    const policy = findTlv(objects, TAG_POLICY);
    const pinPolicy = PIN_POLICIES.get(policy?.[0] ?? 0);
    const touchPolicy = TOUCH_POLICIES.get(policy?.[1] ?? 0);
    const origin = findTlv(objects, TAG_ORIGIN)?.[0];
    const publicKey = findTlv(objects, TAG_METADATA_PUBLIC_KEY);
    const isDefault = findTlv(objects, TAG_IS_DEFAULT)?.[0];
    const [attemptsTotal, attemptsRemaining] = findTlv(objects, TAG_RETRIES) ?? [];
    return {
      ...(algorithmId === undefined ? {} : { algorithmId }),
      ...(algorithm ? { algorithm } : {}),
      ...(pinPolicy ? { pinPolicy } : {}),
      ...(touchPolicy ? { touchPolicy } : {}),
      ...(origin === 1 ? { origin: 'generated' } : origin === 2 ? { origin: 'imported' } : {}),
      ...(publicKey && algorithm ? { publicKey: decodePublicKey(attempt, algorithm, publicKey) } : {}),
      ...(isDefault === undefined ? {} : { isDefault: isDefault === 1 }),
      ...(attemptsTotal === undefined ? {} : { attemptsTotal }),
      ...(attemptsRemaining === undefined ? {} : { attemptsRemaining }),
    };
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`${attempt}: ${error.message}`, {}, { cause: error });
    throw error;
  }
}

type Question = Pick<CommandApdu, 'ins' | 'p1' | 'p2' | 'data' | 'sensitive'>;

/** Undefined when the card does not know the instruction, or has nothing to say about what was asked. */
async function ask(channel: CardChannel, attempt: string, question: Question): Promise<Uint8Array | undefined> {
  const response = await channel.exchange({
    cla: 0x00,
    ...question,
    ne: [INS_YUBICO_ATTEST, INS_YUBICO_GET_METADATA].includes(question.ins) ? wholeNe(channel) : MAX_SHORT_NE,
  });
  if (response.statusWord === SW_SUCCESS) return response.data;
  if ([SW_INS_NOT_SUPPORTED, SW_CLA_NOT_SUPPORTED, SW_REFERENCED_DATA_NOT_FOUND, SW_FILE_NOT_FOUND].includes(response.statusWord))
    return undefined;
  throw new StatusWordError(attempt, response.statusWord, question.ins);
}

async function tell(channel: CardChannel, attempt: string, command: Question): Promise<void> {
  const { statusWord } = await channel.exchange({ cla: 0x00, ...command });
  const fields = { statusWord, instruction: command.ins };
  switch (statusWord) {
    case SW_SUCCESS:
      return;
    case SW_INS_NOT_SUPPORTED:
      throw new NotSupportedByCardError(`${attempt}: card cannot do this`, fields);
    case SW_SECURITY_STATUS_NOT_SATISFIED:
    case SW_CONDITIONS_OF_USE_NOT_SATISFIED:
      throw new SecurityStatusError(`${attempt}: card does not allow it in its present state`, fields);
    case SW_REFERENCED_DATA_NOT_FOUND:
      throw new ObjectNotFoundError(`${attempt}: card has no key there`, fields);
    default:
      throw new StatusWordError(attempt, statusWord, command.ins);
  }
}
