import { describe, expect, it } from 'vitest';
import { ANNOUNCE_MS, AuditAnnouncer } from './announce.ts';

function bench() {
  const told: number[] = [];
  const waiting: { readonly callback: () => void; readonly delayMs: number }[] = [];
  const announcer = new AuditAnnouncer(
    (last) => told.push(last),
    (callback, delayMs) => {
      const entry = { callback, delayMs };
      waiting.push(entry);
      return () => void waiting.splice(waiting.indexOf(entry), 1);
    },
  );
  return { announcer, told, waiting, pass: () => waiting.shift()?.callback() };
}

describe('the growth of the audit log', () => {
  it('is told at once, and of a thousand records that follow once after each rest, with the latest number', () => {
    const { announcer, told, waiting, pass } = bench();
    for (let last = 7; last < 1_007; last++) announcer.appended(last);
    expect(told).toEqual([7]);
    expect(waiting.map(({ delayMs }) => delayMs)).toEqual([ANNOUNCE_MS]);
    pass();
    expect(told).toEqual([7, 1_006]);
    pass();
    expect([told, waiting]).toEqual([[7, 1_006], []]);
    announcer.appended(1_007);
    expect(told).toEqual([7, 1_006, 1_007]);
  });

  it('is not told after the end, and leaves no timer', () => {
    const { announcer, told, waiting } = bench();
    announcer.appended(1);
    announcer.appended(2);
    announcer[Symbol.dispose]();
    announcer.appended(3);
    expect([told, waiting]).toEqual([[1], []]);
  });
});
