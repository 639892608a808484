/** Evidence that is over its time is dropped at start and once a day. How long it is kept is its routine's to say. */
import type { Log } from '../../log.ts';
import type { EvidenceStore } from './store.ts';

const DAY_MS = 86_400_000;

export interface EvidenceRetentionOptions {
  readonly store: Pick<EvidenceStore, 'purge'>;
  readonly now: () => Date;
  readonly log: Log;
}

/** Disposed of, it begins nothing more; what is under way then ends between two days, and goes on at the next start. */
export function startEvidenceRetention(options: EvidenceRetentionOptions): Disposable {
  const stopped = new AbortController();
  let running: Promise<void> | undefined;
  const run = (): void => {
    running ??= purge(options, stopped.signal).finally(() => (running = undefined));
  };
  run();
  const timer = setInterval(run, DAY_MS).unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      stopped.abort();
    },
  };
}

/** Never rejects: what could not be dropped is tried again the next day. */
async function purge({ store, now, log }: EvidenceRetentionOptions, signal: AbortSignal): Promise<void> {
  try {
    const dropped = await store.purge(now(), signal);
    if (dropped > 0) log.info({ dropped }, 'evidence that was over its time was dropped');
  } catch (error) {
    if (!signal.aborted) log.error({ err: error }, 'evidence that is over its time could not be dropped');
  }
}
