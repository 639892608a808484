/**
 * One vendor's module as a source of readers, and as a way to cards in the readers of PC/SC. Slots that are PC/SC readers are no readers here: whoever owns those
 * says when a card comes, and asks this for it. Slots of the module's own are looked at: at every event that the module tells of, and now and then anyway, because
 * modules do not tell of everything.
 */
import { NoCardError, ServiceUnavailableError } from '../errors.ts';
import type { ApplicationConnection, ApplicationSource, ReaderSource, ReaderState } from '../reader-source.ts';
import { fingerprint, groupSlots, isReader, type SeenSlot, type SlotGroup } from './card-slots.ts';
import { matchesAtr, type ModuleConfiguration } from './configuration.ts';
import * as ck from './constants.ts';
import { ReturnedError } from './faults.ts';
import { ModuleHost, type ModuleHostOptions, type RunningModule } from './module-host.ts';
import { ModuleSession } from './module-session.ts';
import { openModuleApplication, type WantsPinEachTime } from './module-token.ts';
import { errorOf } from './return-values.ts';

/** How often the module is asked for an event, and after how many of them it is looked at anyway: with events, and without. */
const TICK_MS = 500;
const TICKS_WITH_EVENTS = 8;
const TICKS_WITHOUT_EVENTS = 2;
/** A slot of hardware may be a PC/SC reader that the desk has not heard of yet. */
const LOOKS_BEFORE_SHOWN = 3;

export interface ModuleSourceOptions extends ModuleHostOptions {
  /** Names of the readers that other sources show. */
  readonly otherReaders?: () => readonly string[];
  /** Between two looks for events. */
  readonly tickMs?: number;
}

export interface ModuleSource extends ReaderSource<ApplicationConnection>, ApplicationSource, AsyncDisposable {
  readonly module: ModuleConfiguration;
  /** Of the module's process, while there is one. */
  readonly pid: number | undefined;
  /** It failed, and is tried again later. */
  readonly isResting: boolean;
}

/** Starts nothing yet: a file that is not there shows as ServiceUnavailableError from `watch`, `connect` and `connectCard`. */
export function createModuleSource(module: ModuleConfiguration, options: ModuleSourceOptions = {}): ModuleSource {
  return new OpenModuleSource(module, options);
}

interface Shown {
  readonly state: ReaderState;
  readonly print: string;
}

class OpenModuleSource implements ModuleSource {
  readonly id: string;
  readonly module: ModuleConfiguration;
  readonly #host: ModuleHost;
  readonly #options: ModuleSourceOptions;
  /** Descriptions of slots that are PC/SC readers, by id: they are not touched without need. */
  readonly #readerSlots = new Map<string, string>();
  readonly #looks = new Map<string, number>();
  readonly #wantsPin: WantsPinEachTime = new Set();
  readonly #turns = new Map<string, Promise<undefined>>();
  #groups: readonly SlotGroup[] = [];
  #insertions = 0;

  constructor(module: ModuleConfiguration, options: ModuleSourceOptions) {
    this.id = `pkcs11:${module.name}`;
    this.module = module;
    this.#options = options;
    this.#host = new ModuleHost(module, options);
  }

  get pid(): number | undefined {
    return this.#host.pid;
  }

  get isResting(): boolean {
    return this.#host.isResting;
  }

  claims(atr: Uint8Array): boolean {
    return (this.module.cards ?? []).some((pattern) => matchesAtr(pattern, atr));
  }

