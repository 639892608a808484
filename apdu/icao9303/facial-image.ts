/** The portrait of DG2: biometric templates around ISO/IEC 19794-5:2005, section 5 (ICAO Doc 9303-10, section 4.7.2). */
import { CardDataError } from '../errors.ts';
import { TlvError, decodeTlv, findTlv, type TlvObject } from '../tlv/ber-tlv.ts';
import { contentOf } from './data-groups.ts';

export interface FacialImage {
  readonly mediaType: 'image/jp2' | 'image/jpeg';
  /** As the record says; the image itself may say otherwise. */
  readonly widthPixels: number;
  readonly heightPixels: number;
  readonly bytes: Uint8Array;
}

const TAG_GROUP_TEMPLATE = 0x7f61;
const TAG_TEMPLATE = 0x7f60;
const TAG_DATA = 0x5f2e;
const TAG_DATA_CONSTRUCTED = 0x7f2e;
/** "FAC", "010" (ISO/IEC 19794-5:2005, section 5.4). */
const FORMAT = 'FAC\0';
const RECORD_HEADER = 14;
const FACIAL_INFORMATION = 20;
const POINT = 8;
const IMAGE_INFORMATION = 12;
const POINTS_AT = 4;
const WIDTH_AT = 2;
const HEIGHT_AT = 4;
const MAX_POINTS = 1_000;
const MAX_FACES = 8;
/** By their first bytes: what a record says of its kind is not always so. */
const JPEG = [0xff, 0xd8, 0xff];
const JP2 = [0x00, 0x00, 0x00, 0x0c, 0x6a, 0x50];
const CODESTREAM = [0xff, 0x4f, 0xff, 0x51];

/** Every image that is one; the first is the portrait. Throws CardDataError. */
export function parseDataGroup2(file: Uint8Array): readonly FacialImage[] {
  try {
    const group = findTlv(decodeTlv(contentOf('DG2', file)), TAG_GROUP_TEMPLATE);
    const templates = (group ? decodeTlv(group) : []).filter(({ tag }) => tag === TAG_TEMPLATE);
    return templates.slice(0, MAX_FACES).flatMap(({ value }) => imagesOf(decodeTlv(value)));
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`reading DG2: ${error.message}`, {}, { cause: error });
    throw error;
  }
}

function imagesOf(template: readonly TlvObject[]): readonly FacialImage[] {
  const record = findTlv(template, TAG_DATA) ?? findTlv(template, TAG_DATA_CONSTRUCTED);
  if (!record) return [];
  if (Buffer.from(record.subarray(0, FORMAT.length)).toString('latin1') !== FORMAT) return [];
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const images: FacialImage[] = [];
  for (let at = RECORD_HEADER; at + FACIAL_INFORMATION + IMAGE_INFORMATION <= record.length && images.length < MAX_FACES;) {
    const length = view.getUint32(at);
    const points = view.getUint16(at + POINTS_AT);
    const informationAt = at + FACIAL_INFORMATION + POINT * Math.min(points, MAX_POINTS);
    const imageAt = informationAt + IMAGE_INFORMATION;
    // Lengths are off by a few bytes in documents that exist: the last image goes to the end.
    const isLast = length === 0 || at + length + FACIAL_INFORMATION > record.length;
    const bytes = record.slice(imageAt, isLast ? undefined : at + length);
    const mediaType = mediaTypeOf(bytes);
    if (!mediaType || imageAt > record.length) break;
    images.push({
      mediaType,
      widthPixels: view.getUint16(informationAt + WIDTH_AT),
      heightPixels: view.getUint16(informationAt + HEIGHT_AT),
      bytes,
    });
    if (isLast) break;
    at += length;
  }
  return images;
}

function mediaTypeOf(bytes: Uint8Array): FacialImage['mediaType'] | undefined {
  const begins = (magic: readonly number[]): boolean => magic.every((byte, index) => bytes[index] === byte);
  if (begins(JPEG)) return 'image/jpeg';
  return begins(JP2) || begins(CODESTREAM) ? 'image/jp2' : undefined;
}
