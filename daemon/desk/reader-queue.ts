/** One job at a time for each reader, first come first served. A waiting job is given up by its signal; a running one ends by itself. */
import { ApiError } from '../errors.ts';

/** Jobs that may wait for one reader: more is a client gone wild. */
export const MAX_WAITING = 64;

interface Job {
  start(): void;
}

export class ReaderQueue {
  readonly #waiting = new Set<Job>();
  #busy = false;

  get length(): number {
    return this.#waiting.size + (this.#busy ? 1 : 0);
  }

  /** Runs `work` when it is its turn. Rejects with the signal's reason when that fires first, with too_many_calls when the queue is full. */
  async run<R>(signal: AbortSignal, work: () => Promise<R>): Promise<R> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #turn(signal: AbortSignal): Promise<void> | void {
    signal.throwIfAborted();
    if (!this.#busy) {
      this.#busy = true;
      return;
    }
    if (this.#waiting.size >= MAX_WAITING) {
      throw new ApiError('too_many_calls', `waiting for the reader: ${MAX_WAITING} calls wait already`, { limit: MAX_WAITING });
    }
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(job);
        reject(signal.reason as Error);
      };
      const job: Job = {
        start: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(job);
    });
  }

  #next(): void {
    const [job] = this.#waiting;
    if (!job) {
      this.#busy = false;
      return;
    }
    this.#waiting.delete(job);
    job.start();
  }
}
