/**
 * The PC/SC driver on a real pcscd with 16 virtual readers, over both ways to it. Other programs are always those of the library.
 * Needs private namespaces: see `test/support/pcscd.ts`.
 */
import { readFile, readdir, readlink } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CardConnection } from '../../apdu/card-connection.ts';
import { DeviceBusyError, DeviceRemovedError, NoCardError, ServiceUnavailableError } from '../../drivers/errors.ts';
import { limitCalls, processBlockingCalls } from '../../drivers/pcsc/blocking-calls.ts';
import { connectPcscd } from '../../drivers/pcsc/pcscd-winscard.ts';
import { createPcscSource, type PcscSource } from '../../drivers/pcsc/source.ts';
import { loadWinScard, type CardHandle, type WinScard } from '../../drivers/pcsc/winscard.ts';
import type { ReaderState } from '../../drivers/reader-source.ts';
import { startPcscd, type Pcscd, type VirtualReader } from '../support/pcscd.ts';
import { PLAIN_ATR, insertPlainCard, type PlainCard, type PlainCardOptions } from '../support/plain-vpcd-card.ts';

const READERS = 16;
const SELECT = Uint8Array.of(0x00, 0xa4, 0x04, 0x00);
const INS_SLOW = 0xee;
const SLOW = Uint8Array.of(0x00, INS_SLOW, 0x00, 0x00);
const SUCCESS = Uint8Array.of(0x90, 0x00);

let pcscd: Pcscd;
let winscard: WinScard;
let source: PcscSource;
let cards: PlainCard[];

beforeAll(async () => {
  pcscd = await startPcscd(READERS);
  winscard = loadWinScard();
});

afterAll(async () => {
  await pcscd[Symbol.asyncDispose]();
});

beforeEach(() => {
  cards = [];
});

afterEach(async () => {
  for (const card of cards) await card[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose]();
  await pcscd.untilEmpty();
  expect(processBlockingCalls()).toMatchObject({ underWay: 0, waiting: 0 });
  await expect.poll(clientsOfPcscd, { timeout: 5000 }).toBe(0);
});

/** Sockets that pcscd has open to its clients, one per context: all but the listening one and those of vpcd, which are TCP. */
async function clientsOfPcscd(): Promise<number> {
  const table = await readFile(`/proc/${pcscd.pid}/net/unix`, 'utf8');
  const connected = new Map(
    table
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[7] === '/run/pcscd/pcscd.comm' && columns[5] === '03')
      .map((columns) => [`socket:[${columns[6] ?? ''}]`, true]),
  );
  const names = await readdir(`/proc/${pcscd.pid}/fd`);
  const links = await Promise.all(names.map(async (name) => readlink(`/proc/${pcscd.pid}/fd/${name}`).catch(() => '')));
  return links.filter((link) => connected.has(link)).length;
}

function reader(index: number): VirtualReader {
  const found = pcscd.readers[index];
  if (!found) throw new Error(`no reader ${index}`);
  return found;
}

async function insert(index: number, options: PlainCardOptions = {}): Promise<PlainCard> {
  const card = await insertPlainCard(reader(index).port, options);
  cards.push(card);
  return card;
}

/** Connects as soon as pcscd has seen the card. */
async function connect(index: number, timeoutMs = 5000): Promise<CardConnection> {
  const signal = AbortSignal.timeout(timeoutMs);
  for (;;) {
    try {
      return await source.connect(reader(index).name, { signal });
    } catch (error) {
      if (!(error instanceof NoCardError)) throw error;
      await pause(20, undefined, { signal });
    }
  }
}

async function stateWhere(states: AsyncIterator<ReaderState, unknown>, wanted: Partial<ReaderState>): Promise<ReaderState> {
  for (;;) {
    const next = await states.next();
    if (next.done === true) throw new Error('the watch ended');
    const { value } = next;
    if (Object.entries(wanted).every(([key, expected]) => value[key as keyof ReaderState] === expected)) return value;
  }
}

interface OtherProgram extends AsyncDisposable {
  readonly card: CardHandle;
}

/** Another program's handle, on a context of its own. */
async function otherProgram(index: number, shareMode: 1 | 2 = 2): Promise<OtherProgram> {
  const { context } = await winscard.establishContext();
  const { result, card } = await winscard.connect(context, reader(index).name, { shareMode, protocols: 3 });
  expect(result).toBe(0);
  return {
    card,
    async [Symbol.asyncDispose]() {
      await winscard.releaseContext(context);
    },
  };
}

