/** The client of pcscd against a pcscd in memory, behind a real Unix socket. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceUnavailableError } from '../errors.ts';
import { encodeTable, startFakePcscd, words, type FakePcscd } from './fake-pcscd.ts';
import { connectPcscd, type PcscdWinScard } from './pcscd-winscard.ts';
import { createPcscSource } from './source.ts';
import type { CardHandle, ContextHandle } from './winscard.ts';

const ESTABLISH = 0x01;
const CONNECT = 0x04;
const TRANSMIT = 0x09;
const CONTROL = 0x0a;
const VERSION = 0x11;
const READERS = 0x12;
const WAIT = 0x13;
const STOP = 0x14;

const NO_SERVICE = 0x8010001d;
const COMM_ERROR = 0x80100013;
const SECURITY_VIOLATION = 0x8010006a;
const INVALID_HANDLE = 0x80100003;

const SELECT = Uint8Array.of(0x00, 0xa4, 0x04, 0x00);
const PNP = '\\\\?PnP?\\Notification';
const SHARED = { shareMode: 2, protocols: 3 };
const EMPTY = { name: 'A', state: 0x02 };
const PRESENT = { name: 'A', state: 0x34, eventCounter: 1, atr: Uint8Array.of(0x3b, 0x00) };

let pcscd: FakePcscd;
let winscard: PcscdWinScard;

beforeEach(async () => {
  pcscd = await startFakePcscd();
  winscard = connectPcscd(pcscd.environment);
});

afterEach(async () => {
  winscard.close();
  await expect.poll(() => pcscd.connections).toBe(0);
  await pcscd[Symbol.asyncDispose]();
});

async function establish(): Promise<ContextHandle> {
  const { result, context } = await winscard.establishContext();
  expect(result).toBe(0);
  return context;
}

async function openCard(): Promise<CardHandle> {
  const { result, card } = await winscard.connect(await establish(), 'A', SHARED);
  expect(result).toBe(0);
  return card;
}

/** Turns of the event loop, so that bytes sent apart arrive apart. */
async function sendInPieces(bytes: Buffer, write: (piece: Buffer) => void): Promise<void> {
  for (let start = 0; start < bytes.length; start += 5) {
    write(bytes.subarray(start, start + 5));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a context', () => {
  it('is a connection of its own, which its release ends', async () => {
    const context = await establish();
    await establish();
    expect(pcscd.connections).toBe(2);
    expect(await winscard.isValidContext(context)).toBe(0);
    expect(await winscard.releaseContext(context)).toBe(0);
    await expect.poll(() => pcscd.connections).toBe(1);
    expect(await winscard.isValidContext(context)).toBe(INVALID_HANDLE);
    expect(await winscard.releaseContext(context)).toBe(INVALID_HANDLE);
  });

  it('agrees on 4:5 with a service that wants it', async () => {
    await using newer = await startFakePcscd((minor) => minor === 5);
    const client = connectPcscd(newer.environment);
    expect((await client.establishContext()).result).toBe(0);
    expect(newer.minorVersions).toEqual([4, 5]);
    client.close();
  });

  it('says that the version is refused when none suits', async () => {
    await using other = await startFakePcscd(() => false);
    const client = connectPcscd(other.environment);
    expect((await client.establishContext()).result).toBe(0x8010001e);
    await expect.poll(() => other.connections).toBe(0);
  });

  it('is not made where nobody listens, nor after the end', async () => {
    const nobody = connectPcscd({ PCSCLITE_CSOCK_NAME: `${pcscd.environment['PCSCLITE_CSOCK_NAME'] ?? ''}.not` });
    expect(await nobody.establishContext()).toEqual({ result: NO_SERVICE, context: 0n });
    winscard.close();
    expect((await winscard.establishContext()).result).toBe(NO_SERVICE);
  });

  it.each([
    ['CMD_VERSION', VERSION],
    ['SCARD_ESTABLISH_CONTEXT', ESTABLISH],
  ])('is not made when the service hangs up instead of answering %s', async (_name, command) => {
    pcscd.answer(command, ({ socket }) => void socket.end());
    expect((await winscard.establishContext()).result).toBe(SECURITY_VIOLATION);
  });

  it('is made by many at once', async () => {
    const contexts = await Promise.all(Array.from({ length: 40 }, establish));
    expect(new Set(contexts).size).toBe(40);
  });
});

