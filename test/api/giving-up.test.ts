/** Cancellation and deadlines: a prompt answer, and a card that works afterwards. */
import { describe, expect, it } from 'vitest';
import {
  INS,
  PIN,
  RestTransport,
  eventually,
  errorOf,
  openBench,
  outcomeOf,
  resultOf,
  stateOf,
  watchedPivCard,
  within,
  TRANSPORTS,
} from './support.ts';

/** An answer that must be prompt is given up on after this; the card itself would take far longer. */
const PROMPT_MS = 2_000;
const SLOW_MUTE = { muteTimeoutMs: 60_000 };

describe.each(TRANSPORTS)('over %s', (name) => {
  it('a deadline ends a call to a mute card promptly, and the card is usable when it answers again', async () => {
    await using bench = await openBench({ readers: [{ muteTimeoutMs: 400 }] });
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const api = await bench.transport(name);
    bench.reader().arm([{ kind: 'mute', from: 1 }]);
    const answer = await within(api.call('pin.verify', { card: id, pin: PIN }, { timeoutMs: 50 }), 'the deadline', PROMPT_MS);
    expect(errorOf(answer)).toMatchObject({ code: 'deadline_exceeded', retry: 'now', details: { timeoutMs: 50 } });
    bench.reader().disarm();
    expect(outcomeOf(await api.call('card.read', { card: id }))).toBe('ok');
  });

  it('a call that waits its turn is given up at its deadline, and never reaches the card', async () => {
    await using bench = await openBench();
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const api = await bench.transport(name);
    const hold = Promise.withResolvers<undefined>();
    card.hold = hold.promise.then(() => undefined);
    card.forget();
    const first = api.call('card.read', { card: id });
    await eventually('the first call to reach the card', () => card.exchanges === 1);
    const second = await within(api.call('pin.verify', { card: id, pin: PIN }, { timeoutMs: 40 }), 'the deadline', PROMPT_MS);
    expect(outcomeOf(second)).toBe('deadline_exceeded');
    card.hold = undefined;
    hold.resolve(undefined);
    expect(outcomeOf(await first)).toBe('ok');
    expect(outcomeOf(await api.call('card.list'))).toBe('ok');
    expect(card.count(INS.verify, 'with data')).toBe(0);
  });

  it("a deadline while another program keeps the card is that program's doing: card_busy", async () => {
    await using bench = await openBench();
    const id = await bench.insert(watchedPivCard());
    const api = await bench.transport(name);
    using other = await bench.reader().occupy();
    const error = errorOf(await api.call('card.read', { card: id }, { timeoutMs: 50 }));
    expect(error).toMatchObject({ code: 'card_busy', details: { holder: 'another program' } });
    other[Symbol.dispose]();
    expect(outcomeOf(await api.call('card.read', { card: id }))).toBe('ok');
  });

  it.each([0, -1, 1.5, 300_001])('a deadline of %s ms is refused', async (timeoutMs) => {
    await using bench = await openBench();
    const api = await bench.transport(name);
    expect(outcomeOf(await api.call('system.info', {}, { timeoutMs }))).toBe('invalid_request');
  });

  it('a repetition with an idempotency key keeps its own deadline', async () => {
    await using bench = await openBench();
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const [api, again] = [await bench.transport(name), await bench.transport(name)];
    const hold = Promise.withResolvers<undefined>();
    card.hold = hold.promise.then(() => undefined);
    card.forget();
    const params = { card: id, keyReference: '9A', algorithm: 'P-256', managementKey: 'default' };
    const first = api.call('key.generate', params, { idempotencyKey: 'one' });
    await eventually('the first call to reach the card', () => card.exchanges === 1);
    const second = await within(again.call('key.generate', params, { idempotencyKey: 'one', timeoutMs: 40 }), 'it', PROMPT_MS);
    expect(outcomeOf(second)).toBe('deadline_exceeded');
    card.hold = undefined;
    hold.resolve(undefined);
    expect(outcomeOf(await first)).toBe('ok');
    expect(outcomeOf(await again.call('key.generate', params, { idempotencyKey: 'one' }))).toBe('ok');
    expect(card.count(INS.generate)).toBe(1);
  });
});

describe('a call is given up', () => {
  it('by call.cancel: the call ends in call_cancelled at once, and the card works', async () => {
    await using bench = await openBench();
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const before = stateOf(card);
    const api = await bench.socket();
    const hold = Promise.withResolvers<undefined>();
    card.hold = hold.promise.then(() => undefined);
    card.forget();
    const call = api.start('key.generate', { card: id, keyReference: '9A', algorithm: 'P-256', managementKey: 'default' });
    await eventually('the call to reach the card', () => card.exchanges === 1);
    expect(resultOf(await api.call('call.cancel', { id: call }))).toEqual({ cancelled: true });
    const { error } = await within(api.answerTo(call), 'the cancelled call', PROMPT_MS);
    expect(error?.data.code).toBe('call_cancelled');
    expect(resultOf(await api.call('call.cancel', { id: call }))).toEqual({ cancelled: false });
    card.hold = undefined;
    hold.resolve(undefined);
    expect(outcomeOf(await api.call('card.read', { card: id }))).toBe('ok');
    expect(card.count(INS.generate)).toBe(0);
    expect(stateOf(card)).toEqual(before);
  });

  it('by its REST caller going away', async () => {
    await using bench = await openBench();
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const api = new RestTransport(bench.port, bench.token);
    const hold = Promise.withResolvers<undefined>();
    card.hold = hold.promise.then(() => undefined);
    card.forget();
    const abort = new AbortController();
    const call = api.call('pin.verify', { card: id, pin: PIN }, { signal: abort.signal });
    await eventually('the call to reach the card', () => card.exchanges === 1);
    abort.abort();
    await expect(call).rejects.toThrow(/abort/i);
    const { daemon } = bench;
    const other = await bench.socket();
    for (;;) if (resultOf(await other.call('system.health')).callsUnderWay === 1) break; // this one alone
    card.hold = undefined;
    hold.resolve(undefined);
    expect(outcomeOf(await other.call('card.read', { card: id }))).toBe('ok');
    expect(card.count(INS.verify, 'with data')).toBe(0);
    expect(daemon.desk.cards[0]?.reader.queue.length).toBe(0);
  });

  it('by its WebSocket closing', async () => {
    await using bench = await openBench({ readers: [SLOW_MUTE] });
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const [gone, stays] = [await bench.socket(), await bench.socket()];
    const hold = Promise.withResolvers<undefined>();
    card.hold = hold.promise.then(() => undefined);
    card.forget();
    gone.start('pin.verify', { card: id, pin: PIN });
    await eventually('the call to reach the card', () => card.exchanges === 1);
    gone.socket.terminate();
    for (;;) if (resultOf(await stays.call('system.health')).callsUnderWay === 1) break;
    card.hold = undefined;
    hold.resolve(undefined);
    expect(outcomeOf(await stays.call('card.read', { card: id }))).toBe('ok');
    expect(card.count(INS.verify, 'with data')).toBe(0);
  });

  it('by the end of the daemon: everything closes while a call waits for the card', async () => {
    const bench = await openBench();
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const api = await bench.socket();
    bench.reader().arm([{ kind: 'mute', from: 1 }]);
    api.start('card.read', { card: id });
    await eventually('the call to run', () => bench.daemon.desk.cards[0]?.reader.queue.length === 1);
    await within(Promise.resolve(bench[Symbol.asyncDispose]()), 'closing', PROMPT_MS);
    expect((await api.closed).code).toBe(1006);
  });
});
