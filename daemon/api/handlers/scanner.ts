import { acceptImages } from '../../../drivers/scanners/accept.ts';
import type { DriverImage } from '../../../drivers/scanners/driver.ts';
import type { Params } from '../../../api-spec/methods/index.ts';
import { ApiError } from '../../errors.ts';
import type { Call, Handlers } from '../call.ts';
import { bytesOf } from './content.ts';
import type { HandlerContext } from './context.ts';
import { scanReviewHandlers, type ScanReviewMethods } from './scan-review.ts';

type ScannerMethods = 'scanner.cancel' | 'scanner.get' | 'scanner.list' | 'scanner.scan' | ScanReviewMethods;
type GivenImages = NonNullable<Params<'scanner.scan'>['images']>;

export function scannerHandlers(context: HandlerContext): Pick<Handlers, ScannerMethods> {
  const { scanners } = context;
  return {
    ...scanReviewHandlers(context),
    'scanner.cancel': ({ scanner }, call) => ({ cancelled: scanners.cancel(scanner, call.caller) }),
    'scanner.get': ({ scan }, call) => ({ scan: scanners.store.find(call.caller, scan).scan }),
    'scanner.list': () => ({
      scanners: [...scanners.list()],
      problems: scanners.problems.map(({ file, problem }) => `${file}: ${problem}`),
    }),
    'scanner.scan': async ({ scanner, lights, readsChip, images = [] }, call) => {
      const scan = await scanners.scan({
        ...{ scanner, lights, readsChip },
        images: givenImages(context, images, call),
        owner: call.caller,
        signal: call.signal,
        timeoutMs: call.timeoutMs,
        taker: {
          caller: `${call.caller.user} ${call.caller.origin ?? call.caller.name}`,
          name: `${call.method} of ${call.caller.name}`,
        },
        asker: call.caller.origin ?? call.caller.name,
        onScanner: (id) => (call.subject = { purpose: id }),
        keepImage: (bytes) => keepImage(context, bytes, call),
      });
      return { scan };
    },
  };
}

/** Throws content_not_found, and picture_invalid for what is none. */
function givenImages(context: HandlerContext, images: GivenImages, call: Call): readonly DriverImage[] {
  const given = images.map(({ image, kind = 'page', light = 'white', page = 0 }, index): DriverImage => {
    return { id: `given-${index}`, kind, light, page, bytes: bytesOf(context, image, call) };
  });
  const [problem] = acceptImages(given).problems;
  if (problem !== undefined) throw new ApiError('picture_invalid', `taking the pictures to be judged: ${problem}`, { problem });
  return given;
}

/** For the caller to fetch. Pictures are worth no refusal: without room they stay with the scan alone. */
function keepImage({ contents }: HandlerContext, bytes: Uint8Array, { caller }: Call): string | undefined {
  try {
    return contents.put(caller, bytes).id;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'contents_full') return undefined;
    throw error;
  }
}
