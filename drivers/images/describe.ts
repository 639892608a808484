/** Which picture a file holds, by its own first bytes: names and declared types are not believed. */
import { imageSize } from 'image-size';
import { ImageError, type ImageDescription } from './image.ts';
import { hasEnd } from './whole.ts';

const KINDS: Readonly<Record<string, Pick<ImageDescription, 'format' | 'mediaType'>>> = {
  jpg: { format: 'jpeg', mediaType: 'image/jpeg' },
  jp2: { format: 'jpeg2000', mediaType: 'image/jp2' },
  j2c: { format: 'jpeg2000', mediaType: 'image/jp2' },
  png: { format: 'png', mediaType: 'image/png' },
};
/** First bytes: JPEG (ITU-T T.81, section B.2.1), JP2 and its codestream (ISO/IEC 15444-1, sections I.5.1 and A.4.1), PNG (W3C PNG, section 5.2). */
const MAGIC: readonly (readonly number[])[] = [
  [0xff, 0xd8, 0xff],
  [0x00, 0x00, 0x00, 0x0c, 0x6a, 0x50, 0x20, 0x20],
  [0xff, 0x4f, 0xff, 0x51],
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
];

/** Throws ImageError: unsupported, damaged. */
export function describeImage(bytes: Uint8Array): ImageDescription {
  if (!MAGIC.some((magic) => magic.every((byte, index) => bytes[index] === byte))) {
    throw new ImageError('unsupported', 'looking at a picture: it is no JPEG, JPEG 2000 or PNG');
  }
  try {
    const { width, height, type = '' } = imageSize(bytes);
    const kind = KINDS[type];
    if (!kind || width < 1 || height < 1) throw new Error(`${type}, ${width} by ${height} pixels`);
    if (!hasEnd(bytes, kind.format)) throw new Error('its end is missing');
    return { ...kind, width, height };
  } catch (error) {
    throw new ImageError('damaged', `looking at a picture: ${String(error)}`, { cause: error });
  }
}
