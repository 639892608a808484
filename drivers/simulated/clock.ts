/** Time as an argument: simulated delays, timeouts and flapping wait here, and a test moves the hands itself. */
import { setTimeout as wait } from 'node:timers/promises';

export interface SimulatedClock {
  /** Milliseconds from a start of its own; never goes back. */
  now(): number;
  /** Resolves after `delayMs`; rejects with the signal's reason when it fires before. */
  wait(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: SimulatedClock = {
  now: () => performance.now(),
  wait: async (delayMs, signal) => {
    try {
      await wait(delayMs, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};

interface Waiter {
  readonly dueMs: number;
  readonly resolve: () => void;
}

/** A clock that stands until it is moved. */
export class ManualClock implements SimulatedClock {
  #nowMs = 0;
  #waiters: Waiter[] = [];

  now(): number {
    return this.#nowMs;
  }

  /** How many waits are under way. */
  get waiting(): number {
    return this.#waiters.length;
  }

  wait(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        dueMs: this.#nowMs + delayMs,
        resolve: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Moves the hands; waits that come due end in order, and each may start new ones that come due in the same move. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      await settle();
      const next = this.#waiters.filter((waiter) => waiter.dueMs <= endMs).sort((left, right) => left.dueMs - right.dueMs)[0];
      if (!next) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#waiters = this.#waiters.filter((waiter) => waiter !== next);
      next.resolve();
    }
    this.#nowMs = endMs;
  }
}

/** Lets everything that is ready run, so that waits about to start have started. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
