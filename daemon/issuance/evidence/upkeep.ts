/**
 * At start and once a day: evidence that is over its time is dropped, and what a crash or a full disk kept from being put together is put together. How long it is
 * kept is its routine's to say.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import type { CeremonySummary, Journal } from '../journal.ts';
import type { Routine } from '../routine.ts';
import { dayOf, keepUntil } from './retention-time.ts';
import type { EvidenceStore } from './store.ts';

const DAY_MS = 86_400_000;
/** An office may be closed for so long; what is over its time waits then until it opens again. */
const IDLE_DAYS = 31;
/** Ceremonies looked at between two turns of the event loop. */
const PAGE = 200;

export interface UpkeepOptions {
  readonly store: Pick<EvidenceStore, 'ceremonies' | 'purge'>;
  readonly journal: Pick<Journal, 'list'>;
  readonly routines: ReadonlyMap<string, Routine>;
  /** Puts the evidence of a finished ceremony together. Never rejects. */
  readonly keep: (ceremony: string) => Promise<void>;
  readonly now: () => Date;
  readonly log: Log;
}

/** Disposed of, it begins nothing more, and resolves when what was under way has stopped; it goes on at the next start. */
export function startUpkeep(options: UpkeepOptions): AsyncDisposable {
  const stopped = new AbortController();
  let running: Promise<void> | undefined;
  const run = (): void => {
    running ??= upkeep(options, stopped.signal).finally(() => (running = undefined));
  };
  run();
  const timer = setInterval(run, DAY_MS).unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      stopped.abort();
      await running;
    },
  };
}

/** Never rejects: what could not be done is tried again the next day. */
async function upkeep(options: UpkeepOptions, signal: AbortSignal): Promise<void> {
  const { keep, log } = options;
  try {
    const dropped = await purge(options, signal);
    if (dropped > 0) log.info({ dropped }, 'evidence that was over its time was dropped');
    for await (const { id } of missing(options)) {
      signal.throwIfAborted();
      await keep(id);
    }
  } catch (error) {
    if (!signal.aborted) log.error({ err: error }, 'the evidence of ceremonies could not be looked after');
  }
}

/** A clock that jumped ahead, after an empty battery perhaps, drops nothing that it should not: time goes on as far as ceremonies prove it, and a little more. */
async function purge({ store, journal, now }: UpkeepOptions, signal: AbortSignal): Promise<number> {
  const [latest] = journal.list({ includesProtected: true, limit: 1 });
  if (!latest) return 0;
  const proven = Date.parse(latest.startedAt) + IDLE_DAYS * DAY_MS;
  return await store.purge(new Date(Math.min(now().getTime(), proven)), signal);
}

/** Finished ceremonies without evidence, of those whose evidence would still be kept. */
async function* missing({ store, journal, routines, now }: UpkeepOptions): AsyncGenerator<CeremonySummary> {
  const seen = new Set(await store.ceremonies());
  const today = dayOf(now());
  let before: string | undefined;
  for (;;) {
    const filter = { state: 'finished', includesProtected: true, limit: PAGE } as const;
    const page = journal.list({ ...filter, ...(before === undefined ? {} : { before }) });
    const fresh = page.filter(({ id }) => !seen.has(id));
    for (const summary of fresh) {
      seen.add(summary.id);
      const routine = routines.get(summary.routine);
      if (routine && keepUntil({ routine, updatedAt: summary.updatedAt }) >= today) yield summary;
    }
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    // Two may have begun in the same millisecond; when a whole page did, the next millisecond's turn has come.
    const next = new Date(Date.parse(last.startedAt) + 1).toISOString();
    before = next === before ? last.startedAt : next;
    await turn();
  }
}
