/**
 * Masks of ASN.1 in DER: EF.DIR, the directory files of ISO/IEC 7816-15, EF.CardAccess, certificates. The skeleton stays, and with it object identifiers, flags,
 * small numbers and paths of files: what it takes to find one's way on the card. Names, numbers, times, keys and signatures are hidden.
 */
import { equalBytes, parseHex } from '../../apdu/bytes.ts';
import { TlvError, decodeFirstTlv } from '../../apdu/tlv/ber-tlv.ts';
import { hidden, kept, type Mask, type Run } from './run.ts';
import { APPLICATIONS } from './whitelist.ts';

/** ITU-T X.680 (2021), section 8.6, table 1. */
const TAG_BOOLEAN = 0x01;
const TAG_INTEGER = 0x02;
const TAG_BIT_STRING = 0x03;
const TAG_OCTET_STRING = 0x04;
const TAG_NULL = 0x05;
const TAG_OBJECT_IDENTIFIER = 0x06;
const TAG_ENUMERATED = 0x0a;
const TAG_UTC_TIME = 0x17;
const TAG_GENERALIZED_TIME = 0x18;
const TAG_SEQUENCE = 0x30;
const TAG_SET = 0x31;
/** Of EF.DIR (ISO/IEC 7816-4:2020, section 12.2.1). */
const TAG_APPLICATION_IDENTIFIER = 0x4f;
const TAG_PATH = 0x51;
const TAG_APPLICATION_TEMPLATE = 0x61;

const CONSTRUCTED: ReadonlySet<number> = new Set([TAG_SEQUENCE, TAG_SET, TAG_APPLICATION_TEMPLATE]);

/** [0] EXPLICIT version v2 or v3, before a certificate's serial number (RFC 5280, section 4.1). */
const CERTIFICATE_VERSIONS = [parseHex('020101'), parseHex('020102')];
/** 65,537, the exponent of almost every RSA key. */
const COMMON_EXPONENT = parseHex('010001');
/** Numbers of so many bytes are lengths, references, bit sizes. */
const SMALL_BYTES = 2;
/** Key usage and access flags, with the count of unused bits. */
const FLAG_BYTES = 3;
/** Object identifiers of algorithms and policies; the longer ones are made of UUIDs. */
const IDENTIFIER_BYTES = 12;
/** A path of four levels. */
const PATH_BYTES = 8;
/** Length in two bytes (ITU-T X.690 (2021), section 8.1.3.5), and a header that has it. */
const LONG_FORM = 0x82;
const LONG_HEADER_BYTES = 4;
/** Deeper is no file of a card. */
const MAX_DEPTH = 24;
/** The MF, and the DF of PKCS #15 by the identifier that everybody gives it. */
const PATH_STARTS = [parseHex('3F00'), parseHex('5015')];
/** Sizes with which files of directories begin and end: 00 or FF fill what is not used. */
const FILLINGS: ReadonlySet<number> = new Set([0x00, 0xff]);

const POINT_LENGTHS: ReadonlySet<number> = new Set([65, 97, 133]);
/** Uncompressed (SEC 1, section 2.3.3). */
const UNCOMPRESSED = 0x04;

/**
 * Undefined unless all of it is DER that begins with a constructed object, up to what fills the file. The end may be missing: of a second object, or of a first one whose
 * length has two bytes, which no text begins with.
 */
export function maskDer(bytes: Uint8Array): Mask | undefined {
  const first = bytes[0] ?? 0;
  const begins = CONSTRUCTED.has(first) || isContextConstructed(first);
  return begins ? (maskSiblings(bytes, 0) ?? maskCut(bytes, 0)) : undefined;
}

function maskSiblings(bytes: Uint8Array, depth: number): Mask | undefined {
  const { mask, rest } = maskWhole(bytes, depth);
  return rest.length === 0 ? mask : undefined;
}

/** The objects that are whole, up to one that is not, or is no DER. */
function maskWhole(bytes: Uint8Array, depth: number): { readonly mask: Mask; readonly rest: Uint8Array } {
  const runs: Run[] = [];
  let before: Sibling | undefined;
  let rest = bytes;
  while (rest.length > 0) {
    if (FILLINGS.has(rest[0] ?? 0) && isFilling(rest)) return { mask: [...runs, ...kept(rest.length)], rest: new Uint8Array() };
    const next = FILLINGS.has(rest[0] ?? 0) ? undefined : decodeOrNothing(rest);
    const inner = next && next.object.tag <= 0xff ? maskValue(next.object, before, depth) : undefined;
    if (!next || !inner) break;
    runs.push(...kept(rest.length - next.rest.length - next.object.value.length), ...inner);
    before = next.object;
    rest = next.rest;
  }
  return { mask: runs, rest };
}

/** What is there of objects whose end is missing; what cannot be told is hidden. */
function maskCut(bytes: Uint8Array, depth: number): Mask | undefined {
  const { mask, rest } = maskWhole(bytes, depth);
  const header = LONG_HEADER_BYTES;
  const [tag = 0, form] = rest;
  const isLong = form === LONG_FORM && rest.length > header && (CONSTRUCTED.has(tag) || isContextConstructed(tag));
  if (!isLong || depth > MAX_DEPTH) return depth === 0 && mask.length === 0 ? undefined : [...mask, ...hidden(rest.length)];
  const length = ((rest[2] ?? 0) << 8) | (rest[3] ?? 0);
  if (length <= rest.length - header) return depth === 0 && mask.length === 0 ? undefined : [...mask, ...hidden(rest.length)];
  return [...mask, ...kept(header), ...(maskCut(rest.subarray(header), depth + 1) ?? hidden(rest.length - header))];
}

