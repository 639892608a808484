import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../bytes.ts';
import type { CommandApdu } from './command-apdu.ts';
import { rawExchange, withCommandChaining, withExactLe, withExtendedLength, withGetResponse, type Exchange } from './exchange.ts';
import { ResponseApduError } from './response-apdu.ts';

const GET_DATA: CommandApdu = { cla: 0x00, ins: 0xcb, p1: 0x3f, p2: 0xff, data: parseHex('5C035FC102'), ne: 256 };
const LIMIT = 4096;

/** A card that gives its answers in turn, and notes what it was asked. */
function scripted(...answers: readonly string[]): { readonly exchange: Exchange; readonly asked: string[] } {
  const asked: string[] = [];
  const exchange = rawExchange((command) => {
    asked.push(formatHex(command));
    const answer = answers[asked.length - 1];
    return answer === undefined ? Promise.reject(new Error('asked too often')) : Promise.resolve(parseHex(answer));
  });
  return { exchange, asked };
}

describe('rawExchange', () => {
  it('sends the command encoded, says whether it is sensitive, and parses the answer', async () => {
    const seen: [string, boolean][] = [];
    const exchange = rawExchange((command, { sensitive }) => {
      seen.push([formatHex(command), sensitive]);
      return Promise.resolve(parseHex('AABB 9000'));
    });
    expect(await exchange({ cla: 0, ins: 0x20, p1: 0, p2: 0x80, sensitive: true })).toEqual({
      data: parseHex('AABB'),
      statusWord: 0x9000,
    });
    await exchange(GET_DATA);
    expect(seen).toEqual([
      ['00200080', true],
      ['00CB3FFF055C035FC10200', false],
    ]);
  });

  it('rejects with a ResponseApduError for an answer of one byte', async () => {
    await expect(scripted('90').exchange(GET_DATA)).rejects.toThrow(ResponseApduError);
  });
});

describe('withExactLe', () => {
  it.each([
    ['6C08', '08'],
    ['6C00', '00'],
    ['6CFF', 'FF'],
  ])('asks the same once more after %s, with Le %s', async (answer, le) => {
    const card = scripted(answer, '9000');
    await withExactLe(card.exchange)({ ...GET_DATA, ne: 16 });
    expect(card.asked).toEqual(['00CB3FFF055C035FC10210', `00CB3FFF055C035FC102${le}`]);
  });

  it('gives up on a card that answers 6CXX again', async () => {
    const card = scripted('6C08', '6C09');
    expect((await withExactLe(card.exchange)(GET_DATA)).statusWord).toBe(0x6c09);
    expect(card.asked).toHaveLength(2);
  });

  it('gives every other answer on as it is', async () => {
    const card = scripted('6A82');
    expect((await withExactLe(card.exchange)(GET_DATA)).statusWord).toBe(0x6a82);
    expect(card.asked).toHaveLength(1);
  });
});

describe('withGetResponse', () => {
  it('asks for exactly what 61XX announces, and puts the parts together', async () => {
    const card = scripted('0102 6103', '030405 6101', '06 9000');
    expect(await withGetResponse(card.exchange, LIMIT)(GET_DATA)).toEqual({ data: parseHex('010203040506'), statusWord: 0x9000 });
    expect(card.asked.slice(1)).toEqual(['00C0000003', '00C0000001']);
  });

  it('asks for 256 bytes after 61 00', async () => {
    const card = scripted('6100', '01 9000');
    await withGetResponse(card.exchange, LIMIT)(GET_DATA);
    expect(card.asked[1]).toBe('00C0000000');
  });

  it('gives the status word that ends the answer, with what came before it', async () => {
    const card = scripted('01 6101', '6F00');
    expect(await withGetResponse(card.exchange, LIMIT)(GET_DATA)).toEqual({ data: Uint8Array.of(1), statusWord: 0x6f00 });
  });

  it.each([
    [0x00, '00'],
    [0x03, '03'],
    [0x10, '00'],
    [0x0c, '00'],
    [0x1f, '03'],
    [0x4f, '4F'],
    [0x7f, '4F'],
    [0x80, '00'],
    [0xff, '00'],
  ])('drops chaining and secure messaging from CLA %s and keeps its logical channel', async (cla, expected) => {
    const card = scripted('6101', 'AA 9000');
    await withGetResponse(card.exchange, LIMIT)({ ...GET_DATA, cla });
    expect(card.asked[1]).toBe(`${expected}C0000001`);
  });

  it('is sensitive where the command was', async () => {
    const sensitive: boolean[] = [];
    const exchange: Exchange = (command) => {
      sensitive.push(command.sensitive === true);
      return Promise.resolve({ data: Uint8Array.of(1), statusWord: sensitive.length === 1 ? 0x6101 : 0x9000 });
    };
    await withGetResponse(exchange, LIMIT)({ ...GET_DATA, sensitive: true });
    expect(sensitive).toEqual([true, true]);
  });

  it('ends with an error when more is announced and nothing given', async () => {
    const card = scripted('6110', '6110');
    await expect(withGetResponse(card.exchange, LIMIT)(GET_DATA)).rejects.toThrow(ResponseApduError);
    expect(card.asked).toHaveLength(2);
  });

  it.each([256, 16, 1])(
    'ends with an error, within a few hundred exchanges, when a card gives %d bytes and more without end',
    async (length) => {
      let asked = 0;
      const exchange: Exchange = () => {
        asked++;
        return Promise.resolve({ data: new Uint8Array(length), statusWord: 0x6100 });
      };
      await expect(withGetResponse(exchange, 0x2_0000)(GET_DATA)).rejects.toThrow(ResponseApduError);
      expect(asked).toBeLessThanOrEqual(520);
    },
  );
});

