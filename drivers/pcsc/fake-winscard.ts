/**
 * A PC/SC layer in memory for tests: what the virtual readers of a real pcscd cannot be made to do. Readers come and go, cards are
 * swapped between two looks, the service stops, other programs hold cards, keypads answer. Behaves as pcsc-lite does with
 * PCSCLITE_NO_BLOCKING, unless `platform` says otherwise; any function can be made to fail at its next call.
 */
import { PNP_NOTIFICATION } from './constants.ts';
import { pcscPlatform, type PlatformName } from './platform.ts';
import type { ReaderEvent, ReaderQuery } from './reader-state.ts';
import type { CardHandle, ContextHandle, WinScard } from './winscard.ts';

export interface FakeCard {
  readonly atr?: Uint8Array;
  /** Bit of the protocol that a connection gets: T=1 by default. */
  readonly protocol?: 1 | 2;
  readonly isMute?: boolean;
  /** 9000 by default; a number is the LONG result of a failed SCardTransmit. */
  readonly answer?: (command: Uint8Array) => Uint8Array | number | Promise<Uint8Array | number>;
}

/** Control codes and how the reader answers them; a number is the LONG result of a failed SCardControl. */
export type FakeControls = (code: number, input: Uint8Array) => Uint8Array | number | Promise<Uint8Array | number>;

/** A number is the LONG result of a failed SCardGetAttrib. */
export type FakeAttributes = (attribute: number) => Uint8Array | number;

interface FakeReader {
  card: FakeCard | undefined;
  events: number;
  readonly controls: FakeControls | undefined;
  readonly attributes: FakeAttributes | undefined;
  owner: CardHandle | undefined;
  exclusive: CardHandle | undefined;
}

interface FakeHandle {
  readonly context: ContextHandle;
  readonly reader: string;
  readonly shareMode: number;
  readonly events: number;
  wasReset: boolean;
}

type FunctionName = Exclude<keyof WinScard, 'platform'>;

export interface FakeWinScard extends WinScard {
  addReader(name: string, controls?: FakeControls, attributes?: FakeAttributes): void;
  removeReader(name: string): void;
  insert(reader: string, card?: FakeCard): void;
  remove(reader: string): void;
  /** The card in the reader behaves differently from now on: the same card, no event. */
  alter(reader: string, card: FakeCard): void;
  /** Resets the card as another program's handle would. */
  reset(reader: string): void;
  /** Every call answers `result` from now on; watchers are woken with `wakeWith`, 0 standing for success without a state. */
  stopService(result: number, wakeWith?: number): void;
  /** The service is back; contexts of before stay dead. */
  startService(): void;
  /** The next call of a function returns `result` and does nothing. */
  failNext(name: FunctionName, result: number): void;
  /** Dispositions of cards let go, in order: "reader 1" for a reset. */
  readonly dispositions: readonly string[];
  readonly controlInputs: readonly Uint8Array[];
  readonly openContexts: number;
  readonly openHandles: number;
  callCount(name: FunctionName): number;
}

const SCARD_E_INVALID_HANDLE = 0x80100003;
const SCARD_E_TIMEOUT = 0x8010000a;
const REMOVED_CARD = 0x80100069;

export const FAKE_ATR = Uint8Array.of(0x3b, 0x80, 0x80, 0x01, 0x01);

