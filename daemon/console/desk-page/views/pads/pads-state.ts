/** The pads as they stand, and what is being written on those that somebody looks on at. */
import type { EventData } from '../../../../../api-spec/events.ts';
import type { Pad } from '../../../../../api-spec/pads.ts';
import { Topic, type AnyEvent } from '../../topic.ts';
import { Ink } from './ink.ts';

export interface PadsState {
  readonly pads: ReadonlyMap<string, Pad>;
  /** Of the latest capture of each pad, as far as it was told. The same object grows: `revision` says that it did. */
  readonly ink: ReadonlyMap<string, Ink>;
  readonly revision: number;
}

/** What was written stays when the pads are read again after a gap: the ink goes on behind it. */
let known: ReadonlyMap<string, Ink> = new Map();

export const padsTopic = new Topic<PadsState>({
  events: ['pad.added', 'pad.changed', 'pad.pen', 'pad.removed'],
  load: async (client) => {
    const { pads } = await client.call('pad.list');
    const byId = new Map(pads.map((pad) => [pad.id, pad]));
    return { pads: byId, ink: new Map([...known].filter(([pad]) => byId.has(pad))), revision: 0 };
  },
  apply: (state, events) => {
    const next = applyToPads(state, events);
    known = next.ink;
    return next;
  },
});

/** Of what is shown no longer. */
export function forgetInk(pad: string): void {
  known.get(pad)?.clear();
}

export function applyToPads({ pads, ink, revision }: PadsState, events: readonly AnyEvent[]): PadsState {
  const [newPads, newInk] = [new Map(pads), new Map(ink)];
  for (const { name, data } of events) {
    if (name === 'pad.added' || name === 'pad.changed') newPads.set(data.pad.id, data.pad);
    if (name === 'pad.changed' && isAnother(newInk.get(data.pad.id), data)) newInk.delete(data.pad.id);
    if (name === 'pad.pen') inkOf(newInk, data).add(data);
    if (name === 'pad.removed') {
      newPads.delete(data.pad);
      newInk.delete(data.pad);
    }
  }
  return { pads: newPads, ink: newInk, revision: revision + 1 };
}

/** A capture has begun of which this ink is not. */
function isAnother(ink: Ink | undefined, { pad, capture }: EventData<'pad.changed'>): boolean {
  return pad.status === 'capturing' && ink?.capture !== capture;
}

/** Of this capture; that of an earlier one goes. */
function inkOf(all: Map<string, Ink>, { pad, capture }: { readonly pad: string; readonly capture: string }): Ink {
  const known = all.get(pad);
  if (known?.capture === capture) return known;
  const begun = new Ink(capture);
  all.set(pad, begun);
  return begun;
}