function isContextConstructed(tag: number): boolean {
  return (tag & 0xe0) === 0xa0;
}

interface Sibling {
  readonly tag: number;
  readonly value: Uint8Array;
}

function decodeOrNothing(bytes: Uint8Array): ReturnType<typeof decodeFirstTlv> | undefined {
  try {
    return decodeFirstTlv(bytes);
  } catch (error) {
    if (error instanceof TlvError) return undefined;
    throw error;
  }
}

/** All of it one byte, 00 or FF. */
function isFilling(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === bytes[0]);
}

/** Undefined for what is no DER of a card. */
function maskValue({ tag, value }: Sibling, before: Sibling | undefined, depth: number): Mask | undefined {
  if (depth > MAX_DEPTH) return undefined;
  if (CONSTRUCTED.has(tag) || isContextConstructed(tag)) return maskSiblings(value, depth + 1);
  if (tag & 0x20) return undefined;
  switch (tag) {
    case TAG_BOOLEAN:
    case TAG_NULL:
    case TAG_ENUMERATED:
      return keepUpTo(1, value);
    case TAG_INTEGER:
      return isSerialNumber(before) ? maskInteger(value) : maskNumber(value);
    case TAG_BIT_STRING:
      return maskBits(value, depth);
    case TAG_OCTET_STRING:
      return maskOctets(value, before, depth);
    case TAG_OBJECT_IDENTIFIER:
      return keepUpTo(IDENTIFIER_BYTES, value);
    case TAG_UTC_TIME:
    case TAG_GENERALIZED_TIME:
      return hidden(value.length, 'time');
    case TAG_APPLICATION_IDENTIFIER:
      return APPLICATIONS.some((known) => equalBytes(known, value)) ? kept(value.length) : hidden(value.length);
    case TAG_PATH:
      return keepPath(value);
    default:
      return maskOther(tag, value);
  }
}

/** Context-specific: a reference or a length; [0] or [5] may be a time. Everything else is text. */
function maskOther(tag: number, value: Uint8Array): Mask {
  if ((tag & 0xc0) === 0x80) return keepUpTo(SMALL_BYTES, value);
  return hidden(value.length);
}

function keepUpTo(lengthBytes: number, value: Uint8Array): Mask {
  return value.length <= lengthBytes ? kept(value.length) : hidden(value.length);
}

function isSerialNumber(before: Sibling | undefined): boolean {
  return before?.tag === 0xa0 && CERTIFICATE_VERSIONS.some((version) => equalBytes(version, before.value));
}

function maskNumber(value: Uint8Array): Mask {
  if (value.length <= SMALL_BYTES || equalBytes(value, COMMON_EXPONENT)) return kept(value.length);
  return maskInteger(value);
}

/** Stays in the shortest form whatever takes its place: after a leading 00 comes a set bit (ITU-T X.690 (2021), section 8.3.2). */
function maskInteger(value: Uint8Array): Mask {
  return value[0] === 0x00 && value.length > 1 ? [...kept(1), ...hidden(value.length - 1, 'high')] : hidden(value.length);
}

/** Flags; else a public key or a signature, which may be DER itself. The count of unused bits stays. */
function maskBits(value: Uint8Array, depth: number): Mask {
  if (value.length <= FLAG_BYTES) return kept(value.length);
  const bits = value.subarray(1);
  const inner = bits[0] === TAG_SEQUENCE ? maskSiblings(bits, depth + 1) : undefined;
  return [...kept(1), ...(inner ?? maskPoint(bits))];
}

/** The value of an extension, an identifier, a path. */
function maskOctets(value: Uint8Array, before: Sibling | undefined, depth: number): Mask {
  if (value.length <= SMALL_BYTES) return kept(value.length);
  if (isNested(value)) {
    const inner = maskSiblings(value, depth + 1);
    if (inner) return inner;
  }
  if (value[0] === TAG_OCTET_STRING && value[1] === value.length - 2 && value.length > 2 + SMALL_BYTES)
    return [...kept(2), ...hidden(value.length - 2)];
  return before === undefined ? keepPath(value) : hidden(value.length);
}

/** As far as extensions go: a SEQUENCE, or the flags of key usage. */
function isNested(value: Uint8Array): boolean {
  const isFlags = value[0] === TAG_BIT_STRING && value[1] === value.length - 2 && value.length <= 2 + FLAG_BYTES;
  return value[0] === TAG_SEQUENCE || isFlags;
}

function keepPath(value: Uint8Array): Mask {
  const isPath =
    value.length % 2 === 0 &&
    value.length <= PATH_BYTES &&
    PATH_STARTS.some((start) => equalBytes(start, value.subarray(0, start.length)));
  return isPath ? kept(value.length) : hidden(value.length);
}

/** A public key that is a point of a curve; anything else that is no DER. */
export function maskPoint(value: Uint8Array): Mask {
  return value[0] === UNCOMPRESSED && POINT_LENGTHS.has(value.length) ? hidden(value.length, 'point') : hidden(value.length);
}
