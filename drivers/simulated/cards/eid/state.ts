/** A PKCS #15 card as plain JSON: what it starts from, and what it is saved as. Bytes are base64; PINs, attributes and numbers hexadecimal. */
import { formatBase64, formatHex, parseBase64, parseHex } from '../../bytes.ts';
import { SimulationFileError } from '../../errors.ts';
import { decodeAccess, encodeAccess, type Access } from './access.ts';
import { PKCS15_APPLICATION_ID } from './constants.ts';
import { KEY_NAMES, layOut, type Contents, type KeyName } from './layout.ts';
import type { CardFile, FilePath, KeyUse, Memory, Posture, ReferenceData } from './memory.ts';
import { MIN_PIN_LENGTH, STORED_PIN_LENGTH } from './pins.ts';
import { openPrivateKey, type KeyAlgorithm, type PrivateKey } from './private-key.ts';
import { PIN_NAMES, TRAITS, algorithmsOf, type EidProfile, type PinName, type Traits } from './profile.ts';

/** A key that the card has from the start. */
export interface EidKeyDescription {
  /** PrivateKeyInfo (RFC 5958), DER in base64. A test key: whoever has the file has the key. */
  readonly privateKey: string;
  /** X.509, DER in base64. */
  readonly certificate?: string;
}

/** What a new card is to be; everything has a default. Without keys it is a reserve card: blank, with PINs of its own. */
export interface EidCardDescription {
  /** One of the cards that come with the simulator (`personas.ts`); the other fields here go before its own. */
  readonly persona?: string;
  /** Default: "nidel". */
  readonly profile?: EidProfile;
  /** 19 digits: "9752…". */
  readonly cardNumber?: string;
  /** As the card calls itself. */
  readonly label?: string;
  /** AID, in hexadecimal. Default: that of PKCS #15. */
  readonly applicationId?: string;
  /** Default: true for the plain card. The other two are the image of cards that have none. */
  readonly extendedLength?: boolean;
  /** SELECT of the application by its name clears what was verified. Default: false; OpenSC wants it so. */
  readonly clearsOnSelect?: boolean;
  /** Room for all files. Default: 32,768. */
  readonly capacityBytes?: number;
  /** Digits. Default: 123456, 654321, and 12345678 for the PUK. */
  readonly pins?: Readonly<Partial<Record<PinName, string>>>;
  /** Tries before a block. Default: 3, 3, and 10 for the PUK. */
  readonly pinAttempts?: Readonly<Partial<Record<PinName, number>>>;
  readonly keys?: Readonly<Partial<Record<KeyName, EidKeyDescription>>>;
  /** Lists keys that are not there yet, and of which kind they are to be: their places are known then. Default: keys are listed when they are there. */
  readonly preparedKeys?: KeyAlgorithm;
  /** One more place for each kind of key, listed and empty, under the same PINs: for certificates that come later. Default: none. */
  readonly spareKeys?: KeyAlgorithm;
  /** Certificates of authorities on the card, DER in base64. */
  readonly authorities?: readonly { readonly label: string; readonly certificate: string }[];
  /** As TokenInfo says it (ISO 8601). */
  readonly lastUpdate?: string;
}

export interface ReferenceDataState {
  /** With its padding. */
  readonly block: string;
  readonly attemptsTotal: number;
  readonly attemptsRemaining: number;
}

export type FileState =
  | { readonly kind: 'directory'; readonly access: string; readonly name?: string }
  | { readonly kind: 'working'; readonly access: string; readonly content: string; readonly shortId?: number }
  | {
      readonly kind: 'key';
      readonly access: string;
      readonly reference: number;
      readonly pin: number;
      readonly needsConsent: boolean;
      readonly uses: readonly KeyUse[];
      readonly privateKey?: string;
    };

/** Everything that a card keeps without power. */
export interface EidCardState {
  readonly format: 'kortd-simulated-eid';
  readonly version: 1;
  readonly profile: EidProfile;
  readonly serialNumber: string;
  readonly extendedLength: boolean;
  readonly clearsOnSelect: boolean;
  readonly capacityBytes: number;
  readonly pins: Readonly<Record<PinName, ReferenceDataState>>;
  /** By path from the MF, in hexadecimal; the MF itself is "3f00". */
  readonly files: Readonly<Record<string, FileState>>;
}

/** A card with its identity, before it is powered. */
export interface EidContents {
  readonly posture: Posture;
  readonly memory: Memory;
}

