import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceUnavailableError } from '../errors.ts';
import type { ReaderState } from '../reader-source.ts';
import { createBlockingCalls, limitCalls } from './blocking-calls.ts';
import { FAKE_ATR, createFakeWinScard, type FakeWinScard } from './fake-winscard.ts';
import { createPcscSource, type PcscSource } from './source.ts';

const VERIFY_PIN_DIRECT = Uint8Array.of(0x06, 4, 0x42, 0x33, 0x00, 0x06);

let fake: FakeWinScard;
let source: PcscSource;
let abort: AbortController;
let watches: AsyncIterator<ReaderState, undefined>[];

beforeEach(() => {
  fake = createFakeWinScard();
  source = openSource(fake);
  abort = new AbortController();
  watches = [];
});

afterEach(async () => {
  abort.abort();
  await Promise.all(watches.map(async (states) => states.return?.()));
  await source[Symbol.asyncDispose]();
  await nextTurn();
  expect(fake.openContexts).toBe(0);
  expect(fake.openHandles).toBe(0);
});

function openSource(winscard: FakeWinScard): PcscSource {
  return createPcscSource({ load: () => limitCalls(winscard, createBlockingCalls(8)) });
}

function watch(watched = source): AsyncIterator<ReaderState, undefined> {
  const states = watched.watch({ signal: abort.signal })[Symbol.asyncIterator]() as AsyncIterator<ReaderState, undefined>;
  watches.push(states);
  return states;
}

async function next(states: AsyncIterator<ReaderState, undefined>): Promise<ReaderState> {
  const { value } = await states.next();
  if (!value) throw new Error('the watch ended');
  return value;
}

describe('watch', () => {
  it('gives every reader as it stands, then each change', async () => {
    fake.addReader('A');
    fake.addReader('B');
    fake.insert('B');
    const states = watch();
    expect(await next(states)).toEqual({ name: 'A', status: 'empty', heldElsewhere: false, hasKeypad: false });
    expect(await next(states)).toMatchObject({ name: 'B', status: 'present', atr: FAKE_ATR, insertion: 1 });
    fake.insert('A');
    expect(await next(states)).toMatchObject({ name: 'A', status: 'present', insertion: 2 });
    fake.remove('A');
    const empty = await next(states);
    expect(empty).toMatchObject({ name: 'A', status: 'empty' });
    expect('insertion' in empty || 'atr' in empty).toBe(false);
  });

  it('waits without an error while there are no readers, and sees the first one come', async () => {
    const states = watch();
    const first = next(states);
    await nextTurn();
    fake.addReader('A');
    expect(await first).toMatchObject({ name: 'A', status: 'empty' });
  });

  it('sees readers come and go', async () => {
    fake.addReader('A');
    const states = watch();
    await next(states);
    const added = next(states);
    fake.addReader('B');
    expect(await added).toMatchObject({ name: 'B', status: 'empty' });
    const removed = next(states);
    fake.removeReader('A');
    expect(await removed).toEqual({ name: 'A', status: 'removed' });
  });

  it('sees a reader that came between listing and looking', async () => {
    fake.addReader('A');
    const states = watch();
    await next(states);
    const listReaders = fake.callCount('listReaders');
    const coming = next(states);
    while (fake.callCount('listReaders') === listReaders) await nextTurn();
    fake.addReader('B');
    expect(await coming).toMatchObject({ name: 'B' });
  });

  it('does without the notification where 16 entries are the most', async () => {
    fake.addReader('A');
    fake.failNext('getStatusChange', 0x80100004);
    const states = watch();
    expect(await next(states)).toMatchObject({ name: 'A' });
    const coming = next(states);
    await nextTurn();
    fake.addReader('B');
    expect(await coming).toMatchObject({ name: 'B' });
  });

  it('gives a new insertion when a card is swapped between two looks', async () => {
    fake.addReader('A');
    fake.insert('A');
    const states = watch();
    expect(await next(states)).toMatchObject({ status: 'present', insertion: 1 });
    fake.remove('A');
    fake.insert('A');
    expect(await next(states)).toMatchObject({ status: 'present', insertion: 2 });
  });

  it('never gives a number twice for two cards, over all its watches', async () => {
    fake.addReader('A');
    fake.insert('A');
    const first = await next(watch());
    abort.abort();
    abort = new AbortController();
    fake.remove('A');
    fake.insert('A');
    const second = await next(watch());
    expect(second.insertion).not.toBe(first.insertion);
  });

  it('calls a card that does not answer mute, and keeps its insertion when it wakes up', async () => {
    fake.addReader('A');
    fake.insert('A', { isMute: true });
    const states = watch();
    const mute = await next(states);
    expect(mute).toMatchObject({ status: 'mute', insertion: 1 });
    expect(mute).not.toHaveProperty('atr');
    const awake = next(states);
    fake.alter('A', {});
    expect(await awake).toMatchObject({ status: 'present', insertion: 1, atr: FAKE_ATR });
  });

  it('tells of a program that holds the card exclusively', async () => {
    fake.addReader('A');
    fake.insert('A');
    const states = watch();
    await next(states);
    const { context } = await fake.establishContext();
    const held = next(states);
    const { card } = await fake.connect(context, 'A', { shareMode: 1, protocols: 3 });
    fake.insert('A', {}); // any event wakes the look
    expect(await held).toMatchObject({ heldElsewhere: true });
    const free = next(states);
    await fake.disconnect(card, 0);
    expect(await free).toMatchObject({ heldElsewhere: false });
    await fake.releaseContext(context);
  });

  it('tells of a keypad, also one that is slow to answer', async () => {
    let answer: (bytes: Uint8Array) => void = () => undefined;
    fake.addReader('A', () => VERIFY_PIN_DIRECT);
    fake.addReader('B', async () => new Promise((resolve) => (answer = resolve)));
    const states = watch();
    expect(await next(states)).toMatchObject({ name: 'A', hasKeypad: true });
    expect(await next(states)).not.toHaveProperty('hasKeypad');
    const heard = next(states);
    answer(VERIFY_PIN_DIRECT);
    expect(await heard).toMatchObject({ name: 'B', hasKeypad: true });
  });

  it('ends without an error at once when its signal fires', async () => {
    fake.addReader('A');
    const states = watch();
    await next(states);
    const end = states.next();
    await nextTurn();
    abort.abort();
    expect(await end).toEqual({ value: undefined, done: true });
  });

  it('ends at once when its signal fired before', async () => {
    abort.abort();
    expect(await watch().next()).toEqual({ value: undefined, done: true });
  });

  it('does not run hot when the service answers at once again and again', async () => {
    const repeating: FakeWinScard = {
      ...fake,
      getStatusChange: async (_context, _timeoutMs, queries) =>
        Promise.resolve({ result: 0, events: queries.map(({ name }) => ({ name, eventState: 0x12, atr: new Uint8Array() })) }),
    };
    fake.addReader('A');
    await using hot = openSource(repeating);
    const states = watch(hot);
    await states.next();
    const before = fake.callCount('listReaders');
    const waiting = states.next();
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(fake.callCount('listReaders') - before).toBeLessThan(5);
    abort.abort();
    await waiting;
  });
});

