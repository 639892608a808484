import { describe, expect, it } from 'vitest';
import { parseHex } from '../../apdu/bytes.ts';
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';
import { parseCardNumber } from './card-number.ts';

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
