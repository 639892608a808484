/**
 * PC/SC contexts, one per reader in use: pcsc-lite makes the calls on one context wait for each other, so a context shared by two
 * readers would let a slow card hold up the other. An idle context is kept for its reader's next connection (a new one costs 0.3 ms
 * and a thread in pcscd); it holds no card and keeps nobody out.
 */
import { serviceError } from './result-code.ts';
import type { ContextHandle, WinScard } from './winscard.ts';

/** A context for one use. Disposing of it keeps it for the next, or releases it with all that was opened on it. */
export interface ContextLease extends AsyncDisposable {
  readonly context: ContextHandle;
  /** It was used before: the service may have gone since, without this context being the newest proof of it. */
  readonly reused: boolean;
  /** It must not be kept: its service went, or it may still hold a handle. */
  discard(): void;
}

export interface ReaderContexts {
  /** Throws ServiceUnavailableError when the service is not there. */
  acquire(reader: string): Promise<ContextLease>;
  /** Releases the idle context of a reader that went. */
  forget(reader: string): Promise<void>;
  /** Releases every idle context, and those in use when their use ends. */
  close(): Promise<void>;
}

export function createReaderContexts(winscard: WinScard): ReaderContexts {
  const idle = new Map<string, ContextHandle>();
  let closed = false;

  const lease = (reader: string, context: ContextHandle, reused: boolean): ContextLease => {
    let healthy = true;
    let disposed = false;
    return {
      context,
      reused,
      discard() {
        healthy = false;
      },
      async [Symbol.asyncDispose]() {
        if (disposed) return;
        disposed = true;
        if (healthy && !closed && !idle.has(reader)) idle.set(reader, context);
        else await winscard.releaseContext(context);
      },
    };
  };

  const forget = async (reader: string): Promise<void> => {
    const context = idle.get(reader);
    idle.delete(reader);
    if (context !== undefined) await winscard.releaseContext(context);
  };

  return {
    forget,
    async acquire(reader) {
      const kept = idle.get(reader);
      if (kept !== undefined) {
        idle.delete(reader);
        return lease(reader, kept, true);
      }
      return lease(reader, await establishContext(winscard), false);
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
