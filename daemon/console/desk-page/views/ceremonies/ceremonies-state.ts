/**
 * Which ceremonies changed, and how often. What they came to is asked for again: an event does not tell all of a ceremony, and of those that one may not
 * see there are none. The routines' words are read once.
 */
import type { Routine } from '../../../../../api-spec/routine.ts';
import { Topic, type AnyEvent } from '../../topic.ts';

export interface CeremonyChanges {
  readonly routines: ReadonlyMap<string, Routine>;
  /** Of any. */
  readonly count: number;
  /** Of each, since the page was opened. */
  readonly byCeremony: ReadonlyMap<string, number>;
}

/** More are not told apart: then the latest hundred are. */
const REMEMBERED = 100;
let loads = 0;

export const ceremonyChanges = new Topic<CeremonyChanges>({
  events: ['issuance.changed'],
  load: async (client) => {
    const { routines } = await client.call('issuance.listRoutines');
    // Something may have changed in what was lost.
    loads += 1_000_000;
    return { routines: new Map(routines.map((routine) => [routine.id, routine])), count: loads, byCeremony: new Map() };
  },
  apply: applyChanges,
});

export function applyChanges({ routines, count, byCeremony }: CeremonyChanges, events: readonly AnyEvent[]): CeremonyChanges {
  const changes = new Map(byCeremony);
  let all = count;
  for (const { name, data } of events) {
    if (name !== 'issuance.changed') continue;
    const before = changes.get(data.ceremony) ?? 0;
    changes.delete(data.ceremony);
    changes.set(data.ceremony, before + 1);
    all++;
  }
  return { routines, count: all, byCeremony: new Map([...changes].slice(-REMEMBERED)) };
}

/** Another number whenever this ceremony may have changed. */
export function changesOf(state: CeremonyChanges | undefined, ceremony: string): string {
  if (!state) return '';
  const own = state.byCeremony.get(ceremony) ?? 0;
  return `${Math.floor(state.count / 1_000_000)} ${own}`;
}
