/** What a web origin may take of the daemon: what is beyond it is told so, and a program of the user notices nothing. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { WireError } from '../../api-spec/errors.ts';
import { LIMITS } from '../../api-spec/wire.ts';
import {
  checkError,
  http,
  openBench,
  watchedPivCard,
  within,
  type Bench,
  type HttpAnswer,
  type RpcMessage,
} from '../api/support.ts';

const PAGE = 'https://wild.example';
const OTHER = 'https://well-behaved.example';

function fromPage(
  bench: Bench,
  path: string,
  options: { origin?: string; token?: string; body?: object } = {},
): Promise<HttpAnswer> {
  const { origin = PAGE, token, body } = options;
  return http({
    port: bench.port,
    method: body ? 'POST' : 'GET',
    path,
    headers: {
      origin,
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}

const access = { scopes: ['card.read'] };

/** The person consents once; after that tokens come at once. */
async function grant(bench: Bench, origin = PAGE): Promise<void> {
  const person = await bench.client();
  const requested = new Promise<string>((resolve) => {
    void person.subscribe(
      { onEvent: (event) => event.name === 'access.requested' && resolve(event.data.code) },
      { events: ['access.requested'] },
    );
  });
  await person.call('system.info'); // the subscription stands
  const answer = fromPage(bench, '/v1/access/request', { origin, body: access });
  await person.call('access.approve', { code: await within(requested, 'the request for access') });
  expect((await answer).status).toBe(200);
}

async function tokenOf(bench: Bench, origin = PAGE): Promise<string> {
  const { text } = await fromPage(bench, '/v1/access/request', { origin, body: access });
  return (JSON.parse(text) as { token: string }).token;
}

async function openSocket(bench: Bench, origin = PAGE): Promise<WebSocket> {
  const protocols = ['kortd.v1', `kortd.token.${await tokenOf(bench, origin)}`];
  const socket = new WebSocket(`ws://127.0.0.1:${bench.port}/v1/ws`, protocols, { origin, perMessageDeflate: false });
  await within(once(socket, 'message'), 'the greeting');
  return socket;
}

function messagesOf(socket: WebSocket): RpcMessage[] {
  const messages: RpcMessage[] = [];
  socket.on('message', (data: Buffer) => messages.push(...[JSON.parse(data.toString()) as RpcMessage].flat()));
  return messages;
}

const call = (id: number, method = 'card.list', params: object = {}): object => ({ jsonrpc: '2.0', id, method, params });

function codeOf({ text }: HttpAnswer): string {
  return checkError((JSON.parse(text) as { error: Parameters<typeof checkError>[0] }).error).code;
}