export function createFakeWinScard(platformName: PlatformName = 'linux'): FakeWinScard {
  const world = new World(platformName);
  return {
    ...cardFunctions(world),
    ...contextFunctions(world),
    platform: world.platform,
    addReader(name, controls, attributes) {
      const state = { card: undefined, events: 0, owner: undefined, exclusive: undefined };
      world.readers.set(name, { ...state, controls, attributes });
      world.wake();
    },
    removeReader(name) {
      world.readers.delete(name);
      world.wake();
    },
    insert(name, card = {}) {
      const reader = world.reader(name);
      reader.card = card;
      reader.events += 1;
      world.wake();
    },
    remove(name) {
      const reader = world.reader(name);
      reader.card = undefined;
      reader.events += 1;
      reader.owner = undefined;
      world.wake();
    },
    alter(name, card) {
      world.reader(name).card = card;
      world.wake();
    },
    reset(name) {
      for (const handle of world.handles.values()) if (handle.reader === name) handle.wasReset = true;
      world.reader(name).owner = undefined;
    },
    stopService(result, wakeWith = result) {
      world.down = result;
      world.liveContexts.clear();
      world.handles.clear();
      for (const reader of world.readers.values()) {
        reader.owner = undefined;
        reader.exclusive = undefined;
      }
      world.wake(wakeWith);
    },
    startService() {
      world.down = 0;
    },
    failNext: (name, result) => world.failures.push({ name, result }),
    dispositions: world.dispositions,
    controlInputs: world.controlInputs,
    get openContexts() {
      return world.contexts.size;
    },
    get openHandles() {
      return world.handles.size;
    },
    callCount: (name) => world.calls.filter((called) => called === name).length,
  };
}

/** The state that the functions share. */
class World {
  readonly platform;
  readonly readers = new Map<string, FakeReader>();
  /** Not released yet, alive or dead. */
  readonly contexts = new Set<ContextHandle>();
  /** Known to the service. */
  readonly liveContexts = new Set<ContextHandle>();
  readonly handles = new Map<CardHandle, FakeHandle>();
  readonly failures: { readonly name: FunctionName; readonly result: number }[] = [];
  readonly calls: FunctionName[] = [];
  readonly dispositions: string[] = [];
  readonly controlInputs: Uint8Array[] = [];
  /** Contexts that wait in getStatusChange, and what wakes them. */
  readonly waiting = new Map<ContextHandle, (result: number | undefined) => void>();
  down = 0;
  lastHandle = 0n;

  constructor(platformName: PlatformName) {
    this.platform = pcscPlatform(platformName, 8);
  }

  reader(name: string): FakeReader {
    const reader = this.readers.get(name);
    if (!reader) throw new Error(`fake PC/SC: no reader ${name}`);
    return reader;
  }

  wake(result?: number): void {
    for (const resume of [...this.waiting.values()]) resume(result);
  }

  /** The result that a call starts with: a failure asked for, the service's state, or 0. */
  begin(name: FunctionName, context?: ContextHandle): number {
    this.calls.push(name);
    const index = this.failures.findIndex((failure) => failure.name === name);
    if (index >= 0) return this.failures.splice(index, 1)[0]?.result ?? 0;
    if (this.down !== 0) return this.down;
    return context === undefined || this.liveContexts.has(context) ? 0 : 0x8010001d;
  }

  /** For a call on a handle: its reader, or the result that says why not. */
  beginOnCard(name: FunctionName, card: CardHandle): { readonly handle: FakeHandle; readonly reader: FakeReader } | number {
    const result = this.begin(name);
    if (result !== 0) return result;
    const handle = this.handles.get(card);
    const reader = handle && this.readers.get(handle.reader);
    if (!handle) return SCARD_E_INVALID_HANDLE;
    if (!reader) return 0x80100017;
    if (reader.events !== handle.events) return REMOVED_CARD;
    if (reader.owner !== undefined && reader.owner !== card) return 0x8010000b;
    return handle.wasReset ? 0x80100068 : { handle, reader };
  }
}

function contextFunctions(
  world: World,
): Pick<WinScard, 'establishContext' | 'releaseContext' | 'isValidContext' | 'listReaders' | 'getStatusChange' | 'cancel'> {
  return {
    establishContext() {
      const result = world.begin('establishContext');
      if (result !== 0) return Promise.resolve({ result, context: 0n });
      const context = ++world.lastHandle;
      world.contexts.add(context);
      world.liveContexts.add(context);
      return Promise.resolve({ result, context });
    },
    releaseContext(context) {
      world.calls.push('releaseContext');
      world.contexts.delete(context);
      world.liveContexts.delete(context);
      for (const [card, handle] of world.handles) if (handle.context === context) closeHandle(world, card, handle);
      return Promise.resolve(0);
    },
    isValidContext: (context) => Promise.resolve(world.begin('isValidContext', context)),
    listReaders(context) {
      const result = world.begin('listReaders', context);
      if (result !== 0) return Promise.resolve({ result, names: [] });
      const names = [...world.readers.keys()];
      return Promise.resolve({ result: names.length === 0 ? 0x8010002e : 0, names });
    },
    getStatusChange: async (context, timeoutMs, queries) => getStatusChange(world, { context, timeoutMs, queries }),
    cancel(context) {
      world.calls.push('cancel');
      world.waiting.get(context)?.(0x80100002);
      return Promise.resolve(0);
    },
  };
}

