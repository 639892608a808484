import { expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

it('lets through the burst, then so many a second, and never more than the burst after a silence', () => {
  let now = 0;
  const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, () => now);
  const taken = (): number => {
    let count = 0;
    while (bucket.take(1)) count++;
    return count;
  };
  expect(taken()).toBe(5);
  now += 100;
  expect(taken()).toBe(1);
  now += 350;
  expect(taken()).toBe(3);
  now += 50;
  expect(taken()).toBe(1);
  now += 3_600_000;
  expect(taken()).toBe(5);
});

it('takes all or nothing', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 10 }, () => 0);
  expect([bucket.take(11), bucket.take(8), bucket.take(3), bucket.take(2)]).toEqual([false, true, false, true]);
});

it('says when it makes no difference any more', () => {
  let now = 0;
  const bucket = new TokenBucket({ perSecond: 2, burst: 4 }, () => now);
  expect(bucket.isFull).toBe(true);
  bucket.take(1);
  expect(bucket.isFull).toBe(false);
  now = 500;
  expect(bucket.isFull).toBe(true);
});
