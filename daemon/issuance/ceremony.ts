/**
 * Where a ceremony stands: its routine and its entries, folded into one value. Pure: no clock, no card, no disk. A step is done when its entry is there; a step on
 * a card when its job has finished; the next step is the first that is not done.
 */
import { applyToJob, foldJob, isOver, losesCertificate, type CardJob } from './card-job.ts';
import type { JournalEntry } from './journal.ts';
import type { CeremonyEntry, Message, PersonSeen, Proof } from './entry.ts';
import { PROOF_FACT } from './proofs.ts';
import type { Routine, RoutineStep } from './routine.ts';

/** What is known of a step that was taken. */
export interface StepDone {
  /** ISO 8601, UTC. */
  readonly time: string;
  /** By name: what was recorded, or what a card said. */
  readonly facts: Readonly<Record<string, string>>;
  readonly person?: PersonSeen;
  /** Of a statement. */
  readonly statement?: string;
  readonly cms?: string;
  readonly messages?: readonly Message[];
  readonly proofs?: readonly Proof[];
}

export interface Ceremony {
  readonly id: string;
  readonly routine: Routine;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly isProtected: boolean;
  readonly state: 'open' | 'finished' | 'cancelled';
  readonly done: ReadonlyMap<string, StepDone>;
  /** Of the steps on a card. */
  readonly jobs: ReadonlyMap<string, CardJob>;
  /** What the caller has to see to, and cannot be undone: as `reports` of the API. */
  readonly reports: readonly string[];
  /** Those whose time ran out, and was said to. */
  readonly lateSteps: ReadonlySet<string>;
  /** It was exported: it goes on at another desk. */
  readonly isAway: boolean;
  readonly reason?: string;
}

/** Throws when the entries are not those of a ceremony by this routine. */
export function foldCeremony(id: string, entries: readonly JournalEntry[], routine: Routine): Ceremony {
  const [first, ...rest] = entries;
  if (first?.entry.type !== 'ceremony.begun')
    throw new Error(`reading ceremony ${id}: its journal does not begin with its start`);
  let ceremony: Ceremony = {
    ...{ id, routine, startedAt: first.time, updatedAt: first.time, isProtected: first.entry.isProtected, state: 'open' },
    ...{ done: new Map(), jobs: new Map(), reports: [], lateSteps: new Set(), isAway: false },
  };
  for (const entry of rest) ceremony = applyToCeremony(ceremony, entry);
  return ceremony;
}

export function applyToCeremony(ceremony: Ceremony, { time, entry }: Pick<JournalEntry, 'time' | 'entry'>): Ceremony {
  const next = { ...ceremony, updatedAt: time };
  switch (entry.type) {
    case 'ceremony.begun':
      throw new Error(`reading ceremony ${ceremony.id}: it begins twice`);
    case 'step.recorded':
      return withStep(next, entry.step, {
        ...{ time, facts: { ...entry.fields, ...digestsOf(entry.proofs) } },
        ...(entry.proofs ? { proofs: entry.proofs } : {}),
      });
    case 'step.read':
      return withStep(next, entry.step, {
        time,
        facts: {
          ...factsOf(entry.person),
          ...(entry.validDays === undefined ? {} : { validDays: String(entry.validDays) }),
          time,
        },
        person: entry.person,
      });
    case 'step.signed': {
      const { person, statement, cms } = entry;
      return withStep(next, entry.step, { time, facts: { ...factsOf(person), time }, person, statement, cms });
    }
    case 'step.pinVerified':
      return withStep(next, entry.step, { time, facts: { ...factsOf(entry.person), time }, person: entry.person });
    case 'step.pinUnblocked': {
      const { person, pin } = entry;
      return withStep(next, entry.step, { time, facts: { ...factsOf(person), pin, time }, person });
    }
    case 'step.attached': {
      const { file, sha256, mediaType } = entry;
      return withStep(next, entry.step, { time, facts: { file, sha256, type: mediaType, time } });
    }
    case 'step.messages':
      return withStep(next, entry.step, { time, facts: {}, messages: entry.messages });
    case 'step.card':
      return withJob(next, time, entry);
    case 'step.late':
      return withReport({ ...next, lateSteps: new Set([...ceremony.lateSteps, entry.step]) }, entry.report);
    case 'ceremony.exported':
      return { ...next, isAway: true };
    case 'ceremony.imported':
      return { ...next, isAway: false };
    case 'ceremony.finished':
      return { ...next, state: 'finished' };
    case 'ceremony.cancelled':
      return { ...next, state: 'cancelled', reason: entry.reason };
  }
}

