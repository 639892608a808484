import { GeneralizedTime, ObjectIdentifier, OctetString, Sequence, UTCTime } from 'asn1js';
import { describe, expect, it } from 'vitest';
import { DerError, Spliced, encode, inOrder, rawOf, readDer, setOf, tagged, timeBlock, timeOf } from './asn1.ts';

const MEBIBYTE = 1024 * 1024;

/** One element; lengths as DER wants them. */
const element = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const value = Buffer.concat(parts);
  const digits = value.length < 0x80 ? [] : [24, 16, 8, 0].map((shift) => (value.length >>> shift) & 0xff);
  const shortest = digits.slice(
    Math.max(
      digits.findIndex((digit) => digit > 0),
      0,
    ),
  );
  const head = shortest.length > 0 ? [tag, 0x80 | shortest.length, ...shortest] : [tag, value.length];
  return Buffer.concat([Buffer.from(head), value]);
};

describe('reading', () => {
  it('gives views of the input, also of what stands in a longer one', () => {
    const bytes = element(0x30, element(0x04, Buffer.alloc(300, 7)), element(0x30));
    const longer = Buffer.concat([Buffer.of(1, 2, 3), bytes]);
    const block = readDer(longer.subarray(3));
    expect(rawOf(block)).toEqual(new Uint8Array(bytes));
    expect(rawOf(block).buffer).toBe(longer.buffer);
  });

  it.each([
    ['nothing', [], /ends in the head/],
    ['half a length', [0x30, 0x82, 0x01], /length that no input has/],
    ['a truncated element', [0x30, 0x05, 0x02, 0x01], /beyond the end/],
    ['an element beyond the end of the one around it', [0x30, 0x06, 0x30, 0x02, 0x04, 0x01, 0x00, 0x05, 0x00], /follow|beyond/],
    ['a child that is longer than its parent', [0x30, 0x04, 0x30, 0x03, 0x04, 0x01, 0x00], /beyond the end of the one around/],
    [
      'a length of two bytes for 128 with a zero',
      [0x30, 0x82, 0x00, 0x80, ...Array<number>(128).fill(0)],
      /longer than it need be/,
    ],
    ['an indefinite length', [0x30, 0x80, 0x00, 0x00], /indefinite form/],
    ['a string in parts', [0x24, 0x03, 0x04, 0x01, 0x00], /in parts/],
    ['an end-of-contents', [0x30, 0x04, 0x00, 0x02, 0x05, 0x00], /tag that is not known/],
    ['a tag of several bytes', [0x30, 0x03, 0x1f, 0x81, 0x00], /tag that is not known/],
    ['two elements', [0x05, 0x00, 0x05, 0x00], /2 bytes follow/],
    ['a time that is text', [0x18, 0x03, 0x41, 0x42, 0x43], /no ASN\.1/],
  ])('refuses %s', (_, bytes, problem) => {
    expect(() => readDer(Uint8Array.from(bytes))).toThrow(DerError);
    expect(() => readDer(Uint8Array.from(bytes))).toThrow(problem);
  });

  it('takes 256 and 65,536 bytes, whose lengths end in a zero', () => {
    for (const length of [127, 128, 255, 256, 65_535, 65_536]) {
      const bytes = element(0x04, Buffer.alloc(length));
      expect(rawOf(readDer(bytes))).toHaveLength(bytes.length);
    }
  });

  it.each([
    ['an identifier of 16 MB', () => element(0x06, Buffer.alloc(16 * MEBIBYTE, 1))],
    ['a text of 16 MB', () => element(0x0c, Buffer.alloc(16 * MEBIBYTE, 0x41))],
    ['a boolean of 16 MB', () => element(0x01, Buffer.alloc(16 * MEBIBYTE, 1))],
    ['20,000 identifiers of 60 bytes', () => Buffer.concat(Array<Uint8Array>(20_000).fill(element(0x06, Buffer.alloc(60, 1))))],
    ['300,000 elements', () => Buffer.alloc(600_000, Buffer.of(0x05, 0x00))],
    ['33 levels', () => Array.from({ length: 33 }).reduce<Uint8Array>((inner) => element(0x30, inner), Buffer.alloc(0))],
  ])('refuses %s at once', (_, content) => {
    const bytes = element(0x30, content());
    const start = performance.now();
    expect(() => readDer(bytes)).toThrow(/more than|nested deeper/);
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe('writing', () => {
  it('splices bytes in as they are, long content too, and gives what asn1js gives', () => {
    const content = new Uint8Array(70_000).fill(7);
    const inside = [new ObjectIdentifier({ value: '1.2.3' }), tagged(0, [new OctetString({ valueHex: content })])];
    const whole = new Sequence({ value: inside });
    expect(encode(whole)).toEqual(new Uint8Array(whole.toBER()));
    const odd = Uint8Array.of(0x30, 0x81, 0x01, 0x00);
    expect(encode(new Sequence({ value: [new Spliced(odd)] }))).toEqual(Uint8Array.of(0x30, 0x04, ...odd));
    expect(new Uint8Array(new Sequence({ value: [new Spliced(odd)] }).toBER())).toEqual(Uint8Array.of(0x30, 0x04, ...odd));
  });

  it('sorts a SET OF by its bytes, shorter ones first where they begin alike', () => {
    const elements = [Uint8Array.of(4, 1, 9), Uint8Array.of(2, 1, 1), Uint8Array.of(4, 0)];
    expect(encode(setOf(elements))).toEqual(Uint8Array.of(0x31, 8, 2, 1, 1, 4, 0, 4, 1, 9));
    expect(inOrder([])).toEqual([]);
  });
});

describe('times', () => {
  it.each(['1950-01-01T00:00:00Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z', '1949-12-31T23:59:59Z'])(
    '%s comes back',
    (text) => {
      const time = new Date(text);
      const bytes = encode(timeBlock(time));
      expect(bytes[0]).toBe(/^(19[5-9]|20[0-4])/.test(text) ? 0x17 : 0x18);
      expect(timeOf(readDer(bytes))).toEqual(time);
    },
  );

  it.each([
    ['a thirteenth month', 0x17, '261301000000Z'],
    ['without seconds', 0x17, '2601010000Z'],
    ['another zone', 0x17, '260101000000+0100'],
    ['the 30th of February', 0x18, '20260230000000Z'],
  ])('%s is none', (_, tag, text) => {
    expect(() => timeOf(readDer(element(tag, Buffer.from(text, 'latin1'))))).toThrow(DerError);
  });

  it('are of their two types', () => {
    expect(timeBlock(new Date('2026-01-01'))).not.toBeInstanceOf(GeneralizedTime);
    expect(timeBlock(new Date('2026-01-01'))).toBeInstanceOf(UTCTime);
    expect(() => timeOf(new OctetString())).toThrow(DerError);
  });
});
