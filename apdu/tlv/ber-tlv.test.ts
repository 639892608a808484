import { describe, expect, it } from 'vitest';
import { concat, formatHex, parseHex } from '../bytes.ts';
import {
  MAX_TLV_OBJECTS,
  TlvError,
  decodeFirstTlv,
  decodeTlv,
  encodeTag,
  encodeTlv,
  findTlv,
  formatTag,
  requireTlv,
} from './ber-tlv.ts';

/** Linear congruential generator (Numerical Recipes, section 7.1): the same numbers for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

describe('decodeTlv', () => {
  it('reads the answer to SELECT of PIV: a template with two objects', () => {
    const [template] = decodeTlv(parseHex('6111 4F06 000010000100 7907 4F05 A000000308'));
    expect(template?.tag).toBe(0x61);
    expect(decodeTlv(template?.value ?? new Uint8Array())).toEqual([
      { tag: 0x4f, value: parseHex('000010000100') },
      { tag: 0x79, value: parseHex('4F05A000000308') },
    ]);
  });

  it.each([
    ['one byte', '5300', 0x53],
    ['one byte, number 30', '1E00', 0x1e],
    ['two bytes', '7F4900', 0x7f49],
    ['two bytes, number above 30', '5F2F00', 0x5f2f],
    ['three bytes', '5FC10200', 0x5fc102],
  ])('reads a tag of %s', (_, text, tag) => {
    expect(decodeTlv(parseHex(text))).toEqual([{ tag, value: new Uint8Array() }]);
    expect(formatHex(encodeTlv(tag))).toBe(text);
  });

  it.each([
    ['7F', 127],
    ['8180', 128],
    ['81FF', 255],
    ['820100', 256],
    ['82FFFF', 65_535],
    ['83010000', 65_536],
  ])('reads the length field %s as %d, which is also the shortest form', (field, length) => {
    const encoded = concat(parseHex(`53${field}`), new Uint8Array(length).fill(0x41));
    const [object, ...others] = decodeTlv(encoded);
    expect([object?.tag, object?.value.length, others.length]).toEqual([0x53, length, 0]);
    expect(Buffer.compare(encodeTlv(0x53, object?.value ?? new Uint8Array()), encoded)).toBe(0);
  });

  it.each(['8101', '820001', '83000001', '8400000001'])('reads the longer form %s of length 1', (field) => {
    expect(decodeTlv(parseHex(`53${field}AA`))).toEqual([{ tag: 0x53, value: Uint8Array.of(0xaa) }]);
  });

  it('skips 00 and FF before, between and after objects, and not within them', () => {
    expect(decodeTlv(parseHex('0000 FF 5301FF 00FF 700100 FF00'))).toEqual([
      { tag: 0x53, value: Uint8Array.of(0xff) },
      { tag: 0x70, value: Uint8Array.of(0x00) },
    ]);
    expect(decodeTlv(parseHex('00FF00'))).toEqual([]);
    expect(decodeTlv(new Uint8Array())).toEqual([]);
  });

  it.each([
    ['a tag and nothing else', '53'],
    ['half a tag', '5FC1'],
    ['a tag of four bytes', '5F81828301AA'],
    ['indefinite length', '5380AA0000'],
    ['a length of five bytes', '53850000000001AA'],
    ['the reserved length FF', '53FFAA'],
    ['half a length', '538201'],
    ['one byte fewer than claimed', '5302AA'],
    ['a claim of 4 GiB', '5384FFFFFFFFAA'],
    ['a good object and then a bad one', '5301AA7005'],
  ])('refuses %s', (_, text) => {
    expect(() => decodeTlv(parseHex(text))).toThrow(TlvError);
  });

  it(`takes ${MAX_TLV_OBJECTS} objects on one level, and one more is an error`, () => {
    const many = new Uint8Array(2 * (MAX_TLV_OBJECTS + 1)).map((_, index) => (index % 2 === 0 ? 0x53 : 0x00));
    expect(decodeTlv(many.subarray(2)).length).toBe(MAX_TLV_OBJECTS);
    expect(() => decodeTlv(many)).toThrow(TlvError);
  });

  it('gives views into its input, and never one that reaches past it', () => {
    const backing = parseHex('AA 5302BBCC DD');
    const [object] = decodeTlv(backing.subarray(1, 5));
    expect(object?.value).toEqual(parseHex('BBCC'));
    expect(object?.value.buffer).toBe(backing.buffer);
    expect(() => decodeTlv(backing.subarray(1, 4))).toThrow(TlvError);
  });
});

describe('decodeFirstTlv', () => {
  it('leaves what follows alone, even when that is no TLV', () => {
    const { object, rest } = decodeFirstTlv(parseHex('FF 5301AA 5F'));
    expect(object).toEqual({ tag: 0x53, value: Uint8Array.of(0xaa) });
    expect(rest).toEqual(Uint8Array.of(0x5f));
  });

  it.each(['', '00FF'])('refuses %j, in which there is no object', (text) => {
    expect(() => decodeFirstTlv(parseHex(text))).toThrow(TlvError);
  });
});

describe('findTlv and requireTlv', () => {
  const objects = decodeTlv(parseHex('8001AA 8001BB 8200'));

  it('give the first object with the tag, an empty one too', () => {
    expect(findTlv(objects, 0x80)).toEqual(Uint8Array.of(0xaa));
    expect(requireTlv(objects, 0x82)).toEqual(new Uint8Array());
  });

  it('differ for a missing one: undefined, and an error that names it', () => {
    expect(findTlv(objects, 0x5fc102)).toBeUndefined();
    expect(() => requireTlv(objects, 0x5fc102)).toThrow('no data object 5FC102');
  });
});

describe('encodeTlv', () => {
  it('puts its parts together under one length', () => {
    expect(formatHex(encodeTlv(0x7c, encodeTlv(0x82), encodeTlv(0x81, parseHex('AABB'))))).toBe('7C0682008102AABB');
  });

  it('keeps every tag of one to three bytes', () => {
    expect([0x53, 0x7f49, 0x5fc102].map((tag) => [formatTag(tag), ...encodeTag(tag)])).toEqual([
      ['53', 0x53],
      ['7F49', 0x7f, 0x49],
      ['5FC102', 0x5f, 0xc1, 0x02],
    ]);
    expect(formatTag(0x1)).toBe('01');
  });
});

describe('decoding hostile input', () => {
  it('gives objects within the input or a TlvError, for 5,000 seeded random strings', () => {
    const random = seeded(0x8825);
    for (let round = 0; round < 5000; round++) {
      const bytes = Uint8Array.from({ length: random(64) }, () => (random(3) === 0 ? random(8) : random(256)));
      try {
        const total = decodeTlv(bytes).reduce((sum, { value }) => sum + value.length, 0);
        expect(total, `round ${round}`).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error, `round ${round}`).toBeInstanceOf(TlvError);
      }
    }
  });

  it('refuses every true beginning of an object', () => {
    const whole = encodeTlv(0x5fc102, new Uint8Array(300).fill(0x41));
    for (let length = 1; length < whole.length; length++)
      expect(() => decodeTlv(whole.subarray(0, length)), `${length} bytes`).toThrow(TlvError);
  });
});
