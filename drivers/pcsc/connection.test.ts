import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CardConnection } from '../../apdu/card-connection.ts';
import {
  DeviceBusyError,
  DeviceError,
  DeviceProtocolError,
  DeviceRemovedError,
  DeviceResetError,
  DeviceTimeoutError,
  NoCardError,
  ServiceUnavailableError,
} from '../errors.ts';
import { createBlockingCalls, limitCalls, type BlockingCalls } from './blocking-calls.ts';
import { FAKE_ATR, createFakeWinScard, type FakeWinScard } from './fake-winscard.ts';
import { EXCLUSIVE_PATIENCE_MS } from './open-card.ts';
import type { PcscClock } from './pcsc-layer.ts';
import { createPcscSource, type PcscSource } from './source.ts';
import type { CardHandle } from './winscard.ts';

const SELECT = Uint8Array.of(0x00, 0xa4, 0x04, 0x00);
const NEVER = new AbortController().signal;

let fake: FakeWinScard;
let calls: BlockingCalls;
let pauses: number[];
let source: PcscSource;

/** Time passes only in pauses. */
const clock: PcscClock = {
  now: () => pauses.reduce((sum, pauseMs) => sum + pauseMs, 0),
  async pause(durationMs, signal) {
    pauses.push(durationMs);
    await nextTurn();
    signal.throwIfAborted();
  },
};

beforeEach(() => {
  fake = createFakeWinScard();
  fake.addReader('A');
  fake.insert('A');
  calls = createBlockingCalls(8);
  pauses = [];
  source = createPcscSource({ load: () => limitCalls(fake, calls), clock });
});

afterEach(async () => {
  await source[Symbol.asyncDispose]();
  expect({ contexts: fake.openContexts, handles: fake.openHandles, calls: calls.underWay }).toEqual({
    contexts: 0,
    handles: 0,
    calls: 0,
  });
});

async function connect(signal: AbortSignal = NEVER): Promise<CardConnection> {
  return source.connect('A', { signal });
}

/** Another program's handle to the card in reader A. */
async function otherProgram(shareMode: 1 | 2 = 2): Promise<{ readonly card: CardHandle; end(): Promise<void> }> {
  const { context } = await fake.establishContext();
  const { card } = await fake.connect(context, 'A', { shareMode, protocols: 3 });
  return {
    card,
    end: async () => {
      await fake.releaseContext(context);
    },
  };
}

describe('connect', () => {
  it('begins a transaction and gives the ATR', async () => {
    await using connection = await connect();
    expect(connection.atr).toEqual(FAKE_ATR);
    expect(await connection.transmit(SELECT)).toEqual(Uint8Array.of(0x90, 0x00));
    expect(fake.callCount('beginTransaction')).toBe(1);
  });

  it('keeps one context for the next connection, and no card', async () => {
    for (let count = 0; count < 3; count++) await (await connect())[Symbol.asyncDispose]();
    expect(fake.callCount('establishContext')).toBe(1);
    expect({ contexts: fake.openContexts, handles: fake.openHandles }).toEqual({ contexts: 1, handles: 0 });
  });

  it('gives each reader a context of its own', async () => {
    fake.addReader('B');
    fake.insert('B');
    await using first = await connect();
    await using second = await source.connect('B', { signal: NEVER });
    expect([first.atr, second.atr]).toHaveLength(2);
    expect(fake.openContexts).toBe(2);
  });

  it.each([
    ['no card', 0x8010000c, NoCardError],
    ['a mute card', 0x80100066, DeviceTimeoutError],
    ['an unknown reader', 0x80100009, DeviceRemovedError],
    ['a reader that went', 0x80100017, DeviceRemovedError],
    ['a card of no known protocol', 0x8010000f, DeviceProtocolError],
    ['a refusal by policy', 0x8010006a, ServiceUnavailableError],
  ])('rejects %s with its error', async (_, result, ErrorClass) => {
    fake.failNext('connect', result);
    const error: unknown = await connect().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ErrorClass);
    expect(error).toMatchObject({ device: 'A', driverCode: result.toString(16).toUpperCase() });
  });

  it.each(['connect', 'beginTransaction', 'status'] as const)('leaves nothing open when %s fails', async (name) => {
    fake.failNext(name, 0x80100069);
    await expect(connect()).rejects.toThrow(DeviceRemovedError);
    expect(fake.openHandles).toBe(0);
  });

  it('makes a new context when the service was restarted since the last one', async () => {
    await (await connect())[Symbol.asyncDispose]();
    fake.stopService(0x8010001d);
    fake.startService();
    await using connection = await connect();
    expect(await connection.transmit(SELECT)).toHaveLength(2);
  });

  it('throws ServiceUnavailableError while the service is gone', async () => {
    fake.stopService(0x8010001d);
    await expect(connect()).rejects.toThrow(ServiceUnavailableError);
    fake.startService();
    await using connection = await connect();
    expect(connection.atr).toEqual(FAKE_ATR);
  });

  it('powers a card up that another program left without power', async () => {
    fake.failNext('connect', 0x80100067);
    await using connection = await connect();
    expect(await connection.transmit(SELECT)).toHaveLength(2);
    expect(fake.dispositions).toEqual(['A 1']);
  });
});

