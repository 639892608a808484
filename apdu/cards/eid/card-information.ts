/** EF.CIAInfo, which PKCS #15 calls EF(TokenInfo): the card's serial number, its flags, and the algorithms it names (ISO/IEC 7816-15:2016, section 8.10). */
import { formatHex } from '../../bytes.ts';
import { TlvError, decodeFirstTlv } from '../../tlv/ber-tlv.ts';
import type { EllipticKeyAlgorithm } from '../../token.ts';
import {
  Elements,
  TAG_BIT_STRING,
  TAG_GENERALIZED_TIME,
  TAG_INTEGER,
  TAG_OBJECT_IDENTIFIER,
  TAG_OCTET_STRING,
  TAG_SEQUENCE,
  TAG_UTF8_STRING,
  parseBits,
  parseInteger,
  parseLabel,
  parseReference,
  parsing,
} from './der.ts';
import { readExtent } from './file-shape.ts';

export interface CardInformation {
  /** A card number in decimal where it is one; else hexadecimal. */
  readonly serialNumber?: string;
  readonly manufacturer?: string;
  readonly label?: string;
  readonly isReadOnly: boolean;
  readonly algorithms: readonly CardAlgorithm[];
  /** "20260731120000Z": when the directory was last written, on cards that keep it. */
  readonly lastUpdate?: string;
}

/** An algorithm that the card does, by a number of its own. */
export interface CardAlgorithm {
  /** What algReference of a key refers to. */
  readonly reference: number;
  /** CKM_… of PKCS #11. */
  readonly mechanism: number;
  readonly curve?: EllipticKeyAlgorithm;
  /** Bits of Operations. */
  readonly operations: ReadonlySet<number>;
  /** What MSE SET takes in tag 80. */
  readonly algorithmReference?: number;
}

const CARD_FLAG_READ_ONLY = 0;
const TAG_LABEL = 0x80;
const TAG_RECORD_INFORMATION = 0xa1;
const TAG_SUPPORTED_ALGORITHMS = 0xa2;
/** [5] of a CHOICE, so explicit; some tools write the time itself under the tag. */
const TAG_LAST_UPDATE = 0xa5;
const TAG_LAST_UPDATE_TIME = 0x85;
/** More than any card has. */
const MAX_ALGORITHMS = 64;

/** Curves by their object identifier (RFC 5480, section 2.1.1.1). */
const CURVES: ReadonlyMap<string, EllipticKeyAlgorithm> = new Map([
  ['2A8648CE3D030107', 'P-256'],
  ['2B81040022', 'P-384'],
]);

export function curveOf(objectIdentifier: Uint8Array): EllipticKeyAlgorithm | undefined {
  return CURVES.get(formatHex(objectIdentifier));
}

export function parseCardInformation(content: Uint8Array): CardInformation {
  return parsing('EF.CIAInfo', () => {
    const { object } = decodeFirstTlv(content);
    if (object.tag !== TAG_SEQUENCE) throw new TlvError('decoding DER: not a sequence');
    const elements = new Elements(object.value);
    elements.require(TAG_INTEGER, 'version');
    const serialNumber = elements.take(TAG_OCTET_STRING);
    const manufacturer = elements.take(TAG_UTF8_STRING);
    const label = elements.take(TAG_LABEL);
    const flags = parseBits(elements.require(TAG_BIT_STRING, 'flags of the card'), 'flags of the card');
    elements.take(TAG_SEQUENCE); // security environments
    elements.take(TAG_RECORD_INFORMATION);
    const algorithms = elements.take(TAG_SUPPORTED_ALGORITHMS);
    const lastUpdate = parseLastUpdate(elements);
    const serial = serialNumber && formatSerialNumber(serialNumber);
    return {
      ...(serial ? { serialNumber: serial } : {}),
      ...(manufacturer ? { manufacturer: parseLabel(manufacturer) } : {}),
      ...(label ? { label: parseLabel(label) } : {}),
      isReadOnly: flags.has(CARD_FLAG_READ_ONLY),
      algorithms: algorithms ? parseAlgorithms(algorithms) : [],
      ...(lastUpdate === undefined ? {} : { lastUpdate }),
    };
  });
}

