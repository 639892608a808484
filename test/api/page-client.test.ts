/** The typed client without a token, as a web page has it, against the real daemon: what a browser adds to its requests is added here. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket as WsWebSocket } from 'ws';
import { ConnectionError, connect, type Client, type PageOptions } from '../../api-spec/client/client.ts';
import { openBench, within, type Bench } from './support.ts';

const PAGE = 'https://certificates.example';
/** Tokens that the page offered, in the order of its WebSockets. */
let offered: string[];

class PageWebSocket extends WsWebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { origin: PAGE, perMessageDeflate: false });
    offered.push(protocols[1] ?? '');
  }
}

beforeEach(() => {
  offered = [];
  const plainFetch = globalThis.fetch;
  const pageFetch: typeof fetch = (input, init) =>
    plainFetch(input, {
      ...init,
      headers: { ...(init?.headers as Record<string, string> | undefined), origin: PAGE },
    });
  vi.stubGlobal('navigator', { permissions: { query: () => Promise.resolve({ state: 'granted' }) } });
  vi.stubGlobal('fetch', pageFetch);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

/** Connects as the page, while a person decides. */
async function connectPage(
  bench: Bench,
  decision: 'access.approve' | 'access.deny',
  more: Partial<PageOptions> = {},
): Promise<Client> {
  const person = await bench.client();
  const code = new Promise<string>((resolve) => {
    const onEvent: Parameters<Client['subscribe']>[0]['onEvent'] = (event) =>
      event.name === 'access.requested' && resolve(event.data.code);
    void person.subscribe({ onEvent }, { events: ['access.requested'] });
  });
  await person.call('system.info'); // the subscription stands
  vi.stubGlobal('WebSocket', PageWebSocket);
  const connecting = connect({ url: bench.daemon.url, scopes: ['card.read'], ...more });
  connecting.catch(() => undefined);
  await person.call(decision, { code: await within(code, 'the request for access') });
  return await within(connecting, 'the connection');
}

async function reasonOf(connecting: Promise<Client>): Promise<object> {
  const outcome = await within(connecting, 'the refusal').catch((error: unknown) => error);
  if (!(outcome instanceof ConnectionError)) throw new Error('a ConnectionError was expected', { cause: outcome });
  return { reason: outcome.reason, code: outcome.code };
}

describe('the client of a page', () => {
  it('shows the code that the prompt shows', async () => {
    await using bench = await openBench();
    const shown: string[] = [];
    const person = await bench.client();
    const asked = new Promise<string>((resolve) => {
      const onEvent: Parameters<Client['subscribe']>[0]['onEvent'] = (event) =>
        event.name === 'access.requested' && resolve(event.data.code);
      void person.subscribe({ onEvent }, { events: ['access.requested'] });
    });
    await person.call('system.info'); // the subscription stands
    vi.stubGlobal('WebSocket', PageWebSocket);
    const connecting = connect({ url: bench.daemon.url, scopes: ['sign'], onCode: (code) => shown.push(code) });
    const code = await within(asked, 'the request for access');
    expect(shown).toEqual([code]);
    expect(code).toMatch(/^[A-HJ-NP-Z2-9]{6}$/);
    await person.call('access.approve', { code });
    (await within(connecting, 'the connection')).close();
  });

  it('is connected when the person consents, and later at once, each time with a new token', async () => {
    await using bench = await openBench();
    const clients = [await connectPage(bench, 'access.approve', { reason: 'to test' })];
    clients.push(await within(connect({ url: bench.daemon.url, scopes: ['card.read'] }), 'connecting again'));
    for (const client of clients) {
      expect((await client.call('reader.list')).readers).toHaveLength(1);
      client.close();
      await client.closed;
    }
    expect(new Set(offered).size).toBe(2);
  });

  it('is told that the person refused, and that nobody decided', async () => {
    await using bench = await openBench();
    expect(await reasonOf(connectPage(bench, 'access.deny'))).toEqual({ reason: 'not-granted', code: 'access_denied' });
    const impatient = connect({ url: bench.daemon.url, scopes: ['card.read'], consentTimeoutMs: 50 });
    expect(await reasonOf(impatient)).toEqual({ reason: 'timeout', code: 'deadline_exceeded' });
    expect(offered).toEqual([]);
  });

  it('is told what no web page can have', async () => {
    await using bench = await openBench();
    const greedy = connect({ url: bench.daemon.url, scopes: ['card.transmit'] });
    expect(await reasonOf(greedy)).toEqual({ reason: 'not-granted', code: 'scope_not_for_web' });
  });

  it('withdraws its request when its signal fires', async () => {
    await using bench = await openBench();
    const person = await bench.client();
    const abort = new AbortController();
    const connecting = connect({ url: bench.daemon.url, scopes: ['card.read'], signal: abort.signal });
    connecting.catch(() => undefined);
    await expect.poll(async () => (await person.call('access.list')).requests).toHaveLength(1);
    abort.abort(new RangeError('enough'));
    await expect(connecting).rejects.toThrow('enough');
    await expect.poll(async () => (await person.call('access.list')).requests).toEqual([]);
  });

  it('is told when its grant is taken back', async () => {
    await using bench = await openBench();
    const client = await connectPage(bench, 'access.approve');
    vi.unstubAllGlobals();
    await (await bench.client()).call('access.revoke', { origin: PAGE });
    expect((await within(client.closed, 'the close')).reason).toBe('revoked');
  });
});

describe('the client of a program', () => {
  it('is told apart whether its token is wrong or nothing listens', async () => {
    vi.unstubAllGlobals();
    let url: string;
    {
      await using bench = await openBench();
      ({ url } = bench.daemon);
      expect(await reasonOf(connect({ url, token: 'wrong' }))).toEqual({ reason: 'not-granted', code: undefined });
    }
    expect(await reasonOf(connect({ url, token: 'any' }))).toEqual({ reason: 'not-running', code: undefined });
  });
});
