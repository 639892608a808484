import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws';
import type { WireError } from '../errors.ts';
import { HIGHEST_API_VERSION } from '../versions.ts';
import { CallError, ConnectionError, connect, type Client, type TokenOptions } from './client.ts';

interface Received {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
  readonly timeoutMs?: number;
  readonly idempotencyKey?: string;
}

/** A daemon that says what a test tells it to. */
class FakeDaemon implements AsyncDisposable {
  readonly url: string;
  readonly received: Received[] = [];
  readonly protocols: string[] = [];
  readonly #server: WebSocketServer;
  #socket: ServerSocket | undefined;
  apiVersion = { lowest: HIGHEST_API_VERSION, highest: HIGHEST_API_VERSION };
  /** Answers a call; undefined: not at all. */
  answer: (call: Received) => object | undefined = () => ({ result: {} });

  constructor(server: WebSocketServer, greets: 'greets' | 'says nothing' | 'hangs up') {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket, request) => {
      this.#socket = socket;
      this.protocols.push(request.headers['sec-websocket-protocol'] ?? '');
      socket.on('message', (data: Buffer) => {
        const call = JSON.parse(data.toString()) as Received;
        this.received.push(call);
        const answer = this.answer(call);
        if (answer) this.send({ id: call.id, ...answer });
      });
      if (greets === 'hangs up') socket.close();
      const { apiVersion } = this;
      if (greets === 'greets')
        this.send({ method: 'greeting', params: { product: 'kortd', version: '1', apiVersion, stream: 's', sequence: 7 } });
    });
  }

  static async start(greets: 'greets' | 'says nothing' | 'hangs up' = 'greets'): Promise<FakeDaemon> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/v1/ws', handleProtocols: () => 'kortd.v1' });
    await once(server, 'listening');
    return new FakeDaemon(server, greets);
  }

  send(message: object): void {
    this.#socket?.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  hangUp(code?: number, reason?: string): void {
    this.#socket?.close(code, reason);
  }

  /** Resolves when the client has closed its connection. */
  async hungUp(): Promise<void> {
    if (this.#socket && this.#socket.readyState !== this.#socket.CLOSED) await once(this.#socket, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

async function connected(daemon: FakeDaemon): Promise<Client> {
  return await connect({ url: daemon.url, token: 'secret' });
}

const refused: WireError = { code: 'not_found', message: 'looking up a card', retry: 'no', en: 'en', sv: 'sv' };

describe('connect', () => {
  it('resolves when the daemon has greeted, and gave the token as a subprotocol', async () => {
    await using daemon = await FakeDaemon.start();
    const client = await connect({ url: `${daemon.url}/`, token: 'secret' });
    expect(client.greeting).toMatchObject({ product: 'kortd', stream: 's', sequence: 7 });
    expect(daemon.protocols[0]?.split(/, ?/)).toEqual(['kortd.v1', 'kortd.token.secret']);
    client.close();
    await client.closed;
  });

  it('keeps the connection when the time for opening is over, and when its signal fires later', async () => {
    await using daemon = await FakeDaemon.start();
    const abort = new AbortController();
    const timeoutMs = 300;
    const client = await connect({ url: daemon.url, token: 't', timeoutMs, signal: abort.signal });
    abort.abort();
    await once(AbortSignal.timeout(timeoutMs + 50), 'abort');
    await expect(client.call('system.info')).resolves.toEqual({});
    client.close();
  });

  it('rejects with ConnectionError when nothing listens', async () => {
    const daemon = await FakeDaemon.start();
    await daemon[Symbol.asyncDispose]();
    await expect(connected(daemon)).rejects.toBeInstanceOf(ConnectionError);
  });

  it('rejects with ConnectionError when nobody greets in time, or the other side hangs up before', async () => {
    await using silent = await FakeDaemon.start('says nothing');
    await expect(connect({ url: silent.url, token: 't', timeoutMs: 50 })).rejects.toThrow(/given up/);
    await using short = await FakeDaemon.start('hangs up');
    await expect(connected(short)).rejects.toThrow(/closed before it was greeted/);
  });

  it('tells its reasons apart', async () => {
    const reasonOf = (options: Partial<TokenOptions> & { readonly url: string }): Promise<unknown> =>
      connect({ token: 't', ...options }).then(
        () => 'connected',
        (error: unknown) => (error instanceof ConnectionError ? error.reason : error),
      );
    await using silent = await FakeDaemon.start('says nothing');
    expect(await reasonOf({ url: silent.url, timeoutMs: 50 })).toBe('timeout');
    await using short = await FakeDaemon.start('hangs up');
    expect(await reasonOf(short)).toBe('closed');
    const gone = await FakeDaemon.start();
    await gone[Symbol.asyncDispose]();
    expect(await reasonOf(gone)).toBe('not-running');
  });

  it('refuses a daemon that is too old or too new for it, and leaves no connection', async () => {
    const [older, newer] = [HIGHEST_API_VERSION - 1, HIGHEST_API_VERSION + 1];
    for (const [lowest, highest] of [
      [older, older],
      [newer, newer],
    ] as const) {
      await using daemon = await FakeDaemon.start();
      daemon.apiVersion = { lowest, highest };
      await expect(connected(daemon)).rejects.toMatchObject({ name: 'ConnectionError', reason: 'version-unsupported' });
      await daemon.hungUp();
    }
    await using daemon = await FakeDaemon.start();
    daemon.apiVersion = { lowest: older, highest: older };
    const client = await connect({ url: daemon.url, token: 't', minApiVersion: older });
    expect(daemon.received).toEqual([]);
    client.close();
  });

  it('chooses its own version where the daemon speaks a later one too', async () => {
    await using daemon = await FakeDaemon.start();
    daemon.apiVersion = { lowest: 1, highest: HIGHEST_API_VERSION + 1 };
    const client = await connected(daemon);
    expect(daemon.received).toMatchObject([{ method: 'version.select', params: { apiVersion: HIGHEST_API_VERSION } }]);
    client.close();
  });

  it('rejects with the reason of its signal', async () => {
    await using silent = await FakeDaemon.start('says nothing');
    const abort = new AbortController();
    const opening = connect({ url: silent.url, token: 't', signal: abort.signal });
    abort.abort(new RangeError('not now'));
    await expect(opening).rejects.toThrow('not now');
    await expect(connect({ url: silent.url, token: 't', signal: abort.signal })).rejects.toThrow('not now');
  });
});

describe('a call', () => {
  it('carries parameters, deadline and idempotency key, and resolves with the result', async () => {
    await using daemon = await FakeDaemon.start();
    daemon.answer = () => ({ result: { readers: [] } });
    const client = await connected(daemon);
    expect(await client.call('reader.list')).toEqual({ readers: [] });
    await client.call('card.read', { card: 'c' }, { timeoutMs: 5, idempotencyKey: 'k' });
    expect(daemon.received).toMatchObject([
      { method: 'reader.list', params: {} },
      { method: 'card.read', params: { card: 'c' }, timeoutMs: 5, idempotencyKey: 'k' },
    ]);
    client.close();
  });

  it('rejects with CallError, which holds the error of the daemon', async () => {
    await using daemon = await FakeDaemon.start();
    daemon.answer = () => ({ error: { code: -32_000, message: refused.message, data: refused } });
    const client = await connected(daemon);
    const error = await client.call('card.read', { card: 'c' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject({ code: 'not_found', error: refused, message: refused.message });
    client.close();
  });

  it('gets its own answer, whatever the order', async () => {
    await using daemon = await FakeDaemon.start();
    const calls: Received[] = [];
    daemon.answer = (call) => {
      calls.push(call);
      if (calls.length === 2) for (const { id, method } of calls.reverse()) daemon.send({ id, result: method });
      return undefined;
    };
    const client = await connected(daemon);
    expect(await Promise.all([client.call('system.info'), client.call('system.health')])).toEqual([
      'system.info',
      'system.health',
    ]);
    client.close();
  });

  it('is cancelled by its signal, at the daemon too', async () => {
    await using daemon = await FakeDaemon.start();
    const cancelled = Promise.withResolvers<Received>();
    daemon.answer = (call) => {
      if (call.method !== 'call.cancel') return undefined;
      cancelled.resolve(call);
      return { result: { cancelled: true } };
    };
    const client = await connected(daemon);
    const abort = new AbortController();
    const call = client.call('card.read', { card: 'c' }, { signal: abort.signal });
    abort.abort(new RangeError('enough'));
    await expect(call).rejects.toThrow('enough');
    expect((await cancelled.promise).params).toEqual({ id: daemon.received[0]?.id });
    await expect(client.call('card.list', {}, { signal: abort.signal })).rejects.toThrow('enough');
    expect(daemon.received.map(({ method }) => method)).toEqual(['card.read', 'call.cancel']);
    client.close();
  });

  it('is given up in silence when the daemon will not cancel it', async () => {
    await using daemon = await FakeDaemon.start();
    const cancelled = Promise.withResolvers<undefined>();
    daemon.answer = ({ method }) => {
      if (method === 'system.info') return { result: {} };
      if (method === 'call.cancel') cancelled.resolve(undefined);
      return method === 'call.cancel' ? { error: { code: -32_000, message: refused.message, data: refused } } : undefined;
    };
    const client = await connected(daemon);
    const call = client.call('card.list', {}, { signal: AbortSignal.abort(new RangeError('enough')) });
    await expect(call).rejects.toThrow('enough');
    const abort = new AbortController();
    const another = client.call('card.list', {}, { signal: abort.signal });
    abort.abort(new RangeError('enough'));
    await expect(another).rejects.toThrow('enough');
    await cancelled.promise;
    await client.call('system.info'); // the refusal came before this answer
    client.close();
  });

  it('rejects as revoked when the daemon takes the grant back', async () => {
    await using daemon = await FakeDaemon.start();
    daemon.answer = () => {
      daemon.hangUp(1008, 'access was revoked');
      return undefined;
    };
    const client = await connected(daemon);
    await expect(client.call('system.info')).rejects.toMatchObject({ reason: 'revoked' });
    expect(await client.closed).toMatchObject({ reason: 'revoked' });
    await expect(client.call('system.info')).rejects.toMatchObject({ reason: 'revoked' });
  });

  it('rejects with ConnectionError when the connection goes, and afterwards', async () => {
    await using daemon = await FakeDaemon.start();
    daemon.answer = () => {
      daemon.hangUp();
      return undefined;
    };
    const client = await connected(daemon);
    await expect(client.call('system.info')).rejects.toBeInstanceOf(ConnectionError);
    expect(await client.closed).toMatchObject({ reason: 'closed' });
    await expect(client.call('system.info')).rejects.toThrow(/the connection is closed/);
  });
});

describe('a subscription', () => {
  it('hands over events and gaps in their order, also those that come before its own answer', async () => {
    await using daemon = await FakeDaemon.start();
    const event = (sequence: number): object => ({
      method: 'event',
      params: { sequence, time: '', name: 'reader.removed', data: { reader: 'r' } },
    });
    daemon.answer = () => {
      daemon.send({ method: 'event.gap', params: { from: 1, to: 4 } });
      daemon.send(event(5));
      return { result: { stream: 's', sequence: 5 } };
    };
    const client = await connected(daemon);
    const heard: unknown[] = [];
    const sixth = Promise.withResolvers<undefined>();
    const handlers = {
      onEvent: ({ sequence }: { readonly sequence: number }): void => {
        heard.push(sequence);
        if (sequence === 6) sixth.resolve(undefined);
      },
      onGap: ({ from, to }: { readonly from: number; readonly to: number }): void => void heard.push(`${from}-${to}`),
    };
    expect(await client.subscribe(handlers, { since: 0, stream: 's' })).toEqual({ stream: 's', sequence: 5 });
    daemon.send(event(6));
    await sixth.promise;
    expect(heard).toEqual(['1-4', 5, 6]);
    expect(daemon.received[0]).toMatchObject({ method: 'event.subscribe', params: { since: 0, stream: 's' } });
    client.close();
  });
});
