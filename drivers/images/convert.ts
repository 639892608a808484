/**
 * Pictures to pixels and back, each in a thread of its own with bounds on memory and time, so that no picture stops the daemon. One at a time; what waits, waits in
 * line. The decoders are loaded there alone, and their memory goes with the thread.
 */
import { Worker } from 'node:worker_threads';
import { describeImage } from './describe.ts';
import { ImageError, type ImageProblem, type Raster } from './image.ts';

export type ImageJob =
  | { readonly kind: 'decode'; readonly bytes: Uint8Array; readonly maxPixels: number }
  | { readonly kind: 'jpeg'; readonly raster: Raster; readonly quality: number }
  | { readonly kind: 'png'; readonly raster: Raster };

export type ImageAnswer =
  | { readonly kind: 'decoded'; readonly raster: Raster }
  | { readonly kind: 'encoded'; readonly bytes: Uint8Array }
  | { readonly kind: 'refused'; readonly problem: ImageProblem; readonly message: string };

/** A page of ID-3 at 600 dpi has 6.2 megapixels (ICAO Doc 9303-3, section 2: 125 by 88 mm), an A4 page 35. */
export const MAX_PIXELS = 40_000_000;
/** Longest file of a picture. */
export const MAX_IMAGE_BYTES = 33_554_432;
/** 40 megapixels of JPEG take half a second. */
const MAX_JOB_MS = 20_000;
const MAX_WAITING = 64;
/** Pixels lie outside the heap. */
const LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
const QUALITY = 90;

export interface ImageOptions {
  readonly signal: AbortSignal;
}

/** Throws ImageError, and what the signal says. */
export async function decodeImage(bytes: Uint8Array, options: ImageOptions & { readonly maxPixels?: number }): Promise<Raster> {
  const { maxPixels = MAX_PIXELS, signal } = options;
  if (bytes.length > MAX_IMAGE_BYTES) throw new ImageError('excessive', `decoding a picture: more than ${MAX_IMAGE_BYTES} bytes`);
  const { width, height } = describeImage(bytes); // no thread for what is no picture
  if (width * height > maxPixels) {
    throw new ImageError('excessive', `decoding a picture: it has ${width} by ${height} pixels, and may have ${maxPixels}`);
  }
  const answer = await inLine({ kind: 'decode', bytes, maxPixels }, signal);
  if (answer.kind !== 'decoded') throw new TypeError(`a picture was to be decoded, and was ${answer.kind}`);
  return answer.raster;
}

export function encodePng(raster: Raster, { signal }: ImageOptions): Promise<Uint8Array> {
  return encode({ kind: 'png', raster }, signal);
}

/** `quality` from 1 to 100. */
export function encodeJpeg(
  raster: Raster,
  { signal, quality = QUALITY }: ImageOptions & { readonly quality?: number },
): Promise<Uint8Array> {
  return encode({ kind: 'jpeg', raster, quality }, signal);
}

async function encode(job: Extract<ImageJob, { readonly raster: Raster }>, signal: AbortSignal): Promise<Uint8Array> {
  const { width, height, channels, data } = job.raster;
  if (data.length !== width * height * channels)
    throw new RangeError('encoding a picture: its pixels are not as many as its size says');
  const answer = await inLine(job, signal);
  if (answer.kind !== 'encoded') throw new TypeError(`a picture was to be encoded, and was ${answer.kind}`);
  return answer.bytes;
}

let last: Promise<unknown> = Promise.resolve();
let waiting = 0;

async function inLine(job: ImageJob, signal: AbortSignal): Promise<Exclude<ImageAnswer, { readonly kind: 'refused' }>> {
  if (waiting >= MAX_WAITING) throw new ImageError('excessive', `work on a picture: ${MAX_WAITING} others wait already`);
  waiting++;
  const answer = last.then(() => run(job, signal)).finally(() => waiting--);
  last = answer.catch(() => undefined);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  const result = await Promise.race([answer, aborted]).finally(() => signal.removeEventListener('abort', giveUp));
  if (result.kind === 'refused') throw new ImageError(result.problem, result.message);
  return result;
}

async function run(job: ImageJob, signal: AbortSignal): Promise<ImageAnswer> {
  signal.throwIfAborted();
  const worker = new Worker(workerFile(), { name: 'image', workerData: job, env: {}, resourceLimits: LIMITS });
  const deadline = AbortSignal.timeout(MAX_JOB_MS);
  const end = AbortSignal.any([signal, deadline]);
  const { promise, resolve, reject } = Promise.withResolvers<ImageAnswer>();
  const giveUp = (): void =>
    reject(
      signal.aborted ? (signal.reason as Error) : new ImageError('excessive', `work on a picture: more than ${MAX_JOB_MS} ms`),
    );
  end.addEventListener('abort', giveUp, { once: true });
  worker.once('message', resolve);
  worker.once('error', (error: unknown) =>
    reject(new ImageError('damaged', `work on a picture: the thread ended: ${String(error)}`, { cause: error })),
  );
  worker.once('exit', () => reject(new ImageError('damaged', 'work on a picture: the thread ended without an answer')));
  try {
    return await promise;
  } finally {
    end.removeEventListener('abort', giveUp);
    await worker.terminate();
  }
}

/** Beside this file: as it is written, or as it is bundled. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './image-worker.js', import.meta.url);
}
