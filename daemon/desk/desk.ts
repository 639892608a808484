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
import type { AnyConnection, ApplicationSource, ReaderSource, ReaderState } from '../../drivers/reader-source.ts';
import type { Audience } from '../api/event-log.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { TriesMemory } from '../pin/tries.ts';
import type { CardCache } from './card-cache.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import type { TraceRecorder } from '../trace/recorder.ts';
import { describeCard, describeReader } from './describe.ts';
import { Leases } from './leases.ts';
import { Turns } from '../turns.ts';
import type { RoleReader } from './reader-selector.ts';
import type { CardRecord, ReaderRecord } from './records.ts';
import type { Roles } from './roles.ts';

/** How often a source that went away is tried again, and how long its readers may stay away after it is back. */
const RETRY_MS = 250;
const RETURN_GRACE_MS = 2_000;
/** The problem of a source at first. */
export const NOT_LOOKED_AT = 'not looked at yet';
/** Calls that may wait for one reader: more is a client gone wild. */
export const MAX_WAITING = 64;
/** How long work in the background may take to end. */
const CLOSE_PATIENCE_MS = 2_000;

export type CardTarget = string | { readonly reader: string } | { readonly role: string };
/** `audience`: who may hear of this one, beside what the name of the event asks for. */
export type Publish = <N extends EventName>(name: N, data: EventData<N>, audience?: Audience) => void;

export type DeskSource = ReaderSource<AnyConnection>;

export interface DeskOptions {
  readonly sources: readonly DeskSource[];
  /** Ways to cards in the readers of the others, in the order in which they are asked. */
  readonly ways?: () => readonly ApplicationSource[];
  readonly profiles: readonly CardProfile[];
  readonly publish: Publish;
  readonly log: Log;
  /** What is known of cards from before. */
  readonly cache?: CardCache;
  /** Of what goes to the cards and comes back. */
  readonly recorder?: TraceRecorder;
  /** Called for each card that comes: finds out what it is, and announces it. Never rejects because of the card. */
  readonly identify: (card: CardRecord) => Promise<void>;
  readonly roles: Roles;
  /** Readers of such names stay out. */
  readonly isIgnored: (readerName: string) => boolean;
  readonly now?: () => number;
  /** Who is told how long things took; nobody unless given. */
  readonly telemetry?: Telemetry;
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
  readonly recorder: TraceRecorder | undefined;
  readonly roles: Roles;
  readonly telemetry: Telemetry;
  readonly #options: DeskOptions;
  readonly #stop = new AbortController();
  readonly #readers = new Map<string, ReaderRecord>();
  readonly #cards = new Map<string, CardRecord>();
  readonly #health = new Map<string, SourceHealth>();
  readonly #running = new Set<Promise<void>>();
  /** What ends the watch of each source. */
  readonly #watches = new Map<DeskSource, { readonly stop: AbortController; readonly ended: Promise<void> }>();
  /** The last states of readers that stay out, by id: the policy may let them in. */
  readonly #ignored = new Map<string, { readonly source: DeskSource; readonly state: ReaderState }>();
  readonly #insertionWaits = new Set<(reader: ReaderRecord) => void>();
  #roleReaders: ReadonlyMap<string, RoleReader<ReaderRecord>> = new Map();

  constructor(options: DeskOptions) {
    this.#options = options;
    this.profiles = options.profiles;
    this.cache = options.cache;
    this.recorder = options.recorder;
    this.roles = options.roles;
    this.telemetry = options.telemetry ?? new Telemetry();
    this.leases = new Leases((card) => this.announce(card));
    this.#roleReaders = this.roles.find([]);
  }