describe('a web origin', () => {
  it('that sends too much gets errors first, and loses its WebSocket when it goes on; nobody else does', async () => {
    await using bench = await openBench();
    await grant(bench);
    await grant(bench, OTHER);
    const [wild, other] = [await openSocket(bench), await openSocket(bench, OTHER)];
    const closed = once(wild, 'close') as Promise<[number]>;
    const answers = messagesOf(wild);
    const sendCalls = (count: number): void => {
      for (let id = 0; id < count; id++) wild.send(JSON.stringify(call(id)));
    };
    const errorsOf = (): readonly WireError[] => answers.flatMap(({ error }) => error?.data ?? []);
    sendCalls(LIMITS.messageBurst.value + 50);
    await expect.poll(() => errorsOf().length).toBeGreaterThan(0);
    // What is refused with the close under way may go unanswered.
    sendCalls(2_000);
    expect((await within(closed, 'the close'))[0]).toBe(1008);
    const errors = errorsOf();
    expect(answers.length - errors.length).toBeGreaterThan(0);
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['too_many_calls']));
    expect(errors[0]?.details).toEqual({ limit: LIMITS.messagesPerSecond.value });
    const answered = once(other, 'message');
    other.send(JSON.stringify(call(1)));
    expect(String((await within(answered, 'an answer'))[0])).toContain('"result"');
    other.terminate();
  });

  it('sends a batch as if each of its calls came alone', async () => {
    await using bench = await openBench();
    await grant(bench);
    const socket = await openSocket(bench);
    const answers = messagesOf(socket);
    const batches = 6;
    const calls = Array.from({ length: LIMITS.batchCalls.value }, (_, id) => call(id));
    for (let batch = 0; batch < batches; batch++) socket.send(JSON.stringify(calls));
    await expect.poll(() => answers.length).toBe(batches * calls.length);
    expect(answers.filter(({ error }) => error === undefined).length).toBeLessThan(LIMITS.messageBurst.value + 50);
    socket.terminate();
  });

  it('that pings without end is no better off', async () => {
    await using bench = await openBench();
    await grant(bench);
    const socket = await openSocket(bench);
    const closed = once(socket, 'close') as Promise<[number]>;
    for (let ping = 0; ping < 2_000; ping++) socket.ping();
    expect((await within(closed, 'the close'))[0]).toBe(1008);
  });

  it('is told by REST too, in a way that its page can read', async () => {
    await using bench = await openBench();
    await grant(bench);
    const token = await tokenOf(bench);
    const answers: HttpAnswer[] = [];
    while (answers.at(-1)?.status !== 429 && answers.length < 2_000)
      answers.push(...(await Promise.all(Array.from({ length: 20 }, () => fromPage(bench, '/v1/cards', { token })))));
    const refused = answers.find(({ status }) => status === 429);
    if (!refused) throw new Error('nothing was refused');
    expect(codeOf(refused)).toBe('too_many_calls');
    expect(refused.headers).toMatchObject({ 'access-control-allow-origin': PAGE, connection: 'close' });
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
  });

  it('has so many connections and no more, and gets another when one is closed', async () => {
    await using bench = await openBench();
    await grant(bench);
    const sockets: WebSocket[] = [];
    for (let count = 0; count < LIMITS.connectionsPerOrigin.value; count++) sockets.push(await openSocket(bench));
    const refused = await fromPage(bench, '/v1/access/request', { body: access });
    expect([refused.status, codeOf(refused)]).toEqual([429, 'too_many_calls']);
    const [first, ...others] = sockets;
    first?.terminate();
    await expect.poll(async () => (await fromPage(bench, '/v1/access/request', { body: access })).status).toBe(200);
    for (const socket of others) socket.terminate();
  });

  it('has so many calls under way and no more, whichever way they come', async () => {
    await using bench = await openBench();
    await grant(bench);
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const hold = Promise.withResolvers<undefined>();
    card.hold = hold.promise.then(() => undefined);
    const socket = await openSocket(bench);
    const answers = messagesOf(socket);
    for (let number = 0; number <= LIMITS.callsPerOrigin.value; number++)
      socket.send(JSON.stringify(call(number, 'card.read', { card: id, refresh: true })));
    await expect.poll(() => answers.filter(({ error }) => error?.data.code === 'too_many_calls').length).toBeGreaterThan(0);
    const token = await tokenOf(bench).catch(() => undefined);
    expect(token).toBeUndefined();
    card.hold = undefined;
    hold.resolve(undefined);
    await expect.poll(() => answers.length).toBe(LIMITS.callsPerOrigin.value + 1);
    await expect.poll(() => tokenOf(bench)).toMatch(/./);
    socket.terminate();
  });
});

describe('origins without a grant', () => {
  it('share one small quota, and those with one do not feel it', async () => {
    await using bench = await openBench();
    await grant(bench);
    const statuses: number[] = [];
    for (let page = 0; page < 100; page++) {
      const answer = await fromPage(bench, '/v1/access/request', {
        origin: `https://page-${page}.example`,
        body: { scopes: ['pin.direct'] },
      });
      statuses.push(answer.status);
    }
    expect(new Set(statuses)).toEqual(new Set([403, 429]));
    expect(await tokenOf(bench)).toMatch(/./);
  });
});

describe('a program of the user', () => {
  it('has no rate', async () => {
    await using bench = await openBench();
    const socket = await bench.socket();
    const count = 5_000;
    for (let sent = 0; sent < count; sent++) socket.start('system.info');
    await expect.poll(() => socket.messages.length, { timeout: 20_000 }).toBe(count + 1);
    expect(socket.messages.flat().filter(({ error }) => error?.data.code !== undefined)).toEqual([]);
  });
});
