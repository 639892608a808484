/**
 * The few DER types that the directory files of a card are made of (ISO/IEC 8825-1), on top of BER-TLV. A sequence is read from front to back:
 * an optional element is there or not, and what comes after the known ones is left alone, as ISO/IEC 7816-15 wants of extensions.
 */
import { formatHex } from '../../bytes.ts';
import { CardDataError } from '../../errors.ts';
import { TlvError, decodeTlv, formatTag, type TlvObject } from '../../tlv/ber-tlv.ts';

export const TAG_BOOLEAN = 0x01;
export const TAG_INTEGER = 0x02;
export const TAG_BIT_STRING = 0x03;
export const TAG_OCTET_STRING = 0x04;
export const TAG_OBJECT_IDENTIFIER = 0x06;
export const TAG_ENUMERATED = 0x0a;
export const TAG_UTF8_STRING = 0x0c;
export const TAG_GENERALIZED_TIME = 0x18;
export const TAG_SEQUENCE = 0x30;

/** Most bytes of an identifier or label (ISO/IEC 7816-15:2016, section 8.2: ub-identifier and ub-label are 255). */
const MAX_NAME_LENGTH = 255;

/** Runs a parser, and says of which file its input was when it does not parse. */
export function parsing<R>(what: string, parse: () => R): R {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`reading ${what}: ${error.message}`, {}, { cause: error });
    throw error;
  }
}

/** The elements of a sequence, taken in their order. */
export class Elements {
  readonly #objects: readonly TlvObject[];
  #next = 0;

  constructor(content: Uint8Array) {
    this.#objects = decodeTlv(content);
  }

  /** The value of the next element when it has one of these tags; else nothing is taken. */
  take(...tags: readonly number[]): Uint8Array | undefined {
    const object = this.#objects[this.#next];
    if (!object || !tags.includes(object.tag)) return undefined;
    this.#next++;
    return object.value;
  }

  require(tag: number, name: string): Uint8Array {
    const value = this.take(tag);
    if (value) return value;
    const found = this.#objects[this.#next];
    throw new TlvError(`decoding DER: ${name} should be ${formatTag(tag)}, is ${found ? formatTag(found.tag) : 'missing'}`);
  }

  /** The next element, whatever it is. */
  any(): TlvObject | undefined {
    return this.#objects[this.#next++];
  }

  /** The first element with this tag among those that are left: for context tags behind extensions. */
  find(tag: number): Uint8Array | undefined {
    return this.#objects.slice(this.#next).find((object) => object.tag === tag)?.value;
  }
}

/** An INTEGER or ENUMERATED of at most four bytes, which is more than any field of a directory file needs. */
export function parseInteger(value: Uint8Array, name: string): number {
  if (value.length === 0 || value.length > 4) throw new TlvError(`decoding DER: ${name} is an integer of ${value.length} bytes`);
  return value.reduce((sum, byte, index) => sum * 256 + (index === 0 ? (byte << 24) >> 24 : byte), 0);
}

/** As `parseInteger`; a negative one is a TlvError too. */
export function parseSize(value: Uint8Array, name: string): number {
  const size = parseInteger(value, name);
  if (size < 0) throw new TlvError(`decoding DER: ${name} is negative`);
  return size;
}

/** A key or PIN reference, 00 to FF: some cards write 81 as one byte, which is a negative number in DER. */
export function parseReference(value: Uint8Array, name: string): number {
  const reference = parseInteger(value, name);
  if (reference < -128 || reference > 255) throw new TlvError(`decoding DER: ${name} ${reference} is not one byte`);
  return reference & 0xff;
}

/** The numbers of the bits that are set: bit 0 is the top bit of the first octet (ISO/IEC 8825-1, section 8.6.2). */
export function parseBits(value: Uint8Array, name: string): ReadonlySet<number> {
  const unused = value[0];
  if (unused === undefined || unused > 7 || value.length > 5)
    throw new TlvError(`decoding DER: ${name} is no bit string of flags`);
  const bits = new Set<number>();
  for (let bit = 0; bit < (value.length - 1) * 8; bit++)
    if (((value[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) bits.add(bit);
  return bits;
}

/** An Identifier (iD, authId) as upper-case hexadecimal. */
export function parseIdentifier(value: Uint8Array, name: string): string {
  if (value.length === 0 || value.length > MAX_NAME_LENGTH)
    throw new TlvError(`decoding DER: ${name} is an identifier of ${value.length} bytes`);
  return formatHex(value);
}

/** Text for people: what is no UTF-8 is read as ISO/IEC 8859-1, which old cards wrote, and control characters are dropped. */
export function parseLabel(value: Uint8Array): string {
  const bytes = value.subarray(0, MAX_NAME_LENGTH);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    text = new TextDecoder('latin1').decode(bytes);
  }
  return text.replaceAll(/\p{Cc}/gu, '').trim();
}
