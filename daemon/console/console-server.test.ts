/** The console's port over real sockets, without a browser: what it refuses, what it serves, and how a window comes and goes. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ownUser } from '../access/local-user.ts';
import { silentLog } from '../log.ts';
import type { Prompt } from '../prompt/prompt.ts';
import { PromptDesk } from '../prompt/prompt-desk.ts';
import { STATION_SUBPROTOCOL } from '../prompt/station-messages.ts';
import { openConsole, type Console, type ConsoleOptions } from './console-server.ts';
import { CLOSE_REPLACED, CLOSE_SESSION_OVER, GRACE_MS, LINK_MS } from './sessions.ts';

const USER = ownUser();
const DEADLINE_MS = 10_000;
const PROMPT: Prompt = {
  kind: 'pin',
  action: 'verify',
  asker: { kind: 'origin', name: 'https://portal.example' },
  card: 'Card 1',
  purpose: 'sign',
  triesLeft: 3,
  pinLength: { min: 6, max: 8 },
};

interface Bench extends AsyncDisposable {
  readonly console: Console;
  readonly prompts: PromptDesk;
  readonly origin: string;
  readonly clock: { ms: number };
}

async function open(options: Partial<ConsoleOptions> = {}): Promise<Bench> {
  const prompts = new PromptDesk();
  const clock = { ms: Date.now() };
  const console = await openConsole({ port: 0, prompts, log: silentLog, now: () => clock.ms, ...options });
  return {
    console,
    prompts,
    clock,
    origin: `http://127.0.0.1:${console.port}`,
    [Symbol.asyncDispose]: () => console[Symbol.asyncDispose](),
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
  readonly host?: string;
}

async function ask({ console: { port } }: Bench, path: string, question: Question = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, host = '127.0.0.1' } = question;
  const request = httpRequest({ host, port, path, method, headers, agent: false, signal: AbortSignal.timeout(DEADLINE_MS) });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

function begin(bench: Bench, code: string, headers: Question['headers'] = {}): Promise<Answer> {
  const all = { origin: bench.origin, 'content-type': 'application/json', ...headers };
  return ask(bench, '/session', { method: 'POST', headers: all, body: JSON.stringify({ code }) });
}

async function newToken(bench: Bench): Promise<string> {
  const answer = await begin(bench, codeOf(bench.console.issueLink(USER)));
  expect(answer.status).toBe(201);
  return (JSON.parse(answer.text) as { token: string }).token;
}

const codeOf = (link: string): string => new URL(link).hash.slice(1);

interface SocketOptions {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: string[];
}

function socketTo(bench: Bench, token: string, { path = '/prompts', headers, protocols }: SocketOptions = {}): WebSocket {
  return new WebSocket(
    `ws://127.0.0.1:${bench.console.port}${path}`,
    protocols ?? [STATION_SUBPROTOCOL, `kortd.session.${token}`],
    {
      headers: headers ?? { origin: bench.origin },
    },
  );
}

async function refusalOf(socket: WebSocket): Promise<number> {
  socket.on('error', () => undefined); // told by the response as well
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const [, response] = (await once(socket, 'unexpected-response', { signal })) as [unknown, IncomingMessage];
  response.destroy();
  return response.statusCode ?? 0;
}

async function heard(socket: WebSocket, event: 'open' | 'message' | 'close'): Promise<unknown> {
  const [first] = (await once(socket, event, { signal: AbortSignal.timeout(DEADLINE_MS) })) as [unknown];
  return first;
}

/** The console has heard that the window is gone. */
async function left(bench: Bench, socket: WebSocket): Promise<void> {
  socket.close();
  await vi.waitFor(() => expect(bench.prompts.placesOf(USER)).toEqual([]), { timeout: DEADLINE_MS, interval: 5 });
}

