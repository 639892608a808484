import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WrongPins } from './wrong-pins.ts';

const LIMIT = 2;
const subject = { origin: 'https://app.example', user: '1000', card: '10000001' };
let folder: string;
let file: string;
let now: Date;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-wrong-'));
  file = join(folder, 'wrong-pins.sqlite');
  now = new Date(2026, 0, 31, 12);
});
afterEach(() => rmSync(folder, { recursive: true }));

const isOver = (pins: WrongPins, other: Partial<typeof subject> = {}): boolean => {
  try {
    pins.require({ ...subject, ...other }, LIMIT);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'pin_limit_reached', details: { limit: LIMIT } });
    return true;
  }
};

describe('WrongPins', () => {
  it('ends after as many as the policy says, for that origin, user and card alone', () => {
    using pins = new WrongPins(file, () => now);
    expect(isOver(pins)).toBe(false);
    pins.note(subject);
    expect(isOver(pins)).toBe(false);
    pins.note(subject);
    expect(isOver(pins)).toBe(true);
    expect([
      isOver(pins, { origin: 'https://other.example' }),
      isOver(pins, { user: '1001' }),
      isOver(pins, { card: '10000002' }),
    ]).toEqual([false, false, false]);
  });

  it('counts on after a restart, in a file for its owner alone, and anew the next day', () => {
    {
      using pins = new WrongPins(file, () => now);
      for (let wrong = 0; wrong < LIMIT; wrong++) pins.note(subject);
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
    using pins = new WrongPins(file, () => now);
    expect(isOver(pins)).toBe(true);
    now = new Date(2026, 0, 31, 23, 59, 59);
    expect(isOver(pins)).toBe(true);
    now = new Date(2026, 1, 1, 0, 0, 0);
    expect(isOver(pins)).toBe(false);
  });

  it('lets none through where the policy allows none', () => {
    using pins = new WrongPins(file, () => now);
    expect(() => pins.require(subject, 0)).toThrow(expect.objectContaining({ code: 'pin_limit_reached' }) as Error);
  });
});
