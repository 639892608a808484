/** How far a file has to be read: files of a card are longer than what is in them, and what fills them up costs commands. */

/** One data object at the beginning (a certificate), data objects one after the other (a directory), every byte, or what the first answer gives. */
export type FileShape = 'object' | 'objects' | 'bytes' | 'head';

interface Extent {
  /** Of tag and length. */
  readonly header: number;
  /** Of the value. */
  readonly length: number;
}

/** How many bytes of the file are wanted, going by those that are there; more than there are when it is not known yet. */
export function wantedLength(bytes: Uint8Array, shape: FileShape): number {
  if (shape === 'head') return bytes.length;
  if (shape === 'bytes') return Number.POSITIVE_INFINITY;
  if (shape === 'object') return isFilling(bytes[0]) ? bytes.length : endOfObject(bytes, 0);
  let offset = 0;
  while (offset < bytes.length) {
    const rest = bytes.subarray(offset);
    if (!isFilling(rest[0])) offset = endOfObject(bytes, offset);
    // One byte of filling at the very end may be the tag of a deleted entry, and more is the end.
    else if (rest.length > 1 && rest.every(isFilling)) return bytes.length;
    else offset += fillingLength(rest);
  }
  return offset + (offset === bytes.length ? 1 : 0);
}

/** 00 and FF before, between and after data objects mean nothing (ISO/IEC 7816-4:2020, section 6.3). */
export function isFilling(byte: number | undefined): boolean {
  return byte === 0x00 || byte === 0xff;
}

/**
 * How much to pass over at a byte of filling. An entry is deleted by overwriting its tag with 00 and leaving its length (PKCS #15 v1.1, section 5.8.2);
 * it is told from filling by what follows it: an entry, more filling, or the end.
 */
export function fillingLength(bytes: Uint8Array): number {
  if (bytes[0] !== 0x00) return 1;
  const extent = readExtent(bytes, 0);
  if (!extent || extent.length === 0) return 1;
  const next = bytes[extent.header + extent.length];
  const isFollowed = next === undefined ? extent.header + extent.length === bytes.length : isFilling(next) || isEntry(next);
  return isFollowed ? extent.header + extent.length : 1;
}

/** What directory entries begin with: SEQUENCE, or the context tag of another kind of object. */
function isEntry(tag: number): boolean {
  return tag === 0x30 || (tag >= 0xa0 && tag <= 0xa8);
}

/** Where the object at `offset` ends; one more than there is when its header is cut short. */
function endOfObject(bytes: Uint8Array, offset: number): number {
  const extent = readExtent(bytes, offset);
  return extent ? offset + extent.header + extent.length : bytes.length + 1;
}

/** Of the object at `offset`, behind a tag of one byte, which is what all objects in these files have. Undefined when there are too few bytes to tell. */
export function readExtent(bytes: Uint8Array, offset: number): Extent | undefined {
  const first = bytes[offset + 1];
  if (first === undefined) return undefined;
  const count = first < 0x80 ? 0 : first & 0x7f;
  if (count === 0) return { header: 2, length: first & 0x7f };
  if (bytes.length < offset + 2 + count) return undefined;
  let length = 0;
  for (let index = 0; index < count; index++) length = length * 256 + (bytes[offset + 2 + index] ?? 0);
  return { header: 2 + count, length };
}
