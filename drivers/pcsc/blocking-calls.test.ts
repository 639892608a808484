import { describe, expect, it } from 'vitest';
import { ServiceUnavailableError } from '../errors.ts';
import { RESERVED_THREADS, blockingCallLimit, createBlockingCalls } from './blocking-calls.ts';

describe('blockingCallLimit', () => {
  it('leaves the last threads of the pool to others', () => {
    expect(blockingCallLimit({ UV_THREADPOOL_SIZE: '64' })).toBe(64 - RESERVED_THREADS);
    expect(blockingCallLimit({ UV_THREADPOOL_SIZE: '5000' })).toBe(1024 - RESERVED_THREADS);
  });

  it.each([undefined, '4', '0', '', 'many'])('refuses a pool of %s and says what to set', (size) => {
    const environment = size === undefined ? {} : { UV_THREADPOOL_SIZE: size };
    expect(() => blockingCallLimit(environment)).toThrow(ServiceUnavailableError);
    expect(() => blockingCallLimit(environment)).toThrow(/UV_THREADPOOL_SIZE=64/);
  });
});

describe('createBlockingCalls', () => {
  it('runs up to the limit at once and the rest in the order asked', async () => {
    const calls = createBlockingCalls(2);
    const ends: (() => void)[] = [];
    const started: number[] = [];
    const run = async (index: number): Promise<number> =>
      calls.run(async () => {
        started.push(index);
        await new Promise<void>((resolve) => ends.push(resolve));
        return index;
      });
    const all = Promise.all([0, 1, 2, 3].map(run));
    await Promise.resolve();
    expect({ started, underWay: calls.underWay, waiting: calls.waiting }).toEqual({ started: [0, 1], underWay: 2, waiting: 2 });
    for (let index = 0; index < 4; index++) {
      ends[index]?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await all).toEqual([0, 1, 2, 3]);
    expect({ started, underWay: calls.underWay, waiting: calls.waiting }).toEqual({
      started: [0, 1, 2, 3],
      underWay: 0,
      waiting: 0,
    });
  });

  it('gives its place on when a call fails', async () => {
    const calls = createBlockingCalls(1);
    const failing = calls.run(() => Promise.reject(new Error('no')));
    const next = calls.run(() => Promise.resolve('next'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('next');
    expect(calls.underWay).toBe(0);
  });
});
