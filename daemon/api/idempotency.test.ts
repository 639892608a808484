import { describe, expect, it } from 'vitest';
import { IdempotencyKeys } from './idempotency.ts';

const call = { name: 'key.generate', params: { card: 'c', pin: '123456' } };
const TEN_MINUTES = 10 * 60_000;

describe('IdempotencyKeys', () => {
  it('knows nothing of a key that was not used', () => {
    expect(new IdempotencyKeys().find('one', call)).toBeUndefined();
  });

  it('gives the outcome of the first call, also while it still runs', async () => {
    const keys = new IdempotencyKeys();
    const first = Promise.withResolvers<string>();
    keys.keep('one', call, first.promise);
    const second = keys.find('one', structuredClone(call));
    first.resolve('made');
    await expect(second).resolves.toBe('made');
    await expect(keys.find('one', call)).resolves.toBe('made');
  });

  it('gives the failure of the first call, and leaves no rejection unhandled when nobody asks', async () => {
    const keys = new IdempotencyKeys();
    keys.keep('one', call, Promise.reject(new Error('pulled')));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(keys.find('one', call)).rejects.toThrow('pulled');
  });

  it.each([
    ['another method', { ...call, name: 'key.delete' }],
    ['another PIN', { ...call, params: { ...call.params, pin: '654321' } }],
    ['one parameter more', { ...call, params: { ...call.params, touchPolicy: 'never' } }],
  ])('refuses the key for %s', (_, other) => {
    const keys = new IdempotencyKeys();
    keys.keep('one', call, Promise.resolve());
    expect(() => keys.find('one', other)).toThrow(expect.objectContaining({ code: 'idempotency_conflict' }));
    expect(keys.find('two', other)).toBeUndefined();
  });

  it('forgets a key after ten minutes', async () => {
    let now = 0;
    const keys = new IdempotencyKeys(() => now);
    keys.keep('one', call, Promise.resolve('made'));
    now = TEN_MINUTES - 1;
    await expect(keys.find('one', call)).resolves.toBe('made');
    now = TEN_MINUTES;
    expect(keys.find('one', call)).toBeUndefined();
  });

  it('keeps a thousand keys, and forgets the oldest before it keeps more', () => {
    const keys = new IdempotencyKeys(() => 0);
    for (let index = 0; index < 1_500; index++) {
      void keys.find(String(index), call);
      keys.keep(String(index), call, Promise.resolve(index));
    }
    expect(keys.find('0', call)).toBeUndefined();
    expect(keys.find('1499', call)).toBeDefined();
  });
});
