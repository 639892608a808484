/**
 * Keeps PC/SC calls from filling libuv's thread pool. A reader may block its call for ever (a hung card), and files, DNS and
 * cryptography of the whole process run on the same threads: the last ones are left to them, and calls above the limit wait their turn.
 * The size of the pool is fixed when its first thread starts, so it must be set before Node does: UV_THREADPOOL_SIZE.
 */
import { ServiceUnavailableError } from '../errors.ts';
import type { WinScard } from './winscard.ts';

/** libuv's size when UV_THREADPOOL_SIZE is not set, and its maximum (libuv, "Thread pool work scheduling"). */
const DEFAULT_POOL_SIZE = 4;
const MAX_POOL_SIZE = 1024;
/** Threads that PC/SC never takes. */
export const RESERVED_THREADS = 4;
/** One for the watcher, one for each of 16 readers, and the reserve. */
const RECOMMENDED_POOL_SIZE = 64;

/** Counts the calls under way and makes those above the limit wait, first come, first served. */
export interface BlockingCalls {
  readonly underWay: number;
  readonly waiting: number;
  run<T>(call: () => Promise<T>): Promise<T>;
}

/** Calls that PC/SC may have under way, by the environment that the process started with. Throws ServiceUnavailableError where the pool is too small. */
export function blockingCallLimit(environment: Readonly<Record<string, string | undefined>>): number {
  const size = poolSize(environment['UV_THREADPOOL_SIZE']);
  if (size <= RESERVED_THREADS) {
    throw new ServiceUnavailableError(
      `opening PC/SC: the thread pool of this process has ${size} threads, and each reader that waits for its card takes one; ` +
        `start it with UV_THREADPOOL_SIZE=${RECOMMENDED_POOL_SIZE} in its environment`,
    );
  }
  return size - RESERVED_THREADS;
}

/** As libuv reads it: atoi, 0 becomes 1, 1,024 at most. */
function poolSize(value: string | undefined): number {
  if (value === undefined) return DEFAULT_POOL_SIZE;
  const size = Number.parseInt(value, 10);
  return Number.isNaN(size) || size < 1 ? 1 : Math.min(size, MAX_POOL_SIZE);
}

export function createBlockingCalls(limit: number): BlockingCalls {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  return {
    get underWay() {
      return underWay;
    },
    get waiting() {
      return waiting.length;
    },
    async run(call) {
      if (underWay < limit) underWay += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await call();
      } finally {
        const next = waiting.shift();
        if (next)
          next(); // takes over this call's place
        else underWay -= 1;
      }
    },
  };
}

let processCalls: BlockingCalls | undefined;

/** The one count of this process: its pool is one, however many sources use it. */
export function processBlockingCalls(): BlockingCalls {
  processCalls ??= createBlockingCalls(blockingCallLimit(process.env));
  return processCalls;
}

/** The same functions, each within the limit; only `cancel` is not, because it ends a call that has its place already. */
export function limitCalls(winscard: WinScard, calls: BlockingCalls): WinScard {
  return {
    platform: winscard.platform,
    establishContext: async () => calls.run(() => winscard.establishContext()),
    releaseContext: async (context) => calls.run(() => winscard.releaseContext(context)),
    isValidContext: async (context) => calls.run(() => winscard.isValidContext(context)),
    listReaders: async (context) => calls.run(() => winscard.listReaders(context)),
    getStatusChange: async (context, timeoutMs, queries) =>
      calls.run(() => winscard.getStatusChange(context, timeoutMs, queries)),
    cancel: async (context) => winscard.cancel(context),
    connect: async (context, reader, options) => calls.run(() => winscard.connect(context, reader, options)),
    reconnect: async (card, options) => calls.run(() => winscard.reconnect(card, options)),
    disconnect: async (card, disposition) => calls.run(() => winscard.disconnect(card, disposition)),
    beginTransaction: async (card) => calls.run(() => winscard.beginTransaction(card)),
    endTransaction: async (card, disposition) => calls.run(() => winscard.endTransaction(card, disposition)),
    status: async (card) => calls.run(() => winscard.status(card)),
    transmit: async (card, protocol, command) => calls.run(() => winscard.transmit(card, protocol, command)),
    control: async (card, code, input) => calls.run(() => winscard.control(card, code, input)),
    getAttrib: async (card, attribute) => calls.run(() => winscard.getAttrib(card, attribute)),
  };
}
