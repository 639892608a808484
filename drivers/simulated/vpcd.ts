/**
 * A simulated card behind the real pcscd: the card's side of vpcd's protocol (frankmorgner/vsmartcard, virtualsmartcard/doc/api.txt). vpcd listens on
 * one TCP port for each slot; a connection is a card in the slot. It frames each message with a two-byte length, and never sends before it was answered.
 */
import { connect, type Socket } from 'node:net';
import type { SimulatedCard } from './card.ts';
import { systemClock, type SimulatedClock } from './clock.ts';
import { acknowledgeAtOnce } from './quick-ack.ts';
import { MAX_FRAME, VpcdFrames, encodeFrame } from './vpcd-frames.ts';

export interface VpcdOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Slot n of a reader listens on its base port + n. Default: 35963, the first slot of Debian's configuration. */
  readonly port?: number;
  /** Ends the bridge as `close` does. */
  readonly signal?: AbortSignal;
  /** Between two attempts to connect. Default: 200. */
  readonly retryMs?: number;
  readonly clock?: SimulatedClock;
  /** Told each time when the card is in the slot (true) and when it is no more. */
  readonly onPresence?: (isPresent: boolean) => void;
}

/** vpcd's compiled-in base port, 0x8C7B. */
export const VPCD_PORT = 35_963;
const DEFAULT_RETRY_MS = 200;

/** Messages of one byte (api.txt): 0 power off, 1 power on, 2 reset, 4 ATR. Others are not known, and not answered. */
const CONTROL_POWER_OFF = 0x00;
const CONTROL_POWER_ON = 0x01;
const CONTROL_RESET = 0x02;
const CONTROL_GET_ATR = 0x04;

/** Keeps a slot of vpcd supplied: connects, and connects again when pcscd restarts. */
export class VpcdBridge implements AsyncDisposable {
  readonly #host: string;
  readonly #port: number;
  readonly #retryMs: number;
  readonly #clock: SimulatedClock;
  readonly #onPresence: (isPresent: boolean) => void;
  readonly #stop = new AbortController();
  #card: SimulatedCard | undefined;
  #slot: { readonly leave: AbortController; readonly done: Promise<void> } | undefined;

  constructor(options: VpcdOptions = {}) {
    this.#host = options.host ?? '127.0.0.1';
    this.#port = options.port ?? VPCD_PORT;
    this.#retryMs = options.retryMs ?? DEFAULT_RETRY_MS;
    this.#clock = options.clock ?? systemClock;
    this.#onPresence = options.onPresence ?? (() => undefined);
    const { signal } = options;
    if (signal?.aborted) this.#stop.abort();
    else signal?.addEventListener('abort', () => void this.close(), { once: true, signal: this.#stop.signal });
  }

  get card(): SimulatedCard | undefined {
    return this.#card;
  }

  /** Puts a card in; one that is in already is taken out first. Does nothing after `close`. */
  async insert(card: SimulatedCard): Promise<void> {
    await this.remove();
    if (this.#stop.signal.aborted) return;
    this.#card = card;
    const leave = new AbortController();
    this.#slot = { leave, done: this.#occupy(card, leave.signal) };
  }

  /** Pulls the card: the socket is closed, whatever is under way. */
  async remove(): Promise<SimulatedCard | undefined> {
    const card = this.#card;
    const slot = this.#slot;
    this.#card = undefined;
    this.#slot = undefined;
    slot?.leave.abort();
    await slot?.done;
    return card;
  }

  /** Pulls the card and ends for good. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #occupy(card: SimulatedCard, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#serve(card, signal);
      card.reset();
      await this.#clock.wait(this.#retryMs, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  /** One connection from start to end. Resolves when it is over, or could not be made: pcscd is not there. */
  async #serve(card: SimulatedCard, signal: AbortSignal): Promise<void> {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    const onAbort = (): void => void socket.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => {
      card.powerUp();
      acknowledgeAtOnce(socket);
      this.#onPresence(true);
      socket.once('close', () => this.#onPresence(false));
    });
    answerFrames(socket, card);
    await new Promise<void>((resolve) => {
      socket.on('error', () => undefined); // 'close' follows and the connection is made anew
      socket.once('close', () => resolve());
    });
    signal.removeEventListener('abort', onAbort);
  }
}

/** Answers in the order of arrival; a command that the card works on holds back what follows. */
function answerFrames(socket: Socket, card: SimulatedCard): void {
  const frames = new VpcdFrames();
  let working: Promise<void> | undefined;
  const answerReady = (): Promise<void> | undefined => {
    for (let frame = frames.next(); frame; frame = frames.next()) {
      const response = answer(card, frame);
      if (response instanceof Promise) return response.then((settled) => write(socket, settled));
      if (response) write(socket, response);
    }
    return undefined;
  };
  const run = (): void => {
    if (working) return;
    working = answerReady()?.then(() => {
      working = undefined;
      run();
    });
  };
  socket.on('data', (chunk: Buffer) => {
    acknowledgeAtOnce(socket);
    frames.push(chunk);
    run();
  });
}

/** Undefined where vpcd expects no answer. */
function answer(card: SimulatedCard, frame: Uint8Array): Uint8Array | Promise<Uint8Array> | undefined {
  if (frame.length > 1) return card.process(frame);
  const [control] = frame;
  if (control === CONTROL_GET_ATR) return card.atr;
  if (control === CONTROL_POWER_ON) card.powerUp();
  if (control === CONTROL_POWER_OFF || control === CONTROL_RESET) card.reset();
  return undefined;
}

/** An answer that vpcd cannot carry becomes 6F00. */
function write(socket: Socket, response: Uint8Array): void {
  if (socket.destroyed) return;
  socket.write(encodeFrame(response.length > MAX_FRAME ? Uint8Array.of(0x6f, 0x00) : response));
  acknowledgeAtOnce(socket);
}
