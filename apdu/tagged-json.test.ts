import { describe, expect, it } from 'vitest';
import { decodeTaggedJson, encodeTaggedJson } from './tagged-json.ts';

describe('JSON with bytes and sets', () => {
  it('comes back as it was', () => {
    const value = { a: Uint8Array.of(0, 255), b: new Set([1, 2]), c: [{ d: new Uint8Array() }], e: 'text', f: null, g: { h: 1 } };
    expect(decodeTaggedJson(encodeTaggedJson(value))).toEqual(value);
  });

  it('takes the bytes of a Buffer as bytes', () => {
    expect(decodeTaggedJson(encodeTaggedJson({ a: Buffer.from([7]) }))).toEqual({ a: Uint8Array.of(7) });
  });

  it.each(['', '{', '{"a":{"$bytes":"x*z"}}', '{"a":{"$bytes":"0"}}'])('does not take %j', (text) => {
    expect(() => decodeTaggedJson(text)).toThrow();
  });
});
