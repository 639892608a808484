/**
 * The readers of this machine's PC/SC service, as a ReaderSource. Contexts: one for each watch, one for each connection.
 * Nothing of a card is held while no connection is open.
 */
import type { CardConnection } from '../../apdu/card-connection.ts';
import type { ReaderSource, ReaderState } from '../reader-source.ts';
import { limitCalls, processBlockingCalls, type BlockingCalls } from './blocking-calls.ts';
import { openConnection } from './connection.ts';
import type { PcscClock, PcscLayer } from './pcsc-layer.ts';
import { createReaderContexts, unlessAborted } from './reader-contexts.ts';
import { createFeatureCache } from './reader-features.ts';
import { watchReaders } from './reader-watch.ts';
import { loadWinScard, type WinScard } from './winscard.ts';

/** Disposing of it releases the contexts that it keeps; connections and watches are ended by those who began them. */
export interface PcscSource extends ReaderSource, AsyncDisposable {
  readonly id: 'pcsc';
}

export interface PcscSourceOptions {
  /** Called at the first use; the system's own library by default. May throw ServiceUnavailableError. */
  readonly load?: () => WinScard;
  /** The count of calls on the thread pool; the one of this process by default. */
  readonly blockingCalls?: BlockingCalls;
  readonly clock?: PcscClock;
  /** Language of the prompts on a reader's display, as a Windows language identifier: 0x041D Swedish (default), 0x0409 English. */
  readonly keypadLanguageId?: number;
}

const LANGUAGE_SWEDISH = 0x041d;

/** Calls nothing yet: a missing library or a pool that is too small shows as ServiceUnavailableError from `watch` and `connect`. */
export function createPcscSource(options: PcscSourceOptions = {}): PcscSource {
  const layer = lazily(() => createLayer(options));
  let insertions = 0;
  const nextInsertion = (): number => ++insertions;
  return {
    id: 'pcsc',
    async *watch({ signal }): AsyncIterable<ReaderState> {
      yield* watchReaders(layer.get(), nextInsertion, signal);
    },
    async connect(readerName, { signal }) {
      signal.throwIfAborted();
      return unlessGivenUp(openConnection(layer.get(), readerName, signal), signal);
    },
    async [Symbol.asyncDispose]() {
      await layer.peek()?.contexts.close();
    },
  };
}

function createLayer(options: PcscSourceOptions): PcscLayer {
  const { load = loadWinScard, clock = systemClock, keypadLanguageId = LANGUAGE_SWEDISH } = options;
  const calls = options.blockingCalls ?? processBlockingCalls();
  const winscard = limitCalls(load(), calls);
  const contexts = createReaderContexts(winscard);
  return { winscard, contexts, features: createFeatureCache(winscard, contexts), clock, keypadLanguageId };
}

/** A failure is tried again at the next use: the library may be installed meanwhile. */
function lazily<T>(create: () => T): { get(): T; peek(): T | undefined } {
  let value: T | undefined;
  return { get: () => (value ??= create()), peek: () => value };
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