describe('connect, while another program uses the card', () => {
  it('tries again with growing pauses until the other transaction ends', async () => {
    const other = await otherProgram();
    await fake.beginTransaction(other.card);
    const waiting = connect();
    while (pauses.length < 6) await nextTurn();
    await fake.endTransaction(other.card, 0);
    await using connection = await waiting;
    expect(connection.atr).toEqual(FAKE_ATR);
    expect(pauses.slice(0, 6)).toEqual([10, 20, 40, 80, 100, 100]);
    await other.end();
  });

  it('takes one thread for a call that blocks, however often its caller gives up and tries again', async () => {
    let unblock: () => void = () => undefined;
    const blocked = new Promise<void>((resolve) => (unblock = resolve));
    const blocking: FakeWinScard = {
      ...fake,
      connect: async (...call) => {
        await blocked;
        return fake.connect(...call);
      },
    };
    await using patient = createPcscSource({ load: () => limitCalls(blocking, calls), clock });
    for (let count = 0; count < 5; count++) {
      const abort = new AbortController();
      const waiting = patient.connect('A', { signal: abort.signal });
      await nextTurn();
      abort.abort(new Error('the person left'));
      await expect(waiting).rejects.toThrow('the person left');
    }
    expect(calls.underWay).toBe(1);
    const last = patient.connect('A', { signal: NEVER });
    unblock();
    await using connection = await last;
    expect(await connection.transmit(SELECT)).toHaveLength(2);
    expect(fake.openHandles).toBe(1);
  });

  it('lets our own connections to one reader follow each other', async () => {
    const first = await connect();
    let isSecondOpen = false;
    const second = connect().then((connection) => {
      isSecondOpen = true;
      return connection;
    });
    await nextTurn();
    expect({ isSecondOpen, underWay: calls.underWay }).toEqual({ isSecondOpen: false, underWay: 0 });
    await first[Symbol.asyncDispose]();
    await (await second)[Symbol.asyncDispose]();
  });

  it('stops waiting when the signal fires, with its reason, and leaves nothing open', async () => {
    const other = await otherProgram();
    await fake.beginTransaction(other.card);
    const abort = new AbortController();
    const waiting = connect(abort.signal);
    while (pauses.length < 2) await nextTurn();
    abort.abort(new Error('the person left'));
    await expect(waiting).rejects.toThrow('the person left');
    await nextTurn();
    await nextTurn();
    expect(fake.openHandles).toBe(1);
    await other.end();
  });

  it('leaves a call behind that blocks, and closes what it opens later', async () => {
    let unblock: () => void = () => undefined;
    const blocked = new Promise<void>((resolve) => (unblock = resolve));
    const windows = createFakeWinScard('win32');
    windows.addReader('A');
    windows.insert('A');
    const blocking: FakeWinScard = {
      ...windows,
      beginTransaction: async (card) => {
        await blocked;
        return windows.beginTransaction(card);
      },
    };
    await using blockedSource = createPcscSource({ load: () => limitCalls(blocking, calls), clock });
    const abort = new AbortController();
    const waiting = blockedSource.connect('A', { signal: abort.signal });
    await nextTurn();
    abort.abort(new Error('the person left'));
    await expect(waiting).rejects.toThrow('the person left');
    expect(calls.underWay).toBe(1);
    unblock();
    while (windows.openHandles > 0) await nextTurn();
    await nextTurn();
  });

  it('does not even begin when the signal fired before', async () => {
    await expect(connect(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    expect(fake.callCount('establishContext')).toBe(0);
  });

  it('does not wait for a program that holds the card exclusively', async () => {
    const other = await otherProgram(1);
    const error: unknown = await connect().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeviceBusyError);
    expect(error).toMatchObject({ driverCode: '8010000B', device: 'A' });
    expect(clock.now()).toBeGreaterThanOrEqual(EXCLUSIVE_PATIENCE_MS);
    expect(clock.now()).toBeLessThan(EXCLUSIVE_PATIENCE_MS + 200);
    await other.end();
  });

  it('has some patience with an exclusive holder', async () => {
    const other = await otherProgram(1);
    const waiting = connect();
    while (pauses.length < 5) await nextTurn();
    await other.end();
    await using connection = await waiting;
    expect(connection.atr).toEqual(FAKE_ATR);
  });

  it('goes on after another program reset the card before the transaction began', async () => {
    fake.failNext('beginTransaction', 0x80100068);
    await using connection = await connect();
    expect(await connection.transmit(SELECT)).toHaveLength(2);
    expect(fake.callCount('reconnect')).toBe(1);
    expect(fake.dispositions).toEqual([]); // LEAVE: nobody else's state is lost
  });

  it('gives up on a card that is reset again and again', async () => {
    for (let count = 0; count < 20; count++) fake.failNext('beginTransaction', 0x80100068);
    await expect(connect()).rejects.toThrow(DeviceResetError);
  });

  it('waits again when the other program is quicker after a reset', async () => {
    fake.failNext('beginTransaction', 0x80100068);
    fake.failNext('reconnect', 0x8010000b);
    await using connection = await connect();
    expect(connection.atr).toEqual(FAKE_ATR);
    expect(pauses).toEqual([10]);
  });
});

describe('transmit', () => {
  it.each([0, 1, 2, 3, 65_545])('never hands %i bytes to the reader', async (length) => {
    await using connection = await connect();
    await expect(connection.transmit(new Uint8Array(length))).rejects.toThrow(DeviceProtocolError);
    expect(fake.callCount('transmit')).toBe(0);
    expect(await connection.transmit(SELECT)).toHaveLength(2);
  });

  it('carries the longest command and the longest response', async () => {
    const long = new Uint8Array(65_538).fill(7);
    let received = 0;
    fake.alter('A', {
      answer: (command) => {
        received = command.length;
        return long;
      },
    });
    await using connection = await connect();
    expect(await connection.transmit(new Uint8Array(65_544))).toEqual(long);
    expect(received).toBe(65_544);
  });

  it('gives each response as an array of its own', async () => {
    let count = 0;
    fake.alter('A', { answer: () => Uint8Array.of(++count, 0x90, 0x00) });
    await using connection = await connect();
    const [first, second] = await Promise.all([connection.transmit(SELECT), connection.transmit(SELECT)]);
    expect([first[0], second[0]]).toEqual([1, 2]);
  });

  it('sends what the caller handed over, even if the caller wipes it meanwhile', async () => {
    let received: Uint8Array = new Uint8Array();
    fake.alter('A', {
      answer: async (command) => {
        await nextTurn();
        received = command.slice();
        return Uint8Array.of(0x90, 0x00);
      },
    });
    await using connection = await connect();
    const command = SELECT.slice();
    const sent = connection.transmit(command);
    await Promise.resolve();
    await Promise.resolve();
    command.fill(0);
    await sent;
    expect(received).toEqual(SELECT);
  });

  it('does one exchange at a time', async () => {
    let underWay = 0;
    let most = 0;
    fake.alter('A', {
      answer: async () => {
        most = Math.max(most, ++underWay);
        await nextTurn();
        underWay -= 1;
        return Uint8Array.of(0x90, 0x00);
      },
    });
    await using connection = await connect();
    await Promise.all(Array.from({ length: 5 }, async () => connection.transmit(SELECT)));
    expect(most).toBe(1);
  });

  it.each([
    ['case 1 with P3', '00A40400', '00A4040000'],
    ['case 2 as it is', '00B0000010', '00B0000010'],
    ['case 3 as it is', '00A4040002AABB', '00A4040002AABB'],
    ['case 4 without Le', '00A4040002AABB00', '00A4040002AABB'],
  ])('sends %s in T=0', async (_, command, sent) => {
    const received: string[] = [];
    fake.alter('A', {
      protocol: 1,
      answer: (bytes) => {
        received.push(Buffer.from(bytes).toString('hex').toUpperCase());
        return Uint8Array.of(0x61, 0x10);
      },
    });
    await using connection = await connect();
    expect(await connection.transmit(Buffer.from(command, 'hex'))).toEqual(Uint8Array.of(0x61, 0x10));
    expect(received).toEqual([sent]);
  });

  it('sends all of case 4 in T=1', async () => {
    const received: number[] = [];
    fake.alter('A', {
      answer: (bytes) => {
        received.push(bytes.length);
        return Uint8Array.of(0x90, 0x00);
      },
    });
    await using connection = await connect();
    await connection.transmit(Buffer.from('00A4040002AABB00', 'hex'));
    expect(received).toEqual([8]);
  });

  it('refuses a response that is too short to be one', async () => {
    fake.alter('A', { answer: () => Uint8Array.of(0x90) });
    await using connection = await connect();
    await expect(connection.transmit(SELECT)).rejects.toThrow(DeviceProtocolError);
  });

  it('throws DeviceRemovedError after a removal, and never uses the handle for another card', async () => {
    await using connection = await connect();
    fake.remove('A');
    await expect(connection.transmit(SELECT)).rejects.toThrow(DeviceRemovedError);
    fake.insert('A');
    const before = fake.callCount('transmit');
    await expect(connection.transmit(SELECT)).rejects.toThrow(DeviceRemovedError);
    expect(fake.callCount('transmit')).toBe(before);
    expect(fake.callCount('reconnect')).toBe(0);
  });

  it('throws DeviceRemovedError for a card pulled in mid-command, which the service notices later', async () => {
    fake.alter('A', {
      answer: () => {
        setTimeout(() => fake.remove('A'), 20);
        return 0x80100016;
      },
    });
    await using connection = await connect();
    const error: unknown = await connection.transmit(SELECT).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeviceRemovedError);
    expect(error).toMatchObject({ driverCode: '80100069' });
  });

  it('keeps the error of an exchange that failed with the card still there', async () => {
    let fails = true;
    fake.alter('A', { answer: () => (fails ? 0x80100016 : Uint8Array.of(0x90, 0x00)) });
    await using connection = await connect();
    await expect(connection.transmit(SELECT)).rejects.toThrow(DeviceProtocolError);
    fails = false;
    expect(await connection.transmit(SELECT)).toHaveLength(2);
  });

  it('throws DeviceResetError for a reset inside the transaction, and again afterwards', async () => {
    await using connection = await connect();
    fake.reset('A');
    await expect(connection.transmit(SELECT)).rejects.toThrow(DeviceResetError);
    await expect(connection.transmit(SELECT)).rejects.toThrow(DeviceResetError);
    expect(fake.callCount('reconnect')).toBe(0);
  });

  it('throws ServiceUnavailableError when the service goes, and a new connection works once it is back', async () => {
    const connection = await connect();
    fake.stopService(0x8010001e);
    await expect(connection.transmit(SELECT)).rejects.toThrow(ServiceUnavailableError);
    await connection[Symbol.asyncDispose]();
    fake.startService();
    await using again = await connect();
    expect(again.atr).toEqual(FAKE_ATR);
  });
});

