/** A PIV card as plain JSON: what it starts from, and what it is saved as. Bytes are base64; PINs, tags and references hexadecimal. */
import { formatBase64, formatHex, parseBase64, parseHex } from '../../bytes.ts';
import { SimulationFileError } from '../../errors.ts';
import { encodeCertificateObject } from './attestation.ts';
import {
  ALGORITHM_3DES,
  ALGORITHM_AES_128,
  ALGORITHM_AES_192,
  ALGORITHM_AES_256,
  ORIGIN_GENERATED,
  ORIGIN_IMPORTED,
  TOUCH_POLICY_NEVER,
  certificateTagOf,
} from './constants.ts';
import {
  DEFAULT_ATTEMPTS,
  DEFAULT_PIN,
  DEFAULT_PUK,
  MANAGEMENT_KEY_LENGTHS,
  defaultManagementKey,
  initialObjects,
  padReferenceData,
  encodeObject,
  pinPolicyOf,
  type ManagementKey,
  type Memory,
  type RandomBytes,
  type ReferenceData,
  type StoredKey,
} from './memory.ts';
import { algorithmsOf, isKeyReference, parseFirmware, type PivProfile, type Posture } from './posture.ts';
import { openPrivateKey } from './private-key.ts';

export type ManagementKeyAlgorithm = '3DES' | 'AES-128' | 'AES-192' | 'AES-256';
export type KeyOrigin = 'generated' | 'imported';

/** A key that the card has from the start. */
export interface PivKeyDescription {
  /** PrivateKeyInfo (RFC 5958), DER in base64. A test key: whoever has the file has the key. */
  readonly privateKey: string;
  /** X.509, DER in base64; stored in the reference's certificate object. */
  readonly certificate?: string;
  /** As Yubico's tag AA: 1 never, 2 once, 3 always. Absent: the reference's own. */
  readonly pinPolicy?: number;
  /** As Yubico's tag AB: 1 never, 2 always, 3 cached. Nobody is asked to touch. */
  readonly touchPolicy?: number;
  readonly origin?: KeyOrigin;
}

/** What a new card is to be; everything has a default. */
export interface PivCardDescription {
  /** Default: "yubikey". A plain card answers 6D00 to Yubico's instructions and has an ATR of its own. */
  readonly profile?: PivProfile;
  /** Default: "5.4.3". */
  readonly firmware?: string;
  /** Answered by F8. Default: out of the card's randomness. */
  readonly serialNumber?: number;
  /** Default: true for a yubikey, false for a plain card. The ATR says which. */
  readonly extendedLength?: boolean;
  /** A SELECT of PIV clears what was verified. Default: false, as the standard wants it. */
  readonly clearsOnSelect?: boolean;
  /** Room for data objects. Default: 51,200. */
  readonly capacityBytes?: number;
  /** Six to eight characters. Default: "123456". */
  readonly pin?: string;
  /** Default: "12345678". */
  readonly puk?: string;
  /** Tries before a block. Default: 3. */
  readonly pinAttempts?: number;
  readonly pukAttempts?: number;
  /** `key` in hexadecimal. Default: the well-known one, 3DES, or AES-192 from firmware 5.7. */
  readonly managementKey?: { readonly algorithm: ManagementKeyAlgorithm; readonly key: string };
  /** Content of data objects by tag ("5FC102"), in base64 without the outer tag; an empty one takes a default object away. */
  readonly objects?: Readonly<Record<string, string>>;
  /** By key reference: "9A". */
  readonly keys?: Readonly<Record<string, PivKeyDescription>>;
}

export interface ReferenceDataState {
  /** Eight bytes with their padding. */
  readonly block: string;
  readonly attemptsTotal: number;
  readonly attemptsRemaining: number;
}

/** Everything that a card keeps without power. */
export interface PivCardState {
  readonly format: 'kortd-simulated-piv';
  readonly version: 1;
  readonly profile: PivProfile;
  readonly firmware: string;
  readonly serialNumber: number;
  readonly extendedLength: boolean;
  readonly clearsOnSelect: boolean;
  readonly capacityBytes: number;
  readonly pin: ReferenceDataState;
  readonly puk: ReferenceDataState;
  readonly managementKey: { readonly algorithm: ManagementKeyAlgorithm; readonly key: string; readonly touchPolicy: number };
  /** Whole data objects, by tag. */
  readonly objects: Readonly<Record<string, string>>;
  readonly keys: Readonly<Record<string, PivKeyState>>;
}

export interface PivKeyState {
  readonly privateKey: string;
  readonly pinPolicy: number;
  readonly touchPolicy: number;
  readonly origin: KeyOrigin;
}