describe('transmit', () => {
  it('carries a command and gives a response of the caller’s own', async () => {
    const card = await openCard();
    const { result, response } = await winscard.transmit(card, 2, SELECT);
    expect(result).toBe(0);
    const before = response.slice();
    await winscard.transmit(card, 2, Uint8Array.of(1, 2, 3, 4));
    expect(response).toEqual(before);
    expect(response).toEqual(Uint8Array.of(...SELECT, 0x90, 0x00));
  });

  it('puts an answer together that comes in pieces', async () => {
    const response = Buffer.alloc(300, 7);
    pcscd.answer(TRANSMIT, ({ socket }) => {
      const answer = Buffer.concat([words(0x55, 2, 16, 4, 3, 16, response.length, 0), response]);
      void sendInPieces(answer, (piece) => socket.write(piece));
      return undefined;
    });
    const card = await openCard();
    expect((await winscard.transmit(card, 2, SELECT)).response).toEqual(new Uint8Array(response));
  });

  it('carries the longest command and response', async () => {
    const command = Uint8Array.from({ length: 65_544 }, (_, index) => index);
    pcscd.answer(TRANSMIT, ({ body }) => {
      const data = body.subarray(32);
      return Buffer.concat([words(0x55, 2, 16, 4, 3, 16, data.length, 0), data]);
    });
    const card = await openCard();
    expect((await winscard.transmit(card, 2, command)).response).toEqual(command);
    expect((await winscard.transmit(card, 2, SELECT)).response).toEqual(SELECT);
    expect((await winscard.transmit(card, 2, new Uint8Array(65_549))).result).toBe(0x80100008);
  });

  it('keeps the order of exchanges made at once', async () => {
    const card = await openCard();
    const commands = [1, 2, 3].map((byte) => Uint8Array.of(byte, byte, byte, byte));
    const answers = await Promise.all(commands.map(async (command) => winscard.transmit(card, 2, command)));
    expect(answers.map(({ response }) => response[0])).toEqual([1, 2, 3]);
  });

  it('takes no response longer than there can be', async () => {
    pcscd.answer(TRANSMIT, () => words(0x55, 2, 16, 4, 3, 16, 0xffffffff, 0));
    const card = await openCard();
    expect((await winscard.transmit(card, 2, SELECT)).result).toBe(COMM_ERROR);
    expect((await winscard.transmit(card, 2, SELECT)).result).toBe(COMM_ERROR);
  });

  it('breaks off with bytes that nothing was asked for', async () => {
    pcscd.answer(TRANSMIT, () => Buffer.alloc(100));
    const card = await openCard();
    await winscard.transmit(card, 2, SELECT);
    expect((await winscard.transmit(card, 2, SELECT)).result).toBe(COMM_ERROR);
  });

  it.each([0, 1, 31, 32, 33])('says that the service is gone when it hangs up after %i bytes of an answer', async (sent) => {
    const answer = Buffer.concat([words(0x55, 2, 16, 4, 3, 16, 2, 0), Buffer.of(0x90, 0x00)]);
    pcscd.answer(TRANSMIT, ({ socket }) => void socket.end(answer.subarray(0, sent)));
    const card = await openCard();
    expect((await winscard.transmit(card, 2, SELECT)).result).toBe(SECURITY_VIOLATION);
    expect((await winscard.transmit(card, 2, SELECT)).result).toBe(SECURITY_VIOLATION);
  });
});

