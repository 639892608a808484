/**
 * Records what goes to the cards and comes back, while somebody wants it: one trace at a time, of all cards or of those that are asked for, for a limited time
 * and of a limited size. A transaction is written when it is over, in one piece, so that those of several readers do not mix. A disk that cannot be written to ends
 * the trace, and nothing else.
 */
import { randomBytes } from 'node:crypto';
import type { CardConnection } from '../../apdu/card-connection.ts';
import type { AnyConnection, ApplicationConnection } from '../../drivers/reader-source.ts';
import { codeOf } from '../api/wire-error.ts';
import type { CardRecord, ReaderRecord } from '../desk/records.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { VERSION } from '../version.ts';
import { tapConnection } from './card-tap.ts';
import type { StopReason, TraceContents, TraceEntry, TraceEvent } from './entry.ts';
import { describeReaderName, maskAtr, protocolOf } from './labels.ts';
import { callOf } from './module-calls.ts';
import { toPieces } from './notation.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { Redaction } from './redaction.ts';
import { formatEntry, formatHeader, purposeOf } from './text.ts';
import { TraceFile, makeRoom, type TraceSink } from './trace-file.ts';

/** Sixteen hours of an office's cards, measured on the simulated desk; what a support desk takes by mail, compressed. */
export const MAX_TRACE_FILE_BYTES = 16 * 1024 * 1024;
export const DEFAULT_TRACE_MS = 10 * 60_000;
export const MAX_TRACE_MS = 24 * 3_600_000;

/** Whose exchanges: a card, the card in a reader, the card in the reader of a role. Absent: everything. */
export type TraceTarget = string | { readonly reader: string } | { readonly role: string };

export interface StartOptions {
  readonly target?: TraceTarget | undefined;
  readonly durationMs?: number | undefined;
  readonly contents?: TraceContents | undefined;
}

export interface TraceState {
  /** Name of the file in the folder of traces. */
  readonly file: string;
  readonly startedAt: Date;
  readonly endsAt: Date;
  readonly contents: TraceContents;
  readonly exchanges: number;
  readonly bytes: number;
}

export interface StoppedTrace extends TraceState {
  readonly reason: StopReason;
}

export interface RecorderOptions {
  /** Where traces go; made when the first is started. */
  readonly folder: string;
  readonly log: Log;
  readonly now?: () => Date;
  /** Milliseconds, of a clock that never goes back. */
  readonly elapsed?: () => number;
  readonly randomBytes?: (length: number) => Uint8Array;
  /** Told of a trace that ended by itself. */
  readonly onEnd?: (trace: StoppedTrace) => void;
  readonly maxBytes?: number;
  /** For tests: a disk that is full. */
  readonly createFile?: (folder: string, startedAt: Date) => TraceSink;
}

interface Running {
  readonly file: TraceSink;
  readonly options: StartOptions;
  readonly startedAt: Date;
  readonly endsAt: Date;
  readonly began: number;
  readonly timer: NodeJS.Timeout;
  readonly pseudonyms: Pseudonyms;
  readonly readers: Map<string, number>;
  readonly cards: Map<string, number>;
  /** Cards that were left with the application of PIV selected. */
  readonly pivCards: Set<string>;
  /** Ends those that are open, as they stand. */
  readonly transactions: Set<() => void>;
  exchanges: number;
  /** What the open transactions have, and the file has not yet. */
  pendingBytes: number;
}

type Ending = 'cut' | 'kept' | 'reset';

interface Beginning {
  readonly purpose: string;
  readonly extendedLength: boolean;
  readonly beforeEnd: (how: Ending) => void;
}

/** One that is being recorded. */
interface Transaction {
  readonly isOpen: () => boolean;
  readonly keep: (entry: TraceEntry) => void;
  readonly finish: (how: Ending) => void;
}