const DEFAULT_FIRMWARE = '5.4.3';
const DEFAULT_CAPACITY_BYTES = 51_200;
/** Yubico.NET.SDK docs/users-manual/application-piv/cert-size; a plain card takes the largest standard object (facial image, 12,710 bytes). */
const MAX_OBJECT_BYTES = { yubikey: 3052, plain: 16_384 } as const;
const MANAGEMENT_ALGORITHMS: Readonly<Record<ManagementKeyAlgorithm, number>> = {
  '3DES': ALGORITHM_3DES,
  'AES-128': ALGORITHM_AES_128,
  'AES-192': ALGORITHM_AES_192,
  'AES-256': ALGORITHM_AES_256,
};
const ORIGINS: Readonly<Record<KeyOrigin, number>> = { generated: ORIGIN_GENERATED, imported: ORIGIN_IMPORTED };

/** A card with its identity, before it is powered. */
export interface PivContents {
  readonly posture: Posture;
  readonly memory: Memory;
}

/** Makes a new card. Throws SimulationFileError that names the field. */
export function makeContents(description: PivCardDescription, randomBytes: RandomBytes): PivContents {
  const profile = description.profile ?? 'yubikey';
  const posture: Posture = {
    profile,
    firmware: at('firmware', () => parseFirmware(description.firmware ?? DEFAULT_FIRMWARE)),
    serialNumber: description.serialNumber ?? makeSerialNumber(randomBytes),
    carriesExtendedLength: description.extendedLength ?? profile === 'yubikey',
    clearsOnSelect: description.clearsOnSelect ?? false,
    capacityBytes: description.capacityBytes ?? DEFAULT_CAPACITY_BYTES,
    maxObjectBytes: MAX_OBJECT_BYTES[profile],
  };
  const managementKey = description.managementKey;
  const memory: Memory = {
    pin: makeReferenceData('pin', description.pin, DEFAULT_PIN, description.pinAttempts),
    puk: makeReferenceData('puk', description.puk, DEFAULT_PUK, description.pukAttempts),
    managementKey: managementKey
      ? readManagementKey({ ...managementKey, touchPolicy: TOUCH_POLICY_NEVER })
      : defaultManagementKey(posture),
    objects: initialObjects(randomBytes),
    keys: new Map(),
  };
  addKeys(memory, posture, description.keys ?? {});
  addObjects(memory, description.objects ?? {});
  return { posture, memory };
}

/** Eight decimal digits, as printed on a YubiKey. */
function makeSerialNumber(randomBytes: RandomBytes): number {
  return new DataView(randomBytes(4).slice().buffer).getUint32(0) % 100_000_000;
}

function makeReferenceData(
  field: string,
  text: string | undefined,
  byDefault: Uint8Array,
  attempts = DEFAULT_ATTEMPTS,
): ReferenceData {
  const block = text === undefined ? byDefault.slice() : at(field, () => padReferenceData(new TextEncoder().encode(text)));
  return { block, attemptsTotal: attempts, attemptsRemaining: attempts };
}

function addKeys(memory: Memory, posture: Posture, keys: Readonly<Record<string, PivKeyDescription>>): void {
  for (const [name, key] of Object.entries(keys)) {
    const reference = readReference(posture, name);
    memory.keys.set(
      reference,
      readKey(posture, name, { pinPolicy: 0, touchPolicy: TOUCH_POLICY_NEVER, origin: 'generated', ...key }),
    );
    const tag = certificateTagOf(reference);
    const { certificate } = key;
    if (certificate === undefined || tag === undefined) continue;
    memory.objects.set(tag, encodeCertificateObject(at(`keys.${name}.certificate`, () => parseBase64(certificate))));
  }
}

function addObjects(memory: Memory, objects: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(objects)) {
    const content = at(`objects.${name}`, () => parseBase64(text));
    const tag = readTag(name);
    if (content.length === 0) memory.objects.delete(tag);
    else memory.objects.set(tag, encodeObject(tag, content));
  }
}

/** Saves a card. */
export function encodeState({ posture, memory }: PivContents): PivCardState {
  return {
    format: 'kortd-simulated-piv',
    version: 1,
    profile: posture.profile,
    firmware: posture.firmware.join('.'),
    serialNumber: posture.serialNumber,
    extendedLength: posture.carriesExtendedLength,
    clearsOnSelect: posture.clearsOnSelect,
    capacityBytes: posture.capacityBytes,
    pin: { ...memory.pin, block: formatHex(memory.pin.block) },
    puk: { ...memory.puk, block: formatHex(memory.puk.block) },
    managementKey: {
      ...memory.managementKey,
      algorithm: nameOfAlgorithm(memory.managementKey.algorithm),
      key: formatHex(memory.managementKey.key),
    },
    objects: Object.fromEntries([...memory.objects].map(([tag, object]) => [formatNumber(tag), formatBase64(object)])),
    keys: Object.fromEntries([...memory.keys].map(([reference, key]) => [formatNumber(reference), encodeKey(key)])),
  };
}

