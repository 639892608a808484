import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CardRecord } from './records.ts';
import { DEFAULT_LEASE_MS, Leases, MAX_LEASE_LIFE_MS, MAX_LEASE_MS } from './leases.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** As much of a card as a lease looks at. */
function makeCard(id = 'card-1'): CardRecord {
  const card: Pick<CardRecord, 'id' | 'lease' | 'fence'> = { id, lease: undefined, fence: 0 };
  return card as CardRecord;
}

const anna = { caller: 'a', holder: 'program a' };
const bo = { caller: 'b', holder: 'program b' };

function makeLeases(): { leases: Leases; changed: string[] } {
  const changed: string[] = [];
  return { leases: new Leases((card) => changed.push(`${card.id} ${card.lease ? 'leased' : 'free'}`)), changed };
}

describe('a lease', () => {
  it('lets only the calls by that name it', () => {
    const { leases } = makeLeases();
    const card = makeCard();
    leases.check(card, undefined);
    const { id } = leases.grant(card, anna);
    leases.check(card, id);
    expect(() => leases.check(card, undefined)).toThrow(
      expect.objectContaining({ code: 'card_busy', details: { holder: 'program a' } }),
    );
    expect(() => leases.check(card, 'another')).toThrow(expect.objectContaining({ code: 'lease_invalid' }));
    expect(() => leases.grant(card, bo)).toThrow(expect.objectContaining({ code: 'card_busy' }));
  });

  it('names its purpose to whoever finds the card busy', () => {
    const { leases } = makeLeases();
    const card = makeCard();
    leases.grant(card, { ...anna, purpose: 'renewal' });
    expect(() => leases.check(card, undefined)).toThrow(expect.objectContaining({ details: { holder: 'program a (renewal)' } }));
  });

  it('ends by time, and says so', () => {
    const { leases, changed } = makeLeases();
    const card = makeCard();
    const { id } = leases.grant(card, anna);
    vi.advanceTimersByTime(DEFAULT_LEASE_MS - 1);
    leases.check(card, id);
    vi.advanceTimersByTime(1);
    expect(() => leases.check(card, id)).toThrow(expect.objectContaining({ code: 'lease_invalid' }));
    expect(changed).toEqual(['card-1 leased', 'card-1 free']);
    expect(() => leases.release(id)).toThrow(expect.objectContaining({ code: 'lease_invalid' }));
  });

  it('is extended by its own name, keeps its number, and is never longer than allowed', () => {
    const { leases } = makeLeases();
    const card = makeCard();
    const first = leases.grant(card, anna);
    vi.advanceTimersByTime(DEFAULT_LEASE_MS - 1);
    const extended = leases.grant(card, { ...anna, lease: first.id, durationMs: MAX_LEASE_MS * 10 });
    expect([extended.id, extended.fence]).toEqual([first.id, first.fence]);
    vi.advanceTimersByTime(MAX_LEASE_MS - 1);
    leases.check(card, first.id);
    vi.advanceTimersByTime(1);
    expect(card.lease).toBeUndefined();
    expect(() => leases.grant(card, { ...anna, lease: first.id })).toThrow(expect.objectContaining({ code: 'lease_invalid' }));
  });

  it('is not extended for ever', () => {
    const { leases } = makeLeases();
    const card = makeCard();
    const { id, grantedAt } = leases.grant(card, { ...anna, durationMs: MAX_LEASE_MS });
    let extensions = 0;
    for (; card.lease && extensions < 1_000; extensions++) {
      const { expiresAt } = leases.grant(card, { ...anna, lease: id, durationMs: MAX_LEASE_MS });
      expect(expiresAt.getTime() - grantedAt).toBeLessThanOrEqual(MAX_LEASE_LIFE_MS);
      vi.advanceTimersByTime(MAX_LEASE_MS / 2);
    }
    expect(Date.now() - grantedAt).toBe(MAX_LEASE_LIFE_MS);
    expect(() => leases.grant(card, { ...anna, lease: id })).toThrow(expect.objectContaining({ code: 'lease_invalid' }));
    leases.grant(card, bo);
  });

  it('has a number that grows with each lease of the card', () => {
    const { leases } = makeLeases();
    const card = makeCard();
    for (const expected of [1, 2, 3]) {
      const { id, fence } = leases.grant(card, anna);
      expect(fence).toBe(expected);
      leases.release(id);
    }
  });

  it('ends with its caller, and those of others stay', () => {
    const { leases } = makeLeases();
    const [first, second, third] = [makeCard('1'), makeCard('2'), makeCard('3')];
    leases.grant(first, anna);
    leases.grant(second, bo);
    leases.grant(third, anna);
    leases.releaseAll('a');
    expect([first, second, third].map(({ lease }) => lease?.caller)).toEqual([undefined, 'b', undefined]);
  });

  it('ends with its card, without a word about a card that is gone, and its timer with it', () => {
    const { leases, changed } = makeLeases();
    const card = makeCard();
    const { id } = leases.grant(card, anna);
    leases.drop(card);
    leases.drop(card);
    expect(vi.getTimerCount()).toBe(0);
    expect(changed).toEqual(['card-1 leased']);
    expect(() => leases.release(id)).toThrow(expect.objectContaining({ code: 'lease_invalid' }));
  });

  it('that was given back leaves no timer that could end the next one', () => {
    const { leases } = makeLeases();
    const card = makeCard();
    leases.release(leases.grant(card, { ...anna, durationMs: 100 }).id);
    const { id } = leases.grant(card, { ...bo, durationMs: 1_000 });
    vi.advanceTimersByTime(999);
    leases.check(card, id);
  });
});

describe('who waits for a lease to end', () => {
  it('waits for each that is granted meanwhile, and no longer than its signal', async () => {
    const { leases } = makeLeases();
    const card = makeCard();
    await leases.free(card, new AbortController().signal);
    leases.grant(card, anna);
    const patient = leases.free(card, new AbortController().signal);
    const abort = new AbortController();
    const hasty = leases.free(card, abort.signal);
    abort.abort(new Error('late'));
    await expect(hasty).rejects.toThrow('late');
    leases.releaseAll(anna.caller);
    const { id } = leases.grant(card, bo); // before the waiter runs
    await expect(Promise.race([patient.then(() => 'free'), Promise.resolve().then(() => 'leased')])).resolves.toBe('leased');
    leases.release(id);
    await patient;
    expect(card.lease).toBeUndefined();
  });
});
