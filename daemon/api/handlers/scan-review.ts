/** scanner.listScans, scanner.review, scanner.picture: what was scanned at this desk, for whoever runs it. Each review leaves a record; pictures follow only after one. */
import type { Result } from '../../../api-spec/methods/index.ts';
import { ApiError } from '../../errors.ts';
import type { KeptScan } from '../../scanners/store.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import type { HandlerContext } from './context.ts';

export type ScanReviewMethods = 'scanner.listScans' | 'scanner.picture' | 'scanner.review';
type Picture = Result<'scanner.picture'>;

/** In base64 it fits what one client may leave unread. */
const PICTURE_BYTES = 8_388_608;
const ASKER_CHARACTERS = 300;

export function scanReviewHandlers(context: HandlerContext): Pick<Handlers, ScanReviewMethods> {
  const { scanners, verdicts } = context;
  return {
    'scanner.listScans': (_, { caller: { user } }) => ({
      scans: scanners.store.ofUser(user).map((kept) => summaryOf(kept, verdicts.ofScan(user, kept.scan.id)[0]?.overall)),
    }),
    'scanner.picture': (params, call) => showPicture(context, params, call),
    'scanner.review': ({ scan }, call) => {
      call.subject = { purpose: `scan ${scan}` };
      const kept = scanners.store.review(call.caller.user, scan);
      return { scan: kept.scan, asker: askerOf(kept), verdicts: [...verdicts.ofScan(call.caller.user, scan)] };
    },
  };
}

function summaryOf(kept: KeptScan, judged: Result<'scanner.review'>['verdicts'][number]['overall'] | undefined) {
  const { id, origin, startedAt, endedAt, outcome, verdict, images } = kept.scan;
  return {
    ...{ scan: id, scanner: origin.scanner, startedAt, endedAt, outcome, verdict: verdict.overall },
    ...{ pictures: images.length, asker: askerOf(kept) },
    ...(judged === undefined ? {} : { judged }),
  };
}

function askerOf({ asker }: KeptScan): string {
  return asker.slice(0, ASKER_CHARACTERS);
}

/** Throws scan_not_found, and picture_invalid for one that cannot be shown. */
async function showPicture(
  { scanners }: HandlerContext,
  { scan, image }: PublicParams<'scanner.picture'>,
  { caller, signal }: Call,
): Promise<Picture> {
  const bytes = scanners.store.picture(caller.user, scan, image);
  if (!bytes) throw unfit(`the scan has none called ${image}`);
  const { describeImage } = await import('../../../drivers/images/describe.ts');
  const { ImageError } = await import('../../../drivers/images/image.ts');
  try {
    const { mediaType } = describeImage(bytes);
    if (mediaType !== 'image/jp2' && bytes.length <= PICTURE_BYTES) return { mediaType, data: toBase64(bytes) };
    const { decodeImage, encodeJpeg } = await import('../../../drivers/images/convert.ts');
    const jpeg = await encodeJpeg(await decodeImage(bytes, { signal }), { signal });
    if (jpeg.length > PICTURE_BYTES) throw unfit(`it has ${jpeg.length} bytes as a JPEG`);
    return { mediaType: 'image/jpeg', data: toBase64(jpeg) };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw unfit(error.message, error);
  }
}

function unfit(problem: string, cause?: Error): ApiError {
  return new ApiError('picture_invalid', `showing a picture: ${problem}`, { problem }, { cause });
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