  async *watch({ signal }: { readonly signal: AbortSignal }): AsyncIterable<ReaderState> {
    const running = await this.#running();
    // Handles and slots of an earlier process are void.
    this.#readerSlots.clear();
    this.#looks.clear();
    const shown = new Map<string, Shown>();
    try {
      while (!signal.aborted) {
        yield* this.#changes(shown, await this.#look(running, signal));
        await this.#pause(running, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof ReturnedError ? this.#unavailable(error) : error;
    }
  }

  async connect(readerName: string, { signal }: { readonly signal: AbortSignal }): Promise<ApplicationConnection> {
    const running = await this.#running();
    const group = this.#groups.find(({ description }) => description === readerName);
    if (!group || group.slots.length === 0) throw new NoCardError(`using the card in ${readerName}: none is there`);
    return await this.#open(running, group, signal);
  }

  async connectCard(
    readerName: string,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ApplicationConnection | undefined> {
    const running = await this.#running();
    const isElsewhere = (description: string): boolean => !isReader(description, readerName);
    const seen = await this.#slots(running, isElsewhere, signal);
    const group = groupSlots(seen).find(({ description, slots }) => slots.length > 0 && isReader(description, readerName));
    return group && (await this.#open(running, group, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }

  async #running(): Promise<RunningModule> {
    return await this.#host.running();
  }

  async #look(running: RunningModule, signal: AbortSignal): Promise<readonly SlotGroup[]> {
    const seen = await this.#slots(running, (description) => this.#isOthers(description), signal);
    this.#groups = groupSlots(seen.filter(({ info }) => info && !this.#isOthers(info.description)));
    return this.#groups.filter(({ description, isHardware }) => {
      const looks = (this.#looks.get(description) ?? 0) + 1;
      this.#looks.set(description, looks);
      return !isHardware || looks >= LOOKS_BEFORE_SHOWN;
    });
  }

  /** Slots that are known to be elsewhere are not asked again: it may take a card's time that is another's. */
  async #slots(
    running: RunningModule,
    isElsewhere: (description: string) => boolean,
    signal: AbortSignal,
  ): Promise<readonly SeenSlot[]> {
    const known = [...this.#readerSlots]
      .filter(([, description]) => isElsewhere(description) && this.#isOthers(description))
      .map(([id]) => id);
    const timeoutMs = this.#host.deadlines.normalMs;
    const { result } = await this.#ask(running.process.request('slots', { known }, { timeoutMs, signal }), signal);
    for (const { id, info } of result.slots) if (info) this.#readerSlots.set(id, info.description);
    return result.slots;
  }

  #isOthers(description: string): boolean {
    return (this.#options.otherReaders?.() ?? []).some((name) => isReader(description, name));
  }

  *#changes(shown: Map<string, Shown>, groups: readonly SlotGroup[]): Generator<ReaderState> {
    for (const name of [...shown.keys()].filter((known) => !groups.some(({ description }) => description === known))) {
      shown.delete(name);
      yield { name, status: 'removed' };
    }
    for (const group of groups) {
      const print = fingerprint(group);
      if (shown.get(group.description)?.print === print) continue;
      const state: ReaderState =
        group.slots.length === 0
          ? { name: group.description, status: 'empty' }
          : { name: group.description, status: 'present', insertion: ++this.#insertions, hasKeypad: hasKeypad(group) };
      shown.set(group.description, { state, print });
      yield state;
    }
  }

  /** Until an event, or for some ticks. Throws ServiceUnavailableError when the process ends meanwhile. */
  async #pause({ process }: RunningModule, signal: AbortSignal): Promise<void> {
    let mostTicks = TICKS_WITH_EVENTS;
    for (let tick = 1; tick <= mostTicks; tick++) {
      const why = await endedWithin(process.ended, this.#options.tickMs ?? TICK_MS, signal);
      if (why !== undefined) throw new ServiceUnavailableError(`watching module ${this.module.name}: its process ended (${why})`);
      signal.throwIfAborted();
      const { result } = await this.#ask(
        process.request('event', {}, { timeoutMs: this.#host.deadlines.normalMs, signal }),
        signal,
      );
      if (result.seen === 'change') return;
      if (result.seen === 'unsupported') mostTicks = TICKS_WITHOUT_EVENTS;
    }
  }

  /** One transaction with one card at a time: who is logged in is a matter of the token, not of the session. */
  async #open({ process }: RunningModule, group: SlotGroup, signal: AbortSignal): Promise<ApplicationConnection> {
    const release = await this.#turn(group.description, signal);
    const session = new ModuleSession(process, group, { deadlines: this.#host.deadlines, signal });
    let isOpen = true;
    return {
      kind: { id: 'pkcs11', specification: `PKCS #11, ${this.module.name}` },
      hasKeypad: hasKeypad(group),
      open: (remembered) => openModuleApplication(session, this.#wantsPin, remembered),
      record: (onCall) => session.record(onCall),
      [Symbol.asyncDispose]: async () => {
        if (!isOpen) return;
        isOpen = false;
        try {
          await session[Symbol.asyncDispose]();
        } finally {
          release();
        }
      },
    };
  }

  async #turn(name: string, signal: AbortSignal): Promise<() => void> {
    const before = this.#turns.get(name) ?? Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const tail = before.then(() => promise);
    this.#turns.set(name, tail);
    void tail.then(() => {
      if (this.#turns.get(name) === tail) this.#turns.delete(name);
    });
    try {
      await unlessAborted(before, signal);
    } catch (error) {
      resolve(undefined);
      throw error;
    }
    return () => resolve(undefined);
  }

  /** A module that hangs keeps nobody waiting who has given up. */
  async #ask<R>(request: Promise<R>, signal: AbortSignal): Promise<R> {
    try {
      return await unlessAborted(request, signal);
    } catch (error) {
      throw error instanceof ReturnedError ? this.#unavailable(error) : error;
    }
  }

  #unavailable(error: ReturnedError): Error {
    const { name } = this.module;
    const { message } = errorOf({
      attempt: `looking at the slots of module ${name}`,
      module: name,
      call: error.call,
      value: error.value,
    });
    return new ServiceUnavailableError(message, {}, { cause: error });
  }
}

function hasKeypad({ slots }: SlotGroup): boolean {
  return slots.some(({ token }) => (token.flags & ck.CKF_PROTECTED_AUTHENTICATION_PATH) !== 0);
}

async function unlessAborted<R>(done: Promise<R>, signal: AbortSignal): Promise<R> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    if (signal.aborted) giveUp();
    return await Promise.race([done, promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Why it ended; undefined when it did not in this time, or the signal fired. */
async function endedWithin(ended: Promise<string>, timeMs: number, signal: AbortSignal): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const wake = (): void => resolve(undefined);
  const timer = setTimeout(wake, timeMs);
  signal.addEventListener('abort', wake, { once: true });
  try {
    return await Promise.race([ended, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
  }
}
