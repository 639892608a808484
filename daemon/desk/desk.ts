/**
 * The desk: every reader of every source and the card in it, kept up to date for as long as the daemon runs. A source that goes away is
 * watched again until it returns; its readers keep their ids. A card gets a new id at each insertion, and is identified once.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventData, EventName } from '../../api-spec/events.ts';
import type { CardProfile } from '../../apdu/card-profile.ts';
import { equalBytes } from '../../apdu/bytes.ts';
import { DeviceRemovedError, DeviceTimeoutError, ServiceUnavailableError } from '../../drivers/errors.ts';
import type { ReaderSource, ReaderState } from '../../drivers/reader-source.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { TriesMemory } from '../pin/tries.ts';
import type { CardCache } from './card-cache.ts';
import { describeCard, describeReader } from './describe.ts';
import { Leases } from './leases.ts';
import { Turns } from '../turns.ts';
import type { CardRecord, ReaderRecord } from './records.ts';

/** How often a source that went away is tried again, and how long its readers may stay away after it is back. */
const RETRY_MS = 250;
const RETURN_GRACE_MS = 2_000;
/** Calls that may wait for one reader: more is a client gone wild. */
export const MAX_WAITING = 64;
/** How long work in the background may take to end. */
const CLOSE_PATIENCE_MS = 2_000;

export type CardTarget = string | { readonly reader: string };
export type Publish = <N extends EventName>(name: N, data: EventData<N>) => void;

export interface DeskOptions {
  readonly sources: readonly ReaderSource[];
  readonly profiles: readonly CardProfile[];
  readonly publish: Publish;
  readonly log: Log;
  /** What is known of cards from before. */
  readonly cache?: CardCache;
  /** Called for each card that comes: finds out what it is, and announces it. Never rejects because of the card. */
  readonly identify: (card: CardRecord) => Promise<void>;
  readonly now?: () => number;
}

export interface SourceHealth {
  readonly id: string;
  available: boolean;
  since: Date;
  recoveries: number;
  problem: string | undefined;
}

