/**
 * What is measured of the work that telemetry tells of, as data: names, units, buckets, and for each label the closed set of its values. No library is known here: an
 * exporter makes the series and is handed the measurements.
 */
import { ERRORS } from '../../api-spec/errors.ts';
import { METHOD_NAMES } from '../../api-spec/methods/index.ts';
import { CARD_KIND_LABELS } from './card-kind.ts';
import { CARD_OPERATIONS } from './card-operations.ts';
import type { CallerKind, Recovered, Span, WaitName } from './telemetry.ts';

/** Every value that a label can have. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;

export interface MeasuredDefinition {
  readonly name: string;
  readonly kind: 'counter' | 'histogram';
  readonly help: string;
  readonly labels: LabelSets;
  /** Upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
}

export interface Measurement {
  readonly name: MeasuredName;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** From what is answered from memory to a person who looks for their PIN, in seconds. */
const CALL_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
/** From one short command to a card that makes a pair of RSA keys. */
const CARD_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** From a card that is put in again to a service that was away over a lunch. */
const RECOVERY_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 1_800];

const METHODS: readonly string[] = [...METHOD_NAMES, 'unknown'];
const CODES: readonly string[] = Object.keys(ERRORS).sort();
const CALLERS: readonly CallerKind[] = ['page', 'program'];
const WAITS: readonly WaitName[] = ['card', 'person', 'turn'];
const RECOVERIES: readonly Recovered[] = ['card', 'reader', 'service'];

/** Sorted by name. */
export const MEASURED = [
  {
    name: 'kortd_apdu_exchanges_total',
    kind: 'counter',
    help: 'Commands that were sent to cards and answered.',
    labels: { card: CARD_KIND_LABELS },
  },
  {
    name: 'kortd_apdu_received_bytes_total',
    kind: 'counter',
    help: 'Bytes that cards answered, status words included.',
    labels: { card: CARD_KIND_LABELS },
  },
  {
    name: 'kortd_apdu_sent_bytes_total',
    kind: 'counter',
    help: 'Bytes of the commands that were sent to cards.',
    labels: { card: CARD_KIND_LABELS },
  },
  {
    name: 'kortd_call_duration_seconds',
    kind: 'histogram',
    help: 'How long calls took, waiting for people and cards included.',
    labels: { method: METHODS, caller: CALLERS },
    buckets: CALL_BUCKETS,
  },
  {
    name: 'kortd_call_errors_total',
    kind: 'counter',
    help: 'Calls that ended with an error, by its code.',
    labels: { method: METHODS, code: CODES },
  },
  {
    name: 'kortd_card_operation_duration_seconds',
    kind: 'histogram',
    help: 'How long operations of cards took, within a transaction.',
    labels: { operation: CARD_OPERATIONS, card: CARD_KIND_LABELS },
    buckets: CARD_BUCKETS,
  },
  {
    name: 'kortd_card_operation_errors_total',
    kind: 'counter',
    help: 'Operations of cards that failed, by the code of the error.',
    labels: { operation: CARD_OPERATIONS, code: CODES },
  },
  {
    name: 'kortd_card_transaction_duration_seconds',
    kind: 'histogram',
    help: 'How long a card was held for one piece of work, the wait for other programs included.',
    labels: { card: CARD_KIND_LABELS },
    buckets: CARD_BUCKETS,
  },
  {
    name: 'kortd_recovery_duration_seconds',
    kind: 'histogram',
    help: 'How long the PC/SC service was away, how long a reader was away with it, and how long a card that was put in took until it was known.',
    labels: { what: RECOVERIES },
    buckets: RECOVERY_BUCKETS,
  },
  {
    name: 'kortd_wait_duration_seconds',
    kind: 'histogram',
    help: 'How long work waited for its turn at a reader, for a card that another program has, or for a person.',
    labels: { for: WAITS },
    buckets: CALL_BUCKETS,
  },
] as const satisfies readonly MeasuredDefinition[];

export type MeasuredName = (typeof MEASURED)[number]['name'];

/** Of work that has ended. */
export function measurementsOf({ what, durationMs, code, exchanges, sentBytes, receivedBytes }: Span): readonly Measurement[] {
  const value = durationMs / 1_000;
  switch (what.kind) {
    case 'call': {
      const { name: method, caller } = what;
      return [
        { name: 'kortd_call_duration_seconds', labels: { method, caller }, value },
        ...(code === undefined ? [] : [{ name: 'kortd_call_errors_total', labels: { method, code }, value: 1 } as const]),
      ];
    }
    case 'transaction': {
      const labels = { card: what.card() };
      return [
        { name: 'kortd_card_transaction_duration_seconds', labels, value },
        { name: 'kortd_apdu_exchanges_total', labels, value: exchanges },
        { name: 'kortd_apdu_sent_bytes_total', labels, value: sentBytes },
        { name: 'kortd_apdu_received_bytes_total', labels, value: receivedBytes },
      ];
    }
    case 'operation': {
      const { name: operation } = what;
      return [
        { name: 'kortd_card_operation_duration_seconds', labels: { operation, card: what.card() }, value },
        ...(code === undefined
          ? []
          : [{ name: 'kortd_card_operation_errors_total', labels: { operation, code }, value: 1 } as const]),
      ];
    }
    case 'wait':
      return [{ name: 'kortd_wait_duration_seconds', labels: { for: what.name }, value }];
  }
}

export function recoveryMeasurement(what: Recovered, durationMs: number): Measurement {
  return { name: 'kortd_recovery_duration_seconds', labels: { what }, value: durationMs / 1_000 };
}
