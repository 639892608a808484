/**
 * A recorded card as a simulated one: it answers what was recorded, and tells where a caller does something else. Strict: in the recorded order. Lenient: the next
 * exchange with that command, from where it is on and then from the beginning.
 */
import { formatStatusWord } from '../../apdu/iso7816/status-word.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { describeCommand } from './command-names.ts';
import type { Trace, TraceExchange } from './entry.ts';
import { fillPieces, matchesPieces } from './filler.ts';
import { formatPieces, type Pieces } from './notation.ts';

/** No precise diagnosis: to what was not recorded. */
const SW_UNKNOWN = 0x6f00;

export interface Deviation {
  /** Of the exchange that was expected, from 1 on; one more than there are when none was. */
  readonly exchange: number;
  readonly message: string;
}

export interface ReplayCardOptions {
  readonly atr: Pieces;
  readonly exchanges: readonly TraceExchange[];
  readonly isLenient: boolean;
  readonly onDeviation: (deviation: Deviation) => void;
  /** What its reader could carry when it was recorded: its commands have that form. Default: whatever the reader can. */
  readonly supportsExtendedLength?: boolean;
  /** The status word for a command that was not recorded. Default: 6F00. */
  readonly answerToStranger?: (command: Uint8Array) => number;
}

export class ReplayCard implements SimulatedCard {
  readonly kind = 'trace';
  readonly atr: Uint8Array;
  readonly supportsExtendedLength?: boolean;
  readonly #options: ReplayCardOptions;
  #next = 0;

  constructor(options: ReplayCardOptions) {
    this.#options = options;
    this.atr = fillPieces(options.atr);
    if (options.supportsExtendedLength !== undefined) this.supportsExtendedLength = options.supportsExtendedLength;
  }

  /** Of the exchange that is expected next, from 0 on. */
  get position(): number {
    return this.#next;
  }

  moveTo(position: number): void {
    this.#next = position;
  }

  powerUp(): void {
    // What was recorded includes what a reset does.
  }

  reset(): void {
    // As above.
  }

  process(command: Uint8Array): Uint8Array {
    const { exchanges, isLenient, onDeviation, answerToStranger } = this.#options;
    const found = isLenient ? this.#find(command) : this.#isNext(command) ? this.#next : undefined;
    const exchange = found === undefined ? undefined : exchanges[found];
    if (found === undefined || !exchange) {
      onDeviation({ exchange: this.#next + 1, message: this.#describeStranger(command) });
      return statusWord(answerToStranger?.(command) ?? SW_UNKNOWN);
    }
    this.#next = found + 1;
    if (exchange.response) return fillPieces(exchange.response);
    onDeviation({
      exchange: found + 1,
      message: `the card gave no answer (${exchange.problem ?? 'unknown'}): ${formatStatusWord(SW_UNKNOWN)} stands for it`,
    });
    return statusWord(SW_UNKNOWN);
  }

  #isNext(command: Uint8Array): boolean {
    const expected = this.#options.exchanges[this.#next];
    return expected !== undefined && matchesPieces(expected.command, command);
  }

  /** One whose end is hidden (a PIN) comes last: it begins as the question does how many tries are left. */
  #find(command: Uint8Array): number | undefined {
    const { exchanges } = this.#options;
    let hidden: number | undefined;
    for (let step = 0; step < exchanges.length; step++) {
      const index = (this.#next + step) % exchanges.length;
      const exchange = exchanges[index];
      if (!exchange || !matchesPieces(exchange.command, command)) continue;
      if (exchange.command.at(-1)?.kind !== 'rest') return index;
      hidden ??= index;
    }
    return hidden;
  }

  /** Only the header of what was sent: there may be a PIN behind it. */
  #describeStranger(command: Uint8Array): string {
    const expected = this.#options.exchanges[this.#next];
    const sent = describeCommand([{ kind: 'bytes', bytes: command.slice(0, 4) }]);
    const header = Buffer.from(command.subarray(0, 4)).toString('hex').toUpperCase();
    if (this.#options.isLenient) return `sent was ${sent} (${header}, ${command.length} bytes), which was not recorded`;
    const wanted = expected ? `${describeCommand(expected.command)} (${formatPieces(expected.command)})` : 'nothing more';
    return `recorded was ${wanted}; sent was ${sent} (${header}, ${command.length} bytes)`;
  }
}

function statusWord(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

export interface RecordedTransaction {
  readonly purpose: string;
  readonly exchanges: readonly TraceExchange[];
  /** Of a vendor's module: what those sent to the card nobody knows. */
  readonly calls: number;
}

/** One insertion of a card. */
export interface RecordedCard {
  readonly card: number;
  readonly atr: Pieces;
  readonly supportsExtendedLength: boolean;
  readonly transactions: readonly RecordedTransaction[];
}

/** Every card of a trace with its transactions, in the order in which they were written. */
export function recordedCards({ entries }: Trace): readonly RecordedCard[] {
  const cards = new Map<number, RecordedCard & { readonly transactions: RecordedTransaction[] }>();
  let open: { readonly purpose: string; readonly exchanges: TraceExchange[]; calls: number } | undefined;
  for (const entry of entries) {
    if (entry.kind === 'card')
      cards.set(entry.card, { card: entry.card, atr: entry.atr, supportsExtendedLength: entry.extendedLength, transactions: [] });
    else if (entry.kind === 'begin') {
      open = { purpose: entry.purpose, exchanges: [], calls: 0 };
      cards.get(entry.card)?.transactions.push(open);
    } else if (entry.kind === 'exchange') open?.exchanges.push(entry);
    else if (entry.kind === 'call' && open) open.calls++;
    else if (entry.kind === 'end') open = undefined;
  }
  return [...cards.values()];
}
