/**
 * One WebSocket to signotec's local service: requests one after the other, each with a deadline, and its events. An answer that comes too late cannot be told
 * from the next one of the same command, so a request that is not answered in time ends the connection.
 * The vendor's name for this machine is resolved here, to loopback, and not by a name server. TLS is checked against the system's authorities, a configured
 * one, or a pinned fingerprint, before anything is sent.
 */
import { TLSSocket } from 'node:tls';
import type { IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { WebSocket } from 'ws';
import { DeviceError, DeviceProtocolError, DeviceTimeoutError, ServiceUnavailableError } from '../../errors.ts';
import {
  decodeMessage,
  encodeRequest,
  type Command,
  type Message,
  type Parameters,
  type Response,
  type ServiceEvent,
} from './tokens.ts';

/** A signature with its certificate, as base64, is some ten kilobytes. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const HEARTBEAT_MS = 5000;
const DEFAULT_TIMEOUT_MS = 5000;

export interface ServiceAddress {
  /** "wss://local.signotecwebsocket.de:49494". */
  readonly url: string;
  /** PEM of the authority that vouches for the service. Default: those of the system. */
  readonly authority?: string;
  /** SHA-256 of the service's certificate, hexadecimal with or without colons: in place of any authority. */
  readonly fingerprint256?: string;
  /** The service runs on another machine: its name is resolved, and it must have TLS. */
  readonly isRemote?: boolean;
}

export interface ConnectionOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  readonly onEvent: (event: ServiceEvent) => void;
  /** Once, when the connection ended without having been closed by us. */
  readonly onEnd: (error: DeviceError) => void;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

interface Pending {
  readonly command: Command;
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
}

/** Throws RangeError for an address that must not be used. */
export function checkAddress({ url, isRemote = false }: ServiceAddress): void {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'wss:' && protocol !== 'ws:')
    throw new RangeError(`the address of the signotec service: ${url} is no ws or wss address`);
  if (protocol === 'ws:' && isRemote)
    throw new RangeError(`the address of the signotec service: ${url} is on another machine, and has no TLS`);
  if (!isRemote && isAddress(hostname) && !isLoopback(hostname))
    throw new RangeError(`the address of the signotec service: ${url} is not this machine`);
}

export async function connect(address: ServiceAddress, options: ConnectionOptions): Promise<SignotecConnection> {
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  signal.throwIfAborted();
  checkAddress(address);
  const socket = new WebSocket(address.url, {
    maxPayload: MAX_MESSAGE_BYTES,
    handshakeTimeout: timeoutMs,
    perMessageDeflate: false,
    followRedirects: false,
    ...(address.isRemote ? {} : { lookup: loopback }),
    ...(address.authority === undefined ? {} : { ca: address.authority }),
    ...(address.fingerprint256 === undefined ? {} : { rejectUnauthorized: false }),
  });
  const connection = new SignotecConnection(socket, options);
  await opened(socket, { address, signal, timeoutMs });
  return connection;
}

