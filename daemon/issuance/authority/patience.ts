/** Waiting for an authority that is not done yet, within one deadline for everything that one certificate takes. */
import { waits } from './errors.ts';

/** Sooner nobody is asked again, whatever they say. */
const MIN_WAIT_MS = 250;

export interface AuthorityClock {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Rejects with the signal's reason. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

export class Patience {
  readonly #clock: AuthorityClock;
  readonly #endsAt: number;
  readonly #signal: AbortSignal;
  #lastWaitMs: number | undefined;

  constructor(clock: AuthorityClock, timeoutMs: number, signal: AbortSignal) {
    this.#clock = clock;
    this.#endsAt = clock.now() + timeoutMs;
    this.#signal = signal;
  }

  /** What the authority wanted last; undefined when it never said that it is not done. */
  get lastWaitMs(): number | undefined {
    return this.#lastWaitMs;
  }

  /** Throws authority_waits at once when the deadline would come first. */
  async wait(wantedMs: number): Promise<void> {
    const waitMs = Math.max(wantedMs, MIN_WAIT_MS);
    this.#lastWaitMs = waitMs;
    if (this.#clock.now() + waitMs >= this.#endsAt) throw waits(waitMs);
    await this.#clock.wait(waitMs, this.#signal);
  }
}
