/**
 * PC/SC contexts, one per reader in use: pcsc-lite makes the calls on one context wait for each other, so a context shared by two
 * readers would let a slow card hold up the other. An idle context is kept for its reader's next use (a new one costs 0.3 ms and a
 * thread in pcscd); it holds no card and keeps nobody out.
 * Each reader has one lease at a time, and who wants the next one waits without a thread. So a call that blocks because another
 * program is in its transaction takes one thread for each reader at most, however often its caller gives up and tries again.
 */
import { serviceError } from './result-code.ts';
import type { ContextHandle, WinScard } from './winscard.ts';

/** The use of one reader. Disposing of it keeps the context for the next, or releases it with all that was opened on it. */
export interface ContextLease extends AsyncDisposable {
  readonly context: ContextHandle;
  /** It was used before: the service may have been restarted since. */
  readonly reused: boolean;
  /** The context must not be kept: its service went, or it may still hold a handle. */
  discard(): void;
}

export interface ReaderContexts {
  /** Waits for the reader's lease. Throws ServiceUnavailableError when the service is not there, or the signal's reason. */
  acquire(reader: string, signal: AbortSignal): Promise<ContextLease>;
  /** Releases the context of a reader that went: at once when idle, or when its use ends. */
  forget(reader: string): Promise<void>;
  /** Releases every idle context, and those in use when their use ends. */
  close(): Promise<void>;
}

export function createReaderContexts(winscard: WinScard): ReaderContexts {
  const idle = new Map<string, ContextHandle>();
  const leases = new Map<string, ContextLease>();
  const turns = createTurns();
  let closed = false;

  const lease = (
    reader: string,
    context: ContextHandle,
    { reused, endTurn }: { reused: boolean; endTurn: () => void },
  ): ContextLease => {
    let healthy = true;
    let disposal: Promise<void> | undefined;
    const giveBack = async (): Promise<void> => {
      leases.delete(reader);
      try {
        if (healthy && !closed) idle.set(reader, context);
        else await winscard.releaseContext(context);
      } finally {
        endTurn();
      }
    };
    return {
      context,
      reused,
      discard() {
        healthy = false;
      },
      async [Symbol.asyncDispose]() {
        disposal ??= giveBack();
        return disposal;
      },
    };
  };

  const forget = async (reader: string): Promise<void> => {
    leases.get(reader)?.discard();
    const context = idle.get(reader);
    idle.delete(reader);
    if (context !== undefined) await winscard.releaseContext(context);
  };

  return {
    forget,
    async acquire(reader, signal) {
      const endTurn = await turns.take(reader, signal);
      try {
        const kept = idle.get(reader);
        idle.delete(reader);
        const taken = lease(reader, kept ?? (await establishContext(winscard)), { reused: kept !== undefined, endTurn });
        leases.set(reader, taken);
        return taken;
      } catch (error) {
        endTurn();
        throw error;
      }
    },
    async close() {
      closed = true;
      await Promise.all([...idle.keys()].map(forget));
    },
  };
}

/** Throws ServiceUnavailableError, whatever the reason: without a context there is no service for us. */
export async function establishContext(winscard: WinScard): Promise<ContextHandle> {
  const { result, context } = await winscard.establishContext();
  if (result !== 0) throw serviceError('connecting to the PC/SC service', result);
  return context;
}

interface Turns {
  /** Resolves, first come, first served, with the function that ends the turn; rejects with the signal's reason. */
  take(reader: string, signal: AbortSignal): Promise<() => void>;
}

function createTurns(): Turns {
  const lastOf = new Map<string, Promise<void>>();
  return {
    async take(reader, signal) {
      const before = lastOf.get(reader);
      const own = Promise.withResolvers<undefined>();
      const turn = Promise.all([before, own.promise]).then(() => {
        if (lastOf.get(reader) === turn) lastOf.delete(reader);
      });
      lastOf.set(reader, turn);
      const end = (): void => own.resolve(undefined);
      if (before) {
        await unlessAborted(before, signal).catch((error: unknown) => {
          end();
          throw error;
        });
      }
      return end;
    },
  };
}

/** Leaves the wait behind when the signal fires, and rejects with its reason. */
export async function unlessAborted<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([waiting, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
