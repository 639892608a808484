import { describe, expect, it } from 'vitest';
import { concat, equalBytes, formatHex, parseHex } from './bytes.ts';

describe('bytes', () => {
  it('puts parts together in order, and nothing from nothing', () => {
    expect(concat(Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3))).toEqual(Uint8Array.of(1, 2, 3));
    expect(concat()).toEqual(new Uint8Array());
  });

  it('gives a copy, so that a later change of a part does not show', () => {
    const part = Uint8Array.of(1);
    const whole = concat(part);
    part[0] = 9;
    expect(whole).toEqual(Uint8Array.of(1));
  });

  it.each([
    [[1, 2], [1, 2], true],
    [[], [], true],
    [[1, 2], [1, 3], false],
    [[1, 2], [1], false],
    [[1], [1, 2], false],
  ])('compares %j with %j as %s', (left, right, equal) => {
    expect(equalBytes(Uint8Array.from(left), Uint8Array.from(right))).toBe(equal);
  });

  it('writes every byte value in upper case, and reads it back in either case', () => {
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    expect(formatHex(Uint8Array.of(0x00, 0x0a, 0xff))).toBe('000AFF');
    expect(parseHex(formatHex(all))).toEqual(all);
    expect(parseHex(formatHex(all).toLowerCase())).toEqual(all);
  });

  it('reads over white space of any kind', () => {
    expect(parseHex(' A0 00\n00\t03 ')).toEqual(Uint8Array.of(0xa0, 0, 0, 3));
    expect(parseHex('')).toEqual(new Uint8Array());
  });

  it.each(['0', 'A0 0', 'G0', '0x00', '-1', 'A0,00', '１０'])('refuses %j', (text) => {
    expect(() => parseHex(text)).toThrow(RangeError);
  });
});
