/** `kortd trace …`: the recorder of a running daemon, and the files that it left. */
import { writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Client } from '../../api-spec/client/client.ts';
import type { Params, Result } from '../../api-spec/methods/index.ts';
import { replayTrace, type TransactionReport } from '../trace/replay.ts';
import type { Trace } from '../trace/entry.ts';
import { TraceTextError, parseTrace } from '../trace/text.ts';
import { TRACE_FOLDER, listTraces, readTraceText } from '../trace/trace-file.ts';
import { viewTrace } from '../trace/view.ts';
import { connectToDaemon } from './connect-to-daemon.ts';
import { printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

interface Flags {
  readonly dataDir: string;
  readonly json?: true;
}

export interface StartFlags extends Flags {
  readonly reader?: string;
  readonly card?: string;
  readonly role?: string;
  readonly for?: number;
  readonly whole?: true;
}

export interface ShowFlags {
  readonly dataDir: string;
  readonly bytes?: true;
}

export interface ReplayFlags extends Flags {
  /** A scenario, with a card of it by its name. */
  readonly on?: string;
  readonly as?: string;
}

/** What was replayed is not what was recorded; it was said already. */
export class ReplayDifferenceError extends Error {
  override readonly name = 'ReplayDifferenceError';
}

class UnreadableTraceError extends Error {
  override readonly name = 'UnreadableTraceError';
  readonly sv: string;

  constructor(path: string, cause: TraceTextError) {
    super(`${path} is no trace that can be read: ${cause.message}`, { cause });
    this.sv = `${path} är ingen inspelning som går att läsa: ${cause.sv}`;
  }
}

export async function runTraceStart(flags: StartFlags): Promise<void> {
  const card = targetOf(flags);
  await withClient(flags.dataDir, async (client) => {
    const started = await client.call('trace.start', {
      ...(card === undefined ? {} : { card }),
      ...(flags.for === undefined ? {} : { durationMs: flags.for }),
      ...(flags.whole ? { contents: 'whole' } : {}),
    });
    if (flags.json) printResult(JSON.stringify(started, undefined, 2));
    else printResult(`Recording to ${started.file} until ${started.endsAt}. Stop it with: kortd trace stop`);
  });
}

function targetOf({ reader, card, role }: StartFlags): Params<'trace.start'>['card'] {
  const named = [reader, card, role].filter((each) => each !== undefined);
  if (named.length > 1)
    throw new UsageError(
      '--reader, --card and --role name one card: give one of them',
      '--reader, --card och --role anger ett kort: ange ett av dem',
    );
  if (reader !== undefined) return { reader };
  return role === undefined ? card : { role };
}

export async function runTraceStop({ dataDir, json }: Flags): Promise<void> {
  await withClient(dataDir, async (client) => {
    const stopped = await client.call('trace.stop');
    if (json) printResult(JSON.stringify(stopped, undefined, 2));
    else printResult(describeStopped(stopped, dataDir));
  });
}

function describeStopped({ file, exchanges, bytes }: Result<'trace.stop'>, dataDir: string): string {
  return `${exchanges} exchanges, ${bytes} bytes: ${join(dataDir, TRACE_FOLDER, file)}\nRead it with: kortd trace show`;
}

async function withClient(dataDir: string, work: (client: Client) => Promise<void>): Promise<void> {
  const { client } = await connectToDaemon(dataDir);
  try {
    await work(client);
  } finally {
    client.close();
  }
}

export function runTraceList({ dataDir, json }: Flags): void {
  const traces = listTraces(join(dataDir, TRACE_FOLDER));
  if (json) {
    const rows = traces.map(({ name, bytes, changedAt }) => ({ file: name, bytes, changedAt: changedAt.toISOString() }));
    printResult(JSON.stringify({ traces: rows }, undefined, 2));
    return;
  }
  for (const { name, bytes } of traces) printResult(`${name}  ${bytes} bytes`);
  if (traces.length === 0) printResult('There are no traces. Record one with: kortd trace start');
}

export function runTraceShow(name: string | undefined, { dataDir, bytes }: ShowFlags): void {
  const trace = open(find(name, dataDir));
  for (const line of viewTrace(trace, { bytes: bytes === true })) printResult(line);
}

/** As it is, after a look at whether it is a trace at all. */
export function runTraceExport(
  name: string | undefined,
  { dataDir, out }: { readonly dataDir: string; readonly out: string },
): void {
  const path = find(name, dataDir);
  const text = explained(path, () => {
    const read = readTraceText(path);
    parseTrace(read);
    return read;
  });
  writeFileSync(out, text, { flag: 'wx', mode: 0o600 });
  printResult(`Written to ${out}.`);
}

/** Throws ReplayDifferenceError. */
export async function runTraceReplay(name: string, { dataDir, json, on, as }: ReplayFlags): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const trace = open(find(name, dataDir));
  const reports =
    on === undefined ? await replayTrace(trace, stop.signal) : await resendTo(trace, { on, as, signal: stop.signal });
  if (json) printResult(JSON.stringify({ transactions: reports }, undefined, 2));
  else for (const report of reports) printReport(report);
  const compared = reports.filter(({ outcome }) => outcome !== 'resent' && outcome !== 'passed');
  const passed = reports.filter(({ outcome }) => outcome === 'passed').length;
  const different = reports.filter(({ outcome }) => outcome === 'different');
  if (different.length > 0)
    throw new ReplayDifferenceError(`${different.length} of ${compared.length} transactions are not as recorded`);
  if (compared.length === 0 && passed === reports.length && passed > 0)
    throw new ReplayDifferenceError("nothing in this trace can be done again: all of it went through a vendor's module");
  if (compared.length === 0)
    throw new ReplayDifferenceError('nothing in this trace can be done again: begin a trace before the card is put in');
  if (json) return;
  const resent = reports.length - compared.length - passed;
  const others = [
    ...(resent > 0 ? [`, ${resent} were sent again as they stand`] : []),
    ...(passed > 0 ? [`, ${passed} were passed over: they went through a vendor's module`] : []),
  ];
  printResult(`${compared.length} transactions are as recorded${others.join('')}.`);
}

