/** PINs that a person types in a trusted place: the daemon, its Unix socket, and a simulated card; the station's other end is the test. */
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  eventually,
  INS,
  openBench,
  outcomeOf,
  PIN,
  PUK,
  resultOf,
  RpcSocket,
  watchedPivCard,
  within,
  WRONG_PIN,
  type Bench,
  type BenchOptions,
  type WatchedPivCard,
} from '../api/support.ts';
import { TestStation } from './station.ts';

const PAGE = 'https://portal.example';
const SCOPES = ['card.read', 'pin.manage', 'sign'];
const grants = (pin?: object): object => ({ origins: [{ origin: PAGE, scopes: SCOPES, ...(pin ? { pin } : {}) }] });
const DIGEST = Buffer.alloc(32, 7).toString('base64');

interface Desk {
  readonly bench: Bench;
  readonly card: WatchedPivCard;
  readonly id: string;
  readonly page: RpcSocket;
}

async function openDesk(stack: AsyncDisposableStack, options: BenchOptions = {}): Promise<Desk> {
  const bench = stack.use(await openBench({ policy: grants(), ...options }));
  const card = watchedPivCard();
  const id = await bench.insert(card);
  return { bench, card, id, page: stack.use(await openPage(bench)) };
}

/** A granted page's WebSocket, as the browser opens it. */
async function openPage(bench: Bench): Promise<RpcSocket> {
  const answer = await fetch(`http://127.0.0.1:${bench.port}/v1/access/request`, {
    method: 'POST',
    headers: { origin: PAGE, 'content-type': 'application/json' },
    body: JSON.stringify({ scopes: ['card.read'] }),
  });
  const { token } = (await answer.json()) as { token: string };
  return await RpcSocket.open(bench.port, token, { origin: PAGE });
}

