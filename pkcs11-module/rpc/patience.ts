/** How long a client may leave something half done. A client that works is never near these; one that does not keeps its place from others. */
import { RpcProtocolError } from './reader.ts';

export interface PatienceLimits {
  /** p11-kit's client says its version as soon as it is connected. */
  readonly helloMs: number;
  /** Between two pieces of one frame, which clients write at once. */
  readonly frameMs: number;
  /** Answers that wait to be read, more of them than a connection holds: a client waits for the answers to what it asks. */
  readonly unreadMs: number;
}

export const PATIENCE: PatienceLimits = { helloMs: 10_000, frameMs: 60_000, unreadMs: 60_000 };

/** One wait at a time; when it takes too long, the connection ends. */
export class Patience {
  readonly #fail: (problem: Error) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(fail: (problem: Error) => void) {
    this.#fail = fail;
  }

  /** `problem`: what did not come. */
  begin(ms: number, problem: string): void {
    this.end();
    this.#timer = setTimeout(() => this.#fail(new RpcProtocolError(`waiting for a client: ${problem}`)), ms);
    this.#timer.unref();
  }

  end(): void {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
