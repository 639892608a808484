/** The two ways to call kortd, as raw as a test needs them: HTTP requests and WebSocket messages, bytes on a socket. Every answer is checked. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { WebSocket } from 'ws';
import type { WireError } from '../../api-spec/errors.ts';
import type { Greeting } from '../../api-spec/events.ts';
import type { ApiMethod } from '../../api-spec/method.ts';
import { METHODS, isMethodName, type MethodName, type Result } from '../../api-spec/methods/index.ts';
import { noteMessage } from '../evidence/typed.ts';
import { checkAnswer, checkError, type Answer } from './answers.ts';

export type TransportName = 'REST' | 'WebSocket';
export const TRANSPORTS: readonly TransportName[] = ['REST', 'WebSocket'];
const DEADLINE_MS = 10_000;

export interface CallOptions {
  readonly timeoutMs?: number;
  readonly idempotencyKey?: string;
  /** Aborting it gives the call up: REST closes its connection, WebSocket sends call.cancel. */
  readonly signal?: AbortSignal;
}

export interface Transport {
  readonly name: TransportName;
  /** `params` are not typed: wrong ones are what many tests send. */
  call<N extends MethodName>(method: N, params?: object, options?: CallOptions): Promise<Answer<Result<N>>>;
}

/** Rejects when `promise` takes too long; the timer never outlives it. */
export async function within<T>(promise: Promise<T>, what: string, deadlineMs = DEADLINE_MS): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what}: nothing within ${deadlineMs} ms`)), deadlineMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again and again until `look` gives something. For what tells of itself by no event. */
export async function eventually<T>(what: string, look: () => T | undefined | false, deadlineMs = DEADLINE_MS): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`${what}: not within ${deadlineMs} ms`);
    await new Promise((resolve) => setImmediate(resolve)); // no timer: timers are among the things that tests wait for
  }
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface HttpQuestion {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

/** One request on a connection of its own. */
export async function http({ port, method, path, headers = {}, body, signal }: HttpQuestion): Promise<HttpAnswer> {
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: headers as Record<string, string | string[]>,
    agent: false,
    ...(signal ? { signal } : {}),
  });
  const answered = new Promise<HttpAnswer>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString() }),
      );
    });
  });
  noteMessage(body ?? '');
  request.end(body);
  return await within(answered, `${method} ${path}`);
}

/** Bytes on a socket, and everything that comes back until the other side closes. */
export async function rawHttp(port: number, text: string): Promise<string> {
  const socket = connectTcp(port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  const closed = once(socket, 'close');
  socket.write(text.replaceAll('\n', '\r\n'));
  try {
    await within(closed, 'a raw request');
  } finally {
    socket.destroy();
  }
  return Buffer.concat(parts).toString();
}

/** The error in a body `{ "error": … }`, checked as one of no method in particular unless one is named. */
export function errorInBody(text: string, method?: MethodName): WireError {
  const parsed = JSON.parse(text) as { error: WireError };
  if (Object.keys(parsed).join() !== 'error') throw new Error(`a body with an error was expected, not ${text}`);
  return checkError(parsed.error, method);
}

export class RestTransport implements Transport {
  readonly name = 'REST';
  readonly port: number;
  readonly #token: string;

  constructor(port: number, token: string) {
    this.port = port;
    this.#token = token;
  }

  get authorization(): Record<string, string> {
    return { authorization: `Bearer ${this.#token}` };
  }

  async call<N extends MethodName>(method: N, params: object = {}, options: CallOptions = {}): Promise<Answer<Result<N>>> {
    const { rest }: ApiMethod = METHODS[method];
    if (!rest) throw new RangeError(`${method} has no REST route`);
    const { status, headers, text } = await http({
      port: this.port,
      method: rest.verb,
      path: rest.path,
      headers: {
        ...this.authorization,
        ...(rest.verb === 'GET' ? {} : { 'content-type': 'application/json' }),
        ...(options.timeoutMs === undefined ? {} : { 'kortd-timeout-ms': String(options.timeoutMs) }),
        ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
      },
      ...(rest.verb === 'GET' ? {} : { body: JSON.stringify(params) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (headers['content-type'] !== 'application/json; charset=utf-8' || headers['cache-control'] !== 'no-store')
      throw new Error(`headers of ${method}: ${JSON.stringify(headers)}`);
    if (status === 200) return checkAnswer(method, { result: JSON.parse(text) as unknown });
    return checkAnswer(method, { error: (JSON.parse(text) as { error: WireError }).error });
  }
}

export interface RpcMessage {
  readonly jsonrpc: string;
  readonly id?: string | number | null;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data: WireError };
  readonly method?: string;
  readonly params?: unknown;
}

/** A WebSocket that keeps every message in order. */
export class RpcSocket implements Transport, AsyncDisposable {
  readonly name = 'WebSocket';
  readonly socket: WebSocket;
  /** Everything that came, batches as they are. */
  readonly messages: (RpcMessage | readonly RpcMessage[])[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #waiting = new Set<() => void>();
  #nextId = 1_000;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()) as RpcMessage);
      for (const look of [...this.#waiting]) look();
    });
    socket.on('error', () => undefined); // the close that follows tells
    this.closed = new Promise((resolve) =>
      socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const look of [...this.#waiting]) look();
      }),
    );
  }

  /** Resolves when the greeting is there. */
  /** With an origin: as a page does. */
  static async open(port: number, token: string, { origin }: { readonly origin?: string } = {}): Promise<RpcSocket> {
    const options = { perMessageDeflate: false, ...(origin === undefined ? {} : { origin }) };
    const opened = new RpcSocket(new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, ['kortd.v1', `kortd.token.${token}`], options));
    await opened.notice('greeting');
    return opened;
  }

  get greeting(): Greeting {
    return this.notices('greeting')[0]?.params as Greeting;
  }

  notices(name: string): readonly RpcMessage[] {
    return this.messages.filter(
      (message): message is RpcMessage => !Array.isArray(message) && 'method' in message && message.method === name,
    );
  }

  /** The first message, past or to come, that `find` finds something in. */
  async find<T>(what: string, find: () => T | undefined): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const value = find();
        if (value === undefined && this.socket.readyState !== WebSocket.CLOSED) return;
        this.#waiting.delete(look);
        if (value === undefined) reject(new Error(`waiting for ${what}: the WebSocket closed`));
        else resolve(value);
      };
      this.#waiting.add(look);
      look();
    });
    return await within(found, `waiting for ${what}`);
  }

  async notice(name: string): Promise<RpcMessage> {
    return await this.find(`the notice ${name}`, () => this.notices(name)[0]);
  }

  sendText(text: string | Uint8Array): void {
    noteMessage(text);
    this.socket.send(text);
  }

  /** The answer to a message that has this id. */
  async answerTo(id: string | number | null): Promise<RpcMessage> {
    return await this.find(`the answer to ${String(id)}`, () =>
      this.messages
        .flat()
        .find((message): message is RpcMessage => !('method' in message) && 'id' in message && message.id === id),
    );
  }

  /** Sends without waiting; gives the id. */
  start(method: string, params: object = {}, options: CallOptions = {}): number {
    const id = this.#nextId++;
    const { timeoutMs, idempotencyKey } = options;
    this.sendText(JSON.stringify({ jsonrpc: '2.0', id, method, params, timeoutMs, idempotencyKey }));
    return id;
  }

  async call<N extends MethodName>(method: N, params?: object, options?: CallOptions): Promise<Answer<Result<N>>>;
  async call(method: string, params?: object, options?: CallOptions): Promise<Answer>;
  async call(method: string, params: object = {}, options: CallOptions = {}): Promise<Answer> {
    const id = this.start(method, params, options);
    const { signal } = options;
    const cancel = (): void => void this.start('call.cancel', { id });
    signal?.addEventListener('abort', cancel, { once: true });
    const message = await this.answerTo(id);
    signal?.removeEventListener('abort', cancel);
    if (message.jsonrpc !== '2.0') throw new Error(`no JSON-RPC 2.0: ${JSON.stringify(message)}`);
    if (!message.error) return checkAnswer(method, { result: message.result });
    if (message.error.message !== message.error.data.message) throw new Error('two messages for one error');
    return checkAnswer(isMethodName(method) ? method : '', { error: message.error.data });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    if (this.socket.readyState !== WebSocket.CLOSED) await this.closed;
  }
}
