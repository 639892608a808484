/** A trace for people: every exchange in one line of words, with how long it took; the bytes below when they are wanted. */
import type { Trace, TraceEntry, TraceEvent, TraceExchange } from './entry.ts';
import { describeAnswer, describeCommand } from './command-names.ts';
import { describeCall } from './module-calls.ts';
import { formatPieces } from './notation.ts';

export interface ViewOptions {
  readonly bytes: boolean;
}

export function* viewTrace({ header, entries }: Trace, options: ViewOptions): Generator<string> {
  const { version, platform, began, contents } = header;
  yield `Trace of kortd ${version} on ${platform}, begun ${began}; contents: ${contents}`;
  let number = 0;
  for (const entry of entries) {
    if (entry.kind === 'call') yield `${'*'.padStart(11)}  ${describeCall(entry)}`;
    else if (entry.kind !== 'exchange') yield viewEvent(entry);
    else yield* viewExchange(entry, ++number, options);
  }
  yield viewSummary(entries);
}

function viewEvent(event: TraceEvent): string {
  const at = `${(event.atMs / 1000).toFixed(3).padStart(9)} s`;
  switch (event.kind) {
    case 'reader':
      return `${at}  reader ${event.reader} is ${event.name} (${event.source})`;
    case 'card':
      return `${at}  card ${event.card} is in reader ${event.reader}: ATR ${formatPieces(event.atr) || 'unknown'}${event.protocol === undefined ? '' : `, ${event.protocol}`}`;
    case 'begin':
      return `${at}  card ${event.card}: ${event.purpose}`;
    case 'end':
      return `${at}  card ${event.card}: ${ENDS[event.how]}`;
    case 'refused':
      return `${at}  card ${event.card}: not to be had for ${event.purpose} (${event.problem})`;
    case 'removed':
      return `${at}  card ${event.card} was taken out`;
    case 'stopped':
      return `${at}  the trace ended: ${STOPS[event.reason]}`;
  }
}

const ENDS = {
  cut: 'the trace ended before the transaction did',
  kept: 'end of the transaction',
  reset: 'end of the transaction, card reset',
} as const;

const STOPS = {
  asked: 'it was stopped',
  disk: 'the disk could not be written to',
  shutdown: 'kortd ended',
  size: 'it was full',
  time: 'its time was over',
} as const;

function* viewExchange(exchange: TraceExchange, number: number, { bytes }: ViewOptions): Generator<string> {
  const { command, response, durationMs, onKeypad } = exchange;
  const keypad = onKeypad ? ' (typed on the reader)' : '';
  yield `${String(number).padStart(11)}  ${describeCommand(command)}${keypad} → ${describeAnswer(exchange)} (${durationMs} ms)`;
  if (!bytes) return;
  yield `             > ${formatPieces(command)}`;
  if (response) yield `             < ${formatPieces(response)}`;
}

function viewSummary(entries: readonly TraceEntry[]): string {
  const exchanges = entries.filter((entry) => entry.kind === 'exchange');
  const transactions = entries.filter(({ kind }) => kind === 'begin').length;
  const ms = exchanges.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const isWhole = entries.some(({ kind }) => kind === 'stopped');
  const end = isWhole ? '' : ' It does not tell its end: kortd still writes it, or was cut off.';
  const calls = entries.filter(({ kind }) => kind === 'call').length;
  const ofModules = calls === 0 ? '' : ` ${calls} calls of vendors' modules.`;
  return `${exchanges.length} exchanges in ${transactions} transactions, ${ms} ms with the cards.${ofModules}${end}`;
}
