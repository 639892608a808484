/** The thread in which pictures are decoded and encoded: one job, then it ends. What it does is told by convert.ts, which starts it. */
import { parentPort, workerData } from 'node:worker_threads';
import { decode, encodeJpeg, encodePng } from './codecs.ts';
import type { ImageAnswer, ImageJob } from './convert.ts';
import { ImageError } from './image.ts';

async function run(job: ImageJob): Promise<ImageAnswer> {
  try {
    if (job.kind === 'decode') return { kind: 'decoded', raster: await decode(job.bytes, job.maxPixels) };
    return { kind: 'encoded', bytes: job.kind === 'png' ? encodePng(job.raster) : await encodeJpeg(job.raster, job.quality) };
  } catch (error) {
    if (error instanceof ImageError) return { kind: 'refused', problem: error.problem, message: error.message };
    throw error;
  }
}

// Data of the thread that started this one: its type is the one written there.
parentPort?.postMessage(await run(workerData as ImageJob));
