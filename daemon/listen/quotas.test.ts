import { describe, expect, it } from 'vitest';
import { BYTES_PER_TOKEN, WEB_CONNECTIONS } from '../api/limits.ts';
import { ORIGIN_BOUNDS, Quota, Quotas } from './quotas.ts';

const holder = { origin: 'https://a.example', user: '1000' };

function times(count: number, act: () => unknown): readonly unknown[] {
  return Array.from({ length: count }, act);
}

describe('the quota of an origin', () => {
  it('answers messages beyond the rate with errors, and takes it for a flood when it goes on', () => {
    let now = 0;
    const bounds = { ...ORIGIN_BOUNDS, messages: { perSecond: 10, burst: 3 }, errors: { perSecond: 1, burst: 2 } };
    const quota = new Quota(bounds, () => now);
    expect(times(6, () => quota.takeMessage(0))).toEqual(['ok', 'ok', 'ok', 'over', 'over', 'flood']);
    now = 100;
    expect(times(2, () => quota.takeMessage(0))).toEqual(['ok', 'flood']);
    now = 10_000;
    expect(times(4, () => quota.takeMessage(0))).toEqual(['ok', 'ok', 'ok', 'over']);
  });

  it('counts long messages as several', () => {
    const quota = new Quota({ ...ORIGIN_BOUNDS, messages: { perSecond: 1, burst: 10 } }, () => 0);
    expect(quota.takeMessage(BYTES_PER_TOKEN * 9)).toBe('ok');
    expect(quota.takeMessage(0)).toBe('over');
  });

  it('bounds the calls that are under way', () => {
    const quota = new Quota({ ...ORIGIN_BOUNDS, calls: 2 }, () => 0);
    expect(times(3, () => quota.beginCall())).toEqual([true, true, false]);
    quota.endCall();
    expect(quota.beginCall()).toBe(true);
  });
});

describe('quotas', () => {
  it('are one for each origin of each user, and one for all origins of a user that hold no grant', () => {
    const quotas = new Quotas();
    expect(quotas.of({ ...holder }, true)).toBe(quotas.of(holder, true));
    expect(quotas.of({ ...holder, user: '1001' }, true)).not.toBe(quotas.of(holder, true));
    const ungranted = quotas.of({ ...holder, origin: 'https://b.example' }, false);
    expect(quotas.of({ ...holder, origin: 'https://c.example' }, false)).toBe(ungranted);
    expect(quotas.of({ origin: 'https://c.example', user: '1001' }, false)).not.toBe(ungranted);
  });

  it('bound the connections of an origin, and of all of them', () => {
    const quotas = new Quotas();
    const quota = quotas.of(holder, true);
    const tooMany = expect.objectContaining({ code: 'too_many_calls', details: { limit: quota.bounds.connections } }) as Error;
    times(quota.bounds.connections, () => quotas.connect(quota));
    expect(() => quotas.connect(quota)).toThrow(tooMany);
    quotas.disconnect(quota);
    quotas.connect(quota);
    for (let origin = 1; origin < WEB_CONNECTIONS / quota.bounds.connections; origin++) {
      const other = quotas.of({ ...holder, origin: `https://b${origin}.example` }, true);
      times(other.bounds.connections, () => quotas.connect(other));
    }
    const last = quotas.of({ ...holder, origin: 'https://last.example' }, true);
    expect(() => quotas.connect(last)).toThrow(expect.objectContaining({ details: { limit: WEB_CONNECTIONS } }) as Error);
  });

  it('are forgotten when they make no difference any more', () => {
    let now = 0;
    const quotas = new Quotas(() => now);
    const [connected, calling, spent] = ['b', 'c', 'd'].map((name) =>
      quotas.of({ ...holder, origin: `https://${name}.example` }, true),
    );
    if (!connected || !calling || !spent) throw new RangeError('three quotas were expected');
    quotas.connect(connected);
    calling.beginCall();
    spent.takeMessage(0);
    quotas.of(holder, true);
    quotas.forgetIdle();
    expect(quotas.size).toBe(3);
    now = 60_000;
    quotas.disconnect(connected);
    calling.endCall();
    quotas.forgetIdle();
    expect(quotas.size).toBe(0);
  });
});