export class SignotecConnection implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #pending: Pending | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #end: DeviceError | undefined;
  #isClosed = false;
  #isAlive = true;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (data, isBinary) => this.#take(isBinary ? undefined : textOf(data)));
    socket.on('pong', () => (this.#isAlive = true));
    socket.on('error', (cause) =>
      this.#finish(new ServiceUnavailableError(`speaking with the signotec service: ${cause.message}`, {}, { cause })),
    );
    socket.on('close', () =>
      this.#finish(new ServiceUnavailableError('speaking with the signotec service: it ended the connection')),
    );
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  get isOpen(): boolean {
    return this.#end === undefined && !this.#isClosed;
  }

  /** Resolves with what succeeded. A negative return code is a DeviceError with it as `driverCode`. */
  async request(command: Command, parameters: Parameters, options: RequestOptions): Promise<Response> {
    const turn = this.#queue.then(
      () => this.#ask(command, parameters, options),
      () => this.#ask(command, parameters, options),
    );
    this.#queue = turn.catch(() => undefined);
    const response = await turn;
    if (response.returnCode >= 0) return response;
    throw new DeviceError(
      `${command} at the signotec service: it answered ${response.returnCode}${response.description === undefined ? '' : `, ${response.description}`}`,
      {
        driverCode: String(response.returnCode),
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#finish(new ServiceUnavailableError('speaking with the signotec service: the connection was closed'));
    await Promise.resolve();
  }

  async #ask(
    command: Command,
    parameters: Parameters,
    { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: RequestOptions,
  ): Promise<Response> {
    signal.throwIfAborted();
    if (this.#end) throw this.#end;
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const late = new DeviceTimeoutError(`${command} at the signotec service: no answer in time`, { timeoutMs });
    const timer = setTimeout(() => this.#finish(late), timeoutMs);
    const onAbort = (): void => {
      reject(signal.reason);
      this.#finish(new ServiceUnavailableError(`${command} at the signotec service: given up before its answer`));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#pending = { command, resolve, reject };
    try {
      this.#socket.send(encodeRequest(command, parameters));
      return await promise;
    } finally {
      this.#pending = undefined;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #take(text: string | undefined): void {
    if (this.#end) return;
    try {
      if (text === undefined) throw new DeviceProtocolError('reading a message of the signotec service: it is not text');
      this.#dispatch(decodeMessage(text));
    } catch (error) {
      if (error instanceof DeviceError) this.#finish(error);
      else throw error;
    }
  }

  #dispatch(message: Message): void {
    if (message.kind === 'response' && message.command === this.#pending?.command) this.#pending.resolve(message.response);
    if (message.kind !== 'event') return;
    const { event } = message;
    if (event.kind === 'incorrectCommand')
      this.#pending?.reject(
        new DeviceProtocolError(
          `${this.#pending.command} at the signotec service: it does not know it, ${event.description ?? 'and says no more'}`,
        ),
      );
    else this.#options.onEvent(event);
  }

  #beat(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (!this.#isAlive) {
      this.#finish(
        new ServiceUnavailableError('speaking with the signotec service: it does not answer any more', {
          timeoutMs: HEARTBEAT_MS,
        }),
      );
      return;
    }
    this.#isAlive = false;
    this.#socket.ping();
  }

  #finish(error: DeviceError): void {
    if (this.#end) return;
    this.#end = error;
    clearInterval(this.#heartbeat);
    this.#pending?.reject(error);
    this.#socket.terminate();
    if (!this.#isClosed) this.#options.onEnd(error);
  }
}

interface OpeningOptions {
  readonly address: ServiceAddress;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Nothing is sent before the certificate is known to be the pinned one. */
async function opened(socket: WebSocket, { address, signal, timeoutMs }: OpeningOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const refuse = (why: string, cause?: unknown): void =>
    reject(
      new ServiceUnavailableError(
        `connecting to the signotec service at ${address.url}: ${why}`,
        {},
        cause === undefined ? {} : { cause },
      ),
    );
  const onAbort = (): void => reject(signal.reason);
  const timer = setTimeout(() => refuse(`no answer within ${timeoutMs} ms`), timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once('upgrade', (response) => {
    const why = distrust(response, address);
    if (why !== undefined) refuse(why);
  });
  socket.once('open', () => resolve(undefined));
  socket.once('error', (cause) => refuse(cause.message, cause));
  try {
    await promise;
  } catch (error) {
    socket.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function distrust({ socket }: IncomingMessage, { fingerprint256 }: ServiceAddress): string | undefined {
  if (fingerprint256 === undefined) return undefined;
  const found = socket instanceof TLSSocket ? socket.getPeerCertificate().fingerprint256 : undefined;
  return found !== undefined && plain(found) === plain(fingerprint256)
    ? undefined
    : `its certificate is ${found ?? 'none'}, not the pinned one`;
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}

const LOOPBACK = '127.0.0.1';

/** Every name is this machine. */
const loopback: LookupFunction = (_, options, done) => {
  if (options.all) done(null, [{ address: LOOPBACK, family: 4 }]);
  else done(null, LOOPBACK, 4);
};

function isAddress(hostname: string): boolean {
  return /^[\d.]+$/.test(hostname) || hostname.startsWith('[');
}

function isLoopback(hostname: string): boolean {
  return hostname.startsWith('127.') || hostname === '[::1]';
}

function textOf(data: unknown): string | undefined {
  return Buffer.isBuffer(data) ? data.toString('utf8') : undefined;
}
