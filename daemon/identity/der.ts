/**
 * DER as certificates have it (ITU-T X.690, section 10), on top of BER-TLV: what is padded, or longer than it need be, is refused, so that no byte of a
 * certificate can be read in two ways. Throws TlvError for everything else.
 */
import { TlvError, decodeTlv, encodeTag, type TlvObject } from '../../apdu/tlv/ber-tlv.ts';

export const TAG_BOOLEAN = 0x01;
export const TAG_INTEGER = 0x02;
export const TAG_BIT_STRING = 0x03;
export const TAG_OCTET_STRING = 0x04;
export const TAG_OBJECT_IDENTIFIER = 0x06;
export const TAG_PRINTABLE_STRING = 0x13;
export const TAG_SEQUENCE = 0x30;
export const TAG_SET = 0x31;
/** "[n]" of a schema: constructed, or primitive under IMPLICIT tags. */
export const constructed = (number: number): number => 0xa0 | number;
export const primitive = (number: number): number => 0x80 | number;

/** The objects one after the other, without anything between them, each length in its shortest form. */
export function decodeDer(bytes: Uint8Array): readonly TlvObject[] {
  const objects = decodeTlv(bytes);
  const length = objects.reduce(
    (sum, { tag, value }) => sum + encodeTag(tag).length + lengthOfLength(value.length) + value.length,
    0,
  );
  if (length !== bytes.length) throw new TlvError('decoding DER: padding, or a length that is not in its shortest form');
  return objects;
}

function lengthOfLength(length: number): number {
  if (length < 0x80) return 1;
  return length <= 0xff ? 2 : length <= 0xffff ? 3 : length <= 0xff_ffff ? 4 : 5;
}

/** The one object that `bytes` are, of this tag: its content. */
export function decodeOne(bytes: Uint8Array, tag: number): Uint8Array {
  const [object, ...more] = decodeDer(bytes);
  if (object?.tag !== tag || more.length > 0) throw new TlvError('decoding DER: another object than was expected');
  return object.value;
}

/** More than any identifier in use; their numbers take time that grows with the square of their length. */
const MAX_OID_BYTES = 64;

/** Dotted (X.690, section 8.19). */
export function parseOid(value: Uint8Array): string {
  if (value.length > MAX_OID_BYTES) throw new TlvError('decoding DER: an object identifier that is too long');
  const numbers: bigint[] = [];
  let number = 0n;
  for (const [index, byte] of value.entries()) {
    if (number === 0n && byte === 0x80) throw new TlvError('decoding DER: an object identifier with a padded number');
    number = (number << 7n) | BigInt(byte & 0x7f);
    if ((byte & 0x80) !== 0) {
      if (index === value.length - 1) break;
      continue;
    }
    numbers.push(number);
    number = 0n;
  }
  const [first, ...rest] = numbers;
  if (first === undefined || ((value.at(-1) ?? 0) & 0x80) !== 0)
    throw new TlvError('decoding DER: an object identifier that ends early');
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

/** Numbers of the bits that are set, the top bit of the first octet being 0 (X.690, section 8.6.2). */
export function parseBits(value: Uint8Array): ReadonlySet<number> {
  const [unused] = value;
  if (unused === undefined || unused > 7 || value.length > 5 || (value.length === 1 && unused > 0))
    throw new TlvError('decoding DER: no bit string of flags');
  const bits = new Set<number>();
  for (let bit = 0; bit < (value.length - 1) * 8; bit++)
    if (((value[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0) bits.add(bit);
  return bits;
}

/** Of at most four bytes, and not negative. */
export function parseSize(value: Uint8Array): number {
  const [first] = value;
  if (first === undefined || first > 0x7f || value.length > 4) throw new TlvError('decoding DER: an integer out of range');
  return value.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** TRUE is FF (X.690, section 11.1). */
export function parseBoolean(value: Uint8Array): boolean {
  if (value.length !== 1 || (value[0] !== 0 && value[0] !== 0xff)) throw new TlvError('decoding DER: no boolean');
  return value[0] === 0xff;
}
