/** One exchange as a trace has it, and what else it tells. */
import type { CompletedCall } from '../../drivers/reader-source.ts';
import type { Pieces } from './notation.ts';

export interface TraceExchange {
  readonly kind: 'exchange';
  readonly command: Pieces;
  /** Absent when it did not come. */
  readonly response?: Pieces;
  /** Code of the error that came instead. */
  readonly problem?: string;
  readonly durationMs: number;
  /** The reader's keypad completed the command. */
  readonly onKeypad?: true;
}

/** A call into a vendor's PKCS #11 module, in the transaction that it is part of: numbers, and nothing of what was given or came. */
export type TraceCall = { readonly kind: 'call'; readonly slot: number; readonly durationMs: number } & (
  | CompletedCall
  /** What was wanted of the module, and the code of the error that came: its process went, or was too late, and its calls are not known. */
  | { readonly operation: string; readonly problem: string }
);

/** What happened beside exchanges, `atMs` after the beginning of the trace. Readers and cards have numbers of this trace. */
export type TraceEvent =
  /** `source`: "pcsc", "simulated". */
  | { readonly kind: 'reader'; readonly atMs: number; readonly reader: number; readonly source: string; readonly name: string }
  | {
      readonly kind: 'card';
      readonly atMs: number;
      readonly card: number;
      readonly reader: number;
      readonly atr: Pieces;
      readonly protocol?: string;
      readonly extendedLength: boolean;
    }
  /** `purpose`: the method that wants the card, or what the desk itself does. */
  | { readonly kind: 'begin'; readonly atMs: number; readonly card: number; readonly purpose: string }
  /** `reset`: the card was reset, for something secret was sent. `cut`: the trace ended before the transaction did. */
  | { readonly kind: 'end'; readonly atMs: number; readonly card: number; readonly how: 'cut' | 'kept' | 'reset' }
  /** The card was not to be had. */
  | { readonly kind: 'refused'; readonly atMs: number; readonly card: number; readonly purpose: string; readonly problem: string }
  | { readonly kind: 'removed'; readonly atMs: number; readonly card: number }
  | { readonly kind: 'stopped'; readonly atMs: number; readonly reason: StopReason };

export const STOP_REASONS = ['asked', 'disk', 'shutdown', 'size', 'time'] as const;
export type StopReason = (typeof STOP_REASONS)[number];

export type TraceEntry = TraceCall | TraceEvent | TraceExchange;

export interface TraceHeader {
  /** Of kortd. */
  readonly version: string;
  readonly platform: string;
  /** ISO 8601, UTC. */
  readonly began: string;
  /** `whole`: of a simulated desk, where all is test data; PINs are hidden all the same. */
  readonly contents: TraceContents;
}

export type TraceContents = 'redacted' | 'whole';

export interface Trace {
  readonly header: TraceHeader;
  readonly entries: readonly TraceEntry[];
}
