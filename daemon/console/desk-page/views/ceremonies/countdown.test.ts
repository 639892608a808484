import { describe, expect, it } from 'vitest';
import { formatRemaining, remainingAt, spokenMinutes, urgencyOf } from './countdown.ts';

const MINUTE = 60_000;

describe('time that runs down', () => {
  it('counts from when it was told, and stops at nothing', () => {
    const deadline = { remainingMs: 15 * MINUTE, toldAt: 1_000 };
    expect([1_000, 61_000, 10_000_000].map((now) => remainingAt(deadline, now))).toEqual([15 * MINUTE, 14 * MINUTE, 0]);
  });

  it.each([
    [15 * MINUTE, '15:00'],
    [14 * MINUTE + 1, '14:01'],
    [999, '0:01'],
    [0, '0:00'],
    [2 * 60 * MINUTE + 5 * MINUTE, '2:05:00'],
    [47 * 60 * MINUTE, '47:00:00'],
    [3 * 1_440 * MINUTE + 4 * 60 * MINUTE, '3 d 4 h'],
  ])('of %i ms stands there as %s', (ms, text) => {
    expect(formatRemaining(ms)).toBe(text);
  });

  it('wants attention in its last two minutes', () => {
    expect([3 * MINUTE, 2 * MINUTE, 1, 0].map(urgencyOf)).toEqual(['calm', 'soon', 'soon', 'over']);
  });

  it('is said aloud at a few marks, once each, and only the latest when several passed at once', () => {
    expect(spokenMinutes(5 * MINUTE + 400, 5 * MINUTE - 600)).toBe(5);
    expect(spokenMinutes(5 * MINUTE - 600, 5 * MINUTE - 1_600)).toBeUndefined();
    expect(spokenMinutes(15 * MINUTE, 90_000)).toBe(2);
    expect(spokenMinutes(61_000, 60_000)).toBe(1);
  });
});
