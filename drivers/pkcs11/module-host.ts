/**
 * Keeps the process of one module going: started when it is needed, again after it ended, later and later, and no more for a while when it ends too often. What
 * failed is never done again by itself: whoever asked is told, since asking again could cost a try of a PIN.
 */
import { DeviceTimeoutError, ServiceUnavailableError } from '../errors.ts';
import type { ModuleConfiguration } from './configuration.ts';
import { ReturnedError } from './faults.ts';
import type { ModuleInfo } from './layout.ts';
import { ModuleProcess, type OnRequest } from './module-process.ts';
import { errorOf } from './return-values.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** So many ends within the time, and the module rests for as long. */
const MOST_CRASHES = 5;
const CRASH_WINDOW_MS = 600_000;

/** How long the module may take: to start; for most calls; for those where a person types on the reader or a key is made. */
export interface ModuleDeadlines {
  readonly startMs: number;
  readonly normalMs: number;
  readonly longMs: number;
}

export const DEADLINES: ModuleDeadlines = { startMs: 30_000, normalMs: 30_000, longMs: 180_000 };

export interface ModuleHostOptions {
  readonly deadlines?: ModuleDeadlines;
  /** Milliseconds, growing. */
  readonly now?: () => number;
  /** Told of each request to the module's process when it is on its way: tests disturb it then. */
  readonly onRequest?: OnRequest;
}

export interface RunningModule {
  readonly process: ModuleProcess;
  readonly info: ModuleInfo;
}

export class ModuleHost implements AsyncDisposable {
  readonly module: ModuleConfiguration;
  readonly deadlines: ModuleDeadlines;
  readonly #now: () => number;
  readonly #onRequest: OnRequest;
  readonly #crashes: number[] = [];
  #running: Promise<RunningModule> | undefined;
  #process: ModuleProcess | undefined;
  /** Starts in a row that the module, or its file, did not let succeed. */
  #refusals = 0;
  #refusal: Error | undefined;
  #notBefore = -Infinity;
  #problem = '';
  #isClosed = false;

  constructor(module: ModuleConfiguration, options: ModuleHostOptions = {}) {
    this.module = module;
    this.deadlines = options.deadlines ?? DEADLINES;
    this.#now = options.now ?? (() => performance.now());
    this.#onRequest = options.onRequest ?? (() => undefined);
  }

  /** The process, started if need be. Throws ServiceUnavailableError while the module rests, and when it cannot be started. */
  async running(): Promise<RunningModule> {
    this.#requireOpen();
    const running = await this.#running;
    if (running && !running.process.isEnding) return running;
    await running?.process.ended;
    // Closed while the process ended: another would be left over.
    this.#requireOpen();
    const restMs = Math.ceil(this.#notBefore - this.#now());
    if (restMs > 0)
      throw new ServiceUnavailableError(`using module ${this.module.name}: ${this.#problem}; it is tried again in ${restMs} ms`);
    this.#running ??= this.#start();
    return await this.#running;
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new ServiceUnavailableError(`using module ${this.module.name}: it is no longer in use`);
  }

  /** For tests and figures. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get isResting(): boolean {
    return this.#notBefore > this.#now();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#process?.kill(new Error('kortd is done with it'));
  }

  async #start(): Promise<RunningModule> {
    const process = new ModuleProcess(this.module, this.#onRequest);
    this.#process = process;
    const { path, sha256 } = this.module;
    void process.ended.then((why) => this.#onEnd(process, why));
    try {
      const { result } = await process.request('start', { path, sha256 }, { timeoutMs: this.deadlines.startMs });
      this.#refusals = 0;
      return { process, info: result };
    } catch (error) {
      const cause = this.#translate(error);
      if (!process.hasEnded && !(error instanceof DeviceTimeoutError)) this.#refusal = cause;
      await process.kill(cause);
      throw cause;
    }
  }

  #translate(error: unknown): Error {
    const { name } = this.module;
    if (!(error instanceof ReturnedError)) return error instanceof Error ? error : new Error(String(error));
    const { message } = errorOf({ attempt: `starting module ${name}`, module: name, call: error.call, value: error.value });
    return new ServiceUnavailableError(message, {}, { cause: error });
  }

  #onEnd(process: ModuleProcess, why: string): void {
    if (this.#process !== process) return;
    this.#process = undefined;
    this.#running = undefined;
    if (this.#isClosed) return;
    const now = this.#now();
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal) {
      this.#rest(now, pauseAfter(++this.#refusals), refusal.message);
      return;
    }
    this.#crashes.push(now);
    while ((this.#crashes[0] ?? now) < now - CRASH_WINDOW_MS) this.#crashes.shift();
    const problem = process.endedFor?.message ?? `its process ended (${why})`;
    if (this.#crashes.length >= MOST_CRASHES)
      this.#rest(now, CRASH_WINDOW_MS, `it failed ${this.#crashes.length} times in ten minutes, last: ${problem}`);
    else this.#rest(now, pauseAfter(this.#crashes.length), problem);
  }

  #rest(now: number, pauseMs: number, problem: string): void {
    this.#notBefore = now + pauseMs;
    this.#problem = problem;
  }
}

function pauseAfter(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
}
