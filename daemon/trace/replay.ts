/**
 * A trace as a regression test: what kortd does by itself with a card (finding out what it is, reading it) is done again on the recorded one, and must send the
 * recorded commands in the recorded order. Of what wants a PIN, a key or a caller's own parameters the commands are sent as they stand (resend.ts), and it is said so.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createCardProfiles } from '../../apdu/cards/index.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { readPolicy } from '../access/policy.ts';
import { useCard } from '../desk/card-access.ts';
import { openDesk } from '../desk/open-desk.ts';
import type { Desk } from '../desk/desk.ts';
import { silentLog } from '../log.ts';
import type { Trace } from './entry.ts';
import { resend } from './resend.ts';
import { ReplayCard, recordedCards, type Deviation, type RecordedCard, type RecordedTransaction } from './replay-card.ts';

export interface TransactionReport {
  readonly card: number;
  /** Within its card, from 1 on. */
  readonly transaction: number;
  readonly purpose: string;
  readonly exchanges: number;
  /**
   * `beginning`: as recorded as far as that goes; the card was known then, and read to its end now. `resent`: it wants a PIN, a key or what its caller gave, so its
   * commands were sent as they were recorded, and the recorded card answered them all. `passed`: it went through a vendor's module, which sends what nobody sees.
   */
  readonly outcome: 'same' | 'beginning' | 'different' | 'passed' | 'resent';
  readonly deviations: readonly Deviation[];
}

const READER = 'Replay 00 00';
const STEP_MS = 5;
/** A recorded card answers at once; this is for a defect. */
const REPLAY_TIMEOUT_MS = 60_000;
/** What one transaction tells: what comes after the first follows from it. */
const MAX_DEVIATIONS = 1;

export async function replayTrace(trace: Trace, signal: AbortSignal): Promise<readonly TransactionReport[]> {
  const reports: TransactionReport[] = [];
  for (const card of recordedCards(trace)) reports.push(...(await replayCard(card, signal)));
  return reports;
}

async function replayCard(recorded: RecordedCard, signal: AbortSignal): Promise<readonly TransactionReport[]> {
  await using bench = await openBench(recorded, AbortSignal.any([signal, AbortSignal.timeout(REPLAY_TIMEOUT_MS)]));
  const reports: TransactionReport[] = [];
  let start = 0;
  for (const [index, transaction] of recorded.transactions.entries()) {
    const run = { start, end: start + transaction.exchanges.length };
    const about = { card: recorded.card, transaction: index + 1, ...summarise(transaction) };
    const isPassed = transaction.calls > 0 && transaction.exchanges.length === 0;
    reports.push({ ...about, ...(isPassed ? PASSED : await bench.run(transaction, run)) });
    start = run.end;
  }
  return reports;
}

const PASSED: Outcome = { outcome: 'passed', deviations: [] };

function summarise({ purpose, exchanges }: RecordedTransaction): Pick<TransactionReport, 'purpose' | 'exchanges'> {
  return { purpose, exchanges: exchanges.length };
}

interface Range {
  readonly start: number;
  readonly end: number;
}

type Outcome = Pick<TransactionReport, 'outcome' | 'deviations'>;

interface Bench extends AsyncDisposable {
  run(transaction: RecordedTransaction, range: Range): Promise<Outcome>;
}

/** A desk with one reader, into which the recorded card is put when its turn comes. */
async function openBench(recorded: RecordedCard, signal: AbortSignal): Promise<Bench> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kortd-replay-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const deviations: Deviation[] = [];
  const card = new ReplayCard({
    atr: recorded.atr,
    exchanges: recorded.transactions.flatMap(({ exchanges }) => exchanges),
    isLenient: false,
    onDeviation: (deviation) => deviations.push(deviation),
  });
  const reader = new SimulatedReader({ name: READER, supportsExtendedLength: recorded.supportsExtendedLength });
  const desk = undo.use(openReplayDesk(folder, reader));
  desk.open();
  let isIn = false;
  const attempt = async (range: Range, work: () => Promise<void>): Promise<Outcome> => {
    deviations.length = 0;
    card.moveTo(range.start);
    // What does not parse, or was refused, shows in what was sent; what the card is asked then is what counts.
    await work().catch(() => signal.throwIfAborted());
    return judge(range, card.position, deviations);
  };
  const run: Bench['run'] = async (transaction, range) => {
    const { purpose } = transaction;
    if (purpose === 'identify' && !isIn) {
      isIn = true;
      const outcome = await attempt(range, () => putIn(desk, reader, { card, signal }));
      return isKnownEarly(outcome, range) ? { outcome: 'beginning', deviations: [] } : outcome;
    }
    if (purpose !== 'card.read' || !isIn) {
      card.moveTo(range.start);
      const { outcome, deviations: found } = await resend(transaction, card, signal);
      return { outcome: outcome === 'different' ? outcome : 'resent', deviations: found };
    }
    const outcome = await attempt(range, () => readCard(desk, signal));
    if (outcome.outcome === 'same') return outcome;
    const again = await attempt(range, () => readCard(desk, signal, { anew: true }));
    return again.outcome === 'same' ? again : outcome;
  };
  const resources = undo.move();
  return { run, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

function openReplayDesk(dataFolder: string, reader: SimulatedReader): Desk {
  const nothing = readPolicy(join(dataFolder, 'policy'));
  return openDesk({
    dataFolder,
    sources: [createSimulatedSource([reader])],
    profiles: createCardProfiles({ now: () => new Date() }),
    publish: () => undefined,
    log: silentLog,
    policy: () => nothing,
    identity: () => ({ anchors: [], intermediates: [], assuranceLevels: new Map() }),
    scenarioRoles: undefined,
  });
}

async function putIn(
  desk: Desk,
  reader: SimulatedReader,
  { card, signal }: { readonly card: ReplayCard; readonly signal: AbortSignal },
): Promise<void> {
  reader.insert(card);
  while (!desk.cards.some(({ status }) => status !== 'identifying')) await delay(STEP_MS, undefined, { signal });
}

async function readCard(desk: Desk, signal: AbortSignal, { anew = false } = {}): Promise<void> {
  const [card] = desk.cards;
  if (!card) return;
  if (anew) card.contents = undefined;
  await useCard(desk, card.id, { signal }, (session) => session.read());
}

function judge({ end }: Range, position: number, deviations: readonly Deviation[]): Outcome {
  if (deviations.length > 0) return { outcome: 'different', deviations: deviations.slice(0, MAX_DEVIATIONS) };
  if (position === end) return { outcome: 'same', deviations: [] };
  const message =
    position < end
      ? `${end - position} recorded commands were not sent`
      : `${position - end} more commands were sent than in this transaction`;
  return { outcome: 'different', deviations: [{ exchange: position + 1, message }] };
}

/** What was sent first is all that was recorded, and more followed. */
function isKnownEarly({ deviations }: Outcome, { end }: Range): boolean {
  return deviations.length > 0 && deviations.every(({ exchange }) => exchange > end);
}
