import { describe, expect, it } from 'vitest';
import { IGNORED_READERS, isIgnoredReader } from './ignored-readers.ts';

describe('readers that stay out', () => {
  it.each([
    ['Windows Hello for Business 1', true],
    ['windows hello for business 0', true],
    ['Microsoft Virtual Smart Card 0', true],
    ['My Windows Hello for Business 1', false],
    ['Yubico YubiKey OTP+FIDO+CCID 00 00', false],
    ['', false],
  ])('%s: %s', (name, expected) => {
    expect(isIgnoredReader(name, [])).toBe(expected);
  });

  it.each([
    ['Vendor SAM 00 01', 'Vendor SAM*', true],
    ['Vendor SAM 00 01', '* SAM *', true],
    ['Vendor SAM 00 01', '*SAM', false],
    ['Vendor SAM 00 01', 'Vendor SAM 00 01', true],
    ['Vendor SAM 00 01', 'Vendor SAM', false],
    ['aba', 'ab*ba', false],
    ['abba', 'ab*ba', true],
    ['anything', '*', true],
    ['Vendor (x) [1] 00 00', 'Vendor (x) [1]*', true],
    ['a'.repeat(10_000), '*a*a*a*a*a*a*a*a*a*a*b', false],
  ])('%s by the pattern %s: %s', (name, pattern, expected) => {
    expect(isIgnoredReader(name, [pattern])).toBe(expected);
  });

  it('are let in again by a pattern with an exclamation mark', () => {
    expect(isIgnoredReader('Microsoft Virtual Smart Card 0', ['!Microsoft Virtual*'])).toBe(false);
    expect(isIgnoredReader('X 0', ['X*', '!X*'])).toBe(false);
  });

  it('are sorted, each with a reason and a source', () => {
    const patterns = IGNORED_READERS.map(({ pattern }) => pattern);
    expect(patterns).toEqual(patterns.toSorted());
    for (const { reason, source } of IGNORED_READERS) expect(Math.min(reason.length, source.length)).toBeGreaterThan(20);
  });
});
