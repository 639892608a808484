/** A station at the other end of a WebSocket: sends it prompts and waits for its answers. It is gone with its socket. */
import type { RawData, WebSocket } from 'ws';
import { EnteredPins } from './entered-pins.ts';
import {
  PromptCancelledError,
  PromptEntryError,
  PromptProtocolError,
  PromptStationGoneError,
  PromptTimedOutError,
} from './errors.ts';
import type { AskOptions, PinLength, PinPrompt, Prompt, PromptPlace, PromptStation } from './prompt.ts';
import { encodeToStation, parseAnswer, takeEntries, type StationAnswer, type ToStation } from './station-messages.ts';

/** RFC 6455, section 7.4.1: the other side broke the protocol; this side goes away. */
const CLOSE_PROTOCOL_ERROR = 1002;
const CLOSE_GOING_AWAY = 1001;
/** What the station's own time limit may be late by. */
const PATIENCE_MS = 2_000;
/** For the other side to close as well; `ws` would wait 30 s. */
const CLOSE_TIMEOUT_MS = 1_000;

interface Waiting {
  readonly prompt: Prompt;
  readonly timeoutMs: number;
  readonly resolve: (pins: EnteredPins) => void;
  readonly reject: (error: Error) => void;
}

export class StationLink implements PromptStation {
  readonly place: PromptPlace;
  readonly user: string;
  /** Settles when the socket is gone. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /** The socket's messages are at most STATION_MESSAGE_BYTES long, and not compressed. */
  constructor(socket: WebSocket, { place, user }: { readonly place: PromptPlace; readonly user: string }) {
    this.place = place;
    this.user = user;
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('error', () => socket.terminate());
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#giveUpAll();
        resolve();
      });
    });
  }

  async ask(prompt: Prompt, { signal, timeoutMs }: AskOptions): Promise<EnteredPins> {
    signal.throwIfAborted();
    if (this.#socket.readyState !== this.#socket.OPEN) throw this.#gone();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<EnteredPins>();
    const withdraw = (error: Error): void => {
      if (this.#take(id)) this.#send({ type: 'withdraw', id });
      reject(error);
    };
    const giveUp = (): void => withdraw(signal.reason as Error);
    const timer = setTimeout(() => withdraw(timedOut(timeoutMs)), timeoutMs + PATIENCE_MS);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.set(id, { prompt, timeoutMs, resolve, reject });
    this.#send({ type: 'prompt', id, timeoutMs, prompt });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  close(): void {
    this.#close(CLOSE_GOING_AWAY, 'kortd ends');
  }

  #send(message: ToStation): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encodeToStation(message));
  }

  /** At once for those who wait, whatever the other side does. */
  #close(code: number, reason: string): void {
    this.#giveUpAll();
    this.#socket.close(code, reason);
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS);
    void this.closed.then(() => clearTimeout(timer));
  }

  /** The library hands its buffer over: nobody else has use for it. */
  #onMessage(data: RawData, isBinary: boolean): void {
    const chunks = Array.isArray(data) ? data : [Buffer.isBuffer(data) ? data : Buffer.from(data)];
    const [first] = chunks;
    const message = chunks.length === 1 && first ? first : Buffer.concat(chunks);
    try {
      if (this.#socket.readyState !== this.#socket.OPEN) return;
      if (isBinary) this.#onEntries(message);
      else this.#onAnswer(parseAnswer(message.toString()));
    } catch (error) {
      if (!(error instanceof PromptProtocolError)) throw error;
      this.#close(CLOSE_PROTOCOL_ERROR, error.message.slice(0, 100));
    } finally {
      message.fill(0);
      for (const chunk of chunks) chunk.fill(0);
    }
  }

  /** What comes for a prompt that nobody waits for any more is wiped, and so is a second answer to one. */
  #onEntries(message: Uint8Array): void {
    const { id, pins } = takeEntries(message);
    const waiting = this.#take(id);
    if (waiting?.prompt.kind === 'pin' && areAskedFor(waiting.prompt, pins)) {
      waiting.resolve(pins);
      return;
    }
    pins[Symbol.dispose]();
    waiting?.reject(new PromptProtocolError('asking a person: the entries are not those that were asked for'));
  }

  #onAnswer({ id, outcome, problem }: StationAnswer): void {
    const waiting = this.#take(id);
    if (!waiting) return;
    if (outcome === 'cancelled') waiting.reject(new PromptCancelledError('asking a person: the person cancelled'));
    else if (outcome === 'timed_out') waiting.reject(timedOut(waiting.timeoutMs));
    else if (outcome === 'no_entry') waiting.reject(new PromptEntryError('asking a person: nothing usable was entered'));
    else if (outcome === 'approved' && waiting.prompt.kind !== 'pin') waiting.resolve(new EnteredPins());
    else waiting.reject(new PromptProtocolError(`asking a person: ${problem ?? 'the answer does not fit the prompt'}`));
  }

  /** Once: several messages may come before whoever asked is told of the first. */
  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #giveUpAll(): void {
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(this.#gone());
  }

  #gone(): PromptStationGoneError {
    return new PromptStationGoneError(`asking a person: the ${this.place} went away`);
  }
}

/** All of them, no others, and each as long as the card takes it: one that is not would spend a try for nothing. */
function areAskedFor({ action, pinLength, pukLength = pinLength }: PinPrompt, pins: EnteredPins): boolean {
  const wanted = { verify: ['pin'], change: ['pin', 'newPin'], unblock: ['puk', 'newPin'] }[action];
  if (pins.secrets.size !== wanted.length) return false;
  return [...pins.secrets].every(
    ([name, { lengthBytes }]) => wanted.includes(name) && isWithin(lengthBytes, name === 'puk' ? pukLength : pinLength),
  );
}

function isWithin(lengthBytes: number, { min, max }: PinLength): boolean {
  return lengthBytes >= min && lengthBytes <= max;
}

function timedOut(timeoutMs: number): PromptTimedOutError {
  return new PromptTimedOutError(`asking a person: nobody answered within ${timeoutMs} ms`, timeoutMs);
}
