/**
 * What stands at the moment when somebody looks, as data: readers by state, who waits, what is open. Each figure is read from the part of the daemon that knows it,
 * and only then; nothing is counted along the way.
 */
import type { Scanner } from '../../api-spec/methods/scanner.ts';
import type { Pad } from '../../api-spec/pads.ts';
import type { EventLog } from '../api/event-log.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Contents } from '../contents/contents.ts';
import type { Desk } from '../desk/desk.ts';
import type { CardRecord, ReaderRecord } from '../desk/records.ts';
import type { Ceremonies } from '../issuance/ceremonies.ts';
import { JOB_STATES, countJobs } from '../issuance/job-counts.ts';
import type { Pads } from '../pads/pads.ts';
import type { PromptDesk } from '../prompt/prompt-desk.ts';
import type { Scanners } from '../scanners/scanners.ts';
import { VERSION } from '../version.ts';
import type { LabelSets } from './measurements.ts';
import type { SpanOutcome } from './open-telemetry.ts';
import type { LoopDelay } from './loop-delay.ts';

/** The parts of a running daemon. */
export interface WatchedParts {
  readonly desk: Pick<Desk, 'cards' | 'health' | 'readers'>;
  readonly events: Pick<EventLog, 'keptCount' | 'laggingCount' | 'sequence' | 'subscriberCount'>;
  readonly prompts: Pick<PromptDesk, 'pending' | 'placeCount'>;
  readonly audit: Pick<AuditLog, 'head' | 'isWritable' | 'waitingCount'>;
  readonly contents: Pick<Contents, 'keptBytes' | 'keptCount'>;
  readonly pads: Pick<Pads, 'known'>;
  readonly scanners: Pick<Scanners, 'list'>;
  readonly ceremonies: Pick<Ceremonies, 'get' | 'list'>;
  readonly clients: () => number;
  readonly callsUnderWay: () => number;
  /** Answers and events that clients have not read. */
  readonly unreadBytes: () => number;
  /** Programs that use PKCS #11, and processes that hold their connections. */
  readonly programs: () => { readonly programs: number; readonly fronts: number };
  /** What became of the pieces of traces. */
  readonly spans: () => ReadonlyMap<SpanOutcome, number>;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface FigureDefinition {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: LabelSets;
  readonly read: (parts: WatchedParts, loop: LoopDelay) => readonly Sample[];
}

/** Written so that a state that is added is missed here by the compiler. */
const READER_STATES = allOf<ReaderRecord['status']>({ empty: 0, mute: 0, present: 0, unavailable: 0 });
const CARD_STATES = allOf<CardRecord['status']>({ failed: 0, identifying: 0, ready: 0, unknown: 0 });
const PAD_STATES = allOf<Pad['status']>({ capturing: 0, ready: 0 });
const SCANNER_STATES = allOf<Scanner['status']>({ busy: 0, failed: 0, gone: 0, ready: 0, unlicensed: 0 });
const SOURCES = ['pcsc', 'simulated', 'module', 'other'] as const;
const QUEUES = ['audit', 'calls', 'prompts', 'reader_longest', 'readers'] as const;
const DELAYS = ['max', 'mean', 'p50', 'p99'] as const;
const SPANS = ['beyond_limit', 'failed', 'queue_full', 'sent'] as const satisfies readonly SpanOutcome[];
const PLACES = ['agent', 'console'] as const;

/** Sorted by name. */
export const FIGURES: readonly FigureDefinition[] = [
  figure('kortd_audit_records_total', 'Records of the audit log so far, over all runs.', ({ audit }) => audit.head.sequence),
  figure('kortd_audit_writable', '1 while the audit log can be written; without it nothing is changed on a card.', ({ audit }) =>
    audit.isWritable ? 1 : 0,
  ),
  {
    name: 'kortd_build_info',
    kind: 'gauge',
    help: 'Always 1; the labels say which build runs, and on what.',
    labels: { version: [VERSION], platform: [`${process.platform}-${process.arch}`], node: [process.versions.node] },
    read: () => [
      { labels: { version: VERSION, platform: `${process.platform}-${process.arch}`, node: process.versions.node }, value: 1 },
    ],
  },
  counted('kortd_card_jobs', 'Ceremonies of issuance that are open, by what their job on the card does next.', {
    label: 'state',
    values: JOB_STATES,
    read: ({ ceremonies }) => countJobs(ceremonies),
  }),
  counted('kortd_cards', 'Cards in readers, by how far they are known.', {
    label: 'status',
    values: CARD_STATES,
    read: ({ desk }) => tally(desk.cards.map(({ status }) => status)),
  }),
  figure(
    'kortd_cards_leased',
    'Cards that are kept for one caller.',
    ({ desk }) => desk.cards.filter(({ lease }) => lease !== undefined).length,
  ),
  figure('kortd_clients', 'WebSockets that are open.', ({ clients }) => clients()),
  figure(
    'kortd_content_bytes',
    'Bytes of documents that are kept for a while, to be signed or fetched.',
    ({ contents }) => contents.keptBytes,
  ),
  figure('kortd_contents', 'Documents that are kept for a while.', ({ contents }) => contents.keptCount),
  {
    name: 'kortd_event_loop_delay_seconds',
    kind: 'gauge',
    help: 'How late the event loop was since the last look.',
    labels: { stat: DELAYS },
    read: (_, loop) => {
      const delays = loop.take();
      return DELAYS.map((stat) => ({ labels: { stat }, value: delays[stat] }));
    },
  },
  figure('kortd_event_subscribers', 'Clients that are told of events.', ({ events }) => events.subscriberCount),
  figure(
    'kortd_event_subscribers_lagging',
    'Of these, those that lost events because they do not read.',
    ({ events }) => events.laggingCount,
  ),
  figure('kortd_events_kept', 'Events that are kept to be told again.', ({ events }) => events.keptCount),
  figure('kortd_events_total', 'Events since the start.', ({ events }) => events.sequence),
  counted('kortd_pads', 'Signature pads, by state; none before somebody first asked for a pad.', {
    label: 'status',
    values: PAD_STATES,
    read: ({ pads }) => tally(pads.known.map(({ status }) => status)),
  }),
  figure('kortd_pkcs11_fronts', 'Processes that hold the connections of PKCS #11 programs.', ({ programs }) => programs().fronts),
  figure('kortd_pkcs11_programs', 'Connections of programs that use PKCS #11.', ({ programs }) => programs().programs),
  counted('kortd_prompt_places', 'Places where a person can be asked.', {
    label: 'place',
    values: PLACES,
    read: ({ prompts }) => Object.fromEntries(PLACES.map((place) => [place, prompts.placeCount(place)])),
  }),
  counted(
    'kortd_queue_depth',
    'What waits or is under way: records of the audit log, calls, prompts for people, turns at all readers and at the one with most.',
    {
      label: 'queue',
      values: QUEUES,
      read: ({ audit, callsUnderWay, prompts, desk }) => {
        const lengths = desk.readers.map(({ queue }) => queue.length);
        return {
          audit: audit.waitingCount,
          calls: callsUnderWay(),
          prompts: prompts.pending,
          reader_longest: Math.max(0, ...lengths),
          readers: lengths.reduce((sum, length) => sum + length, 0),
        };
      },
    },
  ),
  counted('kortd_reader_source_available', '1 while the service behind the readers is there.', {
    label: 'source',
    values: SOURCES,
    read: ({ desk }) => bySource(desk.health, (all) => (all.every(({ available }) => available) ? 1 : 0)),
    onlyThose: true,
  }),
  {
    ...counted('kortd_reader_source_recoveries_total', 'How often the service behind the readers came back.', {
      label: 'source',
      values: SOURCES,
      read: ({ desk }) => bySource(desk.health, (all) => all.reduce((sum, { recoveries }) => sum + recoveries, 0)),
      onlyThose: true,
    }),
    kind: 'counter',
  },
  counted('kortd_readers', 'Readers, by state; unavailable: the service behind them is away.', {
    label: 'status',
    values: READER_STATES,
    read: ({ desk }) => tally(desk.readers.map(({ status }) => status)),
  }),
  counted('kortd_scanners', 'Scanners of identity documents, by state.', {
    label: 'status',
    values: SCANNER_STATES,
    read: ({ scanners }) => tally(scanners.list().map(({ status }) => status)),
  }),
  {
    ...counted(
      'kortd_trace_spans_total',
      'Pieces of traces: taken by the collector, or lost because it did not take them, the queue was full, or the trace had too many.',
      { label: 'outcome', values: SPANS, read: ({ spans }) => Object.fromEntries(spans()) },
    ),
    kind: 'counter',
  },
  figure('kortd_unread_bytes', 'Answers and events that clients have not read yet.', ({ unreadBytes }) => unreadBytes()),
  figure('process_cpu_seconds_total', 'Time of the processors that the process used.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }),
  figure('process_heap_bytes', 'Heap that JavaScript uses.', () => process.memoryUsage().heapUsed),
  figure('process_resident_memory_bytes', 'Memory that the process has.', () => process.memoryUsage.rss()),
  figure('process_start_time_seconds', 'When the process started, in seconds since 1970.', () => performance.timeOrigin / 1_000),
];

function allOf<S extends string>(states: Readonly<Record<S, 0>>): readonly string[] {
  return Object.keys(states);
}

type Health = WatchedParts['desk']['health'];

interface Counted {
  readonly label: string;
  readonly values: readonly string[];
  readonly read: (parts: WatchedParts) => Readonly<Record<string, number>>;
  /** What is not counted is left out; else it is 0. */
  readonly onlyThose?: boolean;
}

/** One number. A name that ends with "_total" only grows. */
function figure(name: string, help: string, read: (parts: WatchedParts) => number): FigureDefinition {
  const kind = name.endsWith('_total') ? 'counter' : 'gauge';
  return { name, kind, help, labels: {}, read: (parts) => [{ labels: {}, value: read(parts) }] };
}

/** One number for each value of a label. */
function counted(name: string, help: string, { label, values, read, onlyThose }: Counted): FigureDefinition {
  return {
    ...{ name, kind: 'gauge', help, labels: { [label]: values } },
    read: (parts) => {
      const counts = read(parts);
      const told = onlyThose ? values.filter((value) => counts[value] !== undefined) : values;
      return told.map((value) => ({ labels: { [label]: value }, value: counts[value] ?? 0 }));
    },
  };
}

function tally(values: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** What a module is called is the administrator's word, and stays out. */
function bySource(health: Health, count: (all: Health) => number): Readonly<Record<string, number>> {
  const groups = Map.groupBy(
    health,
    ({ id }) => SOURCES.find((known) => known === id) ?? (id.startsWith('pkcs11:') ? 'module' : 'other'),
  );
  return Object.fromEntries([...groups].map(([source, all]) => [source, count(all)]));
}
