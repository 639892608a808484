/** How often something may happen: so many at once, and so many a second after that. */

export interface Rate {
  readonly perSecond: number;
  /** Those that may come at once after a silence. */
  readonly burst: number;
}

export class TokenBucket {
  readonly #rate: Rate;
  readonly #now: () => number;
  #level: number;
  #filledAt: number;

  /** `now` in milliseconds, from whenever. */
  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
    this.#level = rate.burst;
    this.#filledAt = now();
  }

  /** True when so many may happen now; they are taken then, and nothing is when not. */
  take(count: number): boolean {
    this.#fill();
    if (this.#level < count) return false;
    this.#level -= count;
    return true;
  }

  /** Nothing was taken for so long that it makes no difference any more. */
  get isFull(): boolean {
    this.#fill();
    return this.#level === this.#rate.burst;
  }

  #fill(): void {
    const now = this.#now();
    const { perSecond, burst } = this.#rate;
    this.#level = Math.min(burst, this.#level + ((now - this.#filledAt) / 1_000) * perSecond);
    this.#filledAt = now;
  }
}