const DEFAULT_PROFILE: EidProfile = 'nidel';
/** Invented: "9", the country, then no issuer that there is. */
const DEFAULT_CARD_NUMBER = '9752000000000000000';
const DEFAULT_LABEL = 'BENCH e-id kort';
const DEFAULT_CAPACITY_BYTES = 32_768;
/** Six digits and eight, three tries and ten: what Swedish regions tell their staff of such cards; a product may differ. */
const DEFAULT_PINS: Readonly<Record<PinName, string>> = { legitimering: '123456', underskrift: '654321', puk: '12345678' };
const DEFAULT_ATTEMPTS: Readonly<Record<PinName, number>> = { legitimering: 3, underskrift: 3, puk: 10 };
const NAME_OF_MF = '3f00';

/** Makes a new card. Throws SimulationFileError that names the field. */
export function makeContents(description: EidCardDescription): EidContents {
  const profile = description.profile ?? DEFAULT_PROFILE;
  const traits = TRAITS[profile];
  const serialNumber = encodeCardNumber(description.cardNumber ?? DEFAULT_CARD_NUMBER);
  const posture: Posture = {
    ...{ profile, traits, serialNumber },
    carriesExtendedLength: description.extendedLength ?? traits.carriesExtendedLength,
    clearsOnSelect: description.clearsOnSelect ?? false,
    capacityBytes: description.capacityBytes ?? DEFAULT_CAPACITY_BYTES,
  };
  const { lastUpdate, keys = {}, authorities = [], applicationId = PKCS15_APPLICATION_ID } = description;
  const contents: Contents = {
    ...{ traits, serialNumber, label: description.label ?? DEFAULT_LABEL, preparedKeys: description.preparedKeys },
    spareKeys: description.spareKeys,
    applicationId: at('applicationId', () => parseHex(applicationId)),
    ...(lastUpdate === undefined ? {} : { lastUpdate: readDate(lastUpdate) }),
    keys: Object.fromEntries(KEY_NAMES.flatMap((name) => (keys[name] ? [[name, readHeldKey(traits, name, keys[name])]] : []))),
    authorities: authorities.map(({ label, certificate }, index) => ({
      label,
      certificate: at(`authorities[${index}].certificate`, () => parseBase64(certificate)),
    })),
  };
  const pins = PIN_NAMES.map((name) => [traits.pinReferences[name], makePin(traits, name, description)] as const);
  return { posture, memory: { pins: new Map(pins), files: layOut(contents) } };
}

/** Two digits a byte, F after an odd last one: how card numbers stand in TokenInfo. */
function encodeCardNumber(digits: string): Uint8Array {
  return at('cardNumber', () => parseHex(digits.length % 2 === 0 ? digits : `${digits}F`));
}

function makePin(traits: Traits, name: PinName, description: EidCardDescription): ReferenceData {
  const digits = new TextEncoder().encode(description.pins?.[name] ?? DEFAULT_PINS[name]);
  if (digits.length < MIN_PIN_LENGTH || digits.length > STORED_PIN_LENGTH)
    throw new SimulationFileError(`pins.${name}: not six to eight digits`, { field: `pins.${name}` });
  const block = new Uint8Array(STORED_PIN_LENGTH).fill(traits.pinPadding);
  block.set(digits);
  const attempts = description.pinAttempts?.[name] ?? DEFAULT_ATTEMPTS[name];
  return { block, attemptsTotal: attempts, attemptsRemaining: attempts };
}

function readHeldKey(
  traits: Traits,
  name: KeyName,
  description: EidKeyDescription,
): { readonly key: PrivateKey; readonly certificate?: Uint8Array } {
  const key = readKey(traits, `keys.${name}.privateKey`, description.privateKey);
  const { certificate } = description;
  if (certificate === undefined) return { key };
  return { key, certificate: at(`keys.${name}.certificate`, () => parseBase64(certificate)) };
}

function readKey(traits: Traits, field: string, text: string): PrivateKey {
  const key = at(field, () => openPrivateKey(parseBase64(text)));
  if (algorithmsOf(traits, key.algorithm).length === 0)
    throw new SimulationFileError(`${field}: this card has no ${key.algorithm} keys`, { field });
  return key;
}

function readDate(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new SimulationFileError('lastUpdate: no such date', { field: 'lastUpdate' });
  return date;
}

