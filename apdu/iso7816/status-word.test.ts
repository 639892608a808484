import { describe, expect, it } from 'vitest';
import { counterOf, describeStatusWord, formatStatusWord } from './status-word.ts';

/** ISO/IEC 7816-4:2020, section 5.6, tables 5 to 7: what kortd says for each row. */
const TABLE: readonly [string, string][] = [
  ['9000', 'success'],
  ['6200', 'warning, memory unchanged'],
  ['6281', 'returned data may be corrupted'],
  ['6282', 'end of file before Le bytes'],
  ['6283', 'selected file deactivated'],
  ['6284', 'file control information badly formatted'],
  ['6285', 'selected file in termination state'],
  ['6286', 'no input data from a sensor'],
  ['6300', 'warning, memory changed or verification failed'],
  ['6381', 'file filled up by the last write'],
  ['6400', 'execution error, memory unchanged'],
  ['6401', 'immediate response required'],
  ['6500', 'execution error, memory changed'],
  ['6581', 'memory failure'],
  ['6700', 'wrong length'],
  ['6800', 'function in CLA not supported'],
  ['6881', 'logical channel not supported'],
  ['6882', 'secure messaging not supported'],
  ['6883', 'last command of the chain expected'],
  ['6884', 'command chaining not supported'],
  ['6900', 'command not allowed'],
  ['6981', 'command incompatible with file structure'],
  ['6982', 'security status not satisfied'],
  ['6983', 'authentication method blocked'],
  ['6984', 'reference data not usable'],
  ['6985', 'conditions of use not satisfied'],
  ['6986', 'no current EF'],
  ['6987', 'expected secure messaging data objects missing'],
  ['6988', 'incorrect secure messaging data objects'],
  ['6A00', 'wrong parameters P1 P2'],
  ['6A80', 'incorrect parameters in the data field'],
  ['6A81', 'function not supported'],
  ['6A82', 'file or application not found'],
  ['6A83', 'record not found'],
  ['6A84', 'not enough memory space'],
  ['6A85', 'Lc inconsistent with TLV structure'],
  ['6A86', 'incorrect parameters P1 P2'],
  ['6A87', 'Lc inconsistent with parameters P1 P2'],
  ['6A88', 'referenced data not found'],
  ['6A89', 'file already exists'],
  ['6A8A', 'DF name already exists'],
  ['6B00', 'offset or P1 P2 out of range'],
  ['6D00', 'instruction not supported'],
  ['6E00', 'class not supported'],
  ['6F00', 'no precise diagnosis'],
];

/** Rows that stand for a range, and words that stand only in their class. */
const CLASSES: readonly [string, string][] = [
  ['6100', '256 bytes or more available'],
  ['610E', '14 bytes or more available'],
  ['63C0', 'counter is 0'],
  ['63C3', 'counter is 3'],
  ['63CF', 'counter is 15'],
  ['6C00', 'wrong Le, 256 is right'],
  ['6C08', 'wrong Le, 8 is right'],
  ['62F1', 'warning, memory unchanged'],
  ['63D0', 'warning, memory changed'],
  ['64FF', 'execution error, memory unchanged'],
  ['65FF', 'execution error, memory changed'],
  ['6612', 'security issue'],
  ['68FF', 'function in CLA not supported'],
  ['69FF', 'command not allowed'],
  ['6AFF', 'wrong parameters P1 P2'],
  ['6701', 'not defined by ISO/IEC 7816-4'],
  ['9100', 'not defined by ISO/IEC 7816-4'],
  ['0000', 'not defined by ISO/IEC 7816-4'],
];

describe('describeStatusWord', () => {
  it.each([...TABLE, ...CLASSES])('says of %s "%s"', (text, meaning) => {
    expect(describeStatusWord(Number.parseInt(text, 16))).toBe(meaning);
  });

  it('has words for all 65,536 values, and for 61, 62 to 6F and 9000 alone others than "not defined"', () => {
    for (let statusWord = 0; statusWord <= 0xffff; statusWord++) {
      const meaning = describeStatusWord(statusWord);
      expect(meaning.length).toBeGreaterThan(4);
      const sw1 = statusWord >> 8;
      if (statusWord !== 0x9000 && (sw1 < 0x61 || sw1 > 0x6f)) expect(meaning).toBe('not defined by ISO/IEC 7816-4');
    }
  });
});

describe('formatStatusWord', () => {
  it('writes four hexadecimal digits in upper case, which read back as the value, for all values', () => {
    for (let statusWord = 0; statusWord <= 0xffff; statusWord++) {
      const text = formatStatusWord(statusWord);
      if (!/^[0-9A-F]{4}$/.test(text) || Number.parseInt(text, 16) !== statusWord) expect.fail(`${statusWord} became ${text}`);
    }
  });
});

describe('counterOf', () => {
  it('is X for the sixteen words 63CX and undefined for all others', () => {
    const counted = Array.from({ length: 0x1_0000 }, (_, statusWord) => statusWord).filter(
      (statusWord) => counterOf(statusWord) !== undefined,
    );
    expect(counted).toEqual(Array.from({ length: 16 }, (_, index) => 0x63c0 + index));
    expect(counted.map(counterOf)).toEqual(Array.from({ length: 16 }, (_, index) => index));
  });
});