describe('handles', () => {
  it('that are not open reach nobody', async () => {
    const context = await establish();
    const { card } = await winscard.connect(context, 'A', SHARED);
    expect(await winscard.disconnect(card, 0)).toBe(0);
    const sent = pcscd.commands.length;
    expect(await winscard.disconnect(card, 0)).toBe(INVALID_HANDLE);
    expect((await winscard.transmit(card, 2, SELECT)).result).toBe(INVALID_HANDLE);
    expect((await winscard.control(card, 1, SELECT)).result).toBe(INVALID_HANDLE);
    expect((await winscard.status(card)).result).toBe(INVALID_HANDLE);
    expect((await winscard.getAttrib(card, 1)).result).toBe(INVALID_HANDLE);
    expect((await winscard.reconnect(card, { ...SHARED, initialization: 0 })).result).toBe(INVALID_HANDLE);
    expect(await winscard.beginTransaction(card)).toBe(INVALID_HANDLE);
    expect(await winscard.endTransaction(card, 0)).toBe(INVALID_HANDLE);
    expect(pcscd.commands).toHaveLength(sent);
  });

  it('go with their context', async () => {
    const context = await establish();
    const { card } = await winscard.connect(context, 'A', SHARED);
    await winscard.releaseContext(context);
    expect((await winscard.transmit(card, 2, SELECT)).result).toBe(INVALID_HANDLE);
    expect((await winscard.connect(context, 'A', SHARED)).result).toBe(INVALID_HANDLE);
    expect((await winscard.listReaders(context)).result).toBe(INVALID_HANDLE);
    expect((await winscard.getStatusChange(context, 0, [])).result).toBe(INVALID_HANDLE);
    expect(await winscard.cancel(context)).toBe(INVALID_HANDLE);
  });

  it('say at once that another program uses the card', async () => {
    pcscd.answer(CONNECT, ({ body }) => {
      body.writeUInt32LE(0x8010000b, 148);
      return body;
    });
    expect((await winscard.connect(await establish(), 'A', SHARED)).result).toBe(0x8010000b);
    expect(pcscd.commands.filter((command) => command === CONNECT)).toHaveLength(1);
  });

  it('carry controls', async () => {
    pcscd.answer(CONTROL, ({ body }) => Buffer.concat([words(0x55, 1, 2, 65_548, 2, 0), body.subarray(24)]));
    expect(await winscard.control(await openCard(), 0x42000d48, Uint8Array.of(1, 2))).toEqual({
      result: 0,
      output: Uint8Array.of(1, 2),
    });
  });
});

