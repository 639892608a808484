/** What a web page can do: nothing, until a person or a policy file grants it, and then only what was granted. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { http, openBench, within, type Bench, type HttpAnswer } from '../api/support.ts';

const PAGE = 'https://certificates.example';
const OTHER = 'https://other.example';
const DIGEST = Buffer.alloc(32).toString('base64');

interface PageCall {
  readonly origin?: string;
  readonly token?: string;
  readonly signal?: AbortSignal;
}

function fromPage(
  bench: Bench,
  path: string,
  body: object | undefined,
  { origin = PAGE, token, signal }: PageCall = {},
): Promise<HttpAnswer> {
  return http({
    port: bench.port,
    method: body ? 'POST' : 'GET',
    path,
    headers: {
      host: `127.0.0.1:${bench.port}`,
      origin,
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
    ...(signal ? { signal } : {}),
  });
}

function codeOf(answer: HttpAnswer): string {
  return (JSON.parse(answer.text) as { error: { code: string } }).error.code;
}

/** Asks as the page does, and decides as the person does. */
async function ask(
  bench: Bench,
  scopes: readonly string[],
  decision: 'access.approve' | 'access.deny',
  origin = PAGE,
): Promise<HttpAnswer> {
  const person = await bench.client();
  const requested = new Promise<string>((resolve) => {
    void person.subscribe(
      { onEvent: (event) => event.name === 'access.requested' && resolve(event.data.code) },
      { events: ['access.requested'] },
    );
  });
  await person.call('system.info'); // the subscription stands
  const answer = fromPage(bench, '/v1/access/request', { scopes, reason: 'to test' }, { origin });
  await person.call(decision, { code: await within(requested, 'the request for access') });
  return await within(answer, 'the answer to the page');
}

async function grantedToken(bench: Bench, scopes: readonly string[]): Promise<string> {
  const answer = await ask(bench, scopes, 'access.approve');
  expect(answer.status).toBe(200);
  return (JSON.parse(answer.text) as { token: string }).token;
}

