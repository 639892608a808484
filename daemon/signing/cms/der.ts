/**
 * DER (X.690, section 10) as bytes: what CMS signs must come out byte for byte as it came in, so elements are kept as views of their input and written from
 * parts. Reading is strict (definite lengths in their shortest form, tags of one byte), bounded in depth and count, and never goes past its input.
 */

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Of the context-specific class, constructed ([n] EXPLICIT, or IMPLICIT of something constructed). */
export const context = (number: number): number => 0xa0 | number;

const CONSTRUCTED = 0x20;
const MAX_DEPTH = 32;
/** A CMS with a revocation list of 40,000 entries has as many. */
const MAX_ELEMENTS = 250_000;
/** Four length bytes: more than any input that is taken. */
const MAX_LENGTH_BYTES = 4;

export class DerError extends Error {
  override readonly name = 'DerError';
}

export interface DerElement {
  readonly tag: number;
  /** Views of what was decoded. */
  readonly raw: Uint8Array;
  readonly value: Uint8Array;
}

/** The one element that these bytes are. Throws DerError, also for bytes that follow it. */
export function readDer(bytes: Uint8Array, tag?: number): DerElement {
  const element = readElement(bytes, 0);
  const after = bytes.length - element.raw.length;
  if (after > 0) throw new DerError(`${after} bytes follow the structure`);
  if (tag !== undefined) requireTag(element, tag);
  return element;
}

/** The same, with everything inside it checked to be DER. To be asked once, before libraries see the bytes. */
export function readDerTree(bytes: Uint8Array): DerElement {
  const root = readDer(bytes);
  let count = 0;
  const check = (element: DerElement, depth: number): void => {
    if ((element.tag & CONSTRUCTED) === 0) return;
    if (depth === MAX_DEPTH) throw new DerError(`nested deeper than ${MAX_DEPTH} levels`);
    for (let offset = 0; offset < element.value.length;) {
      if (++count > MAX_ELEMENTS) throw new DerError(`more than ${MAX_ELEMENTS} elements`);
      const child = readElement(element.value, offset);
      check(child, depth + 1);
      offset += child.raw.length;
    }
  };
  check(root, 1);
  return root;
}

/** What is inside a constructed element. */
export function childrenOf({ value }: DerElement): readonly DerElement[] {
  const children: DerElement[] = [];
  for (let offset = 0; offset < value.length;) {
    const child = readElement(value, offset);
    children.push(child);
    offset += child.raw.length;
  }
  return children;
}

/** Takes the fields of a SEQUENCE one by one: those that must be there, and those that may. */
export class Fields {
  readonly #children: readonly DerElement[];
  #next = 0;

  constructor(element: DerElement, tag: number = TAG.sequence) {
    requireTag(element, tag);
    this.#children = childrenOf(element);
  }

  take(tag?: number): DerElement {
    const child = this.#children[this.#next++];
    if (!child) throw new DerError('a field is missing');
    if (tag !== undefined) requireTag(child, tag);
    return child;
  }

  takeIf(tag: number): DerElement | undefined {
    return this.#children[this.#next]?.tag === tag ? this.take() : undefined;
  }

  /** Nothing may be left. */
  end(): void {
    if (this.#next < this.#children.length) throw new DerError('a field too many');
  }
}

export function requireTag(element: DerElement, tag: number): DerElement {
  if (element.tag === tag) return element;
  const hex = (number: number): string => number.toString(16).padStart(2, '0');
  throw new DerError(`tag ${hex(tag)} expected, ${hex(element.tag)} found`);
}

function readElement(bytes: Uint8Array, start: number): DerElement {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new DerError('it ends in the head of an element');
  if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of several bytes');
  let header = 2;
  let length = first;
  if (first === 0x80) throw new DerError('a length that is not told beforehand (BER, indefinite form)');
  if (first > 0x80) {
    const count = first & 0x7f;
    if (count > MAX_LENGTH_BYTES) throw new DerError('a length that no input has');
    length = 0;
    for (const byte of bytes.subarray(start + 2, start + 2 + count)) length = length * 256 + byte;
    header += count;
    if (start + header > bytes.length) throw new DerError('it ends in the head of an element');
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('a length longer than it need be (BER)');
  }
  const end = start + header + length;
  if (end > bytes.length) throw new DerError(`an element goes ${end - bytes.length} bytes beyond the end`);
  return { tag, raw: bytes.subarray(start, end), value: bytes.subarray(start + header, end) };
}

/** Encoded bytes in parts, so that long content is copied once. */
export type DerParts = readonly Uint8Array[];

export function encode(tag: number, ...parts: readonly (Uint8Array | DerParts)[]): DerParts {
  const flat = parts.flatMap((part) => (part instanceof Uint8Array ? [part] : part));
  return [Uint8Array.of(tag, ...encodeLength(lengthOf(flat))), ...flat];
}

/** DER wants the elements in the order of their bytes (X.690, section 11.6). */
export function encodeSetOf(tag: number, elements: readonly Uint8Array[]): DerParts {
  return encode(
    tag,
    [...elements].sort((one, other) => Buffer.compare(one, other)),
  );
}

export function join(parts: DerParts): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthOf(parts));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Non-negative, small. */
export function encodeInteger(value: number): DerParts {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return encode(TAG.integer, (bytes[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(), bytes);
}

/** X.690, section 8.19. */
export function encodeOid(oid: string): DerParts {
  const [first = 0, second = 0, ...rest] = oid.split('.').map(Number);
  return encode(TAG.objectIdentifier, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** Dotted. Arcs beyond 2^53 come out rounded: none that is compared here has such. */
export function decodeOid(element: DerElement): string {
  requireTag(element, TAG.objectIdentifier);
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of element.value) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...rest] = arcs;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join('.');
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5652, section 11.3). */
export function encodeTime(time: Date): DerParts {
  const digits = time.toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const isShort = time.getUTCFullYear() >= 1950 && time.getUTCFullYear() < 2050;
  return encode(isShort ? TAG.utcTime : TAG.generalizedTime, Buffer.from(`${isShort ? digits.slice(2) : digits}Z`, 'latin1'));
}

/** Throws DerError for what is no time in UTC. Fractions of a second are kept to the millisecond. */
export function decodeTime({ tag, value }: DerElement): Date {
  if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) throw new DerError('a time is missing');
  const text = Buffer.from(value).toString('latin1');
  const match = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\.\d{1,9})?Z$/.exec(text);
  const [, years = '', month, day, hour, minute, second, fraction = ''] = match ?? [];
  if (!match || (years.length === 2) !== (tag === TAG.utcTime)) throw new DerError('a time that is none');
  const year = years.length === 4 ? years : `${Number(years) >= 50 ? '19' : '20'}${years}`;
  const time = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`);
  if (Number.isNaN(time.getTime())) throw new DerError('a time that is none');
  return time;
}

function base128(arc: number): readonly number[] {
  const digits = [arc & 0x7f];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

function encodeLength(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  return [0x80 | bytes.length, ...bytes];
}

function lengthOf(parts: DerParts): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
