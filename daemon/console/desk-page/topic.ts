/**
 * One part of the desk as it stands: read once from lists, then kept by events. Events that come while the lists are on their way are applied to
 * them afterwards, in order; each carries the whole of what it is about, so one that the lists already had does no harm.
 */
import type { Client, EventNotice } from '../../../api-spec/client/client.ts';
import type { EventName } from '../../../api-spec/events.ts';
import { Value, type Readable } from './readable.ts';

export type AnyEvent = { [N in EventName]: EventNotice<N> }[EventName];
export type EventOf<N extends EventName> = Extract<AnyEvent, { readonly name: N }>;
export type Calls = Pick<Client, 'call'>;

export interface TopicDefinition<S, N extends EventName> {
  readonly events: readonly N[];
  /** Reads it whole. */
  readonly load: (client: Calls) => Promise<S>;
  /** All that came since the last frame, oldest first; gives a new state. */
  readonly apply: (state: S, events: readonly EventOf<N>[]) => S;
}

/** What `Live` needs of a topic. */
export interface Followed {
  readonly load: (client: Calls) => Promise<void>;
  readonly take: (events: readonly AnyEvent[]) => void;
}

/** `undefined` until it was read for the first time; afterwards the last known state, also while the connection is lost. */
export class Topic<S, N extends EventName = EventName> implements Followed, Readable<S | undefined> {
  readonly #definition: TopicDefinition<S, N>;
  readonly #names: ReadonlySet<EventName>;
  readonly #state = new Value<S | undefined>(undefined);
  /** While the lists are on their way. */
  #waiting: EventOf<N>[] | undefined;
  #loads = 0;

  constructor(definition: TopicDefinition<S, N>) {
    this.#definition = definition;
    this.#names = new Set(definition.events);
  }

  get value(): S | undefined {
    return this.#state.value;
  }

  subscribe(listener: () => void): () => void {
    return this.#state.subscribe(listener);
  }

  /** Rejects as the calls do; the last known state stays. */
  async load(client: Calls): Promise<void> {
    const load = ++this.#loads;
    this.#waiting = [];
    try {
      const state = await this.#definition.load(client);
      if (load === this.#loads) this.#state.set(this.#definition.apply(state, this.#waiting));
    } finally {
      if (load === this.#loads) this.#waiting = undefined;
    }
  }

  take(events: readonly AnyEvent[]): void {
    const mine = events.filter((event): event is EventOf<N> => this.#names.has(event.name));
    if (mine.length === 0) return;
    if (this.#waiting) this.#waiting.push(...mine);
    else if (this.#state.value !== undefined) this.#state.set(this.#definition.apply(this.#state.value, mine));
  }
}
