/** Data groups of the Logical Data Structure, encoded from a description (ICAO Doc 9303-10, section 4). */
import { encodeTag, encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { concatBytes } from '../../bytes.ts';

/** Tag of each group, by its number (9303-10, section 4.6.1, table 38). */
export const DATA_GROUP_TAGS: Readonly<Record<number, number>> = {
  1: 0x61,
  2: 0x75,
  3: 0x63,
  4: 0x76,
  5: 0x65,
  7: 0x67,
  11: 0x6b,
  12: 0x6c,
  13: 0x6d,
  14: 0x6e,
  15: 0x6f,
  16: 0x70,
};
export const EF_COM = { id: 0x011e, shortId: 0x1e, tag: 0x60 } as const;
export const EF_SOD = { id: 0x011d, shortId: 0x1d, tag: 0x77 } as const;
export const UNICODE_VERSION = '040000';

export interface FaceImage {
  readonly kind: 'JPEG' | 'JPEG 2000';
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** EF.COM (section 4.6.1). */
export function encodeCom(ldsVersion: string, tags: readonly number[]): Uint8Array {
  return encodeTlv(
    EF_COM.tag,
    encodeTlv(0x5f01, ascii(ldsVersion)),
    encodeTlv(0x5f36, ascii(UNICODE_VERSION)),
    encodeTlv(0x5c, Uint8Array.from(tags)),
  );
}

/** DG1 (section 4.7.1). */
export function encodeMrzGroup(lines: readonly string[]): Uint8Array {
  return encodeTlv(0x61, encodeTlv(0x5f1f, ascii(lines.join(''))));
}

/** DG2: one biometric information template with one facial record (section 4.7.2; ISO/IEC 7816-11:2017, section 7). */
export function encodeFaceGroup(image: FaceImage, sex: 'F' | 'M' | 'X'): Uint8Array {
  const header = encodeTlv(
    0xa1,
    encodeTlv(0x80, Uint8Array.of(0x01, 0x01)),
    encodeTlv(0x81, Uint8Array.of(0x02)),
    encodeTlv(0x87, Uint8Array.of(0x01, 0x01)),
    encodeTlv(0x88, Uint8Array.of(0x00, 0x08)),
  );
  const template = encodeTlv(0x7f60, header, encodeTlv(0x5f2e, faceRecord(image, sex)));
  return encodeTlv(0x75, encodeTlv(0x7f61, encodeTlv(0x02, Uint8Array.of(1)), template));
}

const SEX_CODES = { X: 0, M: 1, F: 2 } as const;
const GENERAL_HEADER_BYTES = 14;
const FACE_HEADER_BYTES = 20;
const IMAGE_HEADER_BYTES = 12;
const FULL_FRONTAL = 0x01;
const COLOUR_RGB_24 = 0x01;

/** Facial record (ISO/IEC 19794-5:2005, section 5): one face, no feature points. */
function faceRecord({ kind, bytes, width, height }: FaceImage, sex: 'F' | 'M' | 'X'): Uint8Array {
  const faceLength = FACE_HEADER_BYTES + IMAGE_HEADER_BYTES + bytes.length;
  return concatBytes(
    ascii('FAC\0'),
    ascii('010\0'),
    uint(GENERAL_HEADER_BYTES + faceLength, 4),
    uint(1, 2),
    uint(faceLength, 4),
    uint(0, 2),
    Uint8Array.of(SEX_CODES[sex], 0, 0),
    new Uint8Array(3 + 2 + 3 + 3),
    Uint8Array.of(FULL_FRONTAL, kind === 'JPEG' ? 0 : 1),
    uint(width, 2),
    uint(height, 2),
    Uint8Array.of(COLOUR_RGB_24, 0),
    new Uint8Array(4),
    bytes,
  );
}

/** DG3 and DG4 without a single record (section 4.7.3.1). */
export function encodeEmptyBiometrics(tag: number): Uint8Array {
  return encodeTlv(tag, encodeTlv(0x7f61, encodeTlv(0x02, Uint8Array.of(0))));
}

/** DG7 (section 4.7.7). */
export function encodeSignatureGroup(image: Uint8Array): Uint8Array {
  return encodeTlv(0x67, encodeTlv(0x02, Uint8Array.of(1)), encodeTlv(0x5f43, image));
}

/** DG11 and DG12: the list of the tags that follow, then these (sections 4.7.11 and 4.7.12). */
export function encodeListedGroup(tag: number, fields: readonly (readonly [tag: number, value: string])[]): Uint8Array {
  const list = encodeTlv(0x5c, Uint8Array.from(fields.flatMap(([each]) => encodeTag(each))));
  return encodeTlv(tag, list, ...fields.map(([each, value]) => encodeTlv(each, new TextEncoder().encode(value))));
}

/** The header says `more` bytes than there are. */
export function claimMore(group: Uint8Array, more: number): Uint8Array {
  const lengthBytes = group[1] === 0x82 ? 2 : 1;
  const claimed = group.slice();
  const at = group[1] === 0x82 || group[1] === 0x81 ? 2 : 1;
  const length = claimed.subarray(at, at + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  claimed.set(uint(Math.min(length + more, 256 ** lengthBytes - 1), lengthBytes), at);
  return claimed;
}

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

function uint(value: number, lengthBytes: number): Uint8Array {
  return Uint8Array.from({ length: lengthBytes }, (_, index) => (value >>> (8 * (lengthBytes - 1 - index))) & 0xff);
}
