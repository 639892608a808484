/** All that portrait.check loads with the first portrait. */
import { decodeImage } from '../../../drivers/images/convert.ts';
import { describeImage } from '../../../drivers/images/describe.ts';
import { ImageError, type Raster } from '../../../drivers/images/image.ts';

export { checkPortrait } from './check-portrait.ts';
export { faceOf } from './geometry.ts';

/** Throws ImageError, also for a JPEG 2000: that is no picture from a camera. */
export async function readPortrait(
  bytes: Uint8Array,
  options: { readonly maxPixels: number; readonly signal: AbortSignal },
): Promise<Raster> {
  const { format } = describeImage(bytes);
  if (format === 'jpeg2000') throw new ImageError('unsupported', 'decoding a portrait: it is a JPEG 2000');
  return await decodeImage(bytes, options);
}
