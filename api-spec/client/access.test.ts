import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { METHODS } from '../methods/index.ts';
import { ACCESS_REQUEST_PATH, requestAccess, type AccessOptions } from './access.ts';
import { CONNECTION_REASONS, ConnectionError } from './connection-error.ts';
import { loopbackPermission } from './loopback-permission.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

type Query = (descriptor: { readonly name: string }) => Promise<{ readonly state: string }>;

/** The platform of a web page, as far as the client looks at it. */
function stubBrowser(query: Query, page: object = {}): void {
  vi.stubGlobal('navigator', { permissions: { query } });
  for (const [name, value] of Object.entries({ isSecureContext: true, ...page })) vi.stubGlobal(name, value);
}

const always =
  (state: string): Query =>
  () =>
    Promise.resolve({ state });

/** Something that listens, and says what a test tells it to; undefined: nothing, ever. */
class Answering implements AsyncDisposable {
  readonly server: Server;
  readonly requests: IncomingMessage[] = [];
  /** Settles when the first caller has gone away. */
  readonly gone = Promise.withResolvers<undefined>();

  constructor(answer: (request: IncomingMessage, response: ServerResponse) => void) {
    this.server = createServer((request, response) => {
      this.requests.push(request);
      response.once('close', () => this.gone.resolve(undefined));
      answer(request, response);
    });
  }