describe('watch, when the service goes', () => {
  it.each([
    ['NO_SERVICE', 0x8010001d, 0x8010001d],
    ['SERVICE_STOPPED (Windows, last reader unplugged)', 0x8010001e, 0x8010001e],
    ['success without a state (pcscd stopped)', 0x8010001d, 0],
    ['COMM_ERROR', 0x80100013, 0x80100013],
    ['a broken pipe (Windows, Remote Desktop)', 0x6d, 0x6d],
  ])('throws ServiceUnavailableError at %s, and watches again once it is back', async (_, result, wakeWith) => {
    fake.addReader('A');
    fake.insert('A');
    const states = watch();
    expect(await next(states)).toMatchObject({ insertion: 1 });
    const gone = states.next();
    await nextTurn();
    fake.stopService(result, wakeWith);
    await expect(gone).rejects.toThrow(ServiceUnavailableError);
    await expect(watch().next()).rejects.toThrow(ServiceUnavailableError);
    fake.startService();
    expect(await next(watch())).toMatchObject({ name: 'A', status: 'present', insertion: 2 });
  });

  it('says so when the library is missing, each time', async () => {
    const missing = createPcscSource({
      load: () => {
        throw new ServiceUnavailableError('loading the PC/SC library: not found');
      },
    });
    for (let count = 0; count < 2; count++) {
      await expect(missing.watch({ signal: abort.signal })[Symbol.asyncIterator]().next()).rejects.toThrow(/not found/);
      await expect(missing.connect('A', { signal: abort.signal })).rejects.toThrow(ServiceUnavailableError);
    }
  });
});

describe('watch on macOS', () => {
  it('lists the readers again without a notification', async () => {
    const mac = createFakeWinScard('darwin');
    await using macSource = openSource(mac);
    const states = watch(macSource);
    mac.addReader('A');
    expect((await states.next()).value).toMatchObject({ name: 'A' });
    const coming = states.next();
    await nextTurn();
    mac.addReader('B');
    expect((await coming).value).toMatchObject({ name: 'B' });
  });
});
