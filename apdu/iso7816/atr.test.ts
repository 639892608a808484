import { describe, expect, it } from 'vitest';
import { parseHex } from '../bytes.ts';
import { AtrError, MAX_ATR_LENGTH, parseAtr } from './atr.ts';

const YUBIKEY = '3B FD 13 00 00 81 31 FE 15 80 73 C0 21 C0 57 59 75 62 69 4B 65 79 40';
const IDPRIME = '3B 7F 96 00 00 80 31 80 65 B0 85 03 00 EF 12 0F FF 82 90 00';

describe('parseAtr', () => {
  it('reads a YubiKey: T=1, chaining and extended length, TCK right', () => {
    const atr = parseAtr(parseHex(YUBIKEY));
    expect(atr).toMatchObject({
      convention: 'direct',
      protocols: [1],
      capabilities: { commandChaining: true, extendedLength: true },
      checksumValid: true,
    });
    expect(Buffer.from(atr.historicalBytes.subarray(6)).toString()).toBe('YubiKey');
    expect(atr.historicalBytes.length).toBe(13);
  });

  it('reads an IDPrime: T=0 alone, so no TCK, and no card capabilities', () => {
    const atr = parseAtr(parseHex(IDPRIME));
    expect(atr).toMatchObject({ convention: 'direct', protocols: [0], checksumValid: true });
    expect(atr.historicalBytes).toEqual(parseHex('80 31 80 65 B0 85 03 00 EF 12 0F FF 82 90 00'));
    expect(atr.capabilities).toBeUndefined();
  });

  it('tells a wrong TCK', () => {
    const bytes = parseHex(YUBIKEY);
    bytes[bytes.length - 1] = 0x41;
    expect(parseAtr(bytes).checksumValid).toBe(false);
  });

  it('reads the inverse convention, and an ATR of TS and T0 alone', () => {
    expect(parseAtr(parseHex('3F 00'))).toMatchObject({ convention: 'inverse', protocols: [0], checksumValid: true });
  });

  it('names each protocol once, in order, and leaves T=15 out', () => {
    // TD1 80: T=0; TD2 81: T=1; TD3 81: T=1 again; TD4 1F: T=15 with TA5; XOR to TCK 92
    const head = [0x80, 0x80, 0x81, 0x81, 0x1f, 0x45];
    const tck = head.reduce((xor, byte) => xor ^ byte, 0);
    expect(parseAtr(Uint8Array.of(0x3b, ...head, tck))).toMatchObject({ protocols: [0, 1], checksumValid: true });
  });

  it.each([
    ['three capability bytes after another object', '80 31 E0 73 C0 21 C0', { commandChaining: true, extendedLength: true }],
    ['extended length without chaining', '80 73 C0 21 40', { commandChaining: false, extendedLength: true }],
    ['chaining without extended length', '80 73 C0 21 80', { commandChaining: true, extendedLength: false }],
    ['one capability byte', '80 71 C0', { commandChaining: false, extendedLength: false }],
    ['two capability bytes', '80 72 C0 FF', { commandChaining: false, extendedLength: false }],
    ['category 00 with its status at the end', '00 73 C0 21 C0 05 90 00', { commandChaining: true, extendedLength: true }],
    ['category 00 whose status bytes look like more', '00 73 C0 21 C0', undefined],
    ['a length past the end', '80 73 C0 21', undefined],
    ['an empty object', '80 70', undefined],
    ['a proprietary category', '57 73 C0 21 C0', undefined],
    ['a category and nothing else', '80', undefined],
    ['category 00 and fewer than its status bytes', '00 73', undefined],
  ])('concludes rightly from %s', (_, historical, capabilities) => {
    const bytes = parseHex(historical);
    expect(parseAtr(Uint8Array.of(0x3b, bytes.length, ...bytes)).capabilities).toEqual(capabilities);
  });

  it.each([
    ['no bytes', ''],
    ['TS alone', '3B'],
    ['another TS', '3A 00'],
    ['interface bytes missing', '3B F0 00 00'],
    ['TD that announces more', '3B 80 80 80'],
    ['historical bytes missing', '3B 05 01 02 03 04'],
    ['TCK missing', '3B 81 01 AA'],
    ['34 bytes', `3B 0F ${'00'.repeat(32)}`],
  ])('refuses %s', (_, text) => {
    expect(() => parseAtr(parseHex(text))).toThrow(AtrError);
  });

  it.each([YUBIKEY, IDPRIME])('refuses every true beginning of %s', (text) => {
    const bytes = parseHex(text);
    for (let length = 0; length < bytes.length; length++)
      expect(() => parseAtr(bytes.subarray(0, length)), `${length} bytes`).toThrow(AtrError);
  });

  it('takes any T0 and TDs of FF with an error and no more reading than its input', () => {
    expect(() => parseAtr(new Uint8Array(MAX_ATR_LENGTH).fill(0xff).fill(0x3b, 0, 1))).toThrow(AtrError);
  });
});
