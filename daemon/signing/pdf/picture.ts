/** Pictures in a visible signature, of a signature pad for example: PNG (ISO/IEC 15948) and JPEG (ISO/IEC 10918-1), as image objects of a PDF (ISO 32000-2, clause 8.9.5). */
import { deflateSync } from 'node:zlib';
import { decode, toRGBA8 } from '@cantoo/pdf-lib/upng';
import { ApiError } from '../../errors.ts';
import type { PdfUpdate } from './update.ts';
import { PdfDictionary, PdfName, type PdfReference, type PdfValue } from './values.ts';

/** Twice what an A4 page in 200 dots to the inch has. */
const MAX_PIXELS = 8_000_000;
const MAX_SIDE = 8_192;
const PNG_SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Start of frame, all but those of arithmetic or lossless coding (ISO/IEC 10918-1, table B.1): 0xFFC0 to 0xFFC2. */
const JPEG_FRAMES = [0xffc0, 0xffc1, 0xffc2];
const JPEG_COLOURS: ReadonlyMap<number, string> = new Map([
  [1, 'DeviceGray'],
  [3, 'DeviceRGB'],
]);

export interface Picture {
  readonly width: number;
  readonly height: number;
  embed(update: PdfUpdate): PdfReference;
}

/** Throws picture_invalid. */
export function readPicture(bytes: Uint8Array): Picture {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.subarray(0, 8).equals(PNG_SIGNATURE)) return readPng(buffer);
  if (buffer.length > 4 && buffer.readUInt16BE(0) === 0xffd8) return readJpeg(buffer);
  throw invalidPicture('it is neither PNG nor JPEG');
}

function readPng(bytes: Buffer): Picture {
  if (bytes.length < 33 || bytes.toString('latin1', 12, 16) !== 'IHDR') throw invalidPicture('the PNG is damaged');
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  checkSize(width, height);
  const pixels = decodePixels(bytes);
  if (pixels.length !== width * height * 4) throw invalidPicture('the PNG is damaged');
  const colours = new Uint8Array(width * height * 3);
  const alpha = new Uint8Array(width * height);
  for (let pixel = 0; pixel < alpha.length; pixel++) {
    colours.set(pixels.subarray(pixel * 4, pixel * 4 + 3), pixel * 3);
    alpha[pixel] = pixels[pixel * 4 + 3] ?? 0;
  }
  const isOpaque = alpha.every((value) => value === 255);
  const image = (colourSpace: string, extra: Readonly<Record<string, PdfValue>>): PdfDictionary =>
    imageDictionary({ width, height, colourSpace }, { Filter: new PdfName('FlateDecode'), ...extra });
  return {
    width,
    height,
    embed: (update) => {
      const mask = isOpaque ? undefined : update.addStream(image('DeviceGray', {}), deflateSync(alpha));
      return update.addStream(image('DeviceRGB', mask ? { SMask: mask } : {}), deflateSync(colours));
    },
  };
}

function decodePixels(bytes: Buffer): Uint8Array {
  try {
    const [frame, ...others] = toRGBA8(decode(new Uint8Array(bytes).buffer));
    if (frame && others.length === 0) return new Uint8Array(frame);
  } catch (error) {
    throw invalidPicture('the PNG is damaged', { cause: error });
  }
  throw invalidPicture('the PNG is animated');
}

/** Goes into the PDF as it is. */
function readJpeg(bytes: Buffer): Picture {
  for (let at = 2; at + 10 <= bytes.length;) {
    const marker = bytes.readUInt16BE(at);
    if (JPEG_FRAMES.includes(marker)) {
      const [bits, height, width] = [bytes.readUInt8(at + 4), bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      const colourSpace = JPEG_COLOURS.get(bytes.readUInt8(at + 9));
      checkSize(width, height);
      if (bits !== 8 || colourSpace === undefined) throw invalidPicture('the JPEG is neither grey nor RGB of 8 bits');
      const dictionary = imageDictionary({ width, height, colourSpace }, { Filter: new PdfName('DCTDecode') });
      return { width, height, embed: (update) => update.addStream(dictionary, bytes) };
    }
    if (marker < 0xff00 || marker === 0xffda) break;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  throw invalidPicture('the JPEG is damaged');
}

function imageDictionary(
  { width, height, colourSpace }: { readonly width: number; readonly height: number; readonly colourSpace: string },
  extra: Readonly<Record<string, PdfValue>>,
): PdfDictionary {
  return PdfDictionary.of({
    Type: new PdfName('XObject'),
    Subtype: new PdfName('Image'),
    Width: width,
    Height: height,
    BitsPerComponent: 8,
    ColorSpace: new PdfName(colourSpace),
    ...extra,
  });
}

function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw invalidPicture('it is empty');
  if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS)
    throw invalidPicture(`it has more than ${MAX_PIXELS} pixels, or more than ${MAX_SIDE} on one side`);
}

function invalidPicture(problem: string, options?: ErrorOptions): ApiError {
  return new ApiError('picture_invalid', `reading the picture: ${problem}`, { problem }, options);
}