const WAYS = [
  { way: 'socket', load: () => connectPcscd() },
  { way: 'library', load: () => limitCalls(loadWinScard(), processBlockingCalls()) },
] as const;

describe('over the socket alone', () => {
  it('a card that never answers keeps nothing waiting once the source is disposed of', async () => {
    source = createPcscSource({ load: () => connectPcscd() });
    await insert(4, { answer: async () => new Promise<never>(() => undefined) });
    const connection = await connect(4);
    const hung = expect(connection.transmit(SELECT)).rejects.toThrow(ServiceUnavailableError);
    const startMs = performance.now();
    await source[Symbol.asyncDispose]();
    await hung;
    await connection[Symbol.asyncDispose]();
    expect(performance.now() - startMs).toBeLessThan(50);
  });
});

describe.each(WAYS)('over the $way', ({ load }) => {
  beforeEach(() => {
    source = createPcscSource({ load });
  });

  describe('watch', () => {
    it('sees a card come, be swapped and go', async () => {
      const abort = new AbortController();
      const states = source.watch({ signal: abort.signal })[Symbol.asyncIterator]();
      const { name } = reader(0);
      await stateWhere(states, { name, status: 'empty' });
      const first = await insert(0);
      const inserted = await stateWhere(states, { name, status: 'present' });
      expect(inserted.atr).toEqual(PLAIN_ATR);
      first.pull();
      await stateWhere(states, { name, status: 'empty' });
      const second = await insert(0);
      const again = await stateWhere(states, { name, status: 'present' });
      expect(again.insertion).toBeGreaterThan(inserted.insertion ?? Infinity);
      // Before pcscd has powered an unused card down, vpcd takes the next one for the same, and nobody can tell.
      await expect.poll(() => second.controls).toContain('off');
      second.pull();
      await insert(0);
      expect((await stateWhere(states, { name, status: 'present' })).insertion).toBeGreaterThan(again.insertion ?? Infinity);
      abort.abort();
      expect(await states.next()).toMatchObject({ done: true });
    });

    it('stops within 50 ms of its signal', async () => {
      const abort = new AbortController();
      const states = source.watch({ signal: abort.signal })[Symbol.asyncIterator]();
      for (let count = 0; count < READERS; count++) await states.next();
      const end = states.next();
      await pause(50);
      const startMs = performance.now();
      abort.abort();
      expect(await end).toMatchObject({ done: true });
      expect(performance.now() - startMs).toBeLessThan(50);
    });

    it.each(['stop', 'kill'] as const)('throws when pcscd goes (%s), and watches again within 2 s of its return', async (way) => {
      const signal = new AbortController().signal;
      const states = source.watch({ signal })[Symbol.asyncIterator]();
      for (let count = 0; count < READERS; count++) await states.next();
      const gone = expect(states.next()).rejects.toThrow(ServiceUnavailableError);
      await pcscd[way]();
      await gone;
      await expect(source.connect(reader(0).name, { signal })).rejects.toThrow(ServiceUnavailableError);
      await pcscd.start();
      const backMs = performance.now();
      const again = source.watch({ signal })[Symbol.asyncIterator]();
      await insert(0);
      await stateWhere(again, { name: reader(0).name, status: 'present' });
      expect(performance.now() - backMs).toBeLessThan(2000);
      await again.return?.();
    });
  });

  describe('connect and transmit', () => {
    it('carries commands, and leaves or resets the card', async () => {
      const card = await insert(1, { answer: () => Uint8Array.of(0x01, 0x02, 0x90, 0x00) });
      {
        await using connection = await connect(1);
        expect(connection.atr).toEqual(PLAIN_ATR);
        expect(connection.supportsExtendedLength).toBe(true);
        expect(connection).not.toHaveProperty('keypad');
        expect(await connection.transmit(SELECT)).toEqual(Uint8Array.of(0x01, 0x02, 0x90, 0x00));
      }
      expect(card.controls).not.toContain('reset');
      {
        await using connection = await connect(1);
        await connection.transmit(SELECT, { sensitive: true });
      }
      expect(card.controls.filter((control) => control === 'reset')).toHaveLength(1);
    });

    it('carries the longest command and response that vpcd can', async () => {
      const command = Uint8Array.from({ length: 65_535 }, (_, index) => index * 7);
      const card = await insert(1, { answer: (received) => Uint8Array.from(received).reverse() });
      await using connection = await connect(1);
      expect(await connection.transmit(command)).toEqual(command.toReversed());
      expect(card.commands).toHaveLength(1);
    });

    it('throws NoCardError for an empty reader and DeviceRemovedError for one that is not there', async () => {
      const { signal } = new AbortController();
      await expect(source.connect(reader(2).name, { signal })).rejects.toThrow(NoCardError);
      await expect(source.connect('No such reader 00 00', { signal })).rejects.toThrow(DeviceRemovedError);
    });

    it('throws DeviceRemovedError when the card is pulled in mid-command, and works with the next card', async () => {
      const card = await insert(1, {
        answer: () => {
          card.pull();
          return SUCCESS;
        },
      });
      const connection = await connect(1);
      await expect(connection.transmit(SELECT)).rejects.toThrow(DeviceRemovedError);
      await insert(1);
      await expect(connection.transmit(SELECT)).rejects.toThrow(DeviceRemovedError);
      await connection[Symbol.asyncDispose]();
      await using next = await connect(1);
      expect(await next.transmit(SELECT)).toEqual(SUCCESS);
    });

    it('throws ServiceUnavailableError when pcscd is killed in a transaction', async () => {
      await insert(1);
      const connection = await connect(1);
      await pcscd.kill();
      await expect(connection.transmit(SELECT)).rejects.toThrow(ServiceUnavailableError);
      await connection[Symbol.asyncDispose]();
      await pcscd.start();
      await insert(1);
      await using again = await connect(1);
      expect(await again.transmit(SELECT)).toEqual(SUCCESS);
    });
  });

  describe('another program', () => {
    it('in its transaction is waited for', async () => {
      await insert(3);
      await (await connect(3))[Symbol.asyncDispose]();
      await using other = await otherProgram(3);
      expect(await winscard.beginTransaction(other.card)).toBe(0);
      let isOpen = false;
      const waiting = connect(3).then((connection) => {
        isOpen = true;
        return connection;
      });
      await pause(300);
      expect(isOpen).toBe(false);
      const endMs = performance.now();
      expect(await winscard.endTransaction(other.card, 0)).toBe(0);
      await using connection = await waiting;
      expect(performance.now() - endMs).toBeLessThan(200);
      expect(await connection.transmit(SELECT)).toEqual(SUCCESS);
    });

    it('is waited for only until the signal fires, and takes one thread however often we try', async () => {
      await insert(3);
      await (await connect(3))[Symbol.asyncDispose]();
      await using other = await otherProgram(3);
      expect(await winscard.beginTransaction(other.card)).toBe(0);
      for (let count = 0; count < 4; count++) {
        const abort = new AbortController();
        const waiting = source.connect(reader(3).name, { signal: abort.signal });
        setTimeout(() => abort.abort(new Error('the person left')), 50);
        const startMs = performance.now();
        await expect(waiting).rejects.toThrow('the person left');
        expect(performance.now() - startMs).toBeLessThan(100);
      }
      expect(processBlockingCalls().underWay).toBeLessThanOrEqual(1);
      expect(await winscard.endTransaction(other.card, 0)).toBe(0);
      await using connection = await connect(3);
      expect(await connection.transmit(SELECT)).toEqual(SUCCESS);
    });

    it('that comes in between our connect and our transaction keeps no handle of ours open when we leave', async () => {
      await insert(3);
      await (await connect(3))[Symbol.asyncDispose]();
      const { context } = await winscard.establishContext();
      {
        await using other = await otherProgram(3);
        const abort = new AbortController();
        const ours = load();
        const racing = createPcscSource({
          load: () => ({
            ...ours,
            connect: async (...call) => {
              const connected = await ours.connect(...call);
              await winscard.beginTransaction(other.card);
              return connected;
            },
          }),
        });
        const waiting = racing.connect(reader(3).name, { signal: abort.signal });
        setTimeout(() => abort.abort(new Error('the person left')), 100);
        await expect(waiting).rejects.toThrow('the person left');
        await racing[Symbol.asyncDispose]();
        await expect.poll(() => processBlockingCalls().underWay).toBe(0);
      }
      // Exclusive use is refused while any handle is open.
      const exclusive = await winscard.connect(context, reader(3).name, { shareMode: 1, protocols: 3 });
      expect(exclusive.result).toBe(0);
      await winscard.releaseContext(context);
    });

    it('that holds the card exclusively is named as the reason', async () => {
      await insert(3);
      await (await connect(3))[Symbol.asyncDispose]();
      const other = await otherProgram(3, 1);
      await expect(connect(3)).rejects.toThrow(DeviceBusyError);
      await other[Symbol.asyncDispose]();
    });

    it('that reset the card does not keep us out', async () => {
      await insert(3);
      await (await connect(3))[Symbol.asyncDispose]();
      await using other = await otherProgram(3);
      expect(await winscard.beginTransaction(other.card)).toBe(0);
      const waiting = connect(3);
      await pause(50);
      expect(await winscard.endTransaction(other.card, 1)).toBe(0);
      await using connection = await waiting;
      expect(await connection.transmit(SELECT)).toEqual(SUCCESS);
    });

    it('that took the power does not keep us out', async () => {
      await insert(3);
      await (await connect(3))[Symbol.asyncDispose]();
      const bystander = await otherProgram(3);
      const other = await otherProgram(3);
      expect(await winscard.disconnect(other.card, 2)).toBe(0);
      await other[Symbol.asyncDispose]();
      const connection = await connect(3);
      expect(await connection.transmit(SELECT)).toEqual(SUCCESS);
      await connection[Symbol.asyncDispose]();
      await bystander[Symbol.asyncDispose]();
    });

    it('is not shut out while we hold no connection', async () => {
      await insert(3);
      const connection = await connect(3);
      await connection.transmit(SELECT);
      await connection[Symbol.asyncDispose]();
      await (await otherProgram(3, 1))[Symbol.asyncDispose]();
    });
  });

  describe('slow cards', () => {
    const SLOW_MS = 1500;
    const answer = async (command: Uint8Array): Promise<Uint8Array> => {
      if (command[1] === INS_SLOW) await pause(SLOW_MS);
      return SUCCESS;
    };

    it('in all 16 readers at once hold up neither each other nor the process', async () => {
      await Promise.all(pcscd.readers.map(async (_, index) => insert(index, { answer })));
      const connections = await Promise.all(pcscd.readers.map(async (_, index) => connect(index)));
      const startMs = performance.now();
      const exchanges = Promise.all(connections.map(async (connection) => connection.transmit(SLOW)));
      await pause(100);
      const delay = monitorEventLoopDelay({ resolution: 5 });
      delay.enable();
      const quickMs: number[] = [];
      while (performance.now() - startMs < SLOW_MS - 200) {
        const quickStart = performance.now();
        await readFile(import.meta.filename);
        const { context } = await winscard.establishContext();
        await winscard.listReaders(context);
        await winscard.releaseContext(context);
        quickMs.push(performance.now() - quickStart);
        await pause(10);
      }
      delay.disable();
      expect(await exchanges).toEqual(Array.from({ length: READERS }, () => SUCCESS));
      expect(performance.now() - startMs).toBeLessThan(SLOW_MS + 500);
      expect(delay.percentile(99) / 1e6).toBeLessThan(50);
      expect(quickMs.toSorted((one, other) => one - other)[Math.floor(quickMs.length * 0.9)]).toBeLessThan(50);
      for (const connection of connections) await connection[Symbol.asyncDispose]();
    });

    it('in 15 readers leave the 16th as fast as it is', async () => {
      await Promise.all(pcscd.readers.map(async (_, index) => insert(index, { answer })));
      const connections = await Promise.all(pcscd.readers.map(async (_, index) => connect(index)));
      const [fast, ...slow] = connections;
      if (!fast) throw new Error('no connection');
      await fast.transmit(SELECT);
      const exchanges = Promise.all(slow.map(async (connection) => connection.transmit(SLOW)));
      const startMs = performance.now();
      for (let count = 0; count < 200; count++) await fast.transmit(SELECT);
      expect((performance.now() - startMs) / 200).toBeLessThan(5);
      await exchanges;
      for (const connection of connections) await connection[Symbol.asyncDispose]();
    });
  });
});
