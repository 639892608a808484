import { expect, it } from 'vitest';
import { RateClock } from './rate-clock.ts';

it('samples that come in bursts are one period apart', () => {
  let nowMs = 5000;
  const clock = new RateClock({ rateHz: 200, now: () => nowMs });
  expect([clock.next(), clock.next(), clock.next()]).toEqual([0, 5, 10]);
  nowMs += 16;
  expect([clock.next(), clock.next()]).toEqual([15, 20]);
});

it('a silence is as long as the clock says', () => {
  let nowMs = 0;
  const clock = new RateClock({ rateHz: 200, now: () => nowMs });
  clock.next();
  nowMs = 1000;
  expect([clock.next(), clock.next()]).toEqual([1000, 1005]);
});

it('a new stroke begins when it came, and never before the one that it follows', () => {
  let nowMs = 0;
  const clock = new RateClock({ rateHz: 100, now: () => nowMs });
  for (let sample = 0; sample < 10; sample++) clock.next();
  nowMs = 50;
  expect(clock.next({ isNewStroke: true })).toBe(100);
  nowMs = 130;
  expect(clock.next({ isNewStroke: true })).toBe(130);
});

it('samples that did not come have passed', () => {
  const clock = new RateClock({ rateHz: 100, now: () => 0 });
  clock.skip(5);
  expect(clock.next()).toBe(0);
  clock.skip(2);
  expect(clock.next()).toBe(30);
});
