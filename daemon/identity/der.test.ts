import { describe, expect, it } from 'vitest';
import { parseHex } from '../../apdu/bytes.ts';
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';
import { OID_CARD_NUMBER, parseCardNumber } from './card-number.ts';
import { decodeDer, decodeOne, parseBits, parseBoolean, parseOid, parseSize } from './der.ts';

describe('decodeDer', () => {
  it.each([
    ['padding in front', '00020100'],
    ['padding between', '0201000002 0101'],
    ['padding behind', '020100FF'],
    ['a length in two bytes that fits in one', '02810100'],
    ['a length in three bytes that fits in two', `0282008000${'00'.repeat(127)}`],
    ['a length beyond the end', '020200'],
    ['an indefinite length', '30800000'],
  ])('refuses %s', (_, hex) => {
    expect(() => decodeDer(parseHex(hex.replaceAll(' ', '')))).toThrow(TlvError);
  });

  it('takes lengths in their shortest form', () => {
    for (const length of [0, 127, 128, 255, 256, 65_535]) {
      const header = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
      expect(decodeOne(Uint8Array.from([0x04, ...header, ...new Uint8Array(length)]), 0x04)).toHaveLength(length);
    }
  });

  it('gives one object only for one object', () => {
    expect(() => decodeOne(parseHex('020100020101'), 0x02)).toThrow(TlvError);
    expect(() => decodeOne(parseHex(''), 0x02)).toThrow(TlvError);
    expect(() => decodeOne(parseHex('040100'), 0x02)).toThrow(TlvError);
  });
});

describe('parseOid', () => {
  it.each([
    ['2A8570220201', OID_CARD_NUMBER],
    ['551D2000', '2.5.29.32.0'],
    ['883703', '2.999.3'],
    ['2B', '1.3'],
  ])('reads %s', (hex, oid) => {
    expect(parseOid(parseHex(hex))).toBe(oid);
  });

  it.each(['', '80', '2A80', '2A8001', `2A${'FF'.repeat(63)}7F`])('refuses %s', (hex) => {
    expect(() => parseOid(parseHex(hex))).toThrow(TlvError);
  });
});

it('reads bits, sizes and booleans, and refuses what is none', () => {
  expect([...parseBits(parseHex('0780'))]).toEqual([0]);
  expect([...parseBits(parseHex('0106'))]).toEqual([5, 6]);
  expect([...parseBits(parseHex('00'))]).toEqual([]);
  expect(parseSize(parseHex('0100'))).toBe(256);
  expect([parseBoolean(parseHex('FF')), parseBoolean(parseHex('00'))]).toEqual([true, false]);
  for (const hex of ['', '0880', '07', '000102030405']) expect(() => parseBits(parseHex(hex))).toThrow(TlvError);
  for (const hex of ['', 'FF', '0100000000']) expect(() => parseSize(parseHex(hex))).toThrow(TlvError);
  for (const hex of ['', '01', 'FFFF']) expect(() => parseBoolean(parseHex(hex))).toThrow(TlvError);
});

describe('parseCardNumber', () => {
  it('reads nineteen digits, whether or not the last one is a check digit', () => {
    expect(parseCardNumber(parseHex('131339373532323738393030303030303030303030'))).toBe('9752278900000000000');
  });

  it('gives nothing for other text, and refuses another type', () => {
    const text = (digits: string): Uint8Array => Uint8Array.of(0x13, digits.length, ...Buffer.from(digits));
    for (const digits of ['', '975227890000000000', '97522789000000000000', '975227890000000000A'])
      expect(parseCardNumber(text(digits))).toBeUndefined();
    expect(() => parseCardNumber(parseHex('0C1339373532323738393030303030303030303030'))).toThrow(TlvError);
  });
});
