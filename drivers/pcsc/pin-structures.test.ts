import { describe, expect, it } from 'vitest';
import { CommandApduError } from '../../apdu/iso7816/command-apdu.ts';
import { encodePinModify, encodePinVerify, parseFeatureList, parseTlvProperties } from './pin-structures.ts';

const PIV = { minLength: 6, maxLength: 8, blockLengthBytes: 8 };
const SWEDISH = 0x041d;
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const VERIFY = hex('00 20 00 80 08 FF FF FF FF FF FF FF FF');
const CHANGE = hex(`00 24 00 80 10 ${'FF'.repeat(16)}`);

describe('encodePinVerify', () => {
  it('makes the structure of the PIV example, with a time limit', () => {
    expect(encodePinVerify({ command: VERIFY, format: PIV, languageId: SWEDISH })).toEqual(
      hex('1E 1E 82 08 00 08 06 02 01 1D 04 00 00 00 00 0D 00 00 00 00 20 00 80 08 FF FF FF FF FF FF FF FF'),
    );
  });

  it.each([
    ['another block length', VERIFY, { ...PIV, blockLengthBytes: 12 }],
    ['a command with Le', hex('00 20 00 80 08 FF FF FF FF FF FF FF FF 00'), PIV],
    ['a command without data', hex('00 20 00 80'), PIV],
    ['two blocks', CHANGE, PIV],
    ['more digits than the block holds', VERIFY, { ...PIV, maxLength: 9 }],
    ['a block that four bits cannot count', hex(`00 20 00 80 10 ${'FF'.repeat(16)}`), { ...PIV, blockLengthBytes: 16 }],
    ['a least length above the greatest', VERIFY, { ...PIV, minLength: 9 }],
    ['bytes that are no command', hex('00 20'), PIV],
  ])('refuses %s', (_, command, format) => {
    expect(() => encodePinVerify({ command, format, languageId: SWEDISH })).toThrow(CommandApduError);
  });
});

describe('encodePinModify', () => {
  it('asks for the current PIN and twice for the new one', () => {
    expect(encodePinModify({ command: CHANGE, format: PIV, languageId: SWEDISH })).toEqual(
      hex(`1E 1E 82 08 00 00 08 08 06 03 02 03 1D 04 00 01 02 00 00 00 15 00 00 00 00 24 00 80 10 ${'FF'.repeat(16)}`),
    );
  });

  it('refuses a command of one block', () => {
    expect(() => encodePinModify({ command: VERIFY, format: PIV, languageId: SWEDISH })).toThrow(CommandApduError);
  });
});

describe('parseFeatureList', () => {
  it('reads control codes, most significant byte first', () => {
    expect([...parseFeatureList(hex('06 04 42 33 00 06 07 04 42 33 00 07 12 04 42 33 00 12'))]).toEqual([
      [0x06, 0x42330006],
      [0x07, 0x42330007],
      [0x12, 0x42330012],
    ]);
  });

  it.each([
    ['cut short', '06 04 42 33 00'],
    ['of another length', '06 05 42 33 00 06 07'],
    ['with one entry of another length', '06 04 42 33 00 06 07 03 42 33 00 07'],
    ['with bytes left over', '06 04 42 33 00 06 07'],
    ['endless', '06 04 42 33 00 06 '.repeat(65)],
  ])('takes a list %s for none', (_, list) => {
    expect(parseFeatureList(hex(list)).size).toBe(0);
  });
});

describe('parseTlvProperties', () => {
  it('reads numbers, least significant byte first, and passes over strings', () => {
    expect([...parseTlvProperties(hex('01 02 10 02 08 05 41 42 43 44 45 0A 04 00 00 01 00'))]).toEqual([
      [0x01, 0x0210],
      [0x0a, 0x10000],
    ]);
  });

  it.each(['0A', '0A 04 00', '01 02 10 02 0A FF 00'])('takes the malformed list %s for none', (list) => {
    expect(parseTlvProperties(hex(list)).size).toBe(0);
  });

  it('takes any bytes without reading past them', () => {
    for (let seed = 1; seed < 2000; seed++) {
      const bytes = Uint8Array.from({ length: seed % 40 }, (_, index) => (seed * 31 + index * index * 17 + (seed >> 3)) & 0xff);
      parseTlvProperties(bytes);
      parseFeatureList(bytes);
    }
  });
});