  static async start(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Answering> {
    const started = new Answering(answer);
    started.server.listen(0, '127.0.0.1');
    await once(started.server, 'listening');
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

const silent = (): void => undefined;

function json(status: number, body: object): (request: IncomingMessage, response: ServerResponse) => void {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}

function wireError(code: string): object {
  return { error: { code, message: `trying: ${code}`, retry: 'no', en: `${code} in English`, sv: `${code} på svenska` } };
}

async function refusal(url: string, options: Partial<AccessOptions> = {}): Promise<ConnectionError> {
  const outcome = await requestAccess({ url, scopes: ['card.read'], ...options }).catch((error: unknown) => error);
  if (!(outcome instanceof ConnectionError)) throw new Error(`a ConnectionError was expected, not ${String(outcome)}`);
  return outcome;
}

describe('loopbackPermission', () => {
  it('asks by the newest name first, and by the older one where the browser throws', async () => {
    const asked: string[] = [];
    stubBrowser(({ name }) => {
      asked.push(name);
      return name === 'loopback-network' ? Promise.reject(new TypeError(name)) : Promise.resolve({ state: 'prompt' });
    });
    expect(await loopbackPermission()).toBe('prompt');
    expect(asked).toEqual(['loopback-network', 'local-network-access']);
  });

  it('is unsupported where there is no such permission, or no permissions at all, or never an answer', async () => {
    expect(await loopbackPermission()).toBe('unsupported'); // Node
    stubBrowser(() => Promise.reject(new TypeError('unknown name')));
    expect(await loopbackPermission()).toBe('unsupported');
    stubBrowser(always('a state of the future'));
    expect(await loopbackPermission()).toBe('unsupported');
    vi.useFakeTimers();
    stubBrowser(() => new Promise(() => undefined));
    const late = loopbackPermission();
    await vi.runAllTimersAsync();
    expect(await late).toBe('unsupported');
  });

  it.each(['localhost', 'app.localhost', '127.0.0.1', '127.1.2.3', '[::1]'])('exempts a page of %s', async (hostname) => {
    stubBrowser(always('prompt'), { location: { hostname } });
    expect(await loopbackPermission()).toBe('exempt');
  });

  it.each(['localhost.example', 'notlocalhost', '127.0.0.1.example', '10.0.0.1', '[::2]'])(
    'exempts no page of %s',
    async (hostname) => {
      stubBrowser(always('prompt'), { location: { hostname } });
      expect(await loopbackPermission()).toBe('prompt');
    },
  );
});

describe('requestAccess', () => {
  it('asks for the scopes with the reason, within the time, and gives the token', async () => {
    stubBrowser(always('granted'));
    await using kortd = await Answering.start(json(200, { token: 'secret', expiresInMs: 1, scopes: [] }));
    const body = Promise.withResolvers<string>();
    kortd.server.prependListener('request', (request: IncomingMessage) => {
      request.setEncoding('utf8').on('data', (text: string) => body.resolve(text));
    });
    const options = { url: `${kortd.url}/`, scopes: ['sign'], reason: 'to sign', consentTimeoutMs: 900_000 } as const;
    expect(await requestAccess(options)).toBe('secret');
    expect(JSON.parse(await body.promise)).toEqual({ scopes: ['sign'], reason: 'to sign' });
    expect(kortd.requests).toMatchObject([
      {
        method: METHODS['access.request'].rest?.verb,
        url: METHODS['access.request'].rest?.path,
        headers: { 'content-type': 'application/json', 'kortd-timeout-ms': '300000' },
      },
    ]);
    expect(ACCESS_REQUEST_PATH).toBe(METHODS['access.request'].rest?.path);
  });

  it('asks nothing where the permission is denied, and says whose doing it is', async () => {
    await using kortd = await Answering.start(silent);
    stubBrowser(always('denied'));
    expect(await refusal(kortd.url)).toMatchObject({ reason: 'permission-denied', permission: 'denied' });
    const features = (): string[] => ['camera', 'loopback-network'];
    stubBrowser(always('denied'), { document: { featurePolicy: { features, allowsFeature: () => false } } });
    expect((await refusal(kortd.url)).reason).toBe('not-delegated');
    stubBrowser(always('denied'), { document: { featurePolicy: { features, allowsFeature: () => true } }, self: 1, top: 2 });
    expect((await refusal(kortd.url)).reason).toBe('permission-denied');
    stubBrowser(always('denied'), { document: {}, self: 1, top: 2 });
    expect((await refusal(kortd.url)).reason).toBe('not-delegated');
    stubBrowser(always('denied'), { isSecureContext: false });
    expect((await refusal(kortd.url)).reason).toBe('insecure-page');
    expect(kortd.requests).toEqual([]);
  });

  it('gives up a question of the browser that nobody answers, and withdraws its call', async () => {
    stubBrowser(always('prompt'));
    await using pending = await Answering.start(silent);
    expect(await refusal(pending.url, { promptTimeoutMs: 200, consentTimeoutMs: 60_000 })).toMatchObject({
      reason: 'permission-not-given',
      permission: 'prompt',
    });
    await pending.gone.promise;
  });

  it('tells a question that was dismissed, and one that was answered with no', async () => {
    const states = ['prompt', 'prompt', 'prompt', 'denied'];
    stubBrowser(() => Promise.resolve({ state: states.shift() ?? '' }));
    await using failing = await Answering.start((request) => request.socket.destroy());
    expect((await refusal(failing.url)).reason).toBe('permission-not-given');
    expect((await refusal(failing.url)).reason).toBe('permission-denied');
  });

  it('waits for the person at kortd once the browser was told yes, and no longer than that', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const states = ['prompt', 'granted'];
    stubBrowser(() => Promise.resolve({ state: states.shift() ?? 'granted' }));
    await using kortd = await Answering.start(silent);
    const outcome = refusal(kortd.url, { promptTimeoutMs: 60_000, consentTimeoutMs: 60_000 });
    await once(kortd.server, 'request');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000 + 3_000);
    expect(await outcome).toMatchObject({ reason: 'timeout', permission: 'granted', error: undefined });
  });

  it.each(['granted', 'unsupported', 'exempt'])('tells when nothing listens: %s', async (permission) => {
    stubBrowser(permission === 'granted' ? always('granted') : () => Promise.reject(new TypeError('unknown')), {
      location: { hostname: permission === 'exempt' ? 'localhost' : 'app.example' },
    });
    const kortd = await Answering.start(silent);
    const { url } = kortd;
    await kortd[Symbol.asyncDispose]();
    expect(await refusal(url)).toMatchObject({ reason: 'not-running', permission });
  });

  it('tells when something answers that the page may not read', async () => {
    stubBrowser(always('granted'));
    await using kortd = await Answering.start((request, response) => {
      if (request.method === 'POST') request.socket.destroy();
      else response.writeHead(403).end();
    });
    expect(await refusal(kortd.url)).toMatchObject({ reason: 'not-granted', code: undefined });
  });

  it.each(['access_denied', 'access_silenced', 'scope_not_for_web', 'too_many_calls'])(
    'tells that kortd answered %s, in its words',
    async (code) => {
      stubBrowser(always('granted'));
      await using kortd = await Answering.start(json(403, wireError(code)));
      const [en, sv] = [`${code} in English`, `${code} på svenska`];
      expect(await refusal(kortd.url)).toMatchObject({ reason: 'not-granted', code, en, sv });
    },
  );

  it('tells that nobody decided, and that what listens is not kortd', async () => {
    stubBrowser(always('granted'));
    await using slow = await Answering.start(json(504, wireError('deadline_exceeded')));
    const { en, sv } = CONNECTION_REASONS.timeout;
    expect(await refusal(slow.url)).toMatchObject({ reason: 'timeout', code: 'deadline_exceeded', en, sv });
    for (const answer of [
      json(200, {}),
      json(404, { error: 'no' }),
      (_: unknown, response: ServerResponse) => void response.end('<p>'),
    ]) {
      await using other = await Answering.start(answer);
      expect((await refusal(other.url)).reason).toBe('not-running');
    }
  });

  it('ends with the reason of its signal, before and while it waits', async () => {
    stubBrowser(always('granted'));
    await using kortd = await Answering.start(silent);
    const abort = new AbortController();
    const asking = requestAccess({ url: kortd.url, scopes: ['sign'], signal: abort.signal });
    await once(kortd.server, 'request');
    abort.abort(new RangeError('not now'));
    await expect(asking).rejects.toThrow('not now');
    await kortd.gone.promise;
    await expect(requestAccess({ url: kortd.url, scopes: ['sign'], signal: abort.signal })).rejects.toThrow('not now');
    expect(kortd.requests).toHaveLength(1);
  });
});

describe('the reasons', () => {
  it('are all in the README, and each has a text in both languages that says what to do', () => {
    const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
    const table = readme.slice(readme.search(/^\| `reason`/m));
    const [, ...documented] = [...table.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
    expect(documented).toEqual(Object.keys(CONNECTION_REASONS));
    for (const { en, sv } of Object.values(CONNECTION_REASONS)) {
      for (const text of [en, sv]) expect(text.match(/[.!?](?= |$)/g)?.length ?? 0, text).toBeGreaterThanOrEqual(2);
      expect(en).not.toBe(sv);
    }
  });
});
