/**
 * The readers of this machine's PC/SC service, as a ReaderSource. Contexts: one for each watch, one for each connection.
 * Nothing of a card is held while no connection is open.
 */
import type { CardConnection } from '../../apdu/card-connection.ts';
import type { ReaderSource, ReaderState } from '../reader-source.ts';
import { openConnection } from './connection.ts';
import { findPcscPrograms } from './holders.ts';
import { openWinScard } from './open-winscard.ts';
import type { PcscClock, PcscLayer } from './pcsc-layer.ts';
import { createReaderContexts, unlessAborted } from './reader-contexts.ts';
import { createFeatureCache } from './reader-features.ts';
import { watchReaders } from './reader-watch.ts';
import { USB_DEVICES_FOLDER } from './usb-port.ts';
import type { WinScard } from './winscard.ts';

/**
 * Disposing of it releases the contexts that it keeps. Where PC/SC is reached over a socket it also ends every watch, wait and exchange
 * under way, with ServiceUnavailableError, so that a card that never answers keeps nothing running; elsewhere those who began them do.
 */
export interface PcscSource extends ReaderSource, AsyncDisposable {
  readonly id: 'pcsc';
}

export interface PcscSourceOptions {
  /** Called at the first use, and again after it failed; `openWinScard` by default. May throw ServiceUnavailableError. */
  readonly load?: () => WinScard | Promise<WinScard>;
  readonly clock?: PcscClock;
  /** Language of the prompts on a reader's display, as a Windows language identifier: 0x041D Swedish (default), 0x0409 English. */
  readonly keypadLanguageId?: number;
  /** Where Linux tells of USB devices. */
  readonly usbFolder?: string;
}

const LANGUAGE_SWEDISH = 0x041d;

/** Calls nothing yet: a missing library or a pool that is too small shows as ServiceUnavailableError from `watch` and `connect`. */
export function createPcscSource(options: PcscSourceOptions = {}): PcscSource {
  const layer = lazily(async () => createLayer(options));
  let insertions = 0;
  const nextInsertion = (): number => ++insertions;
  return {
    id: 'pcsc',
    async *watch({ signal }): AsyncIterable<ReaderState> {
      yield* watchReaders(await layer.get(), nextInsertion, signal);
    },
    async connect(readerName, { signal }) {
      signal.throwIfAborted();
      const opening = layer.get().then(async (ready) => openConnection(ready, readerName, signal));
      return unlessGivenUp(opening, signal);
    },
    async otherPrograms() {
      const programs = await findPcscPrograms();
      return programs.map(({ name, pid }) => `${name} (process ${pid})`);
    },
    async [Symbol.asyncDispose]() {
      const used = await layer.peek();
      used?.winscard.close?.();
      await used?.contexts.close();
    },
  };
}

async function createLayer(options: PcscSourceOptions): Promise<PcscLayer> {
  const { load = openWinScard, clock = systemClock, keypadLanguageId = LANGUAGE_SWEDISH } = options;
  const winscard = await load();
  const contexts = createReaderContexts(winscard);
  const usbFolder = winscard.platform.name === 'linux' ? (options.usbFolder ?? USB_DEVICES_FOLDER) : undefined;
  return { winscard, contexts, features: createFeatureCache(winscard, contexts, usbFolder), clock, keypadLanguageId };
}

/** A failure is tried again at the next use: the library may be installed meanwhile. */
function lazily<T>(create: () => Promise<T>): { get(): Promise<T>; peek(): Promise<T | undefined> | undefined } {
  let value: Promise<T> | undefined;
  return {
    peek: () => value?.catch(() => undefined),
    async get() {
      value ??= create().catch((error: unknown) => {
        value = undefined;
        throw error;
      });
      return value;
    },
  };
}

/** Leaves a call that blocks behind when the signal fires, and closes what it may still open. */
async function unlessGivenUp(opening: Promise<CardConnection>, signal: AbortSignal): Promise<CardConnection> {
  try {
    return await unlessAborted(opening, signal);
  } catch (error) {
    opening.then(
      async (connection) => connection[Symbol.asyncDispose](),
      () => undefined, // it failed, and closed everything itself
    );
    throw error;
  }
}

const systemClock: PcscClock = {
  now: () => performance.now(),
  pause: async (durationMs, signal) => {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), durationMs);
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  },
};