describe('a PIN that a page needs', () => {
  it('is asked for in the agent, with origin, card, purpose and tries, while the card is free for others', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, id, page } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    const answer = page.call('pin.verify', { card: id, purpose: 'Sign the receipt' });
    const { id: promptId, prompt } = await station.prompt();
    expect(prompt).toMatchObject({
      kind: 'pin',
      action: 'verify',
      asker: { kind: 'origin', name: PAGE },
      task: { en: 'Verifying the PIN', sv: 'Att kontrollera PIN-koden' },
      purpose: 'Sign the receipt',
      triesLeft: 3,
      pinLength: { min: 6, max: 8 },
    });
    expect(prompt.kind === 'pin' && prompt.card).toContain('Bench 0');
    const native = await bench.socket();
    expect(outcomeOf(await within(native.call('card.read', { card: id, refresh: true }), 'reading meanwhile'))).toBe('ok');
    card.forget();
    station.type(promptId, { pin: PIN });
    expect(resultOf(await answer).pin.attemptsRemaining).toBe(3);
    expect(card.count(INS.verify, 'with data')).toBe(1);
  });

  it('that is wrong is told, and after two the origin is done for the day, over restarts of its page', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, id, page } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    for (let wrong = 0; wrong < 2; wrong++) {
      const answer = page.call('pin.verify', { card: id });
      const { id: promptId } = await station.prompt();
      station.type(promptId, { pin: WRONG_PIN });
      expect(outcomeOf(await answer)).toBe('pin_rejected');
      const native = await bench.socket();
      resultOf(await native.call('pin.verify', { card: id, pin: PIN }));
    }
    const again = stack.use(await openPage(bench));
    card.forget();
    expect(outcomeOf(await again.call('pin.verify', { card: id }))).toBe('pin_limit_reached');
    expect(card.count(INS.verify)).toBe(0);
    const native = await bench.socket();
    expect(outcomeOf(await native.call('pin.verify', { card: id, pin: PIN }))).toBe('ok');
  });

  it.each([
    ['cancelled', 'pin_cancelled'],
    ['timed_out', 'pin_cancelled'],
    ['failed', 'prompt_failed'],
  ] as const)('is not sent when the prompt was %s', async (outcome, code) => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, id, page } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    const answer = page.call('sign.digest', { card: id, keyReference: '9C', algorithm: 'ES256', digest: DIGEST });
    await expect(answer.then(outcomeOf)).resolves.toBe('key_not_found');
    const verify = page.call('pin.verify', { card: id });
    const { id: promptId } = await station.prompt();
    card.forget();
    station.answer(promptId, outcome);
    expect(outcomeOf(await verify)).toBe(code);
    expect(card.count(INS.verify, 'with data')).toBe(0);
  });

  it('is not asked for when nobody can be asked', async () => {
    await using stack = new AsyncDisposableStack();
    const { id, page } = await openDesk(stack);
    expect(outcomeOf(await page.call('pin.verify', { card: id }))).toBe('pin_required');
  });

  it('is no longer asked for when the caller cancels, goes away, or the card is taken out', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, id, page } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    const cancel = new AbortController();
    const cancelled = page.call('pin.verify', { card: id }, { signal: cancel.signal });
    const first = await station.prompt();
    cancel.abort();
    expect(outcomeOf(await cancelled)).toBe('call_cancelled');
    await station.withdrawn(first.id);
    const other = await openPage(bench);
    const lost = expect(other.call('pin.verify', { card: id })).rejects.toThrow('closed');
    const second = await station.prompt();
    await other[Symbol.asyncDispose]();
    await station.withdrawn(second.id);
    await lost;
    const pulled = page.call('pin.verify', { card: id });
    const third = await station.prompt();
    bench.reader().remove();
    await station.withdrawn(third.id);
    expect(outcomeOf(await pulled)).toBe('card_removed');
  });

  it('goes to no other card that was put in meanwhile', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, id, page } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    const answer = page.call('pin.verify', { card: id });
    const { id: promptId } = await station.prompt();
    const other = watchedPivCard();
    bench.reader().remove();
    bench.reader().insert(other);
    station.type(promptId, { pin: PIN });
    expect(outcomeOf(await answer)).toBe('card_removed');
    await eventually('the other card to be identified', () => bench.daemon.desk.cards[0]?.status === 'ready');
    expect(other.count(INS.verify, 'with data')).toBe(0);
  });

  it('with one try left is asked for as the last one, and a page cannot say that it may be used', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, id, page } = await openDesk(stack);
    const native = await bench.socket();
    for (let wrong = 0; wrong < 2; wrong++) await native.call('pin.verify', { card: id, pin: WRONG_PIN });
    expect(outcomeOf(await page.call('pin.verify', { card: id, allowLastTry: true }))).toBe('pin_required');
    const station = stack.use(await TestStation.open(bench));
    const answer = page.call('pin.verify', { card: id });
    const { id: promptId, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ triesLeft: 1 });
    station.type(promptId, { pin: PIN });
    expect(outcomeOf(await answer)).toBe('ok');
    expect(card.inner.state().pin.attemptsRemaining).toBe(3);
  });

  it('whose tries went down while the person typed is not sent as an unsaid last try', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, id, page } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    const answer = page.call('pin.verify', { card: id });
    const { id: promptId, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ triesLeft: 3 });
    const native = await bench.socket();
    for (let wrong = 0; wrong < 2; wrong++) await native.call('pin.verify', { card: id, pin: WRONG_PIN });
    station.type(promptId, { pin: WRONG_PIN });
    expect(outcomeOf(await answer)).toBe('pin_last_try');
    expect(card.inner.state().pin.attemptsRemaining).toBe(1);
  });

  it('of no tries is not asked for', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, id, page } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    const native = await bench.socket();
    for (let wrong = 0; wrong < 3; wrong++) await native.call('pin.verify', { card: id, pin: WRONG_PIN, allowLastTry: true });
    expect(outcomeOf(await page.call('pin.verify', { card: id }))).toBe('pin_blocked');
    expect(station.messages).toEqual([]);
  });

  it('is changed and unblocked by what the person types', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, id, page } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    const changed = page.call('pin.change', { card: id });
    const first = await station.prompt();
    expect(first.prompt).toMatchObject({ action: 'change' });
    station.type(first.id, { pin: PIN, newPin: '24681357' });
    expect(outcomeOf(await changed)).toBe('ok');
    const unblocked = page.call('pin.unblock', { card: id });
    const second = await station.prompt();
    expect(second.prompt).toMatchObject({ action: 'unblock', triesLeft: 3, pukLength: { min: 6, max: 8 } });
    station.type(second.id, { puk: PUK, newPin: PIN });
    expect(outcomeOf(await unblocked)).toBe('ok');
  });
});

