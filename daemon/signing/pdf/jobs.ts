/**
 * Work on PDFs, each in a thread of its own with bounds on memory and time, so that no file stops the daemon. One at a time: what waits, waits in line.
 * Nothing of it is loaded before it is needed.
 */
import { Worker } from 'node:worker_threads';
import type { ErrorCode } from '../../../api-spec/errors.ts';
import { ApiError, type ErrorDetails } from '../../errors.ts';
import { Turns } from '../../turns.ts';
import { excessivePdf } from './errors.ts';
import type { PreparationOptions, PreparedPdf } from './prepare.ts';
import type { PdfReport, PdfTrust } from './verify-pdf.ts';

/** Largest PDF that is signed. */
const MAX_PDF_BYTES = 33_554_432;
/** Largest that is verified: one of MAX_PDF_BYTES with signatures, certificates and pictures. */
const MAX_SIGNED_BYTES = 67_108_864;
/** A PDF of MAX_PDF_BYTES is prepared in under a second. */
const MAX_JOB_MS = 10_000;
/** As many calls as one web origin may have under way. */
const MAX_WAITING = 64;
/** Objects of a PDF; file and decoded streams are bounded on their own. */
const MAX_HEAP_MB = 256;
const MAX_YOUNG_HEAP_MB = 16;
const STACK_MB = 4;

export type PdfJob =
  | { readonly kind: 'prepare'; readonly bytes: Uint8Array; readonly options: PreparationOptions }
  | { readonly kind: 'verify'; readonly bytes: Uint8Array; readonly trust: PdfTrust };

export type PdfAnswer =
  | { readonly kind: 'prepared'; readonly prepared: PreparedPdf }
  | { readonly kind: 'verified'; readonly report: PdfReport }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails };

const turns = new Turns('work on a PDF', MAX_WAITING);

export async function prepareInThread(bytes: Uint8Array, options: PreparationOptions, signal: AbortSignal): Promise<PreparedPdf> {
  const answer = await run({ kind: 'prepare', bytes: ownBytes(bytes, MAX_PDF_BYTES), options }, signal);
  if (answer.kind !== 'prepared') throw new TypeError(`a PDF was to be prepared, and was ${answer.kind}`);
  return answer.prepared;
}

export async function verifyInThread(bytes: Uint8Array, trust: PdfTrust, signal: AbortSignal): Promise<PdfReport> {
  const answer = await run({ kind: 'verify', bytes: ownBytes(bytes, MAX_SIGNED_BYTES), trust }, signal);
  if (answer.kind !== 'verified') throw new TypeError(`a PDF was to be verified, and was ${answer.kind}`);
  return answer.report;
}

/** A copy, which is then handed over. Throws pdf_excessive. */
function ownBytes(bytes: Uint8Array, limit: number): Uint8Array<ArrayBuffer> {
  if (bytes.length > limit) throw excessivePdf(`it has more than ${limit} bytes`);
  return new Uint8Array(bytes);
}

function run(
  job: PdfJob & { readonly bytes: Uint8Array<ArrayBuffer> },
  signal: AbortSignal,
): Promise<Exclude<PdfAnswer, { kind: 'refused' }>> {
  return turns.run(signal, async () => {
    const answer = await runNow(job, signal);
    if (answer.kind === 'refused') throw new ApiError(answer.code, answer.message, answer.details);
    return answer;
  });
}

async function runNow(job: PdfJob & { readonly bytes: Uint8Array<ArrayBuffer> }, signal: AbortSignal): Promise<PdfAnswer> {
  signal.throwIfAborted();
  const worker = new Worker(workerFile(), {
    name: 'pdf',
    workerData: job,
    transferList: [job.bytes.buffer],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: MAX_YOUNG_HEAP_MB, stackSizeMb: STACK_MB },
  });
  const deadline = AbortSignal.timeout(MAX_JOB_MS);
  const end = AbortSignal.any([signal, deadline]);
  const { promise, resolve, reject } = Promise.withResolvers<PdfAnswer>();
  const giveUp = (): void => {
    reject(deadline.aborted && !signal.aborted ? excessivePdf(`more than ${MAX_JOB_MS} ms`) : (signal.reason as Error));
  };
  end.addEventListener('abort', giveUp, { once: true });
  worker.once('message', resolve);
  worker.once('error', (error: unknown) => {
    reject(isOutOfMemory(error) ? excessivePdf(`more than ${MAX_HEAP_MB} MB`, { cause: error }) : (error as Error));
  });
  worker.once('exit', () => {
    reject(new Error('the thread that reads a PDF ended without an answer'));
  });
  try {
    return await promise;
  } finally {
    end.removeEventListener('abort', giveUp);
    await worker.terminate();
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}

/** Beside this file: as it is written, or as it is bundled. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './pdf-worker.js', import.meta.url);
}