interface StatusQuestion {
  readonly context: ContextHandle;
  readonly timeoutMs: number;
  readonly queries: readonly ReaderQuery[];
}

async function getStatusChange(
  world: World,
  question: StatusQuestion,
): Promise<{ readonly result: number; readonly events: readonly ReaderEvent[] }> {
  const { context, timeoutMs, queries } = question;
  const nothing = queries.map(({ name }) => ({ name, eventState: 0, atr: new Uint8Array() }));
  const result = world.begin('getStatusChange', context);
  if (result !== 0) return { result, events: nothing };
  const readersAtStart = world.readers.size;
  for (;;) {
    if (queries.some(({ name }) => name !== PNP_NOTIFICATION && !world.readers.has(name)))
      return { result: 0x80100009, events: nothing };
    const events = queries.map((query) => currentState(world, query, readersAtStart));
    if (events.some(({ eventState }) => (eventState & 2) !== 0)) return { result: 0, events };
    if (timeoutMs === 0) return { result: SCARD_E_TIMEOUT, events };
    const woken = await wakeUp(world, context, timeoutMs);
    if (woken !== undefined) return { result: woken, events: woken === SCARD_E_TIMEOUT ? events : nothing };
  }
}

async function wakeUp(world: World, context: ContextHandle, timeoutMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const resume = (result: number | undefined): void => {
      clearTimeout(timer);
      world.waiting.delete(context);
      resolve(result);
    };
    const timer = setTimeout(() => resume(SCARD_E_TIMEOUT), timeoutMs);
    world.waiting.set(context, resume);
  });
}

/** dwEventState: state bits, the event count above them, and CHANGED where the caller knows otherwise. */
function currentState(world: World, { name, currentState: known }: ReaderQuery, readersAtStart: number): ReaderEvent {
  if (name === PNP_NOTIFICATION)
    return { name, eventState: world.readers.size === readersAtStart ? 0 : 2, atr: new Uint8Array() };
  const { card, events, exclusive } = world.reader(name);
  const bits = (card ? 0x20 : 0x10) | (card?.isMute ? 0x200 : 0) | (exclusive === undefined ? 0 : 0x80);
  const state = ((events << 16) | bits) >>> 0;
  const atr = card && !card.isMute ? (card.atr ?? FAKE_ATR) : new Uint8Array();
  return { name, eventState: state === known ? state : state | 2, atr };
}

function closeHandle(world: World, card: CardHandle, { reader: name }: FakeHandle): void {
  world.handles.delete(card);
  const reader = world.readers.get(name);
  if (reader?.owner === card) reader.owner = undefined;
  if (reader?.exclusive === card) reader.exclusive = undefined;
  world.wake();
}

type CardFunctions = Omit<WinScard, 'platform' | keyof ReturnType<typeof contextFunctions>>;

