/**
 * Pictures of a travel document, as JPEG or PNG: those that are JPEG already stay byte for byte what was signed, by their own word on what they are; JPEG 2000, which browsers do not show, becomes PNG.
 * What is no picture, or one too large, is told.
 */
import type { DocumentFileName } from '../../apdu/icao9303/document-files.ts';
import { decodeImage, encodePng } from '../../drivers/images/convert.ts';
import { describeImage } from '../../drivers/images/describe.ts';
import { ImageError, type ImageProblem } from '../../drivers/images/image.ts';
import type { Check } from './check.ts';
import { electronic, type ElectronicReason } from './electronic-reasons.ts';

export interface Picture {
  readonly mediaType: 'image/jpeg' | 'image/png';
  /** What it is in the chip. */
  readonly storedAs: 'image/jp2' | 'image/jpeg' | 'image/png';
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

export interface PictureReport {
  readonly picture: Picture | undefined;
  readonly check: Check;
}

/** Of portraits: office scanners give 600 dots an inch of 35 by 45 mm, a million; documents have a quarter of it. */
const MAX_PIXELS = 16_000_000;

const PROBLEMS: Readonly<Record<ImageProblem, ElectronicReason>> = {
  damaged: 'picture_damaged',
  excessive: 'picture_excessive',
  unsupported: 'picture_absent',
};

/** `stored`: undefined when the file holds nothing that begins as a picture. */
export async function preparePicture(
  file: DocumentFileName,
  stored: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<PictureReport> {
  const id = `electronic.picture.${file.toLowerCase()}`;
  if (!stored) return { picture: undefined, check: electronic(id, 'picture_absent', { file }) };
  try {
    return { picture: await convert(stored, signal), check: electronic(id, 'picture_read', { file }) };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { picture: undefined, check: electronic(id, PROBLEMS[error.problem], { file }) };
  }
}

async function convert(stored: Uint8Array, signal: AbortSignal): Promise<Picture> {
  const { mediaType, width, height } = describeImage(stored);
  if (width * height > MAX_PIXELS)
    throw new ImageError('excessive', `looking at a picture of a document: ${width} by ${height} pixels are more than any has`);
  if (mediaType !== 'image/jp2') return { mediaType, storedAs: mediaType, width, height, bytes: stored };
  const raster = await decodeImage(stored, { maxPixels: MAX_PIXELS, signal });
  const bytes = await encodePng(raster, { signal });
  return { mediaType: 'image/png', storedAs: mediaType, width: raster.width, height: raster.height, bytes };
}
