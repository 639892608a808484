import { describe, expect, it } from 'vitest';
import type { AnyEvent } from '../../topic.ts';
import { applyChanges, changesOf, type CeremonyChanges } from './ceremonies-state.ts';

const EMPTY: CeremonyChanges = { routines: new Map(), count: 1_000_000, byCeremony: new Map() };
const changed = (ceremony: string): AnyEvent => ({
  sequence: 1,
  time: '2026-03-02T08:15:00.000Z',
  name: 'issuance.changed',
  data: { ceremony, routine: 'reserve-card-loa3', state: 'open' },
});

describe('changes of ceremonies', () => {
  it('are told apart, so that only those that changed are asked for again', () => {
    const next = applyChanges(EMPTY, [changed('one'), changed('one')]);
    expect(changesOf(next, 'one')).not.toBe(changesOf(EMPTY, 'one'));
    expect(changesOf(next, 'two')).toBe(changesOf(EMPTY, 'two'));
    expect(next.count).toBe(EMPTY.count + 2);
  });

  it('of all may have been lost when everything is read again', () => {
    expect(changesOf({ ...EMPTY, count: 2_000_000 }, 'one')).not.toBe(changesOf(EMPTY, 'one'));
    expect(changesOf(undefined, 'one')).toBe('');
  });

  it('are remembered of so many only, the latest', () => {
    const many = applyChanges(
      EMPTY,
      Array.from({ length: 500 }, (_, index) => changed(`ceremony ${index}`)),
    );
    expect(many.byCeremony.size).toBe(100);
    expect(many.byCeremony.has('ceremony 499')).toBe(true);
  });
});
