/**
 * At start and once a day: evidence that is over its time is dropped, the journal forgets the ceremonies that it was of and those that were cancelled so long ago,
 * and what a crash or a full disk kept from being put together is put together. How long all of it is kept is the routine's to say.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import type { CeremonySummary, Journal, SummaryFilter } from '../journal.ts';
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
  /** Of ended ceremonies, whatever the journal has. */
  readonly forget: (ceremonies: readonly string[]) => void;
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
    const until = provenTime(options);
    const dropped = await options.store.purge(until, signal);
    if (dropped > 0) log.info({ dropped }, 'evidence that was over its time was dropped');
    const forgotten = await forgetOver(options, until, signal);
    if (forgotten > 0) log.info({ forgotten }, 'ceremonies that were over their time were taken out of the journal');
    for await (const { id } of missing(options)) {
      signal.throwIfAborted();
      await keep(id);
    }
  } catch (error) {
    if (!signal.aborted) log.error({ err: error }, 'the evidence of ceremonies could not be looked after');
  }
}

/** A clock that jumped ahead, after an empty battery perhaps, drops nothing that it should not: time goes on as far as ceremonies prove it, and a little more. */
function provenTime({ journal, now }: UpkeepOptions): Date {
  const [latest] = journal.list({ includesProtected: true, limit: 1 });
  const proven = latest ? Date.parse(latest.startedAt) + IDLE_DAYS * DAY_MS : 0;
  return new Date(Math.min(now().getTime(), proven));
}

/** What is under way is never over its time, nor what is of a routine that is not known any more. */
async function forgetOver({ journal, routines, forget }: UpkeepOptions, until: Date, signal: AbortSignal): Promise<number> {
  const before = new Date(until);
  before.setUTCFullYear(before.getUTCFullYear() - Math.min(...[...routines.values()].map((one) => one.retentionYears)));
  const today = dayOf(until);
  let forgotten = 0;
  for await (const page of pagesOf(journal, { before: before.toISOString() })) {
    signal.throwIfAborted();
    const over = page.filter(({ state, routine: id, updatedAt }) => {
      const routine = routines.get(id);
      return state !== 'open' && routine && keepUntil({ routine, updatedAt }) < today;
    });
    if (over.length > 0) forget(over.map(({ id }) => id));
    forgotten += over.length;
  }
  return forgotten;
}

/** Finished ceremonies without evidence, of those whose evidence would still be kept. */
async function* missing({ store, journal, routines, now }: UpkeepOptions): AsyncGenerator<CeremonySummary> {
  const seen = new Set(await store.ceremonies());
  const today = dayOf(now());
  for await (const page of pagesOf(journal, { state: 'finished' })) {
    const fresh = page.filter(({ id }) => !seen.has(id));
    for (const summary of fresh) {
      seen.add(summary.id);
      const routine = routines.get(summary.routine);
      if (routine && keepUntil({ routine, updatedAt: summary.updatedAt }) >= today) yield summary;
    }
  }
}

/** All of these, the latest first; some may come twice. The event loop turns between two pages. */
async function* pagesOf(
  journal: UpkeepOptions['journal'],
  filter: Pick<SummaryFilter, 'before' | 'state'>,
): AsyncGenerator<readonly CeremonySummary[]> {
  let { before } = filter;
  for (;;) {
    const page = journal.list({ ...filter, includesProtected: true, limit: PAGE, ...(before === undefined ? {} : { before }) });
    yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    // Two may have begun in the same millisecond; when a whole page did, the next millisecond's turn has come.
    const next = new Date(Date.parse(last.startedAt) + 1).toISOString();
    before = next === before ? last.startedAt : next;
    await turn();
  }
}
