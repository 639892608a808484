/**
 * BER-TLV data objects as ISO/IEC 7816-4:2020 section 6 allows them: tags of one to three bytes, definite lengths of up to four bytes.
 * Decoding is total (any input gives objects or a TlvError), bounded (depth, count), and never reads past its input.
 */

export interface TlvObject {
  /** Tag bytes as one number: 0x53, 0x7f49, 0x5fc102. */
  readonly tag: number;
  /** A view into what was decoded. */
  readonly value: Uint8Array;
}

export class TlvError extends Error {
  override readonly name = 'TlvError';
}

/** Most data objects on one level: more is a hostile or broken card. */
export const MAX_TLV_OBJECTS = 4096;

interface Header {
  readonly tag: number;
  readonly valueStart: number;
  readonly end: number;
}

/** Decodes the data objects on one level. 00 and FF bytes between them are padding (section 6.3) and are skipped. */
export function decodeTlv(bytes: Uint8Array): readonly TlvObject[] {
  const objects: TlvObject[] = [];
  let offset = skipPadding(bytes, 0);
  while (offset < bytes.length) {
    if (objects.length === MAX_TLV_OBJECTS) throw new TlvError(`decoding TLV: more than ${MAX_TLV_OBJECTS} data objects`);
    const header = readHeader(bytes, offset);
    objects.push({ tag: header.tag, value: bytes.subarray(header.valueStart, header.end) });
    offset = skipPadding(bytes, header.end);
  }
  return objects;
}

/** Decodes the first data object and leaves the rest alone. */
export function decodeFirstTlv(bytes: Uint8Array): { readonly object: TlvObject; readonly rest: Uint8Array } {
  const header = readHeader(bytes, skipPadding(bytes, 0));
  return { object: { tag: header.tag, value: bytes.subarray(header.valueStart, header.end) }, rest: bytes.subarray(header.end) };
}

/** The value of the first data object with this tag on this level. */
export function findTlv(objects: readonly TlvObject[], tag: number): Uint8Array | undefined {
  return objects.find((object) => object.tag === tag)?.value;
}

/** As `findTlv`, and a missing one is a TlvError that names it. */
export function requireTlv(objects: readonly TlvObject[], tag: number): Uint8Array {
  const value = findTlv(objects, tag);
  if (!value) throw new TlvError(`decoding TLV: no data object ${formatTag(tag)}`);
  return value;
}

/** Encodes one data object, its value being bytes or further objects encoded already and given as parts. Length in the shortest form (DER). */
export function encodeTlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [...encodeTag(tag), ...encodeLength(length)];
  const encoded = new Uint8Array(head.length + length);
  encoded.set(head);
  let offset = head.length;
  for (const part of parts) {
    encoded.set(part, offset);
    offset += part.length;
  }
  return encoded;
}

/** "5FC102" for 0x5fc102. */
export function formatTag(tag: number): string {
  const hex = tag.toString(16).toUpperCase();
  return hex.padStart(hex.length + (hex.length % 2), '0');
}

/** The bytes of a tag, one to three. */
export function encodeTag(tag: number): readonly number[] {
  if (tag <= 0xff) return [tag];
  if (tag <= 0xffff) return [tag >> 8, tag & 0xff];
  return [(tag >> 16) & 0xff, (tag >> 8) & 0xff, tag & 0xff];
}

function encodeLength(length: number): readonly number[] {
  if (length < 0x80) return [length];
  if (length <= 0xff) return [0x81, length];
  if (length <= 0xffff) return [0x82, length >> 8, length & 0xff];
  return [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
}

function skipPadding(bytes: Uint8Array, start: number): number {
  let offset = start;
  while (offset < bytes.length && (bytes[offset] === 0x00 || bytes[offset] === 0xff)) offset++;
  return offset;
}

function readHeader(bytes: Uint8Array, start: number): Header {
  let offset = start;
  const next = (): number => {
    const byte = bytes[offset++];
    if (byte === undefined) throw new TlvError(`decoding TLV: input ends in the header at offset ${start}`);
    return byte;
  };
  let tag = next();
  if ((tag & 0x1f) === 0x1f) {
    let byte = next();
    tag = (tag << 8) | byte;
    if (byte & 0x80) {
      byte = next();
      tag = (tag << 8) | byte;
      if (byte & 0x80) throw new TlvError(`decoding TLV: tag of more than three bytes at offset ${start}`);
    }
  }
  const first = next();
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new TlvError(`decoding TLV: length byte ${first.toString(16)} at offset ${start}`);
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + next();
  }
  if (length > bytes.length - offset) {
    throw new TlvError(`decoding TLV: ${formatTag(tag)} claims ${length} bytes, ${bytes.length - offset} are left`);
  }
  return { tag, valueStart: offset, end: offset + length };
}
