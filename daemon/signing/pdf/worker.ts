/**
 * The thread in which PDFs are read: one job, then it ends. A file made to take all the memory or time there is takes this thread's, which is little.
 * What it does is told by jobs.ts, which starts it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { ApiError } from '../../errors.ts';
import type { PdfAnswer, PdfJob } from './jobs.ts';

async function run(job: PdfJob): Promise<PdfAnswer> {
  try {
    if (job.kind === 'prepare') {
      const { prepareSignature } = await import('./prepare.ts');
      return { kind: 'prepared', prepared: prepareSignature(job.bytes, job.options) };
    }
    const { verifyPdf } = await import('./verify-pdf.ts');
    return { kind: 'verified', report: verifyPdf(job.bytes, job.trust) };
  } catch (error) {
    if (error instanceof ApiError) return { kind: 'refused', code: error.code, message: error.message, details: error.details };
    throw error;
  }
}

// Data of the thread that started this one: its type is the one written there.
const answer = await run(workerData as PdfJob);
parentPort?.postMessage(answer, answer.kind === 'prepared' ? [answer.prepared.bytes.buffer] : []);