describe('a keypad on the reader', () => {
  it('comes before the agent, and its last try wants the agent to say so', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, id, page } = await openDesk(stack, { readers: [{ keypad: () => PIN }] });
    const station = stack.use(await TestStation.open(bench));
    expect(outcomeOf(await page.call('pin.verify', { card: id }))).toBe('ok');
    expect(station.messages).toEqual([]);
    const native = await bench.socket();
    for (let wrong = 0; wrong < 2; wrong++) await native.call('pin.verify', { card: id, pin: WRONG_PIN });
    const refused = page.call('pin.verify', { card: id });
    const first = await station.prompt();
    expect(first.prompt).toMatchObject({ kind: 'lastTry', entry: 'pin', triesLeft: 1 });
    station.answer(first.id, 'cancelled');
    expect(outcomeOf(await refused)).toBe('pin_cancelled');
    expect(card.inner.state().pin.attemptsRemaining).toBe(1);
    const approved = page.call('pin.verify', { card: id });
    const second = await station.prompt();
    station.answer(second.id, 'approved');
    expect(outcomeOf(await approved)).toBe('ok');
  });
});

describe('a PIN that the policy lets be used again', () => {
  it('is asked for once while its time lasts, and again after removal, for another page, and when the time is over', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, page } = await openDesk(stack, { policy: grants({ reuseSeconds: 600 }) });
    const native = await bench.socket();
    const id = bench.daemon.desk.cards[0]?.id ?? '';
    const made = { card: id, keyReference: '9D', algorithm: 'P-256', managementKey: 'default' };
    resultOf(await native.call('key.generate', made));
    const station = stack.use(await TestStation.open(bench));
    const request = (socket: RpcSocket, target: string): ReturnType<RpcSocket['call']> =>
      socket.call('sign.digest', { card: target, keyReference: '9D', algorithm: 'ES256', digest: DIGEST });
    const first = request(page, id);
    station.type((await station.prompt()).id, { pin: PIN });
    expect(outcomeOf(await first)).toBe('ok');
    expect(outcomeOf(await within(request(page, id), 'a signature without a prompt'))).toBe('ok');
    const other = stack.use(await openPage(bench));
    const second = request(other, id);
    station.answer((await station.prompt()).id, 'cancelled');
    expect(outcomeOf(await second)).toBe('pin_cancelled');
    bench.reader().remove();
    const next = await bench.insert(card);
    const third = request(page, next);
    station.answer((await station.prompt()).id, 'cancelled');
    expect(outcomeOf(await third)).toBe('pin_cancelled');
  });

  it('is by default good for one operation', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, page } = await openDesk(stack);
    const id = bench.daemon.desk.cards[0]?.id ?? '';
    const station = stack.use(await TestStation.open(bench));
    for (let round = 0; round < 2; round++) {
      const answer = page.call('pin.verify', { card: id });
      station.type((await station.prompt()).id, { pin: PIN });
      expect(outcomeOf(await answer)).toBe('ok');
    }
  });
});

describe('consent', () => {
  it('is asked for in the agent as soon as there is one, and taken as the answer', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench());
    const asking = fetch(`http://127.0.0.1:${bench.port}/v1/access/request`, {
      method: 'POST',
      headers: { origin: PAGE, 'content-type': 'application/json' },
      body: JSON.stringify({ scopes: ['sign'], reason: 'To sign receipts' }),
    });
    const native = await bench.socket();
    const station = stack.use(await TestStation.open(bench));
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'consent', asker: { name: PAGE }, scopes: ['sign'], reason: 'To sign receipts' });
    station.answer(id, 'approved');
    expect((await asking).status).toBe(200);
    expect(resultOf(await native.call('access.list')).grants).toMatchObject([
      { origin: PAGE, scopes: ['sign'], source: 'consent' },
    ]);
  });
});

describe('the Unix socket', () => {
  it('takes no browser', async () => {
    await using bench = await openBench();
    const socket = new WebSocket(`ws+unix:${bench.dataFolder}/socket:/v1/prompts`, 'kortd.prompt.v1', { origin: PAGE });
    await expect(new Promise((_, reject) => socket.once('error', reject))).rejects.toThrow('403');
  });

  it('is the only way to be a place where people are asked', async () => {
    await using bench = await openBench();
    const url = `ws://127.0.0.1:${bench.port}/v1/prompts`;
    const socket = new WebSocket(url, ['kortd.prompt.v1', `kortd.token.${bench.token}`]);
    await expect(new Promise((_, reject) => socket.once('error', reject))).rejects.toThrow('404');
  });
});
