import { describe, expect, it } from 'vitest';
import {
  CLOSE_REPLACED,
  CLOSE_SESSION_OVER,
  ConsoleSessions,
  GRACE_MS,
  LINK_MS,
  SESSION_MS,
  SESSIONS_PER_USER,
  TooManyTriesError,
  WRONG_TRIES,
} from './sessions.ts';

const USER = '1000';
const OTHER = '1001';

class Clock {
  ms = 1_700_000_000_000;
  readonly sessions = new ConsoleSessions(() => this.ms);

  /** A session with its window; what the window was closed with. */
  begin(user = USER): { token: string; closedWith: number[]; leave: () => void } {
    const token = this.sessions.redeem(this.sessions.issueCode(user), user);
    if (token === undefined) throw new Error('no session');
    const closedWith: number[] = [];
    const window = this.sessions.enter(token, user, (code) => closedWith.push(code));
    if (!window) throw new Error('no window');
    return { token, closedWith, leave: () => window[Symbol.dispose]() };
  }

  enters(token: string, user = USER): boolean {
    const window = this.sessions.enter(token, user, () => undefined);
    window?.[Symbol.dispose]();
    return window !== undefined;
  }
}

describe('a link', () => {
  it('has 256 bits that are never the same', () => {
    const { sessions } = new Clock();
    const codes = Array.from({ length: 100 }, () => sessions.issueCode(USER));
    expect(new Set(codes).size).toBe(100);
    expect(codes.every((code) => Buffer.from(code, 'base64url').length === 32)).toBe(true);
  });

  it('is good once', () => {
    const { sessions } = new Clock();
    const code = sessions.issueCode(USER);
    expect(sessions.redeem(code, USER)).toMatch(/^[\w-]{43}$/);
    expect(sessions.redeem(code, USER)).toBeUndefined();
  });

  it.each([
    [LINK_MS - 1, true],
    [LINK_MS, false],
  ])('after %i ms is good: %s', (ms, isGood) => {
    const clock = new Clock();
    const code = clock.sessions.issueCode(USER);
    clock.ms += ms;
    expect(clock.sessions.redeem(code, USER) !== undefined).toBe(isGood);
  });

  it.each([OTHER, undefined])('is spent and of no use when user %s comes with it', (user) => {
    const { sessions } = new Clock();
    const code = sessions.issueCode(USER);
    expect(sessions.redeem(code, user)).toBeUndefined();
    expect(sessions.redeem(code, USER)).toBeUndefined();
  });

  it('makes older ones of the same user void when there are too many, and no one else’s', () => {
    const { sessions } = new Clock();
    const others = sessions.issueCode(OTHER);
    const codes = Array.from({ length: SESSIONS_PER_USER + 1 }, () => sessions.issueCode(USER));
    expect(codes.map((code) => sessions.redeem(code, USER) !== undefined)).toEqual([false, true, true, true, true]);
    expect(sessions.redeem(others, OTHER)).toBeDefined();
  });
});

describe('a session', () => {
  it('outlives its window by the grace and no longer', () => {
    const clock = new Clock();
    const { token, leave } = clock.begin();
    clock.ms += 10 * GRACE_MS;
    leave();
    clock.ms += GRACE_MS - 1;
    expect(clock.enters(token)).toBe(true);
    clock.ms += GRACE_MS;
    expect(clock.enters(token)).toBe(false);
  });

  it('that no window came for ends with the grace', () => {
    const clock = new Clock();
    const token = clock.sessions.redeem(clock.sessions.issueCode(USER), USER) ?? '';
    clock.ms += GRACE_MS;
    expect(clock.enters(token)).toBe(false);
  });

  it('ends after its time, and its window with it', () => {
    const clock = new Clock();
    const { token, closedWith } = clock.begin();
    clock.ms += SESSION_MS - 1;
    clock.sessions.sweep();
    expect(closedWith).toEqual([]);
    clock.ms += 1;
    clock.sessions.sweep();
    expect(closedWith).toEqual([CLOSE_SESSION_OVER]);
    expect(clock.enters(token)).toBe(false);
  });

  it('has one window: the next takes its place, and the end of the first ends nothing', () => {
    const clock = new Clock();
    const { token, closedWith, leave } = clock.begin();
    const later: number[] = [];
    expect(clock.sessions.enter(token, USER, (code) => later.push(code))).toBeDefined();
    expect(closedWith).toEqual([CLOSE_REPLACED]);
    leave();
    clock.ms += GRACE_MS;
    clock.sessions.sweep();
    expect(later).toEqual([]);
    expect(clock.enters(token)).toBe(true);
  });

  it('is of no use to another user', () => {
    const clock = new Clock();
    const { token, closedWith } = clock.begin();
    expect(clock.enters(token, OTHER)).toBe(false);
    expect(closedWith).toEqual([]);
  });

  it('makes room for a new one when its user has too many: one without a window first, else the oldest', () => {
    const clock = new Clock();
    const other = clock.begin(OTHER);
    const mine = Array.from({ length: SESSIONS_PER_USER }, () => clock.begin());
    mine[2]?.leave();
    const fifth = clock.begin();
    expect(mine.map(({ closedWith }) => closedWith)).toEqual([[], [], [], []]);
    expect(clock.enters(mine[2]?.token ?? '')).toBe(false);
    clock.begin();
    expect(mine.map(({ closedWith }) => closedWith)).toEqual([[CLOSE_SESSION_OVER], [], [], []]);
    expect([...fifth.closedWith, ...other.closedWith]).toEqual([]);
  });
});

describe('guessing', () => {
  it('ends after a few tries, for codes and tokens alike, until a minute is over', () => {
    const clock = new Clock();
    const { sessions } = clock;
    const { token, leave } = clock.begin();
    leave();
    const code = sessions.issueCode(USER);
    for (let tries = 0; tries < WRONG_TRIES; tries++) {
      const wrong = 'A'.repeat(43);
      if (tries % 2 === 0) expect(sessions.redeem(wrong, USER)).toBeUndefined();
      else expect(clock.enters(wrong)).toBe(false);
    }
    expect(() => sessions.redeem(code, USER)).toThrow(TooManyTriesError);
    expect(() => clock.enters(token)).toThrow(TooManyTriesError);
    clock.ms += 60_000;
    expect(sessions.redeem(sessions.issueCode(USER), USER)).toBeDefined();
  });
});
