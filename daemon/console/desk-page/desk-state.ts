/** Readers, cards and roles as they stand. */
import type { Card, Reader, Role } from '../../../api-spec/schemas.ts';
import { Topic, type EventOf } from './topic.ts';

export interface DeskState {
  readonly readers: ReadonlyMap<string, Reader>;
  readonly cards: ReadonlyMap<string, Card>;
  readonly roles: readonly Role[];
}

const DESK_EVENTS = [
  'card.changed',
  'card.inserted',
  'card.removed',
  'reader.added',
  'reader.changed',
  'reader.removed',
] as const;
type DeskEvent = EventOf<(typeof DESK_EVENTS)[number]>;

export const desk = new Topic<DeskState, DeskEvent['name']>({
  events: DESK_EVENTS,
  load: async (client) => {
    const [{ readers }, { cards }, { roles }] = await Promise.all([
      client.call('reader.list'),
      client.call('card.list'),
      client.call('reader.listRoles'),
    ]);
    return { readers: byId(readers), cards: byId(cards), roles };
  },
  apply: applyToDesk,
});

export function applyToDesk({ readers, cards, roles }: DeskState, events: readonly DeskEvent[]): DeskState {
  const [newReaders, newCards] = [new Map(readers), new Map(cards)];
  for (const { name, data } of events) {
    switch (name) {
      case 'card.changed':
      case 'card.inserted':
        newCards.set(data.card.id, data.card);
        break;
      case 'card.removed':
        newCards.delete(data.card);
        break;
      case 'reader.added':
      case 'reader.changed':
        newReaders.set(data.reader.id, data.reader);
        break;
      case 'reader.removed':
        newReaders.delete(data.reader);
        break;
    }
  }
  return { readers: newReaders, cards: newCards, roles };
}

/** Roles that no reader has. */
export function vacantRoles({ readers, roles }: DeskState): readonly Role[] {
  const taken = new Set([...readers.values()].flatMap(({ role }) => role ?? []));
  return roles.filter(({ role }) => !taken.has(role));
}

const byId = <T extends { readonly id: string }>(items: readonly T[]): ReadonlyMap<string, T> =>
  new Map(items.map((item) => [item.id, item]));
