/** Path: where an object of the directory stands on the card (ISO/IEC 7816-15:2016, section 8.2.5; PKCS #15 v1.1, section 6.1.5). */
import { formatHex } from '../../bytes.ts';
import { TlvError, encodeTlv } from '../../tlv/ber-tlv.ts';
import { Elements, TAG_INTEGER, TAG_OCTET_STRING, parseSize } from './der.ts';

/** ISO/IEC 7816-4:2020, section 7.3.1: the file identifier of the MF. */
export const MASTER_FILE = '3F00';
/** Deeper than any card is; SELECT by path carries 255 bytes. */
const MAX_PATH_LENGTH = 16;

export interface FilePath {
  /** File identifiers in hexadecimal: from the MF ("3F0050154401"), or from the application ("4401"). One byte is a short EF identifier. */
  readonly file: string;
  /** The part of the file that is meant; absent: the whole file. */
  readonly offset?: number;
  readonly lengthBytes?: number;
}

const TAG_LENGTH = 0x80;

/** `content` is that of the SEQUENCE. Undefined for the forms that name no file (a URL, a data object's tag). */
export function parsePath(content: Uint8Array): FilePath | undefined {
  const elements = new Elements(content);
  const identifier = elements.take(TAG_OCTET_STRING);
  if (!identifier || identifier.length === 0) return undefined;
  const isShort = identifier.length === 1;
  if (identifier.length > MAX_PATH_LENGTH || (!isShort && identifier.length % 2 !== 0))
    throw new TlvError(`decoding DER: a path of ${identifier.length} bytes`);
  const offset = elements.take(TAG_INTEGER);
  const length = elements.take(TAG_LENGTH);
  return {
    file: formatHex(identifier),
    ...(offset ? { offset: parseSize(offset, 'index of a path') } : {}),
    ...(length ? { lengthBytes: parseSize(length, 'length of a path') } : {}),
  };
}

/** A whole file. */
export function encodePath(identifier: Uint8Array): Uint8Array {
  return encodeTlv(0x30, encodeTlv(TAG_OCTET_STRING, identifier));
}

export function isAbsolute(file: string): boolean {
  return file.startsWith(MASTER_FILE);
}

/** "3F005015" for "3F0050154401"; "" for a file of the application itself. */
export function parentOf(file: string): string {
  return file.length > 4 ? file.slice(0, -4) : '';
}

/** How two paths to the same bytes are told to be the same. */
export function pathKey({ file, offset, lengthBytes }: FilePath): string {
  return `${file}:${offset ?? 0}:${lengthBytes ?? ''}`;
}