  /** Starts to watch every source. */
  open(): void {
    for (const source of this.#options.sources) this.addSource(source);
  }

  /** Watches one more source. */
  addSource(source: DeskSource): void {
    this.#health.set(source.id, {
      id: source.id,
      available: false,
      since: new Date(),
      recoveries: 0,
      problem: NOT_LOOKED_AT,
    });
    const stop = new AbortController();
    const ended = this.#watch(source, AbortSignal.any([this.#stop.signal, stop.signal]));
    this.#watches.set(source, { stop, ended: this.#track(ended) });
  }

  /** Its readers and their cards are gone at once; resolves when it is watched no more. */
  async removeSource(source: DeskSource): Promise<void> {
    const watch = this.#watches.get(source);
    watch?.stop.abort(new ApiError('call_cancelled', 'using the desk: a source of readers was taken away'));
    this.#watches.delete(source);
    this.#health.delete(source.id);
    for (const reader of this.#readers.values()) if (reader.source === source) this.#removeReader(reader);
    for (const [id, ignored] of this.#ignored) if (ignored.source === source) this.#ignored.delete(id);
    await watch?.ended;
  }

  /** Ways to cards in the readers of others. */
  get ways(): readonly ApplicationSource[] {
    return this.#options.ways?.() ?? [];
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

  /** Where the reader of each role is, as the readers stand. */
  get roleReaders(): ReadonlyMap<string, RoleReader<ReaderRecord>> {
    return this.#roleReaders;
  }

  /** Throws not_found. */
  reader(id: string): ReaderRecord {
    const reader = this.#readers.get(id);
    if (!reader) throw new ApiError('not_found', 'looking up a reader: none has this id', { what: 'reader' });
    return reader;
  }

  /**
   * Throws not_found for an unknown or stale id, no_card, reader_unavailable, and what keeps a role from having a reader. The rules of the role are
   * checked where the card is used.
   */
  resolve(target: CardTarget): CardRecord {
    if (typeof target === 'string') {
      const card = this.#cards.get(target);
      if (!card) throw new ApiError('not_found', 'looking up a card: no card in a reader has this id', { what: 'card' });
      return card;
    }
    const reader = 'role' in target ? this.#readerOf(target.role) : this.reader(target.reader);
    if (reader.card) return reader.card;
    if (reader.status === 'unavailable')
      throw new ApiError('reader_unavailable', `looking for a card: reader ${reader.name} is away`);
    if (reader.status === 'mute') throw new DeviceTimeoutError(`looking for a card: the one in ${reader.name} does not answer`);
    throw new ApiError('no_card', `looking for a card: none is in ${reader.name}`);
  }

  /** The reader that a card is put into next. A reader that comes with a card in it, or comes back, does not count. Rejects with the signal's reason. */
  async nextInsertion(signal: AbortSignal): Promise<ReaderRecord> {
    const { promise, resolve, reject } = Promise.withResolvers<ReaderRecord>();
    const giveUp = (): void => reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', giveUp, { once: true });
    this.#insertionWaits.add(resolve);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
      this.#insertionWaits.delete(resolve);
    }
  }

  /** Binds the reader to a role. Throws reader_unavailable, and as `Roles.assign`; nothing is changed then. */
  assignRole(role: string, reader: ReaderRecord): void {
    const attempt = `binding ${reader.name} to ${role}`;
    if (reader.status === 'unavailable') throw new ApiError('reader_unavailable', `${attempt}: it is away`);
    this.roles.assign(role, reader, this.#readersThere);
    this.#reviewRoles();
  }

  /** Throws as `Roles.remove`. */
  removeRole(role: string): void {
    this.roles.remove(role);
    this.#reviewRoles();
  }

  /** After the policy or a binding changed: which readers are on the desk, and what each is for. */
  review(): void {
    for (const reader of this.readers) {
      if (!this.#options.isIgnored(reader.name)) continue;
      const { source, lastState } = reader;
      this.#removeReader(reader);
      this.#ignored.set(reader.id, { source, state: lastState });
    }
    for (const [id, { source, state }] of this.#ignored) {
      if (this.#options.isIgnored(state.name)) continue;
      this.#ignored.delete(id);
      this.#apply(source, state);
    }
    this.#reviewRoles();
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
    this.roles[Symbol.dispose]();
  }

  async #watch(source: DeskSource, signal: AbortSignal): Promise<void> {
    while (!hasFired(signal)) {
      try {
        for await (const state of source.watch({ signal })) {
          if (hasFired(signal)) return;
          this.#setAvailable(source);
          this.#apply(source, state);
        }
      } catch (error) {
        if (!hasFired(signal)) this.#lose(source, error);
      }
      await delay(RETRY_MS, undefined, { signal }).catch(endedBy(signal));
    }
  }

  #isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  #setAvailable(source: DeskSource): void {
    const health = this.#health.get(source.id);
    if (!health || health.available) return;
    const wasLost = health.problem !== NOT_LOOKED_AT;
    if (wasLost) this.telemetry.recovered('service', Date.now() - health.since.getTime());
    Object.assign(health, {
      available: true,
      since: new Date(),
      problem: undefined,
      recoveries: health.recoveries + (wasLost ? 1 : 0),
    });
    this.#options.log.info({ source: source.id }, 'readers are watched');
    setTimeout(() => this.#forgetMissing(source), RETURN_GRACE_MS).unref();
  }

  #forgetMissing(source: DeskSource): void {
    if (this.#isStopping()) return;
    for (const reader of this.#readers.values()) {
      if (reader.source === source && reader.status === 'unavailable' && this.#health.get(source.id)?.available)
        this.#removeReader(reader);
    }
  }

  #lose(source: DeskSource, error: unknown): void {
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
      reader.awaySince = new Date();
      reader.role = undefined;
      this.#options.publish('reader.changed', { reader: describeReader(reader) });
    }
    this.#reviewRoles();
  }

  #apply(source: DeskSource, state: ReaderState): void {
    const id = readerId(source.id, state.name);
    if (this.#options.isIgnored(state.name)) {
      if (state.status === 'removed') this.#ignored.delete(id);
      else this.#ignored.set(id, { source, state });
      return;
    }
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
    const wasPutIn = ['empty', 'present'].includes(known?.status ?? '') && hasCard(state) && card?.insertion !== state.insertion;
    if (reader.awaySince) this.telemetry.recovered('reader', Date.now() - reader.awaySince.getTime());
    noteState(reader, state);
    const rolesBefore = this.#assignRoles();
    const inserted = state.status === 'present' && !isSame ? this.#createCard(reader, state) : undefined;
    if (!known) this.#options.publish('reader.added', { reader: describeReader(reader) });
    else if (JSON.stringify(describeReader(reader)) !== before)
      this.#options.publish('reader.changed', { reader: describeReader(reader) });
    if (inserted) this.#introduce(inserted);
    this.#announceRoles(rolesBefore, reader);
    if (wasPutIn) for (const resolve of this.#insertionWaits) resolve(reader);
  }

  #createReader(id: string, source: DeskSource, state: ReaderState): ReaderRecord {
    const reader: ReaderRecord = {
      id,
      name: state.name,
      source,
      queue: new Turns('the reader', MAX_WAITING),
      status: 'empty',
      serialNumber: undefined,
      usbPath: undefined,
      isIdentityPending: false,
      lastState: state,
      role: undefined,
      card: undefined,
    };
    this.#readers.set(id, reader);
    return reader;
  }

  #createCard(reader: ReaderRecord, state: ReaderState): CardRecord {
    // While it is identified nobody is told: they hear when it was.
    const tellTries = (): void => {
      if (card.status === 'ready') this.announce(card);
    };
    const card: CardRecord = {
      id: `card-${randomUUID()}`,
      reader,
      atr: state.atr ?? new Uint8Array(),
      insertion: state.insertion ?? 0,
      insertedAt: new Date(),
      removal: new AbortController(),
      tries: new TriesMemory(this.#options.now ?? Date.now, tellTries),
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
    void this.#track(this.#options.identify(card));
  }

  #removeCard(reader: ReaderRecord, reason: Error): void {
    const { card } = reader;
    if (!card) return;
    reader.card = undefined;
    this.#cards.delete(card.id);
    this.leases.drop(card);
    card.removal.abort(reason);
    this.recorder?.noteRemoval(card.id);
    this.#options.publish('card.removed', { card: card.id, reader: reader.id });
  }

  #removeReader(reader: ReaderRecord): void {
    this.#removeCard(reader, new DeviceRemovedError(`using the card in ${reader.name}: the reader was unplugged`));
    this.#readers.delete(reader.id);
    this.#options.publish('reader.removed', { reader: reader.id });
    this.#reviewRoles();
  }

  /** Throws role_policy_refused, role_unassigned, role_reader_away, role_ambiguous. */
  #readerOf(role: string): ReaderRecord {
    const attempt = `looking for the reader of ${role}`;
    this.roles.requireRules();
    const found = this.#roleReaders.get(role);
    if (!found) throw new ApiError('role_unassigned', `${attempt}: none is bound to it`, { role });
    const [reader] = found.readers;
    if (found.status === 'ready' && reader) return reader;
    if (found.status === 'away') {
      if (this.readers.some(({ status }) => status === 'unavailable'))
        throw new ApiError('reader_unavailable', `${attempt}: the service behind the readers is away`, { role });
      throw new ApiError('role_reader_away', `${attempt}: it is not there`, { role });
    }
    const readers = found.readers.map(({ name }) => name).join(', ');
    throw new ApiError('role_ambiguous', `${attempt}: it cannot be told which it is`, { role, readers });
  }

  #reviewRoles(): void {
    if (this.#isStopping()) return;
    this.#announceRoles(this.#assignRoles());
  }

  /** One that is away may come back under another name, and another one under its. */
  get #readersThere(): readonly ReaderRecord[] {
    return this.readers.filter(({ status }) => status !== 'unavailable');
  }

  /** What each reader was for before. */
  #assignRoles(): ReadonlyMap<ReaderRecord, string | undefined> {
    const before = new Map(this.readers.map((reader) => [reader, reader.role]));
    this.#roleReaders = this.roles.find(this.#readersThere);
    for (const reader of this.readers) reader.role = undefined;
    for (const [role, { status, readers }] of this.#roleReaders) if (status === 'ready' && readers[0]) readers[0].role = role;
    return before;
  }

  /** `told`: its state is told anyway. */
  #announceRoles(before: ReadonlyMap<ReaderRecord, string | undefined>, told?: ReaderRecord): void {
    for (const [reader, role] of before) {
      if (reader.role === role || this.#readers.get(reader.id) !== reader) continue;
      if (reader !== told) this.#options.publish('reader.changed', { reader: describeReader(reader) });
      if (reader.card) this.announce(reader.card);
    }
  }

  /** Keeps hold of work in the background, so that closing waits for it. */
  #track(work: Promise<void>): Promise<void> {
    const tracked = work.catch((error: unknown) => this.#options.log.error({ err: error }, 'work in the background failed'));
    this.#running.add(tracked);
    void tracked.finally(() => this.#running.delete(tracked));
    return tracked;
  }
}

function hasCard({ status }: ReaderState): boolean {
  return status === 'present' || status === 'mute';
}

/** Which reader it is, is never remembered: another one may stand behind the same name now. */
function noteState(reader: ReaderRecord, state: ReaderState): void {
  const { status, hasKeypad, serialNumber, usbPath, isIdentityPending = false } = state;
  if (status !== 'removed') reader.status = status;
  delete reader.awaySince;
  if (hasKeypad !== undefined) reader.hasKeypad = hasKeypad;
  reader.serialNumber = serialNumber;
  reader.usbPath = usbPath;
  reader.isIdentityPending = isIdentityPending;
  reader.lastState = state;
}

/** The same reader keeps its id: it is made of the source and the name alone. */
export function readerId(sourceId: string, name: string): string {
  return `reader-${createHash('sha256').update(`${sourceId}:${name}`).digest('hex').slice(0, 12)}`;
}

/** Asked anew each time: it fires while others are waited for. */
function hasFired(signal: AbortSignal): boolean {
  return signal.aborted;
}

function endedBy(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
