/** What a pad tells, waiting to be taken: bounded, in order, ended once. What found no room is told as lost. */
import type { PadEvent } from './driver.ts';

/** Sixteen seconds of a pad with 500 samples a second. */
const MAX_WAITING = 8_192;

export class EventQueue {
  readonly #waiting: PadEvent[] = [];
  #lost = 0;
  #end: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;

  push(event: PadEvent): void {
    if (this.#end) return;
    if (this.#waiting.length >= MAX_WAITING && event.kind !== 'button') {
      this.#lost += event.kind === 'lost' ? event.samples : 1;
      return;
    }
    if (this.#lost > 0) this.#waiting.push({ kind: 'lost', samples: this.#lost });
    this.#lost = 0;
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** What was told before is still given out. */
  end(error?: Error): void {
    this.#end ??= error ? { error } : {};
    this.#wake?.();
  }

  /** Ends with what `end` was told, and at once, without an error, when `signal` fires. */
  async *drain(signal: AbortSignal): AsyncGenerator<PadEvent> {
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const event = this.#waiting.shift();
        if (event) {
          yield event;
          continue;
        }
        if (this.#end?.error) throw this.#end.error;
        if (this.#end) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }
}
