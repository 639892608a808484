/**
 * Watches the readers of the PC/SC service: SCardGetStatusChange over all of them and the pseudo-reader that stands for their list.
 * A look never lasts longer than LOOK_MS, because a reader that came between listing and looking would otherwise not be seen
 * (pcsc-lite before 2.3 counts readers only while it waits; macOS tells of none), and because a process cannot end while a call blocks.
 */
import { ServiceUnavailableError } from '../errors.ts';
import type { ReaderState } from '../reader-source.ts';
import {
  PNP_NOTIFICATION,
  SCARD_STATE_CHANGED,
  SCARD_STATE_EMPTY,
  SCARD_STATE_EXCLUSIVE,
  SCARD_STATE_IGNORE,
  SCARD_STATE_INUSE,
  SCARD_STATE_MUTE,
  SCARD_STATE_PRESENT,
  SCARD_STATE_UNAVAILABLE,
  SCARD_STATE_UNAWARE,
  SCARD_STATE_UNKNOWN,
} from './constants.ts';
import type { PcscLayer } from './pcsc-layer.ts';
import { establishContext } from './reader-contexts.ts';
import type { ReaderEvent, ReaderQuery } from './reader-state.ts';
import {
  SCARD_E_CANCELLED,
  SCARD_E_INVALID_PARAMETER,
  SCARD_E_NO_READERS_AVAILABLE,
  SCARD_E_READER_UNAVAILABLE,
  SCARD_E_TIMEOUT,
  SCARD_E_UNKNOWN_READER,
  serviceError,
} from './result-code.ts';
import type { ContextHandle } from './winscard.ts';

const LOOK_MS = 1000;
/** After a look that showed nothing new though it said so: keeps a service that repeats itself from taking a processor. */
const NOTHING_NEW_PAUSE_MS = 50;
/** A cancel is lost when it comes before the look has begun, so it is repeated until the look ends. */
const CANCEL_AGAIN_MS = 20;
/** How long the first sight of a reader waits for what it can do and which it is. */
const PROBE_MS = 250;
/** When one that could not be asked, because another program had it, is asked again: first, and at most. */
const FIRST_PROBE_AGAIN_MS = 2_000;
const LONGEST_PROBE_AGAIN_MS = 30_000;

interface WatchedReader {
  /** dwCurrentState of the next look. */
  currentState: number;
  /** Card events counted by the service, upper half of dwEventState. */
  eventCount: number;
  /** As last given out; undefined before the first look. */
  state: ReaderState | undefined;
  /** It is being asked which it is. */
  isProbed: boolean;
  /** When it is asked again if need be, by the layer's clock, and how long it then has until the next time. */
  probeAgainAt: number;
  probePauseMs: number;
}

interface Watch {
  readonly layer: PcscLayer;
  readonly context: ContextHandle;
  readonly signal: AbortSignal;
  readonly readers: Map<string, WatchedReader>;
  readonly nextInsertion: () => number;
  /** dwCurrentState of the pseudo-reader; undefined where the service has none. */
  notificationState: number | undefined;
  /** What went wrong when a reader was asked again: the watch ends with it. */
  failure: Error | undefined;
}

/** `nextInsertion` gives a new number at each call, over all watches of one source. */
export async function* watchReaders(
  layer: PcscLayer,
  nextInsertion: () => number,
  signal: AbortSignal,
): AsyncGenerator<ReaderState, void> {
  if (signal.aborted) return;
  const context = await establishContext(layer.winscard);
  const notificationState = layer.winscard.platform.hasPnpNotification ? SCARD_STATE_UNAWARE : undefined;
  const watch: Watch = { layer, context, signal, readers: new Map(), nextInsertion, notificationState, failure: undefined };
  try {
    while (!isAborted(signal)) {
      yield* updateReaderList(watch, await listReaders(watch));
      yield* updateFeatures(watch);
      probeAgain(watch);
      if (watch.failure) throw watch.failure;
      const events = await look(watch);
      const states = events.flatMap((event) => updateReader(watch, event));
      yield* states;
      if (states.length === 0) await pauseUnlessAborted(watch);
    }
  } finally {
    await Promise.all([...watch.readers.keys()].map(async (name) => forgetReader(layer, name)));
    await layer.winscard.releaseContext(context);
  }
}

