/** A person logs in to a site with their card: the token is good for that site and challenge, and a page gets one for itself alone. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  cardKey,
  certificateFor,
  errorOf,
  openBench,
  outcomeOf,
  PIN,
  resultOf,
  RpcSocket,
  testKey,
  watchedPivCard,
  WRONG_PIN,
  type Bench,
  type TestKeyKind,
} from '../api/support.ts';
import { TestStation } from '../prompts/station.ts';
import { verifyToken } from './verifier.ts';

const PAGE = 'https://login.example';
const policy = { origins: [{ origin: PAGE, scopes: ['login'] }] };
const challenge = (): string => randomBytes(32).toString('base64');

async function insertCard(bench: Bench, kind: TestKeyKind = 'P-256'): Promise<string> {
  const certificate = certificateFor(testKey(kind).publicKey, { name: 'Anna' });
  return await bench.insert(watchedPivCard({ keys: { '9A': cardKey(kind, { certificate }) } }));
}

async function openPage(bench: Bench): Promise<RpcSocket> {
  const answer = await fetch(`http://127.0.0.1:${bench.port}/v1/access/request`, {
    method: 'POST',
    headers: { origin: PAGE, 'content-type': 'application/json' },
    body: JSON.stringify({ scopes: ['login'] }),
  });
  const { token } = (await answer.json()) as { token: string };
  return await RpcSocket.open(bench.port, token, { origin: PAGE });
}

describe('login.authenticate', () => {
  it.each<TestKeyKind>(['P-256', 'P-384', 'RSA-2048'])(
    'gives a token by a %s key that a server accepts, for its origin and challenge alone',
    async (kind) => {
      await using bench = await openBench();
      const card = await insertCard(bench, kind);
      const api = await bench.socket();
      const nonce = challenge();
      const token = resultOf(await api.call('login.authenticate', { card, challenge: nonce, origin: PAGE, pin: PIN }));
      expect(token).toMatchObject({ format: 'web-eid:1.0', appVersion: expect.stringContaining('kortd') as string });
      const verified = verifyToken(token, { origin: PAGE, nonce });
      expect(verified).toBeInstanceOf(X509Certificate);
      expect(verifyToken(token, { origin: 'https://login.example.org', nonce })).toBe('signature');
      expect(verifyToken(token, { origin: PAGE, nonce: challenge() })).toBe('signature');
      expect(verifyToken({ ...token, format: 'web-eid:2' }, { origin: PAGE, nonce })).toBe('format');
    },
  );

  it('lets a page log in to itself with a PIN that the person types, and to no other site', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ policy }));
    const card = await insertCard(bench);
    const station = stack.use(await TestStation.open(bench));
    const page = stack.use(await openPage(bench));
    const nonce = challenge();
    const answer = page.call('login.authenticate', { card, challenge: nonce });
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ asker: { name: PAGE }, task: { en: 'Logging in', sv: 'Att logga in' } });
    station.type(id, { pin: PIN });
    expect(verifyToken(resultOf(await answer), { origin: PAGE, nonce })).toBeInstanceOf(X509Certificate);
    const other = await page.call('login.authenticate', { card, challenge: nonce, origin: 'https://bank.example' });
    expect(errorOf(other)).toMatchObject({ code: 'invalid_params' });
    expect(station.messages).toHaveLength(1);
    const digest = Buffer.alloc(32).toString('base64');
    expect(outcomeOf(await page.call('sign.digest', { card, keyReference: '9A', algorithm: 'ES256', digest }))).toBe(
      'scope_missing',
    );
  });

  it.each([
    ['no origin', { challenge: challenge() }],
    ['an origin that is none', { challenge: challenge(), origin: 'https://login.example/path' }],
    ['an origin without TLS', { challenge: challenge(), origin: 'http://login.example' }],
    ['a short challenge', { challenge: randomBytes(16).toString('base64'), origin: PAGE }],
    ['a challenge that is no base64', { challenge: '-'.repeat(44), origin: PAGE }],
  ])('refuses a program with %s, and sends the card nothing', async (_, params) => {
    await using bench = await openBench();
    const certificate = certificateFor(testKey('P-256').publicKey);
    const card = watchedPivCard({ keys: { '9A': cardKey('P-256', { certificate }) } });
    const id = await bench.insert(card);
    const api = await bench.socket();
    card.forget();
    expect(outcomeOf(await api.call('login.authenticate', { card: id, pin: PIN, ...params }))).toBe('invalid_params');
    expect(card.exchanges).toBe(0);
  });

  it('is the check of a PIN: a wrong one gives no token', async () => {
    await using bench = await openBench();
    const card = await insertCard(bench);
    const api = await bench.socket();
    const params = { card, challenge: challenge(), origin: PAGE };
    expect(outcomeOf(await api.call('login.authenticate', { ...params, pin: WRONG_PIN }))).toBe('pin_rejected');
    expect(outcomeOf(await api.call('login.authenticate', { ...params, pin: PIN }))).toBe('ok');
  });
});