/** Every command of the trace, to a card of a simulated desk. Throws UsageError. */
async function resendTo(
  trace: Trace,
  { on, as, signal }: { readonly on: string; readonly as: string | undefined; readonly signal: AbortSignal },
): Promise<readonly TransactionReport[]> {
  const [{ loadScenario }, { resendTrace }, { recordedCardKinds }] = await Promise.all([
    import('../../drivers/simulated/scenario.ts'),
    import('../trace/resend.ts'),
    import('../trace/scenario-card.ts'),
  ]);
  // What was not recorded shows as an answer that is another.
  await using scenario = await loadScenario(on, { kinds: recordedCardKinds(() => undefined) });
  const card = as === undefined ? undefined : scenario.cards.get(as)?.card;
  if (!card)
    throw new UsageError(
      `--as ${as ?? 'CARD'}: the scenario has ${[...scenario.cards.keys()].join(', ')}`,
      `--as ${as ?? 'CARD'}: scenariot har ${[...scenario.cards.keys()].join(', ')}`,
    );
  return await resendTrace(trace, card, { which: undefined, signal });
}

const OUTCOMES = {
  same: 'as recorded',
  beginning: 'as recorded, as far as that goes',
  different: 'NOT as recorded',
  passed: "passed over: it went through a vendor's module, which sends what nobody sees",
  resent: 'sent again as it stands: it wants a PIN, a key or what its caller gave',
} as const;

function printReport({ card, transaction, purpose, exchanges, outcome, deviations }: TransactionReport): void {
  printResult(`card ${card}, transaction ${transaction} (${purpose}, ${exchanges} exchanges): ${OUTCOMES[outcome]}`);
  for (const { exchange, message } of deviations) printResult(`  exchange ${exchange}: ${message}`);
}

/** A name in the data folder, or a path; the latest. */
function find(name: string | undefined, dataDir: string): string {
  const folder = join(dataDir, TRACE_FOLDER);
  const traces = listTraces(folder);
  if (name === undefined) {
    const latest = traces.at(-1);
    if (!latest)
      throw new UsageError(
        'there is no trace in the data folder; name a file, or record one with: kortd trace start',
        'det finns ingen inspelning i datamappen; ange en fil, eller spela in en med: kortd trace start',
      );
    return join(folder, latest.name);
  }
  return !isAbsolute(name) && traces.some((trace) => trace.name === name) ? join(folder, name) : name;
}

function open(path: string): Trace {
  return explained(path, () => parseTrace(readTraceText(path)));
}

function explained<R>(path: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (error instanceof TraceTextError) throw new UnreadableTraceError(path, error);
    throw error;
  }
}
