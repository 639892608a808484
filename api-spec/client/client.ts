/**
 * The typed client, for browsers and Node alike: one WebSocket, calls with deadlines and cancellation, events with replay across
 * reconnects. It needs nothing but what the platform has: WebSocket, and fetch where a web page asks for access.
 */
import type { ErrorCode, WireError } from '../errors.ts';
import type { EventData, EventName, Greeting } from '../events.ts';
import type { MethodName, Params, Result } from '../methods/index.ts';
import { HIGHEST_API_VERSION } from '../versions.ts';
import { SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX, WEB_SOCKET_PATH } from '../wire.ts';
import { failure, requestAccess, type AccessOptions } from './access.ts';
import { ConnectionError } from './connection-error.ts';
import { loopbackPermission } from './loopback-permission.ts';

export type { AccessOptions } from './access.ts';
export { CONNECTION_REASONS, ConnectionError, type ConnectionErrorOptions, type ConnectionReason } from './connection-error.ts';
export { loopbackPermission, type LoopbackPermission } from './loopback-permission.ts';

interface OpenOptions {
  /** "http://127.0.0.1:27150": as the daemon prints it. */
  readonly url: string;
  /** For opening the WebSocket; default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Lowest API version that the caller can do with; the one of this client unless given. */
  readonly minApiVersion?: number;
}

/** For a native program, which reads the token in the data folder. */
export interface TokenOptions extends OpenOptions {
  /** The access token. */
  readonly token: string;
}

/** For a web page, which has no token: it asks for access, and a person or a policy gives it. Call it from a click. */
export interface PageOptions extends OpenOptions, AccessOptions {
  readonly token?: undefined;
}

/** For a native program of Node that comes through kortd's Unix socket, where it needs no token. */
export interface SocketOptions extends OpenOptions {
  /** Opens it: `(protocols) => new WebSocket(`ws+unix:${socket}:/v1/ws`, protocols)` with the package ws. */
  readonly openSocket: (protocols: string[]) => WebSocket;
  readonly token?: undefined;
}

export type ConnectOptions = TokenOptions | SocketOptions | PageOptions;

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
/** How kortd closes when the grant of the page's origin ends. */
const REVOKED = { code: 1008, reason: 'access was revoked' } as const;

type Closing = Pick<CloseEvent, 'code' | 'reason'>;

/**
 * Resolves when the daemon has greeted. Rejects with ConnectionError, or the signal's reason. Later, `signal` does nothing. To connect again,
 * call it again: a page gets a new token each time.
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  options.signal?.throwIfAborted();
  const openSocket = await socketOpener(options);
  options.signal?.throwIfAborted();
  const client = await open(options, openSocket);
  try {
    await agreeOnVersion(client, options);
  } catch (error) {
    client.close();
    throw error;
  }
  return client;
}

async function socketOpener(options: ConnectOptions): Promise<() => WebSocket> {
  if ('openSocket' in options) return () => options.openSocket([SUBPROTOCOL]);
  const token = options.token ?? (await requestAccess(options));
  const address = `${options.url.replace(/^http/, 'ws').replace(/\/$/, '')}${WEB_SOCKET_PATH}`;
  return () => new WebSocket(address, [SUBPROTOCOL, `${TOKEN_SUBPROTOCOL_PREFIX}${token}`]);
}

function open(options: ConnectOptions, openSocket: () => WebSocket): Promise<Client> {
  const { url, timeoutMs = DEFAULT_OPEN_TIMEOUT_MS } = options;
  const socket = openSocket();
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const settle = (): boolean => {
      if (isSettled) return false;
      isSettled = true;
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', giveUp);
      return true;
    };
    const fail = (error: () => Error | Promise<Error>): void => {
      if (!settle()) return;
      socket.close();
      void Promise.resolve(error()).then(reject, reject);
    };
    const giveUp = (): void => fail(() => options.signal?.reason as Error);
    const late = (): void => fail(() => lateError(url, timeoutMs));
    // A browser may block the WebSocket without any event.
    const timer = setTimeout(late, timeoutMs);
    options.signal?.addEventListener('abort', giveUp, { once: true });
    socket.addEventListener('error', () => fail(() => failure(url, 'refused, or nothing listens there')), { once: true });
    socket.addEventListener(
      'close',
      (closing) => fail(() => goneError(`connecting to ${url}: closed before it was greeted`, closing)),
      {
        once: true,
      },
    );
    const client = new Client(socket, () => {
      if (settle()) resolve(client);
    });
  });
}

/** Rejects when no version is spoken by both; chooses the client's own where the daemon speaks a later one too. */
async function agreeOnVersion(client: Client, { url, minApiVersion = HIGHEST_API_VERSION }: ConnectOptions): Promise<void> {
  const { lowest, highest } = client.greeting.apiVersion;
  if (highest < minApiVersion || lowest > HIGHEST_API_VERSION) {
    const problem = `it speaks API versions ${lowest} to ${highest}, this client ${minApiVersion} to ${HIGHEST_API_VERSION}`;
    throw new ConnectionError('version-unsupported', `connecting to ${url}: ${problem}`);
  }
  if (highest > HIGHEST_API_VERSION) await client.call('version.select', { apiVersion: HIGHEST_API_VERSION });
}

async function lateError(url: string, timeoutMs: number): Promise<ConnectionError> {
  const problem = `given up after ${timeoutMs} ms`;
  const permission = await loopbackPermission();
  if (permission === 'denied' || permission === 'prompt') return await failure(url, problem);
  return new ConnectionError('timeout', `connecting to ${url}: ${problem}`, { permission });
}

function goneError(what: string, { code, reason }: Closing): ConnectionError {
  if (code === REVOKED.code && reason === REVOKED.reason) return new ConnectionError('revoked', `${what}: ${reason}`);
  return new ConnectionError('closed', what);
}

export class Client {
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, Pending>();
  readonly #onGreeting: () => void;
  #greeting: Greeting | undefined;
  #handlers: EventHandlers | undefined;
  #nextId = 1;
  #gone: ConnectionError | undefined;
  /** Resolves when the connection is gone, with what took it: `revoked`, or `closed` for everything else. */
  readonly closed: Promise<ConnectionError>;

  /** Use `connect`. */
  constructor(socket: WebSocket, onGreeting: () => void) {
    this.#socket = socket;
    this.#onGreeting = onGreeting;
    socket.addEventListener('message', (message) => this.#onMessage(String(message.data)));
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', (closing) => resolve(this.#onClose(closing)));
    });
  }

  /** Versions and the event stream of the daemon. */
  get greeting(): Greeting {
    if (!this.#greeting) throw new ConnectionError('closed', 'reading the greeting: it has not come yet');
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
        reject(new ConnectionError(this.#gone?.reason ?? 'closed', `calling ${method}: the connection is closed`));
        return;
      }
      const cancel = (): void => {
        this.#pending.delete(id);
        this.callByName('call.cancel', { id }).catch(ignoreRefusal);
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

  #onClose(closing: Closing): ConnectionError {
    const gone = goneError('waiting for an answer: the connection closed', closing);
    this.#gone = gone;
    for (const pending of this.#pending.values()) pending.reject(gone);
    this.#pending.clear();
    return gone;
  }
}

/** A cancellation that comes too late, or that the caller may not make, has nothing left to do: the call was given up on this side. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof ConnectionError || error instanceof CallError)) throw error;
}