describe('withCommandChaining', () => {
  it.each([
    [0, ['00:0:256']],
    [255, ['00:255:256']],
    [256, ['10:255:-', '00:1:256']],
    [510, ['10:255:-', '00:255:256']],
    [511, ['10:255:-', '10:255:-', '00:1:256']],
  ])('sends %d bytes in links of 255, Le in the last alone', async (length, expected) => {
    const links: string[] = [];
    const sent: Uint8Array[] = [];
    const exchange: Exchange = ({ cla, data, ne }) => {
      links.push(`${cla.toString(16).padStart(2, '0')}:${data?.length ?? 0}:${ne ?? '-'}`);
      sent.push(data ?? new Uint8Array());
      return Promise.resolve({ data: new Uint8Array(), statusWord: 0x9000 });
    };
    const data = Uint8Array.from({ length }, (_, index) => index * 3);
    await withCommandChaining(exchange)({ cla: 0, ins: 0xdb, p1: 0x3f, p2: 0xff, data, ne: 65_536 });
    expect(links).toEqual(expected);
    expect(Buffer.concat(sent).equals(data)).toBe(true);
  });

  it('keeps every link sensitive, and its logical channel', async () => {
    const seen: [number, boolean][] = [];
    const exchange: Exchange = ({ cla, sensitive }) => {
      seen.push([cla, sensitive === true]);
      return Promise.resolve({ data: new Uint8Array(), statusWord: 0x9000 });
    };
    await withCommandChaining(exchange)({ cla: 0x01, ins: 0xdb, p1: 0, p2: 0, data: new Uint8Array(300), sensitive: true });
    expect(seen).toEqual([
      [0x11, true],
      [0x01, true],
    ]);
  });

  it('ends at the link that the card refuses, and gives that answer', async () => {
    const card = scripted('9000', '6884', '9000');
    const response = await withCommandChaining(card.exchange)({ cla: 0, ins: 0xdb, p1: 0, p2: 0, data: new Uint8Array(1000) });
    expect(response.statusWord).toBe(0x6884);
    expect(card.asked).toHaveLength(2);
  });

  it('adds no Le where the command has none', async () => {
    const card = scripted('9000', '9000');
    await withCommandChaining(card.exchange)({ cla: 0, ins: 0xdb, p1: 0, p2: 0, data: new Uint8Array(256) });
    expect(card.asked[1]).toBe('00DB00000100');
  });
});

describe('withExtendedLength', () => {
  const answering = (statusWord: number): { readonly exchange: Exchange; readonly counted: { calls: number } } => {
    const counted = { calls: 0 };
    return {
      counted,
      exchange: () => {
        counted.calls++;
        return Promise.resolve({ data: new Uint8Array(), statusWord });
      },
    };
  };
  const long: CommandApdu = { ...GET_DATA, ne: 65_536 };

  it('uses the short way for what fits it, and the extended for the rest', async () => {
    const [extended, short] = [answering(0x9000), answering(0x9000)];
    const exchange = withExtendedLength(extended.exchange, short.exchange);
    await exchange(GET_DATA);
    await exchange(long);
    await exchange({ ...GET_DATA, data: new Uint8Array(256) });
    expect([extended.counted.calls, short.counted.calls]).toEqual([2, 1]);
  });

  it('asks again by chaining after 6700, and leaves extended length alone from there on', async () => {
    const [extended, short] = [answering(0x6700), answering(0x9000)];
    const exchange = withExtendedLength(extended.exchange, short.exchange);
    expect((await exchange(long)).statusWord).toBe(0x9000);
    expect((await exchange(long)).statusWord).toBe(0x9000);
    expect([extended.counted.calls, short.counted.calls]).toEqual([1, 2]);
  });

  it('gives every other refusal on as it is', async () => {
    const [extended, short] = [answering(0x6982), answering(0x9000)];
    const exchange = withExtendedLength(extended.exchange, short.exchange);
    expect((await exchange(long)).statusWord).toBe(0x6982);
    expect(short.counted.calls).toBe(0);
  });

  it('chains what is too long even for an extended command', async () => {
    const [extended, short] = [answering(0x9000), answering(0x9000)];
    await withExtendedLength(extended.exchange, short.exchange)({ ...GET_DATA, data: new Uint8Array(65_536) });
    expect([extended.counted.calls, short.counted.calls]).toEqual([0, 1]);
  });
});
