/**
 * The way of one program's calls to the core, and of the answers back. The core hears what a program says: a byte for the dialect, then frames; first the C_Initialize
 * that an earlier core was told. Only then is it ready.
 */
import type { Duplex } from 'node:stream';
import { CALLS } from '../rpc/calls.ts';
import { FrameReader, encodeFrame, type Frame } from '../rpc/frame.ts';
import { RpcReader } from '../rpc/reader.ts';

/** Clients count their calls from 16 on (p11-kit/rpc-client.c); none is under way while this one is. */
const REPLAY_CODE = 1;

export interface CoreStreamOptions {
  readonly version: number;
  /** The body of C_Initialize, if the program has called it. */
  readonly initialize: Uint8Array | undefined;
  /** It is ready by then, or of no use. */
  readonly deadlineMs: number;
  readonly onReady: () => void;
  readonly onAnswer: (answer: Frame) => void;
  readonly onDrain: () => void;
  /** Called once. */
  readonly onEnd: () => void;
}

export class CoreStream {
  readonly #stream: Duplex;
  readonly #options: CoreStreamOptions;
  readonly #frames = new FrameReader();
  readonly #deadline: NodeJS.Timeout;
  #state: 'greeting' | 'replaying' | 'ready' | 'ended' = 'greeting';

  constructor(stream: Duplex, options: CoreStreamOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on('data', (piece: Buffer) => this.#take(piece));
    stream.on('drain', options.onDrain);
    stream.on('error', () => undefined); // the core is gone: its end says the same
    stream.on('close', () => this.end());
    stream.write(Uint8Array.of(options.version));
    this.#deadline = setTimeout(() => this.end(), options.deadlineMs).unref();
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** Bytes that the core has not read. */
  get unread(): number {
    return this.#stream.writableLength;
  }

  write(bytes: Uint8Array, onWritten?: () => void): void {
    this.#stream.write(bytes, onWritten);
  }

  /** Whether answers are to be read. */
  read(isWanted: boolean): void {
    if (this.#stream.isPaused() === !isWanted) return;
    if (isWanted) this.#stream.resume();
    else this.#stream.pause();
  }

  end(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#deadline);
    this.#stream.destroy();
    this.#options.onEnd();
  }

  #take(piece: Uint8Array): void {
    try {
      let rest = piece;
      if (this.#state === 'greeting' && rest.length > 0) {
        rest = rest.subarray(1); // the version, which the program has been told
        this.#greeted();
      }
      for (const frame of this.#frames.push(rest)) this.#frame(frame);
    } catch {
      this.end(); // what it says is none of the protocol: it is no core
    }
  }

  #greeted(): void {
    const { initialize } = this.#options;
    if (initialize) {
      this.#state = 'replaying';
      this.#stream.write(encodeFrame(REPLAY_CODE, (body) => body.bytes(initialize)));
    } else this.#ready();
  }

  #frame(frame: Frame): void {
    if (this.#state === 'ready') this.#options.onAnswer(frame);
    if (this.#state !== 'replaying' || frame.code !== REPLAY_CODE) return;
    if (new RpcReader(frame.body).uint32() === CALLS.C_Initialize.id) this.#ready();
    else this.end();
  }

  #ready(): void {
    this.#state = 'ready';
    clearTimeout(this.#deadline);
    this.#options.onReady();
  }
}
