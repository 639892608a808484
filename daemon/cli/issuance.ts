/**
 * `kortd issuance …`: the ceremonies of the card office from the command line: which there are, how each stands, and how one is taken on or ended. A PIN is asked for
 * where the person types it, never here.
 */
import type { Client } from '../../api-spec/client/client.ts';
import type { Ceremony } from '../../api-spec/issuance.ts';
import type { Params, Result } from '../../api-spec/methods/index.ts';
import { connectToDaemon } from './connect-to-daemon.ts';
import { printNotice, printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

interface Flags {
  readonly dataDir: string;
  readonly json?: true;
}

interface TimedFlags extends Flags {
  readonly timeout?: number;
}

export interface ListFlags extends Flags {
  readonly all?: true;
  readonly state?: string;
  readonly routine?: string;
  readonly search?: string;
  readonly limit?: number;
}

type Summary = Result<'issuance.list'>['ceremonies'][number];

const STATES = ['open', 'finished', 'cancelled'] as const;
type State = (typeof STATES)[number];
const DEFAULT_LIMIT = 50;

/** Those that are open, unless the flags say otherwise. Throws UsageError for a state that there is not. */
export async function runIssuanceList(flags: ListFlags): Promise<void> {
  const { limit = DEFAULT_LIMIT, routine, search } = flags;
  const state = stateOf(flags);
  const filter: Params<'issuance.list'> = {
    limit,
    ...(state === undefined ? {} : { state }),
    ...(routine === undefined ? {} : { routine }),
    ...(search === undefined ? {} : { search }),
  };
  await withClient(flags.dataDir, async (client) => {
    const { ceremonies } = await client.call('issuance.list', filter);
    if (flags.json) printResult(JSON.stringify({ ceremonies }, undefined, 2));
    else if (ceremonies.length === 0) printResult(`No ceremony${state === undefined ? '' : ` is ${state}`}.`);
    else printResult(tableOf(ceremonies.map(rowOf)));
    if (ceremonies.length === limit) printNotice(`These are the latest ${limit}; --limit shows more.`);
  });
}

export async function runIssuanceShow(ceremony: string, flags: Flags): Promise<void> {
  await withClient(flags.dataDir, async (client) => printCeremony(await client.call('issuance.get', { ceremony }), flags));
}

/** As far as one PIN allows; the person is asked for it at the reader, by kortd agent or in the console. */
export async function runIssuanceResume(ceremony: string, flags: TimedFlags): Promise<void> {
  await withClient(flags.dataDir, async (client) =>
    printCeremony(await client.call('issuance.resume', { ceremony }, within(flags)), flags),
  );
}

export interface CancelFlags extends TimedFlags {
  readonly reason: string;
  readonly cardLost?: true;
}

export async function runIssuanceCancel(ceremony: string, flags: CancelFlags): Promise<void> {
  const { reason, cardLost } = flags;
  await withClient(flags.dataDir, async (client) => {
    const params = { ceremony, reason, ...(cardLost ? { isCardLost: true } : {}) };
    printCeremony(await client.call('issuance.cancel', params, within(flags)), flags);
  });
}

function within({ timeout }: TimedFlags): { readonly timeoutMs?: number } {
  return timeout === undefined ? {} : { timeoutMs: timeout };
}

function stateOf({ all, state }: ListFlags): State | undefined {
  if (all && state !== undefined)
    throw new UsageError('choose --all or --state, not both', 'välj --all eller --state, inte båda');
  if (all) return undefined;
  const wanted = state ?? 'open';
  const known = STATES.find((one) => one === wanted);
  if (!known)
    throw new UsageError(
      `there is no state ${wanted}: choose ${STATES.join(', ')}`,
      `läget ${wanted} finns inte: välj ${STATES.join(', ')}`,
    );
  return known;
}

export async function withClient(dataDir: string, work: (client: Client) => Promise<void>): Promise<void> {
  const { client } = await connectToDaemon(dataDir);
  try {
    await work(client);
  } finally {
    client.close();
  }
}

export function printCeremony(ceremony: Ceremony, { json }: Flags): void {
  printResult(json ? JSON.stringify(ceremony, undefined, 2) : describeCeremony(ceremony));
}

function rowOf({ ceremony, routine, state, startedAt, updatedAt, isProtected }: Summary): readonly string[] {
  const times = [`since ${localTime(startedAt)}`, `last ${localTime(updatedAt)}`];
  return [ceremony, routine, state, ...times, ...(isProtected ? ['protected'] : [])];
}

/** Who took which step and when, what is next, what becomes of the card, and what is to be reported. */
export function describeCeremony(view: Ceremony): string {
  const { ceremony, routine, state, startedAt, reason, isProtected } = view;
  const ended = reason === undefined ? state : `${state} (${harmless(reason)})`;
  const next = view.nextCall === undefined ? [] : [`next: ${view.nextCall}${stepInWords(view)}`];
  const reports = view.reports.length === 0 ? [] : [`to report: ${view.reports.join(', ')}`];
  return [
    `${ceremony}: ${routine.title.en} (${routine.id}, version ${routine.version})`,
    `${ended}, begun ${localTime(startedAt)}${isProtected ? ', protected personal data' : ''}`,
    tableOf(view.steps.map((step) => ['', ...cellsOf(step)])),
    ...view.steps.flatMap((step) => (step.job ? [describeJob(step.step, step.job)] : [])),
    ...next,
    ...reports,
  ].join('\n');
}

/** A web page may have written it: nothing in it steers the terminal, or turns the direction of the text around it. */
function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, ' ');
}

type Step = Ceremony['steps'][number];

function stepInWords({ nextStep }: Ceremony): string {
  return nextStep === undefined ? '' : `, step ${nextStep}`;
}

function cellsOf({ state, step, title, by, person, doneAt, dueAt }: Step): readonly string[] {
  const who = [by, person?.name, person?.hsaId ?? person?.cardNumber].filter((text) => text !== undefined).join(' ');
  const when = doneAt === undefined ? (dueAt === undefined ? '' : `by ${localTime(dueAt)}`) : localTime(doneAt);
  return [state, step, title.en, who, when];
}

function describeJob(step: string, { phase, card, keys }: NonNullable<Step['job']>): string {
  const places = keys.map((key) => `    ${key.keyReference} ${key.usage} ${key.algorithm}: ${describeKey(key)}`);
  return [`card of ${step}: ${card.application} ${card.serialNumber}, ${phase}`, ...places].join('\n');
}

function describeKey({ request, certificate, isWritten, isDiscarded }: NonNullable<Step['job']>['keys'][number]): string {
  if (isDiscarded) return 'replaced by a key that nobody knows, for the card cannot delete one';
  if (isWritten) return 'certificate written';
  if (certificate !== undefined) return 'certificate accepted';
  return request === undefined ? 'no request yet' : 'requested';
}

/** The workstation's own time, to the minute. */
function localTime(time: string): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
