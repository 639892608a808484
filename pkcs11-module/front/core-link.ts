/** The core that is attached to the front: told of programs, asked whether it lives while calls wait for it. */
import type { Socket } from 'node:net';
import { encodeLine, parseToFront, type LineReader, type ToCore, type ToFront } from './messages.ts';

/** What a core has not read by then, it will not. */
const MAX_UNREAD_BYTES = 4_194_304;

export interface CoreLinkOptions {
  readonly pingMs: number;
  /** A core whose event loop stands still this long is gone to those who wait. */
  readonly patienceMs: number;
  readonly hasWork: () => boolean;
  readonly onMessage: (message: ToFront) => void;
  /** Called once. */
  readonly onEnd: () => void;
}

export class CoreLink implements Disposable {
  readonly #socket: Socket;
  readonly #options: CoreLinkOptions;
  readonly #timer: NodeJS.Timeout;
  #lastHeard = performance.now();
  #hasEnded = false;

  /** Takes the connection over after its first line; `lines` has what came with it. */
  constructor(socket: Socket, lines: LineReader, options: CoreLinkOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (piece: Buffer) => this.#take(lines, piece));
    socket.on('error', () => undefined); // the core is gone: the close says the same
    socket.on('close', () => this[Symbol.dispose]());
    this.#timer = setInterval(() => this.#ask(), options.pingMs).unref();
  }

  send(message: ToCore): void {
    if (this.#hasEnded) return;
    this.#socket.write(encodeLine(message));
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#timer);
    this.#socket.destroy();
    this.#options.onEnd();
  }

  #take(lines: LineReader, piece: Uint8Array): void {
    this.#lastHeard = performance.now();
    try {
      for (const line of lines.push(piece)) this.#options.onMessage(parseToFront(line));
    } catch {
      this[Symbol.dispose](); // it is no core
    }
  }

  #ask(): void {
    if (!this.#options.hasWork()) {
      this.#lastHeard = performance.now();
      return;
    }
    if (performance.now() - this.#lastHeard > this.#options.patienceMs) this[Symbol.dispose]();
    else this.send({ kind: 'ping' });
  }
}
