/**
 * The typed client, for browsers and Node alike: one WebSocket, calls with deadlines and cancellation, events with replay across
 * reconnects. It needs nothing but the platform's own WebSocket.
 */
import type { ErrorCode, WireError } from '../errors.ts';
import type { EventData, EventName, Greeting } from '../events.ts';
import type { MethodName, Params, Result } from '../methods/index.ts';

export interface ConnectOptions {
  /** "http://127.0.0.1:27150": as the daemon prints it. */
  readonly url: string;
  /** The access token. */
  readonly token: string;
  /** For opening; default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface CallOptions {
  /** Deadline at the daemon. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** A repetition with the same key is not done twice. */
  readonly idempotencyKey?: string;
}

/** The daemon answered with an error: `error` holds its code, and texts for people. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly error: WireError;

  constructor(error: WireError) {
    super(error.message);
    this.error = error;
  }

  get code(): ErrorCode {
    return this.error.code;
  }
}

/** The connection could not be opened, or went away: whether a call under way was carried out is not known. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

export interface EventNotice<N extends EventName = EventName> {
  readonly sequence: number;
  readonly time: string;
  readonly name: N;
  readonly data: EventData<N>;
}

export interface Gap {
  readonly from: number;
  readonly to: number;
}

type AnyNotice = { [N in EventName]: EventNotice<N> }[EventName];

export interface EventHandlers {
  readonly onEvent: (event: AnyNotice) => void;
  /** Events were lost: read the lists again. */
  readonly onGap?: (gap: Gap) => void;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const DEFAULT_OPEN_TIMEOUT_MS = 10_000;
const SUBPROTOCOL = 'kortd.v1';

/** Resolves when the daemon has greeted. Rejects with ConnectionError, or the signal's reason. Later, `signal` does nothing. */
export async function connect(options: ConnectOptions): Promise<Client> {
  options.signal?.throwIfAborted();
  const url = `${options.url.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/ws`;
  const socket = new WebSocket(url, [SUBPROTOCOL, `kortd.token.${options.token}`]);
  const signals = [
    AbortSignal.timeout(options.timeoutMs ?? DEFAULT_OPEN_TIMEOUT_MS),
    ...(options.signal ? [options.signal] : []),
  ];
  const signal = AbortSignal.any(signals);
  return await new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      signal.removeEventListener('abort', giveUp);
      reject(error);
      socket.close();
    };
    const giveUp = (): void => {
      const given = options.signal?.aborted ? (options.signal.reason as Error) : undefined;
      fail(given ?? new ConnectionError(`connecting to ${options.url}: given up`, { cause: signal.reason }));
    };
    signal.addEventListener('abort', giveUp, { once: true });
    socket.addEventListener(
      'error',
      () => fail(new ConnectionError(`connecting to ${options.url}: refused, or nothing listens there`)),
      { once: true },
    );
    socket.addEventListener(
      'close',
      () => fail(new ConnectionError(`connecting to ${options.url}: closed before it was greeted`)),
      { once: true },
    );
    const client = new Client(socket, () => {
      signal.removeEventListener('abort', giveUp);
      resolve(client);
    });
  });
}

export class Client {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, Pending>();
  readonly #onGreeting: () => void;
  #greeting: Greeting | undefined;
  #handlers: EventHandlers | undefined;
  #nextId = 1;
  /** Settles when the connection is gone. */
  readonly closed: Promise<void>;

  /** Use `connect`. */
  constructor(socket: WebSocket, onGreeting: () => void) {
    this.#socket = socket;
    this.#onGreeting = onGreeting;
    socket.addEventListener('message', (message) => this.#onMessage(String(message.data)));
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', () => {
        this.#onClose();
        resolve();
      });
    });
  }

  /** Versions and the event stream of the daemon. */
  get greeting(): Greeting {
    if (!this.#greeting) throw new ConnectionError('reading the greeting: it has not come yet');
    return this.#greeting;
  }

  /** Rejects with CallError, ConnectionError, or the signal's reason. */
  async call<N extends MethodName>(
    method: N,
    ...[params, options]: object extends Params<N> ? [Params<N>?, CallOptions?] : [Params<N>, CallOptions?]
  ): Promise<Result<N>> {
    return (await this.callByName(method, params ?? {}, options)) as Result<N>;
  }

  /** As `call`, for a name that is known only at run time. */
  callByName(method: string, params: unknown, options: CallOptions = {}): Promise<unknown> {
    const { signal, timeoutMs, idempotencyKey } = options;
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new ConnectionError(`calling ${method}: the connection is closed`));
        return;
      }
      const cancel = (): void => {
        this.#pending.delete(id);
        this.callByName('call.cancel', { id }).catch(ignoreClosed);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', cancel, { once: true });
      const settle = (): void => signal?.removeEventListener('abort', cancel);
      this.#pending.set(id, {
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params, timeoutMs, idempotencyKey }));
    });
  }

  /** In place of an earlier subscription. `since` replays what came after that number of the same stream. */
  async subscribe(handlers: EventHandlers, options: Params<'event.subscribe'> = {}): Promise<Result<'event.subscribe'>> {
    this.#handlers = handlers;
    return await this.call('event.subscribe', options);
  }

  close(): void {
    this.#socket.close();
  }

  #onMessage(text: string): void {
    const message = JSON.parse(text) as {
      id?: number;
      result?: unknown;
      error?: { data: WireError };
      method?: string;
      params?: unknown;
    };
    if (message.method === 'greeting') {
      this.#greeting = message.params as Greeting;
      this.#onGreeting();
    } else if (message.method === 'event') {
      this.#handlers?.onEvent(message.params as AnyNotice);
    } else if (message.method === 'event.gap') {
      this.#handlers?.onGap?.(message.params as Gap);
    } else if (message.id !== undefined) {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.error) pending?.reject(new CallError(message.error.data));
      else pending?.resolve(message.result);
    }
  }

  #onClose(): void {
    for (const pending of this.#pending.values())
      pending.reject(new ConnectionError('waiting for an answer: the connection closed'));
    this.#pending.clear();
  }
}

/** A cancellation that finds the connection closed has nothing left to cancel. */
function ignoreClosed(error: unknown): void {
  if (!(error instanceof ConnectionError)) throw error;
}
