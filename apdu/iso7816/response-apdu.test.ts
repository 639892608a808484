import { describe, expect, it } from 'vitest';
import { MAX_RESPONSE_LENGTH, ResponseApduError, encodeResponseApdu, parseResponseApdu } from './response-apdu.ts';

describe('parseResponseApdu', () => {
  it('takes the last two bytes as the status word and the rest as data', () => {
    expect(parseResponseApdu(Uint8Array.of(0x53, 0x00, 0x90, 0x00))).toEqual({
      data: Uint8Array.of(0x53, 0x00),
      statusWord: 0x9000,
    });
    expect(parseResponseApdu(Uint8Array.of(0x6a, 0x82))).toEqual({ data: new Uint8Array(), statusWord: 0x6a82 });
  });

  it.each([0, 1, MAX_RESPONSE_LENGTH + 1])('refuses %d bytes', (length) => {
    expect(() => parseResponseApdu(new Uint8Array(length))).toThrow(ResponseApduError);
  });

  it.each([2, 3, 258, MAX_RESPONSE_LENGTH])('takes %d bytes, and encodes them again as they were', (length) => {
    const bytes = Uint8Array.from({ length }, (_, index) => index * 7);
    const response = parseResponseApdu(bytes);
    expect(response.data.length).toBe(length - 2);
    expect(encodeResponseApdu(response)).toEqual(bytes);
  });
});
