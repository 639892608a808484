import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../bytes.ts';
import {
  CommandApduError,
  MAX_EXTENDED_NC,
  MAX_EXTENDED_NE,
  encodeCommandApdu,
  needsExtendedLength,
  parseCommandApdu,
  type CommandApdu,
} from './command-apdu.ts';

const HEADER = { cla: 0x00, ins: 0xcb, p1: 0x3f, p2: 0xff };
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index + 1);

/** Linear congruential generator (Numerical Recipes, section 7.1): the same numbers for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

/** ISO/IEC 7816-3:2006, section 12.1.3: the seven cases, at both ends of each. */
const CASES: readonly [string, CommandApdu, string][] = [
  ['1: no data', HEADER, '00CB3FFF'],
  ['2S: Ne 1', { ...HEADER, ne: 1 }, '00CB3FFF 01'],
  ['2S: Ne 255', { ...HEADER, ne: 255 }, '00CB3FFF FF'],
  ['2S: Ne 256', { ...HEADER, ne: 256 }, '00CB3FFF 00'],
  ['2E: Ne 257', { ...HEADER, ne: 257 }, '00CB3FFF 00 0101'],
  ['2E: Ne 65,535', { ...HEADER, ne: 65_535 }, '00CB3FFF 00 FFFF'],
  ['2E: Ne 65,536', { ...HEADER, ne: 65_536 }, '00CB3FFF 00 0000'],
  ['3S: Nc 1', { ...HEADER, data: bytesOf(1) }, '00CB3FFF 01 01'],
  ['3S: Nc 255', { ...HEADER, data: bytesOf(255) }, `00CB3FFF FF ${formatHex(bytesOf(255))}`],
  ['3E: Nc 256', { ...HEADER, data: bytesOf(256) }, `00CB3FFF 00 0100 ${formatHex(bytesOf(256))}`],
  ['3E: Nc 65,535', { ...HEADER, data: bytesOf(65_535) }, `00CB3FFF 00 FFFF ${formatHex(bytesOf(65_535))}`],
  ['4S: Nc 3, Ne 256', { ...HEADER, data: bytesOf(3), ne: 256 }, '00CB3FFF 03 010203 00'],
  ['4S: Nc 255, Ne 1', { ...HEADER, data: bytesOf(255), ne: 1 }, `00CB3FFF FF ${formatHex(bytesOf(255))} 01`],
  ['4E: Nc 3, Ne 257', { ...HEADER, data: bytesOf(3), ne: 257 }, '00CB3FFF 00 0003 010203 0101'],
  ['4E: Nc 3, Ne 65,536', { ...HEADER, data: bytesOf(3), ne: 65_536 }, '00CB3FFF 00 0003 010203 0000'],
  ['4E: Nc 256, Ne 5', { ...HEADER, data: bytesOf(256), ne: 5 }, `00CB3FFF 00 0100 ${formatHex(bytesOf(256))} 0005`],
];

describe('encodeCommandApdu and parseCommandApdu', () => {
  it.each(CASES)('carry case %s, both ways', (_, command, encoded) => {
    expect(formatHex(encodeCommandApdu(command))).toBe(encoded.replaceAll(' ', ''));
    expect(parseCommandApdu(parseHex(encoded))).toEqual(command);
    expect(needsExtendedLength(command)).toBe((command.data?.length ?? 0) > 255 || (command.ne ?? 0) > 256);
  });

  it('give back every one of 2,000 seeded random commands', () => {
    const random = seeded(0x7816);
    for (let round = 0; round < 2000; round++) {
      const [nc = 0, ne = 0] = [0, 0].map(() => random([1, 4, 256, 257, 300, 65_536][random(6)] ?? 1));
      const data = Uint8Array.from({ length: nc }, () => random(256));
      const command: CommandApdu = {
        ...{ cla: random(256), ins: random(256), p1: random(256), p2: random(256) },
        ...(nc > 0 ? { data } : {}),
        ...(ne > 0 ? { ne } : {}),
      };
      const { data: parsedData, ...parsed } = parseCommandApdu(encodeCommandApdu(command));
      const { data: _, ...expected } = command;
      expect(parsed, `round ${round}`).toEqual(expected);
      expect(Buffer.compare(parsedData ?? new Uint8Array(), data), `round ${round}`).toBe(0);
    }
  });
});

describe('encodeCommandApdu', () => {
  it('leaves empty data and Ne 0 out', () => {
    expect(encodeCommandApdu({ ...HEADER, data: new Uint8Array(), ne: 0 })).toEqual(parseHex('00CB3FFF'));
  });

  it.each<[string, Partial<CommandApdu>]>([
    ['Nc 65,536', { data: new Uint8Array(MAX_EXTENDED_NC + 1) }],
    ['Ne 65,537', { ne: MAX_EXTENDED_NE + 1 }],
    ['Ne -1', { ne: -1 }],
  ])('refuses %s', (_, part) => {
    expect(() => encodeCommandApdu({ ...HEADER, ...part })).toThrow(CommandApduError);
  });
});

describe('parseCommandApdu', () => {
  it('reads 00 20 00 80 00 as case 2 with Ne 256, not as an empty data field', () => {
    expect(parseCommandApdu(parseHex('0020008000'))).toEqual({ cla: 0, ins: 0x20, p1: 0, p2: 0x80, ne: 256 });
  });

  it.each([
    ['nothing', ''],
    ['three bytes', '00CB3F'],
    ['Lc with data missing', '00CB3FFF 03 0102'],
    ['Lc with data left over', '00CB3FFF 01 010203'],
    ['an extended field cut short', '00CB3FFF 00 01'],
    ['extended Lc 0', '00CB3FFF 00 0000 01'],
    ['extended Lc 0 with Le', '00CB3FFF 00 0000 0000'],
    ['extended Lc with data missing', '00CB3FFF 00 0003 0102'],
    ['extended Lc with half an Le', '00CB3FFF 00 0001 01 00'],
    ['extended Lc with data left over', '00CB3FFF 00 0001 01 000000'],
  ])('refuses %s', (_, text) => {
    expect(() => parseCommandApdu(parseHex(text))).toThrow(CommandApduError);
  });

  it('answers any bytes with a command that encodes again, or with a CommandApduError', () => {
    const random = seeded(3);
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: random(300) }, (_, index) => (index === 4 ? random(3) : random(256)));
      try {
        const command = parseCommandApdu(bytes);
        expect(parseCommandApdu(encodeCommandApdu(command))).toEqual(command);
      } catch (error) {
        expect(error).toBeInstanceOf(CommandApduError);
      }
    }
  });
});
