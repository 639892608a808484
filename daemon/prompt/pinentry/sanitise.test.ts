import { describe, expect, it } from 'vitest';
import { escapeText } from './assuan.ts';
import { MAX_VALUE_LENGTH, sanitise } from './sanitise.ts';

describe('sanitise', () => {
  it('leaves ordinary words as they are', () => {
    const words = 'Skriv under beställning 4711: Åsa Öberg, 100 % (två kort) – läkare & tandläkare';
    expect(sanitise(words)).toBe(words);
  });

  it.each([
    ['a line break', 'Sign\nCard: mine', 'Sign Card: mine'],
    ['other line breaks', 'a\r\nb\u2028c\u2029d\u0085e\u000bf', 'a b c d?e f'],
    ['a run of spaces that would wrap', `a${' \u00a0\u3000'.repeat(60)}b`, 'a b'],
    ['shapeless fillers', 'a\u2800\u3164\u115f\u1160\uffa0b', 'a b'],
    ['terminal escapes', 'a\u001b[2Jb\u009b1mc\u0007', 'a?[2Jb?1mc?'],
    ['bidi controls', 'a\u202eb\u202c\u2066c\u2069\u200f\u061cd', 'a?b??c???d'],
    ['characters without width', 'a\u200bb\u200dc\u2060d\ufeffe\u00adf\ufe0fg', 'a?b?c?d e?f?g'],
    ['tags and private use', 'a\u{e0041}b\ue000c', 'a?b?c'],
    ['half characters', 'a\ud800b', 'a\ufffdb'],
    ['quotation marks that would end ours', 'a” Card: “b«c»"d', "a' Card: 'b'c''d"],
    ['markup', '<b>Card</b>', '‹b›Card‹/b›'],
    ['heaped marks', `a${'\u0335'.repeat(40)}b`, 'a\u0335\u0335b'],
  ])('takes the sting out of %s', (_, text, expected) => {
    expect(sanitise(text)).toBe(expected);
  });

  it.each(['x', 'å', '%', '漢', '😀'])(
    'keeps a value of %j within its length, in characters and in bytes as sent',
    (character) => {
      const clean = sanitise(character.repeat(10_000));
      expect(Array.from(clean).length).toBeLessThanOrEqual(MAX_VALUE_LENGTH);
      expect(escapeText(clean).length).toBeLessThanOrEqual(MAX_VALUE_LENGTH);
      expect(escapeText(clean).length).toBeGreaterThan(MAX_VALUE_LENGTH - 8);
      expect(clean).toMatch(/…$/);
    },
  );

  it('keeps the end of a long origin, which tells whose it is', () => {
    const clean = sanitise(`https://bank.example.${'a'.repeat(1000)}.evil.example`, { cut: 'start' });
    expect(clean).toMatch(/^…a+\.evil\.example$/);
    expect(clean.length).toBeLessThanOrEqual(MAX_VALUE_LENGTH);
  });
});