describe('closing a connection', () => {
  it('leaves the card as it is', async () => {
    await (await connect())[Symbol.asyncDispose]();
    expect(fake.dispositions).toEqual(['A 0']);
  });

  it('resets the card after a sensitive command, even a failed one', async () => {
    fake.alter('A', { answer: () => 0x80100066 });
    const connection = await connect();
    await expect(connection.transmit(SELECT, { sensitive: true })).rejects.toThrow(DeviceError);
    await connection[Symbol.asyncDispose]();
    expect(fake.dispositions).toEqual(['A 1']);
  });

  it('resets before it ends the transaction where ending comes first', async () => {
    const windows = createFakeWinScard('win32');
    windows.addReader('A');
    windows.insert('A');
    await using windowsSource = createPcscSource({ load: () => limitCalls(windows, calls), clock });
    const connection = await windowsSource.connect('A', { signal: NEVER });
    await connection.transmit(SELECT, { sensitive: true });
    await connection[Symbol.asyncDispose]();
    expect(windows.dispositions).toEqual(['A end 1', 'A 0']);
  });

  it('waits for the exchange under way, then refuses further ones', async () => {
    let answered = false;
    fake.alter('A', {
      answer: async () => {
        await nextTurn();
        answered = true;
        return Uint8Array.of(0x90, 0x00);
      },
    });
    const connection = await connect();
    const exchange = connection.transmit(SELECT);
    const closing = connection[Symbol.asyncDispose]();
    await expect(connection.transmit(SELECT)).rejects.toThrow(/closed/);
    await closing;
    expect(answered).toBe(true);
    expect(await exchange).toHaveLength(2);
  });

  it('happens once, however often it is asked for', async () => {
    const connection = await connect();
    await Promise.all([connection[Symbol.asyncDispose](), connection[Symbol.asyncDispose]()]);
    await connection[Symbol.asyncDispose]();
    expect(fake.callCount('disconnect')).toBe(1);
  });

  it.each([
    ['the card is gone', () => fake.remove('A')],
    ['the reader is gone', () => fake.removeReader('A')],
    ['the service is gone', () => fake.stopService(0x8010001d)],
  ])('is quiet when %s', async (_, happen) => {
    const connection = await connect();
    await connection.transmit(SELECT, { sensitive: true });
    happen();
    await connection[Symbol.asyncDispose]();
  });

  it('says so when a card that must be reset could not be, and releases the context', async () => {
    const connection = await connect();
    await connection.transmit(SELECT, { sensitive: true });
    fake.failNext('disconnect', 0x8010000e);
    await expect(connection[Symbol.asyncDispose]()).rejects.toThrow(/resetting the card in A: PC\/SC answered 8010000E/);
    expect(fake.openContexts).toBe(0);
  });

  it('releases the context when the handle could not be closed', async () => {
    const connection = await connect();
    fake.failNext('disconnect', 0x8010000b);
    await connection[Symbol.asyncDispose]();
    expect({ contexts: fake.openContexts, handles: fake.openHandles }).toEqual({ contexts: 0, handles: 0 });
  });
});
