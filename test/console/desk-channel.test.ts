/**
 * The page that shows the desk, seen from its port: it and the page with the prompts are strangers to each other, and what it may call is what
 * stands in desk-rights.ts, done as "console of <user>".
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CallError, connect, type Client } from '../../api-spec/client/client.ts';
import { METHOD_NAMES, METHODS } from '../../api-spec/methods/index.ts';
import type { ApiMethod } from '../../api-spec/method.ts';
import { DESK_METHODS, DESK_SCOPES } from '../../daemon/console/desk-rights.ts';
import { CLOSE_REPLACED, CLOSE_SESSION_OVER } from '../../daemon/console/sessions.ts';
import { isAct } from '../../daemon/audit/acts.ts';
import { startDaemon, type Daemon } from '../../daemon/daemon.ts';
import { silentLog } from '../../daemon/log.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { eventually } from '../api/transports.ts';

const DEADLINE_MS = 20_000;
const CHANNELS = {
  desk: { path: '/desk', subprotocol: 'kortd.desk.v1' },
  prompts: { path: '/prompts', subprotocol: 'kortd.prompt.v1' },
} as const;
type Page = keyof typeof CHANNELS;

const folder = mkdtempSync(join(tmpdir(), 'kortd-desk-channel-'));
let daemon: Daemon;
let program: Client;
/** Of the console: "localhost:27151" for the desk, "127.0.0.1:27151" for the prompts. */
let hosts: Readonly<Record<Page, string>>;

