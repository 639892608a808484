/**
 * What happens at a pad, between the line that tells it and the capture that takes it: bounded, in order, and honest about what did not fit. A sample that
 * finds no room is counted, and the count comes before the next event that goes in.
 */
import type { PadEvent, PenSample } from './driver.ts';

/** Twenty seconds of the fastest pad (500 Hz): a capture that is so late has lost its subscriber. */
const MAX_WAITING = 10_000;

export class PadEventQueue {
  readonly #maxWaiting: number;
  readonly #signal: AbortSignal;
  #waiting: PadEvent[] = [];
  #lost = 0;
  #failure: Error | undefined;
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(signal: AbortSignal, { maxWaiting = MAX_WAITING }: { readonly maxWaiting?: number } = {}) {
    this.#signal = signal;
    this.#maxWaiting = maxWaiting;
  }

  pen(sample: PenSample): void {
    if (this.#waiting.length >= this.#maxWaiting) {
      this.#lost += 1;
      return;
    }
    this.#push({ kind: 'pen', sample });
  }

  /** Samples that the pad took and the line did not bring. */
  lost(samples: number): void {
    this.#lost += samples;
  }

  /** Buttons and attestations are few, and always have room. */
  tell(event: Extract<PadEvent, { readonly kind: 'button' | 'attestation' }>): void {
    this.#push(event);
  }

  /** What was told before is still given out. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** Ends without an error, after what was told before. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *events(): AsyncGenerator<PadEvent, void> {
    const onAbort = (): void => this.#wake();
    this.#signal.addEventListener('abort', onAbort);
    try {
      while (!this.#signal.aborted) {
        const batch = this.#waiting;
        this.#waiting = [];
        for (const event of batch) {
          yield event;
          if (hasFired(this.#signal)) return;
        }
        if (this.#waiting.length > 0) continue;
        if (this.#lost > 0) yield this.#takeLost();
        if (this.#failure) throw this.#failure;
        if (this.#isOver) return;
        await this.#change();
      }
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
    }
  }

  #push(event: PadEvent): void {
    if (this.#isOver || this.#failure) return;
    if (this.#lost > 0) this.#waiting.push(this.#takeLost());
    this.#waiting.push(event);
    this.#wake();
  }

  #takeLost(): PadEvent {
    const samples = this.#lost;
    this.#lost = 0;
    return { kind: 'lost', samples };
  }

  /** Resolves at the next event, failure, end or abort; at once when one of them is there already. */
  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#waiting.length > 0 || this.#failure || this.#isOver || this.#signal.aborted) resolve();
    });
  }
}

/** It may have, while the taker had the event. */
function hasFired(signal: AbortSignal): boolean {
  return signal.aborted;
}