/** By the name of the field, and `Sha256`. */
function digestsOf(proofs: readonly Proof[] = []): Record<string, string> {
  return Object.fromEntries(proofs.map(({ field, sha256 }) => [`${field}${PROOF_FACT}`, sha256]));
}

function withStep(ceremony: Ceremony, step: string, done: StepDone): Ceremony {
  return { ...ceremony, done: new Map([...ceremony.done, [step, done]]) };
}

function withJob(ceremony: Ceremony, time: string, entry: Extract<CeremonyEntry, { type: 'step.card' }>): Ceremony {
  const { step } = entry;
  const known = ceremony.jobs.get(step);
  const job = known ? applyToJob(known, entry.entry) : foldJob([entry.entry]);
  if (!job) throw new Error(`reading ceremony ${ceremony.id}: the job of ${step} does not begin with its start`);
  const withNewJob = { ...ceremony, jobs: new Map([...ceremony.jobs, [step, job]]) };
  const isGivenUp = entry.entry.type === 'job.undoing' || entry.entry.type === 'job.abandoned';
  const isIssued = job.accepted.length + job.issued.length > 0;
  const isForRevocation = (isGivenUp && isIssued) || entry.entry.type === 'certificates.refused';
  const isLost = known !== undefined && losesCertificate(known, entry.entry);
  const reports = [...(isForRevocation ? ['revocation'] : []), ...(isLost ? ['certificateUnaccounted'] : [])];
  const next = reports.reduce(withReport, withNewJob);
  if (entry.entry.type === 'job.finished')
    return withStep(next, step, {
      time,
      facts: { ...(entry.cardNumber === undefined ? {} : { cardNumber: entry.cardNumber }), time },
    });
  return next;
}

function withReport(ceremony: Ceremony, report: string): Ceremony {
  return { ...ceremony, reports: [...new Set([...ceremony.reports, report])] };
}

/** Of a job that can still change its card, with its step. */
export function openJob({ jobs }: Ceremony): { readonly stepId: string; readonly job: CardJob } | undefined {
  for (const [stepId, job] of jobs) if (!isOver(job)) return { stepId, job };
  return undefined;
}

function factsOf({ name, hsaId, personalNumber, cardNumber, assuranceLevel }: PersonSeen): Record<string, string> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(hsaId === undefined ? {} : { hsaId }),
    ...(personalNumber === undefined ? {} : { personalNumber }),
    ...(cardNumber === undefined ? {} : { cardNumber }),
    ...(assuranceLevel === undefined ? {} : { assuranceLevel }),
  };
}

/** Undefined when all are done, or the ceremony has ended. */
export function nextStep({ state, routine, done }: Ceremony): RoutineStep | undefined {
  return state === 'open' ? routine.steps.find(({ id }) => !done.has(id)) : undefined;
}

/** By when a step must be taken: milliseconds since 1970. Undefined when it has no such time, or it does not run yet. */
export function dueAt({ done }: Ceremony, { within }: RoutineStep): number | undefined {
  const since = within && done.get(within.after);
  if (!since) return undefined;
  const minutes = within.minutes ?? (within.days ?? 0) * 24 * 60;
  return Date.parse(since.time) + minutes * 60_000;
}

/** What a `{step.field}` of a text stands for; undefined for what was left out, and where a routine names no path. */
export function valueAt(ceremony: Ceremony, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const [owner = '', fact = ''] = path.split('.');
  if (owner !== 'ceremony') return ceremony.done.get(owner)?.facts[fact];
  return fact === 'id' ? ceremony.id : fact === 'startedAt' ? ceremony.startedAt : undefined;
}

/** The last card that a participant was seen with in this ceremony. */
export function personOf({ routine, done }: Ceremony, participant: string): PersonSeen | undefined {
  return routine.steps
    .filter(({ by }) => by === participant)
    .map(({ id }) => done.get(id)?.person)
    .findLast((person) => person !== undefined);
}
