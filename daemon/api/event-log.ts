/**
 * Every event with its sequence number. The latest are kept for replay; a subscriber that asks for older ones, or cannot keep up,
 * is told which numbers it lost.
 */
import { randomUUID } from 'node:crypto';
import type { Scope } from '../../api-spec/scopes.ts';
import { EVENTS, type ApiEvent, type EventData, type EventName } from '../../api-spec/events.ts';

/** Events kept for replay. */
export const REPLAY_EVENTS = 1_024;

/** Who may hear of one event, beside what its name asks for. */
export interface Audience {
  /** A further right. */
  readonly needs?: Scope;
  /** Of web pages those of this origin alone; `none`: no page. */
  readonly pages?: string;
  /** What is written on this pad: where one must ask to look on, whoever asked. */
  readonly pad?: string;
}

export interface Subscriber {
  readonly wants: (name: EventName, audience?: Audience) => boolean;
  /** Takes one encoded notification; false when it cannot take it now, and the event is lost to it. */
  send(message: Buffer): boolean;
}

interface Kept {
  readonly sequence: number;
  readonly name: EventName;
  readonly audience: Audience | undefined;
  readonly message: Buffer;
}

export class EventLog {
  /** Names this run: sequence numbers of another one mean nothing. */
  readonly stream = randomUUID();
  readonly #kept: Kept[] = [];
  /** First and last number that a subscriber lost, while it cannot take messages. */
  readonly #subscribers = new Map<Subscriber, { lost?: { from: number; to: number } }>();
  #sequence = 0;
  /** Latest that was kept and is so no more. */
  #forgotten = 0;

  /** Number of the latest event, 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  get keptCount(): number {
    return this.#kept.length;
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  /** Those that lost events, and have not heard of it yet. */
  get laggingCount(): number {
    return [...this.#subscribers.values()].filter(({ lost }) => lost !== undefined).length;
  }

  readonly publish = <N extends EventName>(name: N, data: EventData<N>, audience?: Audience): void => {
    const sequence = ++this.#sequence;
    const message = encodeNotice('event', { sequence, time: new Date().toISOString(), name, data });
    const event: ApiEvent = EVENTS[name];
    if (event.isTransient !== true) this.#keep({ sequence, name, audience, message });
    for (const subscriber of this.#subscribers.keys()) {
      if (subscriber.wants(name, audience)) this.#deliver(subscriber, sequence, message);
    }
  };

  #keep(event: Kept): void {
    this.#kept.push(event);
    if (this.#kept.length > REPLAY_EVENTS) this.#forgotten = this.#kept.shift()?.sequence ?? 0;
  }

  /** Replays what came after `since`, then sends what comes. */
  subscribe(subscriber: Subscriber, since?: { readonly sequence: number; readonly stream: string | undefined }): void {
    const state: { lost?: { from: number; to: number } } = {};
    this.#subscribers.set(subscriber, state);
    if (!since) return;
    const isOther = since.stream !== undefined && since.stream !== this.stream;
    const first = this.#forgotten + 1;
    const from = isOther || since.sequence > this.#sequence ? 0 : since.sequence + 1;
    if (from < first && first > 1) state.lost = { from, to: first - 1 };
    else if (from === 0) state.lost = { from: 0, to: 0 };
    this.flush(subscriber);
    for (const { sequence, name, audience, message } of this.#kept) {
      if (sequence >= from && subscriber.wants(name, audience)) this.#deliver(subscriber, sequence, message);
    }
  }

  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** To be called when a subscriber can take messages again: it then hears at once what it lost. */
  flush(subscriber: Subscriber): void {
    const state = this.#subscribers.get(subscriber);
    if (state?.lost && subscriber.send(encodeNotice('event.gap', state.lost))) delete state.lost;
  }

  #deliver(subscriber: Subscriber, sequence: number, message: Buffer): void {
    const state = this.#subscribers.get(subscriber);
    if (!state) return;
    if (state.lost) {
      if (!subscriber.send(encodeNotice('event.gap', state.lost))) {
        state.lost.to = sequence;
        return;
      }
      delete state.lost;
    }
    if (!subscriber.send(message)) state.lost = { from: sequence, to: sequence };
  }
}

/** A JSON-RPC notification, encoded once for all who get it. */
export function encodeNotice(method: string, params: object): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params }));
}
