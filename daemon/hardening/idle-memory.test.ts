import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepIdleMemoryLow } from './idle-memory.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('gives memory back soon after the start, then every ten minutes, and no more once it is disposed of', () => {
  const giveBack = vi.fn();
  const idleMemory = keepIdleMemoryLow(giveBack);
  expect(giveBack).not.toHaveBeenCalled();
  vi.advanceTimersByTime(2_000);
  expect(giveBack).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1_200_000);
  expect(giveBack).toHaveBeenCalledTimes(3);
  idleMemory[Symbol.dispose]();
  vi.advanceTimersByTime(3_600_000);
  expect(giveBack).toHaveBeenCalledTimes(3);
});
