import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from './bytes.ts';
import { openChannel } from './card-channel.ts';
import type { CardConnection } from './card-connection.ts';
import { CardDataError } from './errors.ts';
import type { CommandApdu } from './iso7816/command-apdu.ts';

const EXTENDED_ATR = '3BFD1300008131FE158073C021C057597562694B657940';
const SHORT_ATR = '3B7F96000080318065B0850300EF120FFF829000';
const GET_DATA: CommandApdu = { cla: 0x00, ins: 0xcb, p1: 0x3f, p2: 0xff, data: parseHex('5C035FC102'), ne: 65_536 };

interface FakeOptions {
  readonly atr?: string;
  readonly supportsExtendedLength?: boolean;
}

function fakeConnection(answers: readonly string[], options: FakeOptions = {}): CardConnection & { readonly sent: string[] } {
  const sent: string[] = [];
  return {
    sent,
    atr: parseHex(options.atr ?? EXTENDED_ATR),
    supportsExtendedLength: options.supportsExtendedLength ?? true,
    transmit: (command) => {
      sent.push(formatHex(command));
      const answer = answers[sent.length - 1];
      return answer === undefined ? Promise.reject(new Error('asked too often')) : Promise.resolve(parseHex(answer));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

describe('openChannel', () => {
  it.each([
    ['both carry it', EXTENDED_ATR, true, true],
    ['the reader does not', EXTENDED_ATR, false, false],
    ['the card does not', SHORT_ATR, true, false],
    ['the ATR does not parse', '3A', true, false],
  ])('supports extended length as far as the two do: %s', (_, atr, supportsExtendedLength, expected) => {
    const channel = openChannel(fakeConnection([], { atr, supportsExtendedLength }));
    expect(channel.supportsExtendedLength).toBe(expected);
    expect(channel.atr === undefined).toBe(atr === '3A');
  });

  it('gets a long answer in one exchange where extended length is carried', async () => {
    const connection = fakeConnection(['530101 9000']);
    await openChannel(connection).exchange(GET_DATA);
    expect(connection.sent).toEqual(['00CB3FFF0000055C035FC1020000']);
  });

  it('falls back to a short command, 61XX and 6CXX included, when the card answers 6700 after all', async () => {
    const connection = fakeConnection(['6700', '6C02', '5301 6101', 'AA 9000']);
    expect((await openChannel(connection).exchange(GET_DATA)).data).toEqual(parseHex('5301AA'));
    expect(connection.sent.slice(1)).toEqual(['00CB3FFF055C035FC10200', '00CB3FFF055C035FC10202', '00C0000001']);
  });

  it('reads on with GET RESPONSE after an extended command', async () => {
    const connection = fakeConnection(['5302 6102', 'AABB 9000']);
    expect((await openChannel(connection).exchange(GET_DATA)).data).toEqual(parseHex('5302AABB'));
  });

  it('chains where extended length is not carried, and the last link gets GET RESPONSE', async () => {
    const connection = fakeConnection(['9000', '6101', 'AA 9000'], { atr: SHORT_ATR });
    await openChannel(connection).exchange({ ...GET_DATA, data: new Uint8Array(256) });
    expect(connection.sent.map((command) => command.slice(0, 10))).toEqual(['10CB3FFFFF', '00CB3FFF01', '00C0000001']);
  });

  it.each([
    ['no bytes', ['']],
    ['one byte', ['90']],
    ['more announced than given', ['6110', '6110']],
  ])('makes a CardDataError with the instruction of %s', async (_, answers) => {
    const outcome = openChannel(fakeConnection(answers)).exchange(GET_DATA);
    await expect(outcome).rejects.toThrow(CardDataError);
    await expect(outcome).rejects.toMatchObject({ instruction: 0xcb });
  });

  it('gives errors of the connection on as they are', async () => {
    const gone = new Error('gone');
    const connection = { ...fakeConnection([]), transmit: () => Promise.reject(gone) };
    await expect(openChannel(connection).exchange(GET_DATA)).rejects.toBe(gone);
  });

  it('counts each exchange with the reader', async () => {
    let count = 0;
    await openChannel(fakeConnection(['5301 6101', 'AA 9000']), { onExchange: () => count++ }).exchange(GET_DATA);
    expect(count).toBe(2);
  });

  it('sends nothing once the signal fired, between two exchanges too', async () => {
    const controller = new AbortController();
    const reason = new Error('given up');
    const connection = fakeConnection(['01 6101', '02 6101', '03 9000']);
    const channel = openChannel(connection, {
      signal: controller.signal,
      onExchange: () => {
        if (connection.sent.length === 1) controller.abort(reason);
      },
    });
    await expect(channel.exchange(GET_DATA)).rejects.toBe(reason);
    expect(connection.sent).toHaveLength(2);
    await expect(channel.exchange(GET_DATA)).rejects.toBe(reason);
    expect(connection.sent).toHaveLength(2);
    expect(() => channel.throwIfAborted()).toThrow(reason);
  });

  it('passes the keypad on, and has none where the reader has none', () => {
    const keypad = { verifyPin: () => Promise.resolve(parseHex('9000')) };
    expect(openChannel({ ...fakeConnection([]), keypad }).keypad).toBe(keypad);
    expect(openChannel(fakeConnection([])).keypad).toBeUndefined();
  });
});