export class TraceRecorder implements Disposable {
  readonly #options: RecorderOptions;
  readonly #elapsed: () => number;
  #running: Running | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#elapsed = options.elapsed ?? (() => performance.now());
  }

  get folder(): string {
    return this.#options.folder;
  }

  get state(): TraceState | undefined {
    return this.#running && this.#describe(this.#running);
  }

  /** Throws trace_running, trace_unwritable. */
  start(options: StartOptions): TraceState {
    if (this.#running) throw new ApiError('trace_running', 'starting a trace: one is running', { file: this.#running.file.name });
    const { durationMs = DEFAULT_TRACE_MS, contents = 'redacted' } = options;
    const { randomBytes: random = randomBytes } = this.#options;
    const startedAt = (this.#options.now ?? (() => new Date()))();
    const file = this.#openFile(startedAt);
    const timer = setTimeout(() => this.#end('time'), durationMs);
    timer.unref();
    this.#running = {
      ...{ file, options, startedAt, timer, began: this.#elapsed(), exchanges: 0, pendingBytes: 0 },
      endsAt: new Date(startedAt.getTime() + durationMs),
      pseudonyms: new Pseudonyms(random),
      ...{ readers: new Map(), cards: new Map(), pivCards: new Set(), transactions: new Set() },
    };
    const platform = `${process.platform}-${process.arch}`;
    this.#write(this.#running, formatHeader({ version: VERSION, platform, began: startedAt.toISOString(), contents }));
    return this.#describe(this.#running);
  }

  /** Throws trace_not_running. */
  stop(): StoppedTrace {
    const stopped = this.#close('asked');
    if (!stopped) throw new ApiError('trace_not_running', 'stopping the trace: none is running');
    return stopped;
  }

  /** The connection itself while no trace wants it. */
  tap<C extends CardConnection>(card: CardRecord, connection: C, taker: string | undefined): C | CardConnection;
  tap(card: CardRecord, connection: AnyConnection, taker: string | undefined): AnyConnection;
  tap(card: CardRecord, connection: AnyConnection, taker: string | undefined): AnyConnection {
    const running = this.#running;
    if (!running || !isWanted(running.options.target, card)) return connection;
    const purpose = purposeOf(taker);
    if ('transmit' in connection) return this.#record(running, card, { connection, purpose });
    return connection.record ? this.#recordCalls(running, card, { connection, purpose }) : connection;
  }

  /** The card was not to be had. */
  noteRefusal(card: CardRecord, taker: string | undefined, error: unknown): void {
    const running = this.#running;
    if (!running || card.through || !isWanted(running.options.target, card)) return;
    const purpose = purposeOf(taker);
    const [number, text] = this.#introduce(running, card, false);
    this.#write(running, text + this.#format(running, { kind: 'refused', card: number, purpose, problem: codeOf(error) }));
  }

  noteRemoval(cardId: string): void {
    const running = this.#running;
    const card = running?.cards.get(cardId);
    if (running && card !== undefined) this.#write(running, this.#format(running, { kind: 'removed', card }));
  }

  [Symbol.dispose](): void {
    this.#end('shutdown');
  }

  #record(
    running: Running,
    card: CardRecord,
    { connection, purpose }: { readonly connection: CardConnection; readonly purpose: string },
  ): CardConnection {
    const transaction = this.#begin(running, card, {
      ...{ purpose, extendedLength: connection.supportsExtendedLength },
      beforeEnd: (how) => {
        redaction.flush();
        if (redaction.isPiv && how === 'kept') running.pivCards.add(card.id);
        else running.pivCards.delete(card.id);
      },
    });
    const redaction = new Redaction({
      contents: running.options.contents ?? 'redacted',
      isPiv: running.pivCards.has(card.id),
      nameOf: (text) => running.pseudonyms.of(text),
      onExchange: (exchange) => {
        running.exchanges++;
        transaction.keep(exchange);
      },
    });
    return tapConnection(connection, {
      onExchange: (seen) => {
        if (transaction.isOpen()) redaction.add(seen);
      },
      onClose: transaction.finish,
      elapsed: this.#elapsed,
    });
  }

  /** What a vendor's module is called for; what it sends to the card nobody sees. */
  #recordCalls(
    running: Running,
    card: CardRecord,
    { connection, purpose }: { readonly connection: ApplicationConnection; readonly purpose: string },
  ): ApplicationConnection {
    const transaction = this.#begin(running, card, { purpose, extendedLength: false, beforeEnd: () => undefined });
    connection.record?.((seen) => {
      if (transaction.isOpen()) transaction.keep(callOf(seen));
    });
    return {
      ...connection,
      [Symbol.asyncDispose]: async () => {
        try {
          await connection[Symbol.asyncDispose]();
        } finally {
          transaction.finish('kept');
        }
      },
    };
  }

  #begin(running: Running, card: CardRecord, { purpose, extendedLength, beforeEnd }: Beginning): Transaction {
    const [number, introduction] = this.#introduce(running, card, extendedLength);
    const lines = [introduction];
    const isOpen = (): boolean => running.transactions.has(cut);
    const keep = (entry: TraceEntry): void => {
      const text = formatEntry(entry);
      lines.push(text);
      running.pendingBytes += text.length;
      if (this.#running === running && running.file.bytes + running.pendingBytes > this.#maxBytes) this.#end('size');
    };
    const finish = (how: Ending): void => {
      if (!running.transactions.delete(cut)) return;
      beforeEnd(how);
      const end = this.#format(running, { kind: 'end', card: number, how });
      const text = lines.join('') + end;
      running.pendingBytes -= text.length - end.length - introduction.length;
      this.#write(running, text);
    };
    const cut = (): void => finish('cut');
    running.transactions.add(cut);
    lines.push(this.#format(running, { kind: 'begin', card: number, purpose }));
    running.pendingBytes += lines.at(-1)?.length ?? 0;
    return { isOpen, keep, finish };
  }

  /** Its number, and the lines that tell what it is when it is seen for the first time. */
  #introduce(running: Running, card: CardRecord, extendedLength: boolean): readonly [number, string] {
    const known = running.cards.get(card.id);
    if (known !== undefined) return [known, ''];
    const [reader, introduction] = this.#introduceReader(running, card.reader);
    const number = running.cards.size + 1;
    running.cards.set(card.id, number);
    const protocol = protocolOf(card.atr);
    const atr = toPieces(card.atr, maskAtr(card.atr), (text) => running.pseudonyms.of(text));
    const described = { atr, extendedLength, ...(protocol === undefined ? {} : { protocol }) };
    return [number, introduction + this.#format(running, { kind: 'card', card: number, reader, ...described })];
  }

  #introduceReader(running: Running, { id, name, source }: ReaderRecord): readonly [number, string] {
    const known = running.readers.get(id);
    if (known !== undefined) return [known, ''];
    const reader = running.readers.size + 1;
    running.readers.set(id, reader);
    const described = { source: source.id.slice(0, 80), name: describeReaderName(name) };
    return [reader, this.#format(running, { kind: 'reader', reader, ...described })];
  }

  #format(running: Running, event: DistributiveOmit<TraceEvent, 'atMs'>): string {
    return formatEntry({ ...event, atMs: this.#elapsed() - running.began });
  }

  #write(running: Running, text: string): void {
    try {
      running.file.append(text);
    } catch (error) {
      this.#options.log.error({ problem: error instanceof Error ? error.message : String(error) }, 'the trace cannot be written');
      if (this.#running === running) this.#end('disk');
      return;
    }
    if (this.#running === running && running.file.bytes > this.#maxBytes) this.#end('size');
  }

  /** By itself. */
  #end(reason: StopReason): void {
    const stopped = this.#close(reason);
    if (!stopped) return;
    this.#options.log.info({ file: stopped.file, reason, exchanges: stopped.exchanges }, 'the trace has ended');
    this.#options.onEnd?.(stopped);
  }

  #close(reason: StopReason): StoppedTrace | undefined {
    const running = this.#running;
    if (!running) return undefined;
    this.#running = undefined;
    clearTimeout(running.timer);
    for (const cut of [...running.transactions]) cut();
    this.#write(running, this.#format(running, { kind: 'stopped', reason }));
    running.pseudonyms.forget();
    running.file.close();
    return { ...this.#describe(running), reason };
  }

  #openFile(startedAt: Date): TraceSink {
    try {
      makeRoom(this.#options.folder, this.#maxBytes);
      const { folder, createFile = (path: string, at: Date): TraceSink => TraceFile.create(path, at) } = this.#options;
      return createFile(folder, startedAt);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      throw new ApiError('trace_unwritable', `starting a trace: ${problem}`, {}, { cause: error });
    }
  }

  get #maxBytes(): number {
    return this.#options.maxBytes ?? MAX_TRACE_FILE_BYTES;
  }

  #describe({ file, startedAt, endsAt, options, exchanges }: Running): TraceState {
    return { file: file.name, startedAt, endsAt, contents: options.contents ?? 'redacted', exchanges, bytes: file.bytes };
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function isWanted(target: TraceTarget | undefined, card: CardRecord): boolean {
  if (target === undefined) return true;
  if (typeof target === 'string') return card.id === target;
  return 'role' in target ? card.reader.role === target.role : card.reader.id === target.reader;
}
