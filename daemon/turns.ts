/** One at a time, first come first served: for a reader, for a person. Who waits is given up by the signal; who has the turn ends by itself. */
import { ApiError } from './errors.ts';

interface Job {
  start(): void;
}

export class Turns {
  readonly #of: string;
  readonly #limit: number;
  readonly #waiting = new Set<Job>();
  readonly #watchers = new Set<() => void>();
  #busy = false;

  /** `of`: what is waited for, in the words of an error. `limit`: how many may wait. */
  constructor(of: string, limit: number) {
    this.#of = of;
    this.#limit = limit;
  }

  get length(): number {
    return this.#waiting.size + (this.#busy ? 1 : 0);
  }

  /** Told when somebody begins to wait. */
  watch(onWait: () => void): Disposable {
    this.#watchers.add(onWait);
    return { [Symbol.dispose]: () => void this.#watchers.delete(onWait) };
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
    if (this.#waiting.size >= this.#limit) {
      throw new ApiError('too_many_calls', `waiting for ${this.#of}: ${this.#limit} wait already`, { limit: this.#limit });
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
      for (const tell of this.#watchers) tell();
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