describe('the console’s port', () => {
  it('serves the page and what it loads, with headers that keep them to themselves', async () => {
    await using bench = await open();
    for (const path of ['/', '/page.js', '/page.css', '/scopes.js', '/icon.svg']) {
      const { status, headers, text } = await ask(bench, path);
      expect(status, path).toBe(200);
      expect(text.length).toBeGreaterThan(100);
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(headers['set-cookie']).toBeUndefined();
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('answers on [::1] too, where the system has it', async () => {
    await using bench = await open();
    const answer = await ask(bench, '/', { host: '::1' }).catch((error: unknown) => (error as NodeJS.ErrnoException).code);
    if (typeof answer === 'object') expect(answer.status).toBe(200);
    else expect(answer).toMatch(/EADDRNOTAVAIL|EAFNOSUPPORT|ECONNREFUSED/);
  });

  it.each([
    ['GET', '/index.html', 404],
    ['GET', '/page/page.js', 404],
    ['GET', '/../main.js', 404],
    ['GET', '/%2e%2e/main.js', 404],
    ['GET', '/?x', 404],
    ['GET', '/prompts', 404],
    ['GET', '/tsconfig.json', 404],
    ['GET', '/__proto__', 404],
    ['GET', '/session', 405],
    ['HEAD', '/', 405],
    ['POST', '/', 405],
    ['PUT', '/page.js', 405],
    ['OPTIONS', '/session', 405],
  ])('%s %s is %i', async (method, path, status) => {
    await using bench = await open();
    expect((await ask(bench, path, { method })).status).toBe(status);
  });

  it('refuses a target that is a whole address, and a foreign host before anything else', async () => {
    await using bench = await open();
    expect((await ask(bench, `${bench.origin}/`)).status).toBe(404);
    for (const host of ['evil.example', `localhost.:${bench.console.port}`, '127.0.0.1'])
      expect((await ask(bench, '/', { headers: { host } })).status, host).toBe(403);
    const socket = connect(bench.console.port, '127.0.0.1');
    socket.end(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${bench.console.port}\r\nHost: evil.example\r\n\r\n`);
    const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(DEADLINE_MS) })) as [Buffer];
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 403 /);
    socket.destroy();
  });

  it('gives nothing to a frame or to another site', async () => {
    await using bench = await open();
    const site = { 'sec-fetch-site': 'cross-site' };
    expect(
      (await ask(bench, '/', { headers: { ...site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' } })).status,
    ).toBe(403);
    expect((await ask(bench, '/page.js', { headers: { ...site, 'sec-fetch-dest': 'script' } })).status).toBe(403);
    expect((await ask(bench, '/page.js', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  });
});

describe('a session', () => {
  it('is begun by a link, which is good once', async () => {
    await using bench = await open();
    const link = bench.console.issueLink(USER);
    expect(link).toMatch(new RegExp(`^${bench.origin}/#[\\w-]{43}$`));
    const first = await begin(bench, codeOf(link));
    const { token, user } = JSON.parse(first.text) as { token: string; user: string };
    expect([first.status, user]).toEqual([201, userInfo().username]);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await begin(bench, codeOf(link))).status).toBe(403);
  });

  it('is not begun by an old link, or by another user’s', async () => {
    await using bench = await open();
    const old = bench.console.issueLink(USER);
    bench.clock.ms += LINK_MS;
    expect((await begin(bench, codeOf(old))).status).toBe(403);
    expect((await begin(bench, codeOf(bench.console.issueLink('4294967294')))).status).toBe(403);
  });

  it('is not begun for a browser whose user nobody can tell', async () => {
    await using bench = await open({ userOf: () => undefined });
    expect((await begin(bench, codeOf(bench.console.issueLink(USER)))).status).toBe(403);
  });

  it.each([
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
    [{ host: 'evil.example' }, 403],
  ])('is not begun with %j, and the link stays good', async (headers, status) => {
    await using bench = await open();
    const code = codeOf(bench.console.issueLink(USER));
    expect((await begin(bench, code, headers)).status).toBe(status);
    expect((await begin(bench, code)).status).toBe(201);
  });

  it('is not begun without an origin, or with a body that is none', async () => {
    await using bench = await open();
    const post = (headers: Record<string, string>, body: string): Promise<Answer> =>
      ask(bench, '/session', { method: 'POST', headers, body });
    const json = { 'content-type': 'application/json' };
    expect((await post(json, '{}')).status).toBe(403);
    const own = { ...json, origin: bench.origin };
    for (const body of ['', '{', '[]', 'null', '{}', '{"code":1}', '"code"'])
      expect((await post(own, body)).status, body).toBe(400);
    expect((await post(own, `{"code":"${'A'.repeat(5_000)}"}`)).status).toBe(413);
  });

  it('ends the guessing of codes', async () => {
    await using bench = await open();
    const statuses: number[] = [];
    for (let tries = 0; tries < 12; tries++) statuses.push((await begin(bench, 'A'.repeat(43))).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 403), 429, 429]);
  });
});

