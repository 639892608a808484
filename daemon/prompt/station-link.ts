/** A station at the other end of a WebSocket: sends it prompts and waits for its answers. It is gone with its socket. */
import type { RawData, WebSocket } from 'ws';
import { EnteredPins } from './entered-pins.ts';
import { PromptCancelledError, PromptProtocolError, PromptStationGoneError, PromptTimedOutError } from './errors.ts';
import type { AskOptions, Prompt, PromptPlace, PromptStation } from './prompt.ts';
import { parseAnswer, takeEntries, type StationAnswer, type ToStation } from './station-messages.ts';

/** RFC 6455, section 7.4.1: the other side broke the protocol. */
const CLOSE_PROTOCOL_ERROR = 1002;
/** What the station's own time limit may be late by. */
const PATIENCE_MS = 2_000;

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

  /** The socket's messages are at most STATION_MESSAGE_BYTES long. */
  constructor(socket: WebSocket, { place, user }: { readonly place: PromptPlace; readonly user: string }) {
    this.place = place;
    this.user = user;
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('error', () => socket.terminate());
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#onClose();
        resolve();
      });
    });
  }

  ask(prompt: Prompt, { signal, timeoutMs }: AskOptions): Promise<EnteredPins> {
    signal.throwIfAborted();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<EnteredPins>();
    const withdraw = (error: Error): void => {
      this.#send({ type: 'withdraw', id });
      reject(error);
    };
    const giveUp = (): void => withdraw(signal.reason as Error);
    const timer = setTimeout(() => withdraw(timedOut(timeoutMs)), timeoutMs + PATIENCE_MS);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.set(id, { prompt, timeoutMs, resolve, reject });
    this.#send({ type: 'prompt', id, timeoutMs, prompt });
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      this.#waiting.delete(id);
    });
  }

  close(): void {
    this.#socket.close();
  }

  #send(message: ToStation): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    const message = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    try {
      if (isBinary) this.#onEntries(message);
      else this.#onAnswer(parseAnswer(message.toString()));
    } catch (error) {
      if (!(error instanceof PromptProtocolError)) throw error;
      this.#socket.close(CLOSE_PROTOCOL_ERROR, error.message.slice(0, 100));
    } finally {
      for (const chunk of Array.isArray(data) ? data : [data]) wipe(chunk);
    }
  }

  /** What comes for a prompt that nobody waits for any more is wiped. */
  #onEntries(message: Buffer): void {
    const { id, pins } = takeEntries(message);
    const waiting = this.#waiting.get(id);
    if (waiting?.prompt.kind === 'pin' && hasAll(waiting.prompt.action, pins)) {
      waiting.resolve(pins);
      return;
    }
    pins[Symbol.dispose]();
    waiting?.reject(new PromptProtocolError('asking a person: the entries are not those that were asked for'));
  }

  #onAnswer({ id, outcome, problem }: StationAnswer): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    if (outcome === 'cancelled') waiting.reject(new PromptCancelledError('asking a person: the person cancelled'));
    else if (outcome === 'timed_out') waiting.reject(timedOut(waiting.timeoutMs));
    else if (outcome === 'approved' && waiting.prompt.kind !== 'pin') waiting.resolve(new EnteredPins());
    else waiting.reject(new PromptProtocolError(`asking a person: ${problem ?? 'the answer does not fit the prompt'}`));
  }

  #onClose(): void {
    for (const { reject } of this.#waiting.values())
      reject(new PromptStationGoneError(`asking a person: the ${this.place} went away`));
  }
}

/** The library hands its buffer over: nobody else has use for it. */
function wipe(chunk: Buffer | ArrayBuffer): void {
  (Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)).fill(0);
}

function hasAll(action: 'verify' | 'change' | 'unblock', pins: EnteredPins): boolean {
  const wanted = { verify: ['pin'], change: ['pin', 'newPin'], unblock: ['puk', 'newPin'] }[action];
  return pins.secrets.size === wanted.length && [...pins.secrets.keys()].every((name) => wanted.includes(name));
}

function timedOut(timeoutMs: number): PromptTimedOutError {
  return new PromptTimedOutError(`asking a person: nobody answered within ${timeoutMs} ms`, timeoutMs);
}
