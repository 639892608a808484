/**
 * Every page of a database that is too large to be read at the start (examine.ts): some time after it, in a thread of its own that only reads, one file after the
 * other. The daemon goes on meanwhile.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { WHOLE_BYTES } from './examine.ts';
import { KNOWN_DATABASES } from './known.ts';

/** The desk comes first. */
const DELAY_MS = 30_000;
/** SQLite checks some 200 MB in a second; a file that takes longer is on a disk that is ill. */
const CHECK_MS = 600_000;

/** What runs in the thread: a text, so that it needs no file of its own beside the program. */
const CHECK = `
const { parentPort, workerData } = require('node:worker_threads');
const { DatabaseSync } = require('node:sqlite');
let said;
try {
  const database = new DatabaseSync(workerData.file, { readOnly: true, timeout: 5000 });
  const first = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
  said = first === 'ok' ? {} : { damage: String(first) };
  database.close();
} catch (error) {
  const code = (error.errcode ?? 0) & 0xff;
  // https://www.sqlite.org/rescode.html: SQLITE_CORRUPT, SQLITE_NOTADB. Others may pass.
  said = code === 11 || code === 26 ? { damage: error.message } : { problem: error.message };
}
parentPort.postMessage(said);
`;

export interface BackgroundOptions {
  readonly folder: string;
  readonly onDamage: (file: string, reason: string) => void;
  /** It could not be looked at. */
  readonly onProblem: (file: string, problem: string) => void;
  /** All were looked at. */
  readonly onDone?: () => void;
  readonly delayMs?: number;
}

/** Until the result is disposed of. */
export function examineLater({ folder, delayMs = DELAY_MS, ...tell }: BackgroundOptions): AsyncDisposable {
  const end = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const timer = setTimeout(() => void (running = examineAll(folder, tell, end.signal)), delayMs).unref();
  return {
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      end.abort();
      await running;
    },
  };
}

/** Never rejects. */
async function examineAll(
  folder: string,
  { onDamage, onProblem, onDone }: Pick<BackgroundOptions, 'onDamage' | 'onDone' | 'onProblem'>,
  signal: AbortSignal,
): Promise<void> {
  for (const { file } of KNOWN_DATABASES) {
    const path = join(folder, file);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (signal.aborted || size <= WHOLE_BYTES) continue;
    const { damage, problem } = await check(path, signal);
    if (damage !== undefined) onDamage(file, damage.replaceAll(/\s+/g, ' ').slice(0, 200));
    else if (problem !== undefined) onProblem(file, problem);
  }
  onDone?.();
}

interface Said {
  readonly damage?: string;
  readonly problem?: string;
}

/** Never rejects. */
async function check(file: string, signal: AbortSignal): Promise<Said> {
  const { promise, resolve } = Promise.withResolvers<Said>();
  const worker = new Worker(CHECK, { eval: true, workerData: { file }, execArgv: [], env: {} });
  worker.unref();
  const over = AbortSignal.any([signal, AbortSignal.timeout(CHECK_MS)]);
  const giveUp = (): void => resolve(signal.aborted ? {} : { problem: `no result within ${CHECK_MS} ms` });
  over.addEventListener('abort', giveUp, { once: true });
  worker.once('message', (said: Said) => resolve(said));
  worker.once('error', (error) => resolve({ problem: String(error) }));
  worker.once('exit', () => resolve({ problem: 'the check ended without a result' }));
  const said = await promise;
  over.removeEventListener('abort', giveUp);
  await worker.terminate();
  return said;
}
