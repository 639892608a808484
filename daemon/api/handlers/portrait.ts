/** Portraits, measured. The picture is looked at before it is decoded, decoded in a thread of its own, and kept nowhere. */
import { ImageError } from '../../../drivers/images/image.ts';
import { ApiError } from '../../errors.ts';
import type { Result } from '../../../api-spec/methods/index.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import { bytesOf } from './content.ts';
import type { HandlerContext } from './context.ts';

/** A print of 35 by 45 mm at 2,000 dpi has 9.8 megapixels. */
const MAX_PIXELS = 12_000_000;

export function portraitHandlers(context: HandlerContext): Pick<Handlers, 'portrait.check'> {
  return { 'portrait.check': (params, call) => checkPicture(context, params, call) };
}

async function checkPicture(
  context: HandlerContext,
  { picture, points }: PublicParams<'portrait.check'>,
  call: Call,
): Promise<Result<'portrait.check'>> {
  const bytes = bytesOf(context, picture, call);
  const { checkPortrait, faceOf, readPortrait } = await import('../../documents/portrait/index.ts');
  const raster = await readPortrait(bytes, { maxPixels: MAX_PIXELS, signal: call.signal }).catch((error: unknown) => {
    if (!(error instanceof ImageError)) throw error;
    throw new ApiError(
      'picture_invalid',
      `measuring the portrait: ${error.message}`,
      { problem: error.message },
      { cause: error },
    );
  });
  const face = points && faceOf(points, raster);
  if (points && !face) throw new ApiError('points_invalid', 'measuring the portrait: no upright face has these points');
  const { overall, checks } = checkPortrait(raster, face, context.access.policy.portraits);
  return { overall, width: raster.width, height: raster.height, checks: [...checks] };
}