async function openPageSocket(bench: Bench, token: string, origin = PAGE): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${bench.port}/v1/ws`, ['kortd.v1', `kortd.token.${token}`], { origin });
  await within(once(socket, 'message'), 'the greeting');
  return socket;
}

async function callOver(
  socket: WebSocket,
  method: string,
  params: object,
): Promise<{ result?: unknown; error?: { data: { code: string } } }> {
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  const [data] = (await within(once(socket, 'message'), method)) as [Buffer];
  return JSON.parse(data.toString()) as { result?: unknown; error?: { data: { code: string } } };
}

describe('a web origin without a grant', () => {
  it('gets the same answer whatever it asks and whatever is plugged in', async () => {
    await using bench = await openBench();
    const before = await fromPage(bench, '/v1/readers', undefined);
    await bench.insert(createPivCard());
    for (const answer of [
      before,
      await fromPage(bench, '/v1/readers', undefined),
      await fromPage(bench, '/v1/cards', undefined, { token: bench.token }),
    ]) {
      expect(answer.status).toBe(403);
      expect(answer.text).toBe(before.text);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('gets a token when the person consents, and an error when the person refuses', async () => {
    await using bench = await openBench();
    expect(codeOf(await ask(bench, ['card.read'], 'access.deny'))).toBe('access_denied');
    const granted = await ask(bench, ['card.read'], 'access.approve');
    expect(JSON.parse(granted.text)).toMatchObject({ scopes: ['card.read'], expiresInMs: 600_000 });
    expect(granted.headers).toMatchObject({ 'access-control-allow-origin': PAGE, vary: 'Origin' });
  });

  it('is silent for ten minutes after three refusals', async () => {
    await using bench = await openBench();
    for (let refusal = 0; refusal < 3; refusal++)
      expect(codeOf(await ask(bench, ['card.read'], 'access.deny'))).toBe('access_denied');
    expect(codeOf(await fromPage(bench, '/v1/access/request', { scopes: ['card.read'] }))).toBe('access_silenced');
  });

  it.each(['pin.direct', 'card.transmit', 'access.manage'])('is never given %s', async (scope) => {
    await using bench = await openBench();
    expect(codeOf(await fromPage(bench, '/v1/access/request', { scopes: [scope] }))).toBe('scope_not_for_web');
  });

  it('has its request withdrawn when it goes away', async () => {
    await using bench = await openBench();
    const person = await bench.client();
    const gone = new AbortController();
    const requested = new Promise<void>((resolve) => {
      void person.subscribe({ onEvent: () => resolve() }, { events: ['access.requested'] });
    });
    await person.call('system.info');
    const answer = fromPage(bench, '/v1/access/request', { scopes: ['card.read'] }, { signal: gone.signal });
    await within(requested, 'the request for access');
    gone.abort();
    await expect(answer).rejects.toThrow();
    await expect.poll(async () => (await person.call('access.list')).requests).toEqual([]);
  });
});

describe('a web origin with a grant', () => {
  it('reads cards over REST and WebSocket with its token, and no other origin does with it', async () => {
    await using bench = await openBench();
    await bench.insert(createPivCard());
    const token = await grantedToken(bench, ['card.read']);
    const answer = await fromPage(bench, '/v1/cards', undefined, { token });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe(PAGE);
    expect(codeOf(await fromPage(bench, '/v1/cards', undefined, { token, origin: OTHER }))).toBe('origin_refused');
    expect(codeOf(await fromPage(bench, '/v1/cards', undefined, { token: bench.token }))).toBe('unauthorized');
    const socket = await openPageSocket(bench, token);
    expect(await callOver(socket, 'card.list', {})).toMatchObject({ result: { cards: [{ status: 'ready' }] } });
    socket.terminate();
  });

  it('gets a token at once the next time, and is asked again for more than it has', async () => {
    await using bench = await openBench();
    await grantedToken(bench, ['card.read']);
    expect((await within(fromPage(bench, '/v1/access/request', { scopes: ['card.read'] }), 'the second token')).status).toBe(200);
    expect(JSON.parse((await ask(bench, ['sign'], 'access.approve')).text)).toMatchObject({ scopes: ['card.read', 'sign'] });
  });

  it('may do what was granted and nothing else: no PIN in a call, no raw command, no signature by an authentication key', async () => {
    await using bench = await openBench();
    const card = await bench.insert(createPivCard());
    const token = await grantedToken(bench, ['card.read', 'sign', 'pin.manage', 'card.manage']);
    const socket = await openPageSocket(bench, token);
    const code = async (method: string, params: object): Promise<string | undefined> =>
      (await callOver(socket, method, params)).error?.data.code;
    expect(await code('pin.verify', { card, pin: '123456' })).toBe('scope_missing');
    expect(await code('card.transmit', { card, commands: ['00A40400'] })).toBe('scope_missing');
    expect(await code('key.generate', { card, keyReference: '9E', algorithm: 'P-256', managementKey: 'default' })).toBe(
      'scope_missing',
    );
    expect(await code('access.list', {})).toBe('scope_missing');
    const native = await bench.client();
    await native.call('key.generate', { card, keyReference: '9E', algorithm: 'P-256', managementKey: 'default' });
    expect(await code('sign.digest', { card, keyReference: '9E', algorithm: 'ES256', digest: DIGEST })).toBe('key_not_for_web');
    await expect(
      native.call('sign.digest', { card, keyReference: '9E', algorithm: 'ES256', digest: DIGEST }),
    ).resolves.toMatchObject({ keyReference: '9E' });
    socket.terminate();
  });

  it('hears nothing of other origins that ask', async () => {
    await using bench = await openBench();
    const socket = await openPageSocket(bench, await grantedToken(bench, ['card.read']));
    await callOver(socket, 'event.subscribe', {});
    const heard: string[] = [];
    socket.on('message', (data: Buffer) => heard.push(data.toString()));
    await ask(bench, ['card.read'], 'access.deny', OTHER);
    await bench.insert(createPivCard());
    await expect.poll(() => heard.some((text) => text.includes('card.inserted'))).toBe(true);
    expect(heard.filter((text) => text.includes('access.requested'))).toEqual([]);
    socket.terminate();
  });

  it('loses its connections, tokens and rights at once when the grant is revoked', async () => {
    await using bench = await openBench();
    const token = await grantedToken(bench, ['card.read']);
    const socket = await openPageSocket(bench, token);
    const closed = once(socket, 'close');
    const person = await bench.client();
    await person.call('access.revoke', { origin: PAGE });
    expect((await within(closed, 'the close'))[0]).toBe(1008);
    expect(codeOf(await fromPage(bench, '/v1/cards', undefined, { token }))).toBe('origin_refused');
    await expect(person.call('access.revoke', { origin: PAGE })).rejects.toMatchObject({ code: 'not_found' });
    const { records } = await person.call('audit.list', {});
    expect(records.map(({ method, outcome, purpose }) => [method, outcome, purpose])).toEqual([
      ['access.approve', 'ok', `${PAGE}: card.read`],
      ['access.revoke', 'ok', PAGE],
      ['access.revoke', 'not_found', PAGE],
    ]);
    await expect(person.call('access.approve', { code: 'NOBODY' })).rejects.toMatchObject({ code: 'not_found' });
  });
});
