/**
 * Firefox's own remote control, Marionette: frames `LENGTH:JSON` over TCP on loopback, commands answered in order. It reaches pages, and the browser's own windows as
 * well, where its questions to the person stand. https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** No answer is longer: pages here are short, and a screenshot is a few hundred kilobytes. */
const MAX_FRAME_BYTES = 32 * 1024 * 1024;
/** `[1, id, error, result]`. */
const RESPONSE = 1;

export class MarionetteError extends Error {
  override readonly name = 'MarionetteError';
}

type Waiter = PromiseWithResolvers<unknown> & { readonly what: string };

export class Marionette implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiter>();
  #received = Buffer.alloc(0);
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => undefined); // told by what follows
    socket.once('close', () => {
      for (const { reject, what } of this.#waiting.values())
        reject(new MarionetteError(`${what}: Firefox closed the connection`));
      this.#waiting.clear();
    });
  }

  static async connect(port: number): Promise<Marionette> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    return new Marionette(socket);
  }

  async send(name: string, parameters: object = {}): Promise<unknown> {
    if (this.#socket.destroyed) throw new MarionetteError(`${name}: Firefox closed the connection`);
    const id = ++this.#lastId;
    const waiter = { ...Promise.withResolvers<unknown>(), what: name };
    this.#waiting.set(id, waiter);
    const text = Buffer.from(JSON.stringify([0, id, name, parameters]));
    this.#socket.write(Buffer.concat([Buffer.from(`${text.length}:`), text]));
    return await waiter.promise;
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const colon = this.#received.indexOf(0x3a);
      if (colon < 0) return;
      const length = Number(this.#received.subarray(0, colon).toString());
      if (!Number.isSafeInteger(length) || length > MAX_FRAME_BYTES) {
        this.#socket.destroy();
        return;
      }
      const end = colon + 1 + length;
      if (this.#received.length < end) return;
      const frame: unknown = JSON.parse(this.#received.subarray(colon + 1, end).toString());
      this.#received = this.#received.subarray(end);
      this.#answer(frame);
    }
  }

  /** The first frame is a greeting, and no answer. */
  #answer(frame: unknown): void {
    if (!Array.isArray(frame) || frame[0] !== RESPONSE) return;
    const [, id, error, result] = frame as readonly unknown[];
    const waiter = this.#waiting.get(Number(id));
    this.#waiting.delete(Number(id));
    if (error === null) waiter?.resolve(result);
    else waiter?.reject(new MarionetteError(`${waiter.what}: ${messageOf(error)}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }
}

function messageOf(error: unknown): string {
  const { error: code, message } = error as { readonly error?: string; readonly message?: string };
  return `${code ?? 'error'}: ${message ?? ''}`;
}