/** Saves a card. */
export function encodeState({ posture, memory }: EidContents): EidCardState {
  const pins = PIN_NAMES.map((name) => {
    const pin = memory.pins.get(posture.traits.pinReferences[name]);
    const { block = new Uint8Array(), attemptsTotal = 0, attemptsRemaining = 0 } = pin ?? {};
    return [name, { block: formatHex(block), attemptsTotal, attemptsRemaining }] as const;
  });
  return {
    ...{ format: 'kortd-simulated-eid', version: 1, profile: posture.profile, serialNumber: formatHex(posture.serialNumber) },
    extendedLength: posture.carriesExtendedLength,
    clearsOnSelect: posture.clearsOnSelect,
    capacityBytes: posture.capacityBytes,
    pins: Object.fromEntries(pins) as Record<PinName, ReferenceDataState>,
    files: Object.fromEntries([...memory.files].map(([path, file]) => [NAME_OF_MF + path, encodeFile(file)])),
  };
}

function encodeFile(file: CardFile): FileState {
  const access = formatHex(encodeAccess(file.access));
  switch (file.kind) {
    case 'directory':
      return { kind: 'directory', access, ...(file.name ? { name: formatHex(file.name) } : {}) };
    case 'working': {
      const { shortId } = file;
      return { kind: 'working', access, content: formatBase64(file.content), ...(shortId === undefined ? {} : { shortId }) };
    }
    case 'key': {
      const { reference, pin, needsConsent, uses, key } = file;
      const held = key ? { privateKey: formatBase64(key.pkcs8) } : {};
      return { kind: 'key', access, reference, pin, needsConsent, uses, ...held };
    }
  }
}

/** Opens a saved card. Throws SimulationFileError that names the field. */
export function decodeState(state: EidCardState): EidContents {
  const traits = TRAITS[state.profile];
  const posture: Posture = {
    ...{ profile: state.profile, traits, serialNumber: at('serialNumber', () => parseHex(state.serialNumber)) },
    carriesExtendedLength: state.extendedLength,
    clearsOnSelect: state.clearsOnSelect,
    capacityBytes: state.capacityBytes,
  };
  const pins = PIN_NAMES.map((name) => [traits.pinReferences[name], readPin(name, state.pins[name])] as const);
  const files = Object.entries(state.files).map(([name, file]) => [readPath(name), readFile(traits, name, file)] as const);
  return { posture, memory: { pins: new Map(pins), files: new Map(files) } };
}

function readPin(name: PinName, state: ReferenceDataState): ReferenceData {
  const field = `pins.${name}.block`;
  const block = at(field, () => parseHex(state.block));
  if (block.length !== STORED_PIN_LENGTH) throw new SimulationFileError(`${field}: not eight bytes`, { field });
  const { attemptsTotal, attemptsRemaining } = state;
  return { block, attemptsTotal, attemptsRemaining: Math.min(attemptsRemaining, attemptsTotal) };
}

function readPath(name: string): FilePath {
  if (!/^3f00([0-9a-f]{4})*$/.test(name))
    throw new SimulationFileError(`files.${name}: no path from 3f00`, { field: `files.${name}` });
  return name.slice(NAME_OF_MF.length);
}

function readFile(traits: Traits, name: string, state: FileState): CardFile {
  const field = `files.${name}`;
  const access = readAccess(traits, field, state.access);
  switch (state.kind) {
    case 'directory': {
      const applicationId = state.name;
      if (applicationId === undefined) return { kind: 'directory', access };
      return { kind: 'directory', access, name: at(`${field}.name`, () => parseHex(applicationId)) };
    }
    case 'working': {
      const { content, shortId } = state;
      const bytes = at(`${field}.content`, () => parseBase64(content));
      return { kind: 'working', access, content: bytes, ...(shortId === undefined ? {} : { shortId }) };
    }
    case 'key': {
      const { reference, pin, needsConsent, uses, privateKey } = state;
      const key = privateKey === undefined ? undefined : readKey(traits, `${field}.privateKey`, privateKey);
      return { kind: 'key', access, reference, pin, needsConsent, uses, key };
    }
  }
}

function readAccess(traits: Traits, field: string, text: string): Access {
  const access = at(`${field}.access`, () => decodeAccess(parseHex(text), Object.values(traits.pinReferences)));
  if (access) return access;
  throw new SimulationFileError(`${field}.access: no compact security attributes`, { field: `${field}.access` });
}

function at<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimulationFileError(`${field}: ${reason}`, { field }, { cause: error });
  }
}
