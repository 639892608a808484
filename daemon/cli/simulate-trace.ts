/** A recorded card for `kortd simulate --trace`: it says on standard error where its caller does something else than was recorded. */
import { ReplayCard, recordedCards } from '../trace/replay-card.ts';
import { readTraceFile } from '../trace/trace-file.ts';
import { printNotice } from './output.ts';
import { UsageError } from './usage-error.ts';

/** Throws TraceTextError, and UsageError when the trace has no such card. */
export function openRecordedCard(
  path: string,
  which: number,
  { isLenient }: { readonly isLenient: boolean },
): { card: ReplayCard; name: string } {
  const cards = recordedCards(readTraceFile(path));
  const recorded = cards.find(({ card }) => card === which);
  if (!recorded)
    throw new UsageError(
      `--which ${which}: the trace has ${cards.length === 0 ? 'no card' : `cards 1 to ${cards.length}`}`,
      `--which ${which}: inspelningen har ${cards.length === 0 ? 'inget kort' : `korten 1 till ${cards.length}`}`,
    );
  const card = new ReplayCard({
    atr: recorded.atr,
    exchanges: recorded.transactions.flatMap(({ exchanges }) => exchanges),
    isLenient,
    onDeviation: ({ exchange, message }) => printNotice(`exchange ${exchange}: ${message}`),
  });
  return { card, name: 'recorded' };
}