/** A call, so that the compiler does not take the first answer for the last. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function listReaders({ layer, context }: Watch): Promise<readonly string[]> {
  const { result, names } = await layer.winscard.listReaders(context);
  if (result === SCARD_E_NO_READERS_AVAILABLE) return [];
  if (result !== 0) throw serviceError('listing the readers', result);
  return names;
}

async function* updateReaderList(watch: Watch, names: readonly string[]): AsyncGenerator<ReaderState, void> {
  const { layer, readers } = watch;
  for (const name of [...readers.keys()].filter((known) => !names.includes(known))) {
    const wasSeen = readers.get(name)?.state?.status !== 'removed';
    readers.delete(name);
    await forgetReader(layer, name);
    if (wasSeen) yield { name, status: 'removed' };
  }
  const added = names.filter((name) => !readers.has(name));
  for (const name of added) readers.set(name, newReader());
  await Promise.all(added.map(async (name) => probeReader(watch, name)));
}

function newReader(): WatchedReader {
  return {
    ...{ currentState: SCARD_STATE_UNAWARE, eventCount: 0, state: undefined },
    ...{ isProbed: false, probeAgainAt: 0, probePauseMs: FIRST_PROBE_AGAIN_MS },
  };
}

async function forgetReader({ features, contexts }: PcscLayer, name: string): Promise<void> {
  features.forget(name);
  await contexts.forget(name);
}

/** Asks a reader what it can do and which it is; one that takes its time is heard later, by waking the look. */
async function probeReader({ layer, context, readers, signal }: Watch, name: string): Promise<void> {
  const watched = readers.get(name);
  if (!watched) return;
  watched.isProbed = true;
  const heard = new AbortController();
  let late = false;
  const probe = layer.features
    .probe(name, signal)
    .then(async () => {
      const isHeard = layer.features.knownIdentity(name) !== undefined;
      if (late && isHeard && readers.get(name) === watched) await layer.winscard.cancel(context);
    })
    .catch((error: unknown) => {
      if (!(error instanceof ServiceUnavailableError) && !signal.aborted) throw error; // the next look meets the same and says so
    })
    .finally(() => {
      heard.abort();
      watched.isProbed = false;
      watched.probeAgainAt = layer.clock.now() + watched.probePauseMs;
      watched.probePauseMs = Math.min(2 * watched.probePauseMs, LONGEST_PROBE_AGAIN_MS);
    });
  await Promise.race([probe, layer.clock.pause(PROBE_MS, AbortSignal.any([signal, heard.signal])).catch(() => undefined)]);
  late = true;
}

/** Readers that were given out before they had said what they can do and which they are. */
function updateFeatures({ layer, readers }: Watch): readonly ReaderState[] {
  return [...readers.values()].flatMap((reader) => {
    const before = reader.state;
    if (!before || before.status === 'removed') return [];
    const { isIdentityPending, ...rest } = before;
    const isComplete = isIdentityPending !== true && before.hasKeypad !== undefined;
    if (isComplete) return [];
    const state = { ...rest, ...whatIsKnown(layer, before.name) };
    if (isSameState(before, state)) return [];
    reader.state = state;
    return [state];
  });
}

type KnownOfReader = Pick<ReaderState, 'hasKeypad' | 'isIdentityPending' | 'serialNumber' | 'usbPath'>;

function whatIsKnown({ features }: PcscLayer, name: string): KnownOfReader {
  const known = features.known(name);
  return {
    ...(known ? { hasKeypad: known.verifyPinDirect !== undefined } : {}),
    ...(features.knownIdentity(name) ?? { isIdentityPending: true }),
  };
}

/** Those that another program kept from being asked. */
function probeAgain(watch: Watch): void {
  const { layer, readers } = watch;
  for (const [name, { state, isProbed, probeAgainAt }] of readers) {
    const isWanted = state !== undefined && state.status !== 'removed' && layer.features.knownIdentity(name) === undefined;
    if (!isWanted || isProbed || layer.clock.now() < probeAgainAt) continue;
    probeReader(watch, name).catch((error: unknown) => {
      watch.failure = error instanceof Error ? error : new Error(String(error));
    });
  }
}

/** Waits for a change. No events: time ran out, the look was cancelled, or the list of readers is out of date. */
async function look(watch: Watch): Promise<readonly ReaderEvent[]> {
  const { readers, notificationState } = watch;
  const queries: ReaderQuery[] = [...readers].map(([name, { currentState }]) => ({ name, currentState }));
  if (notificationState !== undefined) queries.push({ name: PNP_NOTIFICATION, currentState: notificationState });
  const { result, events } = await getStatusChange(watch, queries);
  switch (result) {
    case 0:
      if (readers.size > 0 && events.every(({ eventState }) => eventState === 0)) throw restarted();
      return events;
    case SCARD_E_TIMEOUT:
      return events;
    case SCARD_E_CANCELLED:
    case SCARD_E_UNKNOWN_READER:
    case SCARD_E_READER_UNAVAILABLE:
    case SCARD_E_NO_READERS_AVAILABLE:
      return [];
    case SCARD_E_INVALID_PARAMETER:
      // pcsc-lite up to 2.4 takes 16 entries, and the pseudo-reader is one: with 16 readers it stays out, and no further reader can come.
      if (notificationState === undefined) throw serviceError('watching the readers', result);
      watch.notificationState = undefined;
      return [];
    default:
      throw serviceError('watching the readers', result);
  }
}

