import { describe, expect, it } from 'vitest';
import { PinBlockedError } from '../../apdu/errors.ts';
import type { PinStatus, Token } from '../../apdu/token.ts';
import { TriesMemory, guardLastTry } from './tries.ts';

/** A token that only tells of its PIN, and counts how often it was asked. */
function tokenThatTells(status: Partial<PinStatus>): { token: Token; asked: () => number } {
  let asked = 0;
  const token: Pick<Token, 'pin'> = {
    pin: (reference) => {
      asked++;
      return Promise.resolve({ reference, kind: 'pin', label: 'PIN', minLength: 6, maxLength: 8, verified: false, ...status });
    },
  };
  return { token: token as Token, asked: () => asked };
}

function memoryAt(start = 0): { memory: TriesMemory; clock: { now: number } } {
  const clock = { now: start };
  return { memory: new TriesMemory(() => clock.now), clock };
}

describe('guardLastTry', () => {
  it.each([
    [3, 'ok'],
    [2, 'ok'],
    [1, 'pin_last_try'],
    [undefined, 'pin_last_try'],
  ])('with %s tries left ends in %s', async (attemptsRemaining, expected) => {
    const { token } = tokenThatTells(attemptsRemaining === undefined ? {} : { attemptsRemaining });
    const guarded = guardLastTry(token, memoryAt().memory, '80', false);
    if (expected === 'ok') await expect(guarded).resolves.toBeUndefined();
    else await expect(guarded).rejects.toMatchObject({ code: expected });
  });

  it('with no tries left tells that the PIN is blocked', async () => {
    const { token } = tokenThatTells({ attemptsRemaining: 0 });
    await expect(guardLastTry(token, memoryAt().memory, '80', false)).rejects.toBeInstanceOf(PinBlockedError);
  });

  it('lets a PIN pass that is verified already, though its counter is hidden', async () => {
    await guardLastTry(tokenThatTells({ verified: true }).token, memoryAt().memory, '80', false);
  });

  it('does not ask when the caller allows the last try', async () => {
    const { token, asked } = tokenThatTells({ attemptsRemaining: 1 });
    await guardLastTry(token, memoryAt().memory, '80', true);
    expect(asked()).toBe(0);
  });

  it('does not ask again within a minute while there were plenty, and does so after it', async () => {
    const { token, asked } = tokenThatTells({ attemptsRemaining: 3 });
    const { memory, clock } = memoryAt();
    await guardLastTry(token, memory, '80', false);
    clock.now += 59_999;
    await guardLastTry(token, memory, '80', false);
    expect(asked()).toBe(1);
    clock.now += 1;
    await guardLastTry(token, memory, '80', false);
    expect(asked()).toBe(2);
  });

  it('asks each time while there are two', async () => {
    const { token, asked } = tokenThatTells({ attemptsRemaining: 2 });
    const { memory } = memoryAt();
    await guardLastTry(token, memory, '80', false);
    await guardLastTry(token, memory, '80', false);
    expect(asked()).toBe(2);
  });

  it('asks again after raw commands', async () => {
    const { token, asked } = tokenThatTells({ attemptsRemaining: 3 });
    const { memory } = memoryAt();
    await guardLastTry(token, memory, '80', false);
    memory.forgetAll();
    await guardLastTry(token, memory, '80', false);
    expect(asked()).toBe(2);
  });
});

describe('TriesMemory', () => {
  it('counts each PIN on its own', () => {
    const { memory } = memoryAt();
    memory.observe({ reference: '80', attemptsRemaining: 3 });
    memory.observe({ reference: '81', attemptsRemaining: 1 });
    expect([memory.hasPlenty('80'), memory.hasPlenty('81'), memory.hasPlenty('00')]).toEqual([true, false, false]);
  });

  it('takes the most that was ever seen for full when the right PIN refills the counter', () => {
    const { memory } = memoryAt();
    memory.observeSuccess('80');
    expect(memory.last('80')).toBeUndefined();
    memory.observe({ reference: '80', attemptsRemaining: 5 });
    memory.observe({ reference: '80', attemptsRemaining: 1 });
    memory.observeSuccess('80');
    expect(memory.last('80')).toBe(5);
  });

  it('knows nothing any more when the card stops telling', () => {
    const { memory } = memoryAt();
    memory.observe({ reference: '80', attemptsRemaining: 3 });
    memory.observe({ reference: '80' });
    expect(memory.hasPlenty('80')).toBe(false);
  });
});

describe('whoever shows tries', () => {
  function told(): { readonly memory: TriesMemory; readonly count: () => number } {
    let count = 0;
    const memory = new TriesMemory(
      () => 0,
      () => count++,
    );
    return { memory, count: () => count };
  }
  const left = (attemptsRemaining: number): { reference: string; attemptsRemaining: number } => ({
    reference: '80',
    attemptsRemaining,
  });

  it('is told once when a try is spent, and once when the right PIN gives it back', () => {
    const { memory, count } = told();
    memory.observe(left(3));
    memory.observe(left(3));
    expect(count()).toBe(0);
    memory.observe(left(2));
    memory.observe(left(2));
    expect(count()).toBe(1);
    memory.observeSuccess('80');
    memory.observe(left(3));
    expect(count()).toBe(2);
  });

  it('hears nothing new from a card that does not tell while its PIN is verified', () => {
    const { memory, count } = told();
    memory.observe(left(3));
    memory.observe({ reference: '80' });
    memory.observe(left(3));
    expect(count()).toBe(0);
  });

  it('is told of a try that was spent also where the card told of none before, or tells of none', () => {
    const { memory, count } = told();
    memory.observe({ reference: '80' });
    memory.observeSpent('80', 2);
    expect(count()).toBe(1);
    memory.observeSpent('80', undefined);
    expect(count()).toBe(2);
    expect(memory.last('80')).toBeUndefined();
  });

  it('is told once of a PIN that was unblocked, which is not taken for blocked any more', () => {
    const { memory, count } = told();
    memory.observe(left(0));
    memory.observe({ reference: '81', attemptsRemaining: 3 });
    memory.observeRenewal('80', '81');
    expect(memory.last('80')).toBeUndefined();
    memory.observe(left(3));
    expect(count()).toBe(1);
  });
});
