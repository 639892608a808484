import { describe, expect, it } from 'vitest';
import { checkDigitOf } from './check-digit.ts';
import { birthDateOf, expiryDateOf } from './mrz-dates.ts';
import { repairMrz } from './mrz-repair.ts';
import { MrzError, parseMrz } from './mrz.ts';

/** Specimens of ICAO Doc 9303-4, -5, -6 and -7, appendices. */
const TD3 = 'P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10';
const TD1 = 'I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<';
const TD2 = 'I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6';
const MRV_A = 'V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<';
const MRV_B = 'V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<';
const TD1_LONG = 'I<UTOD23145890<7349<<<<<<<<<<<\n3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<JOHN<<<<<<<<<';
const TD2_LONG = 'I<UTOSTEVENSON<<PETER<JOHN<<<<<<<<<<\nD23145890<UTO3407127M95071227349<<<8';

describe('check digits', () => {
  it.each([
    ['520727', 3],
    ['AB2134<<<', 5],
  ])('of %s is %i', (text, digit) => {
    expect(checkDigitOf(text)).toBe(digit);
  });
});

describe('the specimens', () => {
  it.each([
    ['TD3', TD3, 'L898902C3', '740812', 'UTO', ['ZE184226B']],
    ['TD1', TD1, 'D23145890', '740812', 'UTO', ['', '']],
    ['TD2', TD2, 'D23145890', '740812', 'UTO', ['']],
    ['MRV-A', MRV_A, 'L8988901C', '400907', 'XXX', ['6ZE184226B']],
    ['MRV-B', MRV_B, 'L8988901C', '400907', 'XXX', ['']],
  ])('%s is read, and every check digit agrees', (format, text, documentNumber, birthDate, nationality, optionalData) => {
    expect(parseMrz(text)).toMatchObject({
      ...{ format, documentNumber, birthDate, nationality, optionalData, issuer: 'UTO', sex: 'F', isConsistent: true },
      name: { surname: 'ERIKSSON', givenNames: 'ANNA MARIA', mayBeTruncated: false },
    });
    expect(parseMrz(text.replaceAll('\n', ''))).toEqual(parseMrz(text));
    expect(parseMrz(` ${text.replaceAll('\n', ' \r\n')}\r`)).toEqual(parseMrz(text));
  });

  it.each([
    ['TD1', TD1_LONG],
    ['TD2', TD2_LONG],
  ])('%s with a document number that goes on in the optional data', (format, text) => {
    const mrz = parseMrz(text);
    expect(mrz).toMatchObject({ format, documentNumber: 'D23145890734', isConsistent: true });
    expect(mrz.optionalData[0]).toBe('');
    expect(mrz.information).toBe('D23145890734934071279507122');
  });

  it('give what BAC makes its keys from', () => {
    expect(parseMrz(TD3).information).toBe('L898902C3674081221204159');
  });
});

describe('a wrong character', () => {
  const zone = TD3.replace('\n', '');
  it('at any place that a check digit covers is told', () => {
    const covered = [...Array(44).keys()].map((at) => at + 44).filter((at) => ![54, 55, 56, 64].includes(at));
    for (const at of covered) {
      const other = zone[at] === '7' ? '8' : '7';
      const mrz = parseMrz(zone.slice(0, at) + other + zone.slice(at + 1));
      expect([at, mrz.isConsistent]).toEqual([at, false]);
      expect(mrz.checks.some(({ isRight }) => !isRight)).toBe(true);
    }
  });

  it('is told by the field that it is in', () => {
    const { checks } = parseMrz(TD3.replace('740812', '740813'));
    expect(checks.filter(({ isRight }) => !isRight)).toEqual([
      { field: 'birthDate', found: '2', computed: 3, isRight: false },
      { field: 'composite', found: '0', computed: 7, isRight: false },
    ]);
  });
});

describe('what is no zone', () => {
  it.each([
    ['nothing', ''],
    ['a line too few', TD1.split('\n').slice(0, 2).join('\n')],
    ['lines of other lengths', `${TD3.slice(0, 43)}\nX${TD3.slice(43).replace('\n', '')}`],
    ['small letters', TD3.replace('ANNA', 'anna')],
    ['letters that no zone has', TD3.replace('ANNA', 'ÅNNA')],
    ['far too much', 'P'.repeat(100_000)],
  ])('%s is refused', (_, text) => {
    expect(() => parseMrz(text)).toThrow(MrzError);
  });
});

describe('a repair', () => {
  it('puts right what check digits prove, and shows it', () => {
    const { mrz, repairs } = repairMrz(TD3.replace('7408122F1204159', '74O8I22F12O4159'));
    expect(mrz).toEqual(parseMrz(TD3));
    expect(repairs.map(({ from, to }) => from + to)).toEqual(['O0', 'I1', 'O0']);
  });

  it('puts a document number right where one reading alone agrees', () => {
    const { mrz, repairs } = repairMrz(TD1.replace('D231458907', 'D2314589O7'));
    expect(mrz.documentNumber).toBe('D23145890');
    expect(repairs).toEqual([{ position: 13, from: 'O', to: '0' }]);
  });

  it('is none where two readings of the number agree', () => {
    const misread = TD1.replace('D231458907', '0231458907');
    expect(repairMrz(misread).repairs).toEqual([]);
  });

  it('is none where nothing is proven: the zone is as it was read', () => {
    const wrong = TD3.replace('740812', '740813');
    expect(repairMrz(wrong)).toEqual({ mrz: parseMrz(wrong), repairs: [] });
  });

  it('leaves names and what is right alone', () => {
    const odd = TD3.replace('ERIKSSON', 'ER1KSS0N');
    expect(repairMrz(odd)).toEqual({ mrz: parseMrz(odd), repairs: [] });
  });
});

describe('dates', () => {
  const today = new Date('2026-11-22T12:00:00Z');
  it.each([
    ['740812', '1974-08-12'],
    ['261122', '2026-11-22'],
    ['261123', '1926-11-23'],
    ['00<<<<', '2000'],
    ['9907<<', '1999-07'],
    ['990230', undefined],
    ['991301', undefined],
    ['<<0101', undefined],
  ])('of birth %s is %s', (text, date) => {
    expect(birthDateOf(text, today)).toBe(date);
  });

  it.each([
    ['120415', '2012-04-15'],
    ['360101', '2036-01-01'],
    ['960101', '1996-01-01'],
  ])('of expiry %s is %s', (text, date) => {
    expect(expiryDateOf(text, today)).toBe(date);
  });
});