/** SCardGetStatusChange, cancelled when the watch's signal fires. */
async function getStatusChange(
  { layer, context, signal }: Watch,
  queries: readonly ReaderQuery[],
): Promise<{ readonly result: number; readonly events: readonly ReaderEvent[] }> {
  const { winscard, clock } = layer;
  const ended = new AbortController();
  let cancelling: Promise<void> | undefined;
  const cancelUntilEnded = async (): Promise<void> => {
    while (!isAborted(ended.signal)) {
      await winscard.cancel(context);
      await clock.pause(CANCEL_AGAIN_MS, ended.signal).catch(() => undefined);
    }
  };
  const onAbort = (): void => {
    cancelling = cancelUntilEnded();
  };
  if (signal.aborted) return { result: SCARD_E_CANCELLED, events: [] };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await winscard.getStatusChange(context, LOOK_MS, queries);
  } finally {
    signal.removeEventListener('abort', onAbort);
    ended.abort();
    await cancelling;
  }
}

/** Takes over what the service says of one reader; gives its new state when that is news to the caller. */
function updateReader(watch: Watch, { name, eventState, atr }: ReaderEvent): readonly ReaderState[] {
  const known = (eventState & ~SCARD_STATE_CHANGED) >>> 0;
  if (name === PNP_NOTIFICATION) {
    watch.notificationState = known;
    return [];
  }
  const reader = watch.readers.get(name);
  const status = statusOf(eventState, atr);
  if (!reader || !status) return [];
  const { comparesWholeState } = watch.layer.winscard.platform;
  reader.currentState = comparesWholeState ? known : (known & ~SCARD_STATE_INUSE) >>> 0;
  const before = reader.state;
  const isSameCard = before?.insertion !== undefined && reader.eventCount === eventState >>> 16;
  reader.eventCount = eventState >>> 16;
  // A name may come back with another reader behind it.
  if (status === 'removed') {
    watch.layer.features.forget(name);
    reader.probeAgainAt = 0;
  }
  const hasCard = status === 'present' || status === 'mute';
  reader.state = {
    name,
    status,
    ...(hasCard ? { insertion: isSameCard ? before.insertion : watch.nextInsertion() } : {}),
    ...(status === 'present' ? { atr } : {}),
    ...(status === 'removed' ? {} : { heldElsewhere: (eventState & SCARD_STATE_EXCLUSIVE) !== 0 }),
    ...(status === 'removed' ? {} : whatIsKnown(watch.layer, name)),
  };
  return before && isSameState(before, reader.state) ? [] : [reader.state];
}

/** Undefined when nothing is said. A card without an ATR is mute. */
function statusOf(eventState: number, atr: Uint8Array): ReaderState['status'] | undefined {
  if ((eventState & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE | SCARD_STATE_IGNORE)) !== 0) return 'removed';
  if ((eventState & SCARD_STATE_PRESENT) !== 0)
    return (eventState & SCARD_STATE_MUTE) !== 0 || atr.length === 0 ? 'mute' : 'present';
  return (eventState & SCARD_STATE_EMPTY) !== 0 ? 'empty' : undefined;
}

function isSameState(one: ReaderState, other: ReaderState): boolean {
  return (
    one.status === other.status &&
    one.insertion === other.insertion &&
    one.heldElsewhere === other.heldElsewhere &&
    one.hasKeypad === other.hasKeypad &&
    one.isIdentityPending === other.isIdentityPending
  );
}

async function pauseUnlessAborted({ layer, signal }: Watch): Promise<void> {
  await layer.clock.pause(NOTHING_NEW_PAUSE_MS, signal).catch(() => undefined);
}

/** pcscd that stops wakes its watchers with success and no state (measured, pcsc-lite 1.9.9). */
function restarted(): ServiceUnavailableError {
  return new ServiceUnavailableError(
    'watching the readers: the PC/SC service ended the wait without a state, as it does when it stops',
  );
}