export class Desk implements AsyncDisposable {
  readonly leases: Leases;
  readonly profiles: readonly CardProfile[];
  readonly cache: CardCache | undefined;
  readonly #options: DeskOptions;
  readonly #stop = new AbortController();
  readonly #readers = new Map<string, ReaderRecord>();
  readonly #cards = new Map<string, CardRecord>();
  readonly #health = new Map<string, SourceHealth>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: DeskOptions) {
    this.#options = options;
    this.profiles = options.profiles;
    this.cache = options.cache;
    this.leases = new Leases((card) => this.announce(card));
  }

  /** Starts to watch every source. */
  open(): void {
    for (const source of this.#options.sources) {
      this.#health.set(source.id, {
        id: source.id,
        available: false,
        since: new Date(),
        recoveries: 0,
        problem: 'not looked at yet',
      });
      this.#track(this.#watch(source));
    }
  }

  get readers(): readonly ReaderRecord[] {
    return [...this.#readers.values()];
  }

  get cards(): readonly CardRecord[] {
    return [...this.#cards.values()];
  }

  get health(): readonly SourceHealth[] {
    return [...this.#health.values()];
  }

  /** Throws not_found for an unknown or stale id, no_card, reader_unavailable. */
  resolve(target: CardTarget): CardRecord {
    if (typeof target === 'string') {
      const card = this.#cards.get(target);
      if (!card) throw new ApiError('not_found', 'looking up a card: no card in a reader has this id', { what: 'card' });
      return card;
    }
    const reader = this.#readers.get(target.reader);
    if (!reader) throw new ApiError('not_found', 'looking up a reader: none has this id', { what: 'reader' });
    if (reader.card) return reader.card;
    if (reader.status === 'unavailable')
      throw new ApiError('reader_unavailable', `looking for a card: reader ${reader.name} is away`);
    if (reader.status === 'mute') throw new DeviceTimeoutError(`looking for a card: the one in ${reader.name} does not answer`);
    throw new ApiError('no_card', `looking for a card: none is in ${reader.name}`);
  }

  /** Tells the subscribers what is known of a card, if it is still there. */
  announce(card: CardRecord): void {
    if (this.#cards.has(card.id)) this.#options.publish('card.changed', { card: describeCard(card) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new ApiError('call_cancelled', 'using the desk: kortd is shutting down'));
    for (const card of this.#cards.values()) {
      this.leases.drop(card);
      card.removal.abort(this.#stop.signal.reason);
    }
    // A card that hangs must not keep the daemon from ending.
    await Promise.race([Promise.allSettled(this.#running), delay(CLOSE_PATIENCE_MS, undefined, { ref: false })]);
  }

  async #watch(source: ReaderSource): Promise<void> {
    const { signal } = this.#stop;
    while (!this.#isStopping()) {
      try {
        for await (const state of source.watch({ signal })) {
          this.#setAvailable(source);
          this.#apply(source, state);
        }
      } catch (error) {
        if (!this.#isStopping()) this.#lose(source, error);
      }
      await delay(RETRY_MS, undefined, { signal }).catch(endedBy(signal));
    }
  }

  #isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  #setAvailable(source: ReaderSource): void {
    const health = this.#health.get(source.id);
    if (!health || health.available) return;
    const wasLost = health.problem !== 'not looked at yet';
    Object.assign(health, {
      available: true,
      since: new Date(),
      problem: undefined,
      recoveries: health.recoveries + (wasLost ? 1 : 0),
    });
    this.#options.log.info({ source: source.id }, 'readers are watched');
    setTimeout(() => this.#forgetMissing(source), RETURN_GRACE_MS).unref();
  }

  #forgetMissing(source: ReaderSource): void {
    if (this.#isStopping()) return;
    for (const reader of this.#readers.values()) {
      if (reader.source === source && reader.status === 'unavailable' && this.#health.get(source.id)?.available)
        this.#removeReader(reader);
    }
  }

  #lose(source: ReaderSource, error: unknown): void {
    const health = this.#health.get(source.id);
    const problem = error instanceof Error ? error.message : String(error);
    if (!(error instanceof ServiceUnavailableError))
      this.#options.log.error({ source: source.id, err: error }, 'watching the readers failed');
    else if (health?.available !== false) this.#options.log.warn({ source: source.id, problem }, 'the readers are away');
    if (health) Object.assign(health, { available: false, problem, ...(health.available ? { since: new Date() } : {}) });
    for (const reader of this.#readers.values()) {
      if (reader.source !== source || reader.status === 'unavailable') continue;
      this.#removeCard(reader, new ServiceUnavailableError(`using the card in ${reader.name}: ${problem}`, {}, { cause: error }));
      reader.status = 'unavailable';
      this.#options.publish('reader.changed', { reader: describeReader(reader) });
    }
  }

  #apply(source: ReaderSource, state: ReaderState): void {
    const id = readerId(source.id, state.name);
    const known = this.#readers.get(id);
    if (state.status === 'removed') {
      if (known) this.#removeReader(known);
      return;
    }
    const reader = known ?? this.#createReader(id, source, state);
    const { card } = reader;
    const isSame =
      card !== undefined &&
      state.status === 'present' &&
      card.insertion === state.insertion &&
      equalBytes(card.atr, state.atr ?? new Uint8Array());
    if (card && !isSame) this.#removeCard(reader, new DeviceRemovedError(`using the card in ${reader.name}: it was taken out`));
    const before = JSON.stringify(describeReader(reader));
    reader.status = state.status;
    if (state.hasKeypad !== undefined) reader.hasKeypad = state.hasKeypad;
    const inserted = state.status === 'present' && !isSame ? this.#createCard(reader, state) : undefined;
    if (!known) this.#options.publish('reader.added', { reader: describeReader(reader) });
    else if (JSON.stringify(describeReader(reader)) !== before)
      this.#options.publish('reader.changed', { reader: describeReader(reader) });
    if (inserted) this.#introduce(inserted);
  }

  #createReader(id: string, source: ReaderSource, state: ReaderState): ReaderRecord {
    const reader: ReaderRecord = {
      id,
      name: state.name,
      source,
      queue: new Turns('the reader', MAX_WAITING),
      status: 'empty',
      card: undefined,
    };
    this.#readers.set(id, reader);
    return reader;
  }

  #createCard(reader: ReaderRecord, state: ReaderState): CardRecord {
    const card: CardRecord = {
      id: `card-${randomUUID()}`,
      reader,
      atr: state.atr ?? new Uint8Array(),
      insertion: state.insertion ?? 0,
      insertedAt: new Date(),
      removal: new AbortController(),
      tries: new TriesMemory(this.#options.now ?? Date.now),
      status: 'identifying',
      contents: undefined,
      changeMarker: undefined,
      quietSince: undefined,
      generated: new Map(),
      problem: undefined,
      lease: undefined,
      fence: 0,
    };
    reader.card = card;
    this.#cards.set(card.id, card);
    return card;
  }

  #introduce(card: CardRecord): void {
    this.#options.publish('card.inserted', { card: describeCard(card) });
    this.#track(this.#options.identify(card));
  }

  #removeCard(reader: ReaderRecord, reason: Error): void {
    const { card } = reader;
    if (!card) return;
    reader.card = undefined;
    this.#cards.delete(card.id);
    this.leases.drop(card);
    card.removal.abort(reason);
    this.#options.publish('card.removed', { card: card.id, reader: reader.id });
  }

  #removeReader(reader: ReaderRecord): void {
    this.#removeCard(reader, new DeviceRemovedError(`using the card in ${reader.name}: the reader was unplugged`));
    this.#readers.delete(reader.id);
    this.#options.publish('reader.removed', { reader: reader.id });
  }

  /** Keeps hold of work in the background, so that closing waits for it. */
  #track(work: Promise<void>): void {
    const tracked = work.catch((error: unknown) => this.#options.log.error({ err: error }, 'work in the background failed'));
    this.#running.add(tracked);
    void tracked.finally(() => this.#running.delete(tracked));
  }
}

/** The same reader keeps its id: it is made of the source and the name alone. */
export function readerId(sourceId: string, name: string): string {
  return `reader-${createHash('sha256').update(`${sourceId}:${name}`).digest('hex').slice(0, 12)}`;
}

function endedBy(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