describe('getStatusChange', () => {
  const aware = (currentState: number, name = 'A') => [{ name, currentState }];

  it('tells what a caller does not know at once, with ATR and count', async () => {
    pcscd.setReaders([PRESENT]);
    expect(await winscard.getStatusChange(await establish(), 5000, aware(0))).toEqual({
      result: 0,
      events: [{ name: 'A', eventState: 0x10022, atr: PRESENT.atr }],
    });
  });

  it('waits for a card', async () => {
    pcscd.setReaders([EMPTY]);
    const change = winscard.getStatusChange(await establish(), 5000, aware(0x10));
    await expect.poll(() => pcscd.commands).toContain(WAIT);
    pcscd.setReaders([PRESENT]);
    expect(await change).toMatchObject({ result: 0, events: [{ eventState: 0x10022 }] });
  });

  it('sees a swap by the count alone', async () => {
    pcscd.setReaders([{ ...PRESENT, eventCounter: 3 }]);
    expect(await winscard.getStatusChange(await establish(), 0, aware(0x10020))).toMatchObject({
      result: 0,
      events: [{ eventState: 0x30022 }],
    });
  });

  it.each([
    ['a use', { ...PRESENT, sharing: 1 }, 0x10020, 0x10120, false],
    ['the end of a use', PRESENT, 0x10120, 0x10022, true],
    ['exclusive use', { ...PRESENT, sharing: -1 }, 0x10120, 0x100a2, true],
    ['the end of exclusive use', PRESENT, 0x100a0, 0x10022, true],
    ['a card that fell silent', { ...PRESENT, state: 0x0c, atr: new Uint8Array() }, 0x10020, 0x10222, true],
    ['a reader that is in trouble', { ...PRESENT, state: 0x01 }, 0x10020, 0x0a, true],
  ] as const)('tells %s', async (_what, reader, currentState, eventState, isNews) => {
    pcscd.setReaders([reader]);
    const { result, events } = await winscard.getStatusChange(await establish(), 0, aware(currentState));
    expect({ result, eventState: events[0]?.eventState }).toEqual({ result: isNews ? 0 : 0x8010000a, eventState });
  });

  it('ends in time, and the connection is of further use', async () => {
    pcscd.setReaders([EMPTY]);
    const context = await establish();
    expect((await winscard.getStatusChange(context, 30, aware(0x10))).result).toBe(0x8010000a);
    expect(pcscd.commands.slice(-2)).toEqual([WAIT, STOP]);
    expect((await winscard.listReaders(context)).names).toEqual(['A']);
  });

  it('is right when the event and the end of the wait cross', async () => {
    pcscd.setReaders([EMPTY]);
    const context = await establish();
    // The event is on its way when the client asks for no more, and pcscd then has nothing to answer.
    pcscd.answer(STOP, () => words(0, 0));
    pcscd.answer(WAIT, ({ socket }) => {
      socket.write(encodeTable([EMPTY]));
      return undefined;
    });
    expect((await winscard.getStatusChange(context, 20, aware(0x10))).result).toBe(0x8010000a);
    expect((await winscard.listReaders(context)).names).toEqual(['A']);
  });

  it('ends when it is cancelled, and calls that waited for it go on', async () => {
    pcscd.setReaders([EMPTY]);
    const context = await establish();
    const change = winscard.getStatusChange(context, 5000, aware(0x10));
    const listing = winscard.listReaders(context);
    await expect.poll(() => pcscd.commands).toContain(WAIT);
    expect(pcscd.commands).not.toContain(READERS);
    expect(await winscard.cancel(context)).toBe(0);
    expect((await change).result).toBe(0x80100002);
    expect((await listing).names).toEqual(['A']);
    expect(await winscard.cancel(context)).toBe(0);
  });

  it('says that a reader is unknown', async () => {
    pcscd.setReaders([EMPTY]);
    const context = await establish();
    expect((await winscard.getStatusChange(context, 5000, aware(0, 'B'))).result).toBe(0x80100009);
    expect((await winscard.listReaders(context)).result).toBe(0);
  });

  it('tells of readers that came, also between two calls, and takes more than 16 queries', async () => {
    pcscd.setReaders([EMPTY]);
    const context = await establish();
    await winscard.listReaders(context);
    const queries = [...Array.from({ length: 16 }, () => ({ name: 'A', currentState: 0x10 })), { name: PNP, currentState: 0 }];
    const change = winscard.getStatusChange(context, 5000, queries);
    await expect.poll(() => pcscd.commands).toContain(WAIT);
    pcscd.setReaders([EMPTY, { name: 'B', state: 2 }]);
    expect((await change).events.at(-1)).toMatchObject({ name: PNP, eventState: 2 });
    expect((await winscard.getStatusChange(context, 5000, queries)).result).toBe(0);
    await winscard.listReaders(context);
    expect((await winscard.getStatusChange(context, 0, queries)).result).toBe(0x8010000a);
  });

  it('ends when the service goes', async () => {
    pcscd.setReaders([EMPTY]);
    const context = await establish();
    const change = winscard.getStatusChange(context, 5000, aware(0x10));
    await expect.poll(() => pcscd.commands).toContain(WAIT);
    pcscd.hangUp();
    expect([NO_SERVICE, SECURITY_VIOLATION]).toContain((await change).result);
  });
});

describe('the source over it', () => {
  it('ends everything when it is disposed of, although a card never answers', async () => {
    pcscd.setReaders([PRESENT]);
    pcscd.answer(TRANSMIT, () => undefined);
    const source = createPcscSource({ load: () => winscard });
    const signal = new AbortController().signal;
    const states = source.watch({ signal })[Symbol.asyncIterator]();
    await states.next();
    const connection = await source.connect('A', { signal });
    const hung = expect(connection.transmit(SELECT)).rejects.toThrow(ServiceUnavailableError);
    const watching = expect(states.next()).rejects.toThrow(ServiceUnavailableError);
    await source[Symbol.asyncDispose]();
    await hung;
    await watching;
    await expect.poll(() => pcscd.connections).toBe(0);
    await connection[Symbol.asyncDispose]();
    await expect(source.connect('A', { signal })).rejects.toThrow(ServiceUnavailableError);
  });
});
