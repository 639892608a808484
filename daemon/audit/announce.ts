/** Tells that the audit log has grown: at once, and of many records that come together at most twice a second, with the number of the latest alone. */
export const ANNOUNCE_MS = 500;

export interface Timers {
  /** Calls back once; the result forgets it. */
  readonly later: (callback: () => void, delayMs: number) => () => void;
}

export class AuditAnnouncer implements Disposable {
  readonly #publish: (last: number) => void;
  readonly #later: Timers['later'];
  #last = 0;
  #told = 0;
  /** While it rests. */
  #forget: (() => void) | undefined;
  #isClosed = false;

  constructor(publish: (last: number) => void, later: Timers['later'] = afterDelay) {
    this.#publish = publish;
    this.#later = later;
  }

  readonly appended = (last: number): void => {
    this.#last = Math.max(this.#last, last);
    if (this.#forget === undefined) this.#tell();
  };

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#forget?.();
  }

  #tell(): void {
    this.#forget = undefined;
    if (this.#isClosed || this.#last === this.#told) return;
    this.#told = this.#last;
    this.#forget = this.#later(() => this.#tell(), ANNOUNCE_MS);
    this.#publish(this.#told);
  }
}

function afterDelay(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
