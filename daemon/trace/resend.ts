/**
 * Whatever a trace holds, sent again: its commands in their order, to the recorded card or to any simulated one, and each answer compared with the recorded one. It
 * needs none of kortd's code that sent them then. What is hidden in a command is filled; at a command whose secret was not recorded the comparison ends.
 */
import { formatStatusWord } from '../../apdu/iso7816/status-word.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { describeCommand } from './command-names.ts';
import type { TraceExchange } from './entry.ts';
import { fillPieces, matchesPieces } from './filler.ts';
import type { Pieces } from './notation.ts';
import { recordedCards, type Deviation, type RecordedTransaction } from './replay-card.ts';
import type { TransactionReport } from './replay.ts';
import type { Trace } from './entry.ts';

/** A recorded answer is there at once; a simulated card may make an RSA key. */
const ANSWER_MS = 60_000;

export interface Resent {
  /** `beginning`: as recorded up to a command whose secret nobody knows. */
  readonly outcome: 'same' | 'beginning' | 'different';
  readonly deviations: readonly Deviation[];
}

export interface ResendOptions {
  /** Undefined: every card that the trace has. */
  readonly which: number | undefined;
  readonly signal: AbortSignal;
}

/** Every transaction in turn to one card that lies in its reader all the time, reset after those that were. */
export async function resendTrace(
  trace: Trace,
  card: SimulatedCard,
  { which, signal }: ResendOptions,
): Promise<readonly TransactionReport[]> {
  const reports: TransactionReport[] = [];
  for (const recorded of recordedCards(trace)) {
    if (which !== undefined && recorded.card !== which) continue;
    card.powerUp();
    for (const [index, transaction] of recorded.transactions.entries()) {
      const { purpose, exchanges } = transaction;
      const isPassed = transaction.calls > 0 && exchanges.length === 0;
      const outcome = isPassed ? { outcome: 'passed' as const, deviations: [] } : await resend(transaction, card, signal);
      reports.push({ card: recorded.card, transaction: index + 1, purpose, exchanges: exchanges.length, ...outcome });
      card.reset();
    }
  }
  return reports;
}

/** To a card that is ready for the first of them. */
export async function resend({ exchanges }: RecordedTransaction, card: SimulatedCard, signal: AbortSignal): Promise<Resent> {
  for (const [index, exchange] of exchanges.entries()) {
    if (!isWhole(exchange.command)) return { outcome: index === 0 ? 'same' : 'beginning', deviations: [] };
    signal.throwIfAborted();
    const answer = await withDeadline(card.process(fillPieces(exchange.command)), signal);
    const message = differenceOf(exchange, answer);
    if (message !== undefined) return { outcome: 'different', deviations: [{ exchange: index + 1, message }] };
  }
  return { outcome: 'same', deviations: [] };
}

/** A PIN or another secret is not in it, of which not even the length is told. */
function isWhole(command: Pieces): boolean {
  return command.every((piece) => piece.kind !== 'rest');
}

/** Where no answer was recorded, any is as good. */
function differenceOf({ command, response }: TraceExchange, answer: Uint8Array): string | undefined {
  if (!response || matchesPieces(response, answer)) return undefined;
  const recorded = fillPieces(response);
  const [was, is] = [statusOf(recorded), statusOf(answer)];
  const what = describeCommand(command);
  if (was !== is) return `${what}: the card answered ${is}, recorded was ${was}`;
  return recorded.length === answer.length
    ? `${what}: the answer has other content than was recorded`
    : `${what}: the answer has ${answer.length} bytes, recorded were ${recorded.length}`;
}

function statusOf(answer: Uint8Array): string {
  const [high = 0, low = 0] = answer.slice(-2);
  return formatStatusWord((high << 8) | low);
}

async function withDeadline<T>(work: T | Promise<T>, signal: AbortSignal): Promise<T> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(late.reason);
  late.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    late.removeEventListener('abort', giveUp);
  }
}
