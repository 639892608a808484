import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { returnUnusedMemory } from './unused-memory.ts';

/** Below the size that the C library maps by itself (mallopt(3), M_MMAP_THRESHOLD: 128 KiB). */
const BLOCK = 64 * 1_024;
const COUNT = 800;

function residentBytes(): number {
  return Number(/^Rss:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1]) * 1_024;
}

it('gives the system what was freed below what is kept', () => {
  returnUnusedMemory();
  const blocks = Array.from({ length: COUNT }, () => new Uint8Array(BLOCK).fill(1));
  // A buffer without bytes has let go of its memory at once, and the last block keeps the heap from shrinking by itself.
  for (const { buffer } of blocks.slice(0, -1)) buffer.transfer(0);
  const before = residentBytes();
  const isLess = returnUnusedMemory();
  const after = residentBytes();
  expect(isLess).toBe(true);
  expect(before - after).toBeGreaterThan((COUNT / 2) * BLOCK);
});