beforeAll(async () => {
  const reader = new SimulatedReader({ name: 'Channel 0' });
  reader.insert(createPivCard());
  const sources = [createSimulatedSource([reader])];
  daemon = await startDaemon({ dataFolder: folder, port: 0, sources, simulated: true, log: silentLog, policyFolder: folder });
  program = await connect({ url: daemon.url, token: daemon.token });
  const [desk, prompts] = await Promise.all([newLink('desk'), newLink('prompts')]);
  hosts = { desk: desk.host, prompts: prompts.host };
  await eventually('identifying the card', () => daemon.desk.cards[0]?.status === 'ready');
});
afterAll(async () => {
  program.close();
  await program.closed;
  await daemon[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function newLink(page: Page): Promise<URL> {
  const { url } = await program.call('console.open', { page });
  return new URL(url);
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(host: string, path: string, body?: object): Promise<Answer> {
  const port = Number(host.split(':')[1]);
  const headers = { host, ...(body ? { origin: `http://${host}`, 'content-type': 'application/json' } : {}) };
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const options = { host: '127.0.0.1', port, path, method: body ? 'POST' : 'GET', headers, agent: false, signal };
  const request = httpRequest(options);
  request.end(body && JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, text };
}

const redeem = (host: string, link: URL): Promise<Answer> => ask(host, '/session', { code: link.hash.slice(1) });

async function newToken(page: Page): Promise<string> {
  const { status, text } = await redeem(hosts[page], await newLink(page));
  expect(status).toBe(201);
  return (JSON.parse(text) as { token: string }).token;
}

/** A browser's socket: of the page at `host`, on the channel of `page`. */
function socketOf(host: string, page: Page, token: string): WebSocket {
  const { path, subprotocol } = CHANNELS[page];
  const address = `ws://127.0.0.1:${host.split(':')[1] ?? ''}${path}`;
  return new WebSocket(address, [subprotocol, `kortd.session.${token}`], { headers: { host, origin: `http://${host}` } });
}

async function closedWith(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close', { signal: AbortSignal.timeout(DEADLINE_MS) })) as [number];
  return code;
}

async function deskClient(token?: string): Promise<Client> {
  const held = token ?? (await newToken('desk'));
  const openSocket = (): globalThis.WebSocket => socketOf(hosts.desk, 'desk', held) as unknown as globalThis.WebSocket;
  return await connect({ url: daemon.url, openSocket });
}

describe('the two pages of the console', () => {
  it('are two sites, and serve nothing of each other', async () => {
    expect(hosts.desk.split(':')[0]).toBe('localhost');
    expect(hosts.prompts.split(':')[0]).toBe('127.0.0.1');
    expect((await ask(hosts.prompts, '/words.json')).status).toBe(404);
    expect((await ask(hosts.desk, '/prompt-view.js')).status).toBe(404);
    for (const page of ['desk', 'prompts'] as const) {
      const other = page === 'desk' ? 'prompts' : 'desk';
      const socket = socketOf(hosts[page], other, 'x');
      socket.on('error', () => undefined); // told by the response as well
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
      expect(response.statusCode).toBe(404);
      response.destroy();
    }
  });

  it('take no link of each other, and it is lost by the try', async () => {
    for (const [page, other] of [
      ['desk', 'prompts'],
      ['prompts', 'desk'],
    ] as const) {
      const link = await newLink(page);
      expect((await redeem(hosts[other], link)).status).toBe(403);
    }
  });

  it('take no token of each other', async () => {
    const [desk, prompts] = [await newToken('desk'), await newToken('prompts')];
    expect(await closedWith(socketOf(hosts.prompts, 'prompts', desk))).toBe(CLOSE_SESSION_OVER);
    expect(await closedWith(socketOf(hosts.desk, 'desk', prompts))).toBe(CLOSE_SESSION_OVER);
  });

  it('have one way: a window that can answer gets a link to the desk, with a record; no other token does', async () => {
    const link = async (host: string, token: string): Promise<Answer> => await ask(host, '/desk-link', { token });
    const token = await newToken('prompts');
    expect((await link(hosts.prompts, token)).status).toBe(403);
    const socket = socketOf(hosts.prompts, 'prompts', token);
    await once(socket, 'open');
    const { status, text } = await link(hosts.prompts, token);
    expect(status).toBe(201);
    const url = new URL((JSON.parse(text) as { url: string }).url);
    expect(url.host).toBe(hosts.desk);
    expect((await redeem(hosts.desk, url)).status).toBe(201);
    const { records } = await program.call('audit.list', { method: 'console.open' });
    expect(records.at(-1)).toMatchObject({ caller: `console of ${userInfo().username}`, outcome: 'ok' });
    const desk = await newToken('desk');
    expect((await link(hosts.prompts, desk)).status).toBe(403);
    expect((await link(hosts.desk, desk)).status).toBe(404);
    const closing = closedWith(socket);
    socket.close();
    await closing;
  });

  it('have one window for each session', async () => {
    const token = await newToken('desk');
    const first = socketOf(hosts.desk, 'desk', token);
    await once(first, 'open');
    const closing = closedWith(first);
    const second = await deskClient(token);
    expect(await closing).toBe(CLOSE_REPLACED);
    second.close();
    await second.closed;
  });
});

describe('a call of the desk’s page', () => {
  it('reads what it shows, and gets the events', async () => {
    const client = await deskClient();
    const { readers } = await client.call('reader.list');
    expect(readers).toMatchObject([{ name: 'Channel 0' }]);
    expect(await client.call('audit.verify')).toMatchObject({ ok: true });
    const heard = Promise.withResolvers<string>();
    await client.subscribe({ onEvent: ({ name }) => heard.resolve(name) }, { events: ['reader.changed'] });
    const reader = readers[0]?.id ?? '';
    await program.call('reader.assignRole', { role: 'operator', reader });
    expect(await heard.promise).toBe('reader.changed');
    client.close();
    await client.closed;
  });

  it('is refused before its parameters are looked at, for every method that is not among its own', async () => {
    const client = await deskClient();
    const others = METHOD_NAMES.filter((name) => {
      const { scope }: ApiMethod = METHODS[name];
      return scope !== undefined && !DESK_METHODS.has(name);
    });
    expect(others.length).toBeGreaterThan(30);
    for (const name of others) {
      const outcome = await client.callByName(name, {}).catch((error: unknown) => error);
      expect(outcome, name).toBeInstanceOf(CallError);
      expect(outcome, name).toMatchObject({ code: 'scope_missing' });
    }
    client.close();
    await client.closed;
  });

  it('can do nothing but read, take access away, go on with or end a ceremony, and look at what is personal on the record', () => {
    expect([...DESK_METHODS].filter(isAct)).toEqual([
      ...['access.deny', 'access.revoke', 'issuance.cancel', 'issuance.resume'],
      ...['pad.watch', 'scanner.review'],
    ]);
    for (const name of DESK_METHODS) {
      const { scope }: ApiMethod = METHODS[name];
      expect(scope === undefined || DESK_SCOPES.has(scope), name).toBe(true);
    }
    for (const scope of [
      'card.manage',
      'card.transmit',
      'issuance.protected',
      'pin.direct',
      'pin.manage',
      'reader.manage',
    ] as const)
      expect(DESK_SCOPES.has(scope), scope).toBe(false);
  });

  it('that is an act leaves a record under the name of the console and its user', async () => {
    const client = await deskClient();
    await expect(client.call('access.revoke', { origin: 'https://nobody.example' })).rejects.toMatchObject({ code: 'not_found' });
    const { records } = await program.call('audit.list', { method: 'access.revoke' });
    expect(records.at(-1)).toMatchObject({
      caller: `console of ${userInfo().username}`,
      callerKind: 'native',
      method: 'access.revoke',
      outcome: 'not_found',
    });
    client.close();
    await client.closed;
  });
});
