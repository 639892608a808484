/**
 * Time for pads that send no time: while samples follow each other they are one period of the pad's rate apart, and a silence of the line is as long as the
 * host's clock says. So a stroke has the evenness of the pad and none of the jitter of the line, and the pause before the next one is real.
 */

/** Longer than any burst of a USB serial converter (16 ms latency timer of the FTDI FT232R, data sheet section 4.1) on a busy machine. */
const SILENCE_MS = 100;

export class RateClock {
  readonly #periodMs: number;
  readonly #now: () => number;
  #originMs = 0;
  #arrivedMs = 0;
  #timeMs: number | undefined;

  constructor({ rateHz, now }: { readonly rateHz: number; readonly now: () => number }) {
    this.#periodMs = 1000 / rateHz;
    this.#now = now;
  }

  /** Of the next sample, since the first; `isNewStroke` when the pad says itself that there was a pause. */
  next({ isNewStroke = false }: { readonly isNewStroke?: boolean } = {}): number {
    const arrivedMs = this.#now();
    if (this.#timeMs === undefined) {
      this.#originMs = arrivedMs;
      this.#timeMs = 0;
    } else {
      const evenMs = this.#timeMs + this.#periodMs;
      const hasPaused = isNewStroke || arrivedMs - this.#arrivedMs > SILENCE_MS;
      this.#timeMs = hasPaused ? Math.max(evenMs, arrivedMs - this.#originMs) : evenMs;
    }
    this.#arrivedMs = arrivedMs;
    return this.#timeMs;
  }

  /** Samples that were taken and did not come have passed too. */
  skip(samples: number): void {
    if (this.#timeMs !== undefined) this.#timeMs += samples * this.#periodMs;
  }
}