/** Out of the beginning of the file; undefined when it is not there, or cut off. */
export function parseSerialNumber(head: Uint8Array): string | undefined {
  const extent = readExtent(head, 0);
  if (head[0] !== TAG_SEQUENCE || !extent) return undefined;
  return parsing('EF.CIAInfo', () => {
    const { object, rest } = decodeFirstTlv(decodeFirstTlv(head.subarray(extent.header)).rest);
    return object.tag === TAG_OCTET_STRING && rest.length > 0 ? formatSerialNumber(object.value) : undefined;
  });
}

/** Card numbers are stored as decimal digits, two in a byte and F after an odd number of them; some cards store them as text. */
function formatSerialNumber(bytes: Uint8Array): string {
  const isText = bytes.length >= 12 && bytes.every((byte) => byte >= 0x30 && byte <= 0x39);
  if (isText) return new TextDecoder().decode(bytes);
  const hex = formatHex(bytes);
  return /^\d+F$/.test(hex) ? hex.slice(0, -1) : hex;
}

function parseAlgorithms(content: Uint8Array): readonly CardAlgorithm[] {
  const elements = new Elements(content);
  const algorithms: CardAlgorithm[] = [];
  for (let entry = elements.take(TAG_SEQUENCE); entry; entry = elements.take(TAG_SEQUENCE)) {
    if (algorithms.length === MAX_ALGORITHMS) throw new TlvError(`decoding DER: more than ${MAX_ALGORITHMS} algorithms`);
    algorithms.push(parseAlgorithm(entry));
  }
  return algorithms;
}

/** AlgorithmInfo: reference, algorithm, parameters of any kind, operations, [objId], [algRef]. */
function parseAlgorithm(content: Uint8Array): CardAlgorithm {
  const elements = new Elements(content);
  const reference = parseInteger(elements.require(TAG_INTEGER, 'reference of an algorithm'), 'reference of an algorithm');
  const mechanism = parseInteger(elements.require(TAG_INTEGER, 'mechanism of an algorithm'), 'mechanism of an algorithm');
  // NULL parameters are 05 00; some cards leave them out.
  let operations = elements.take(TAG_BIT_STRING);
  const parameters = operations ? undefined : elements.any();
  operations ??= elements.require(TAG_BIT_STRING, 'operations of an algorithm');
  elements.take(TAG_OBJECT_IDENTIFIER);
  const algorithmReference = elements.take(TAG_INTEGER);
  const curve = parameters?.tag === TAG_OBJECT_IDENTIFIER ? curveOf(parameters.value) : undefined;
  return {
    reference,
    mechanism,
    ...(curve ? { curve } : {}),
    operations: parseBits(operations, 'operations of an algorithm'),
    ...(algorithmReference ? { algorithmReference: parseReference(algorithmReference, 'algRef of an algorithm') } : {}),
  };
}

/** A time, or a path to a file that holds one; the second is not followed. */
function parseLastUpdate(elements: Elements): string | undefined {
  const explicit = elements.find(TAG_LAST_UPDATE);
  const time = explicit ? new Elements(explicit).take(TAG_GENERALIZED_TIME) : elements.find(TAG_LAST_UPDATE_TIME);
  return time && parseLabel(time);
}

const SECOND_MS = 1_000;
/** GeneralizedTime has four digits for it. */
const LAST_YEAR = 9_999;

/**
 * Where the time of the last change stands, and what is to stand there: as long as the old one ("20260731120000Z"), and later, however the clocks of two
 * workstations differ. Undefined on cards that give none in this form.
 */
export function planLastUpdate(
  content: Uint8Array,
  now?: Date,
): { readonly offset: number; readonly time: Uint8Array } | undefined {
  const { lastUpdate } = parseCardInformation(content);
  const before = lastUpdate === undefined ? undefined : parseTime(lastUpdate);
  if (lastUpdate === undefined || before === undefined) return undefined;
  const offset = Buffer.from(content).lastIndexOf(lastUpdate, undefined, 'latin1');
  const time = new Date(Math.max(now?.getTime() ?? 0, before + SECOND_MS));
  if (offset < 0 || time.getUTCFullYear() > LAST_YEAR) return undefined;
  return { offset, time: new TextEncoder().encode(formatTime(time)) };
}

function parseTime(text: string): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time) ? undefined : time;
}

/** GeneralizedTime in seconds, of four-digit years. */
function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
}