describe('a window', () => {
  it.each([
    ['no origin', { headers: {} }, 403],
    ['a foreign origin', { headers: { origin: 'https://evil.example' } }, 403],
    ['the API’s origin', { headers: { origin: 'http://127.0.0.1:27150' } }, 403],
    ['another name of this computer', { headers: { origin: 'http://localhost:1' } }, 403],
    ['another site by its own word', { headers: { 'sec-fetch-site': 'cross-site' } }, 403],
    ['another path', { path: '/' }, 404],
    ['another protocol', { protocols: ['kortd.v1'] }, 400],
  ] as readonly (readonly [string, SocketOptions, number])[])('with %s is refused', async (_, options, status) => {
    await using bench = await open();
    const token = await newToken(bench);
    const headers =
      options.headers && 'sec-fetch-site' in options.headers ? { origin: bench.origin, ...options.headers } : options.headers;
    expect(await refusalOf(socketTo(bench, token, { ...options, ...(headers ? { headers } : {}) }))).toBe(status);
    expect(bench.prompts.placesOf(USER)).toEqual([]);
  });

  it('with a foreign host is refused', async () => {
    await using bench = await open();
    const headers = { origin: bench.origin, host: 'evil.example' };
    expect(await refusalOf(socketTo(bench, await newToken(bench), { headers }))).toBe(403);
  });

  it.each(['', 'A'.repeat(43)])('with the token %j is closed and never asked anything', async (token) => {
    await using bench = await open();
    const socket = token === '' ? socketTo(bench, '', { protocols: [STATION_SUBPROTOCOL] }) : socketTo(bench, token);
    expect(await heard(socket, 'close')).toBe(CLOSE_SESSION_OVER);
    expect(bench.prompts.placesOf(USER)).toEqual([]);
  });

  it('is asked, and what is typed there comes out of the desk', async () => {
    await using bench = await open();
    const socket = socketTo(bench, await newToken(bench));
    await heard(socket, 'open');
    expect(socket.protocol).toBe(STATION_SUBPROTOCOL);
    await bench.prompts.whenPlace(USER, AbortSignal.timeout(DEADLINE_MS));
    const message = heard(socket, 'message');
    const asked = bench.prompts.ask(PROMPT, { user: USER, signal: AbortSignal.timeout(DEADLINE_MS) });
    const { id, prompt } = JSON.parse(String(await message)) as { id: number; prompt: Prompt };
    expect(prompt).toEqual(PROMPT);
    socket.send(Buffer.from([0, 0, 0, id, 0, 6, ...Buffer.from('739146')]));
    using pins = await asked;
    expect(pins.require('pin').use((bytes) => Buffer.from(bytes).toString())).toBe('739146');
    await left(bench, socket);
  });

  it('gives its place to the next one of the same session', async () => {
    await using bench = await open();
    const token = await newToken(bench);
    const first = socketTo(bench, token);
    await heard(first, 'open');
    const closed = heard(first, 'close');
    const second = socketTo(bench, token);
    await heard(second, 'open');
    expect(await closed).toBe(CLOSE_REPLACED);
    expect(bench.prompts.placesOf(USER)).toEqual(['console']);
    second.terminate();
  });

  it('may come back within the grace, and not later', async () => {
    await using bench = await open();
    const token = await newToken(bench);
    const leave = async (): Promise<void> => {
      const socket = socketTo(bench, token);
      await heard(socket, 'open');
      await left(bench, socket);
    };
    await leave();
    bench.clock.ms += GRACE_MS - 1;
    await leave();
    bench.clock.ms += GRACE_MS;
    expect(await heard(socketTo(bench, token), 'close')).toBe(CLOSE_SESSION_OVER);
  });

  it('that sends more than an answer is cut off', async () => {
    await using bench = await open();
    const socket = socketTo(bench, await newToken(bench));
    await heard(socket, 'open');
    socket.send(Buffer.alloc(2_000));
    expect(await heard(socket, 'close')).toBe(1009);
  });

  it('goes with the server', async () => {
    const bench = await open();
    const socket = socketTo(bench, await newToken(bench));
    await heard(socket, 'open');
    const closed = heard(socket, 'close');
    await bench[Symbol.asyncDispose]();
    expect(await closed).toBe(1006);
  });
});