/** Takes a saved card up again. Throws SimulationFileError that names the field; types are taken as given. */
export function decodeState(state: PivCardState): PivContents {
  const posture: Posture = {
    profile: state.profile,
    firmware: at('firmware', () => parseFirmware(state.firmware)),
    serialNumber: state.serialNumber,
    carriesExtendedLength: state.extendedLength,
    clearsOnSelect: state.clearsOnSelect,
    capacityBytes: state.capacityBytes,
    maxObjectBytes: MAX_OBJECT_BYTES[state.profile],
  };
  const keys = Object.entries(state.keys).map(
    ([name, key]) => [readReference(posture, name), readKey(posture, name, key)] as const,
  );
  const objects = Object.entries(state.objects).map(
    ([name, text]) => [readTag(name), at(`objects.${name}`, () => parseBase64(text))] as const,
  );
  const memory: Memory = {
    pin: readReferenceData('pin', state.pin),
    puk: readReferenceData('puk', state.puk),
    managementKey: readManagementKey(state.managementKey),
    objects: new Map(objects),
    keys: new Map(keys),
  };
  return { posture, memory };
}

function encodeKey(key: StoredKey): PivKeyState {
  return {
    privateKey: formatBase64(key.privateKey.pkcs8),
    pinPolicy: key.pinPolicy,
    touchPolicy: key.touchPolicy,
    origin: key.origin === ORIGIN_GENERATED ? 'generated' : 'imported',
  };
}

function readKey(posture: Posture, name: string, state: PivKeyState): StoredKey {
  const privateKey = at(`keys.${name}.privateKey`, () => openPrivateKey(parseBase64(state.privateKey)));
  if (!algorithmsOf(posture).includes(privateKey.parameters.algorithm)) {
    throw new SimulationFileError(`keys.${name}.privateKey: this card has no keys of that kind`, {
      field: `keys.${name}.privateKey`,
    });
  }
  const pinPolicy = pinPolicyOf(readReference(posture, name), state.pinPolicy);
  return { privateKey, pinPolicy, touchPolicy: state.touchPolicy, origin: ORIGINS[state.origin] };
}

function readReferenceData(field: string, state: ReferenceDataState): ReferenceData {
  const block = at(`${field}.block`, () => parseHex(state.block));
  if (block.length !== 8) throw new SimulationFileError(`${field}.block: not eight bytes`, { field: `${field}.block` });
  return { block, attemptsTotal: state.attemptsTotal, attemptsRemaining: Math.min(state.attemptsRemaining, state.attemptsTotal) };
}

function readManagementKey(state: PivCardState['managementKey']): ManagementKey {
  const algorithm = MANAGEMENT_ALGORITHMS[state.algorithm];
  const key = at('managementKey.key', () => parseHex(state.key));
  if (key.length !== MANAGEMENT_KEY_LENGTHS.get(algorithm)) {
    throw new SimulationFileError(`managementKey.key: ${key.length} bytes are no ${state.algorithm} key`, {
      field: 'managementKey.key',
    });
  }
  return { algorithm, key, touchPolicy: state.touchPolicy };
}

function readReference(posture: Posture, name: string): number {
  const reference = readTag(name, 'keys');
  if (!isKeyReference(posture, reference))
    throw new SimulationFileError(`keys.${name}: no key reference of this card`, { field: `keys.${name}` });
  return reference;
}

function readTag(name: string, parent = 'objects'): number {
  if (!/^([0-9A-Fa-f]{2}){1,3}$/.test(name))
    throw new SimulationFileError(`${parent}.${name}: not a hexadecimal tag`, { field: `${parent}.${name}` });
  return parseInt(name, 16);
}

function nameOfAlgorithm(algorithm: number): ManagementKeyAlgorithm {
  if (algorithm === ALGORITHM_AES_128) return 'AES-128';
  if (algorithm === ALGORITHM_AES_192) return 'AES-192';
  return algorithm === ALGORITHM_AES_256 ? 'AES-256' : '3DES';
}

function formatNumber(value: number): string {
  return value.toString(16).toUpperCase();
}

function at<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimulationFileError(`${field}: ${reason}`, { field }, { cause: error });
  }
}