function cardFunctions(world: World): CardFunctions {
  const onCard = (name: FunctionName, card: CardHandle, act: (handle: FakeHandle, reader: FakeReader) => void): number => {
    const target = world.beginOnCard(name, card);
    if (typeof target === 'number') return target;
    act(target.handle, target.reader);
    return 0;
  };
  return {
    ...exchangeFunctions(world),
    connect: async (context, reader, options) => Promise.resolve(connect(world, context, reader, options)),
    reconnect(card, { initialization }) {
      const result = world.begin('reconnect');
      const handle = world.handles.get(card);
      const reader = handle && world.readers.get(handle.reader);
      if (result !== 0 || !handle || !reader) return Promise.resolve({ result: result || SCARD_E_INVALID_HANDLE, protocol: 0 });
      if (reader.owner !== undefined && reader.owner !== card) return Promise.resolve({ result: 0x8010000b, protocol: 0 });
      if (!reader.card) return Promise.resolve({ result: 0x8010000c, protocol: 0 });
      if (initialization !== 0) world.dispositions.push(`${handle.reader} ${initialization}`);
      world.handles.set(card, { ...handle, events: reader.events, wasReset: false });
      return Promise.resolve({ result: 0, protocol: reader.card.protocol ?? 2 });
    },
    disconnect(card, disposition) {
      const result = world.begin('disconnect');
      const handle = world.handles.get(card);
      if (result !== 0 || !handle) return Promise.resolve(result || SCARD_E_INVALID_HANDLE);
      const reader = world.readers.get(handle.reader);
      if (reader?.owner !== undefined && reader.owner !== card) return Promise.resolve(0x8010000b);
      world.dispositions.push(`${handle.reader} ${disposition}`);
      closeHandle(world, card, handle);
      return Promise.resolve(0);
    },
    beginTransaction: async (card) => Promise.resolve(onCard('beginTransaction', card, (_, reader) => (reader.owner = card))),
    endTransaction: async (card, disposition) =>
      Promise.resolve(
        onCard('endTransaction', card, (handle, reader) => {
          world.dispositions.push(`${handle.reader} end ${disposition}`);
          reader.owner = undefined;
        }),
      ),
    status(card) {
      const target = world.beginOnCard('status', card);
      if (typeof target === 'number') return Promise.resolve({ result: target, protocol: 0, atr: new Uint8Array() });
      return Promise.resolve({
        result: 0,
        protocol: target.reader.card?.protocol ?? 2,
        atr: target.reader.card?.atr ?? FAKE_ATR,
      });
    },
  };
}

function connect(world: World, context: ContextHandle, name: string, { shareMode }: { readonly shareMode: number }) {
  const fail = (result: number) => ({ result, card: 0n, protocol: 0 });
  const result = world.begin('connect', context);
  const reader = world.readers.get(name);
  if (result !== 0 || !reader) return fail(result || 0x80100009);
  if (reader.owner !== undefined || reader.exclusive !== undefined) return fail(0x8010000b);
  if (shareMode !== 3 && !reader.card) return fail(0x8010000c);
  if (shareMode !== 3 && reader.card?.isMute) return fail(0x80100066);
  const card = ++world.lastHandle;
  world.handles.set(card, { context, reader: name, shareMode, events: reader.events, wasReset: false });
  if (shareMode === 1) reader.exclusive = card;
  return { result: 0, card, protocol: shareMode === 3 ? 0 : (reader.card?.protocol ?? 2) };
}

function exchangeFunctions(world: World): Pick<WinScard, 'transmit' | 'control' | 'getAttrib'> {
  return {
    async transmit(card, _protocol, command) {
      const target = world.beginOnCard('transmit', card);
      if (typeof target === 'number') return { result: target, response: new Uint8Array() };
      const answer = await (target.reader.card?.answer?.(command) ?? Uint8Array.of(0x90, 0x00));
      if (typeof answer === 'number') return { result: answer, response: new Uint8Array() };
      return { result: 0, response: answer.slice() };
    },
    async control(card, code, input) {
      const target = world.beginOnCard('control', card);
      if (typeof target === 'number') return { result: target, output: new Uint8Array() };
      world.controlInputs.push(input.slice());
      const output = (await target.reader.controls?.(code, input)) ?? 0x8010001f;
      return typeof output === 'number' ? { result: output, output: new Uint8Array() } : { result: 0, output };
    },
    getAttrib: async (card, attribute) => {
      const failure = world.begin('getAttrib');
      const name = world.handles.get(card)?.reader;
      const value = world.readers.get(name ?? '')?.attributes?.(attribute) ?? 0x80100008;
      return Promise.resolve(
        failure !== 0 || typeof value === 'number'
          ? { result: failure || Number(value), value: new Uint8Array() }
          : { result: 0, value },
      );
    },
  };
}
