/**
 * Ceremonies as they are taken: each act is checked against the routine, written to the journal, and only then true. Persons are those whom their cards say they
 * are. What is done with a card is done elsewhere and noted here; the clock is given, and one that was set back stops nothing from running out.
 */
import { createHash, randomUUID } from 'node:crypto';
import { ApiError } from '../errors.ts';
import { applyToCeremony, dueAt, foldCeremony, nextStep, openJob, personOf, valueAt, type Ceremony } from './ceremony.ts';
import type { CeremonyEntry, JobCard, JobEntry, Message, PersonSeen } from './entry.ts';
import { checkFields, localDate, proofsOf } from './fields.ts';
import { toBeSigned, type FindProof, type ToBeSigned } from './proofs.ts';
import type { CeremonySummary, Journal, JournalEntry, SummaryFilter } from './journal.ts';
import { areComparable, isSamePerson } from './person.ts';
import { fillIn, type JobStep, type Participant, type Routine, type RoutineStep, type StepOf } from './routine.ts';

export type Language = 'en' | 'sv';

export interface CeremoniesOptions {
  readonly journal: Journal;
  readonly routines: ReadonlyMap<string, Routine>;
  /** Whether the policy names them as an administrator of the office; of one with protected personal data, as one for such persons. */
  readonly isAdministrator: (hsaId: string, isProtected: boolean) => boolean;
  readonly now: () => Date;
  /** Milliseconds since some moment, never set back. */
  readonly monotonicMs: () => number;
  /** The journal before this one was lost, and nobody has acknowledged it. */
  readonly isJournalLost?: () => boolean;
  /** Told after each change. */
  readonly onChange: (ceremony: Ceremony) => void;
}

/** A clock that was set back by more than this is told of; by less, the time goes on from the last entry's. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;
/** Ceremonies in memory: those that somebody is at work on. The journal has them all. */
const MAX_REMEMBERED = 256;
/** Far more than a desk has open. */
const MAX_OPEN = 10_000;

export class Ceremonies {
  readonly #options: CeremoniesOptions;
  readonly #remembered = new Map<string, Ceremony>();
  readonly #busy = new Set<string>();
  /** When the last entry of an open ceremony was written by this process: by both clocks, in milliseconds. */
  readonly #written = new Map<string, { readonly time: number; readonly monotonicMs: number }>();

  constructor(options: CeremoniesOptions) {
    this.#options = options;
  }

  get routines(): ReadonlyMap<string, Routine> {
    return this.#options.routines;
  }

  /** Throws routine_unknown. */
  start(routineId: string, { isProtected }: { readonly isProtected: boolean }): Ceremony {
    this.#requireJournal('beginning a ceremony');
    const routine = this.#routine(routineId);
    const id = `ceremony-${randomUUID()}`;
    const entry: CeremonyEntry = { type: 'ceremony.begun', routine: { id: routine.id, version: routine.version }, isProtected };
    const time = this.#options.now();
    const begun = foldCeremony(id, [{ number: 1, time: time.toISOString(), entry, hash: '' }], routine);
    return this.#write(begun, [entry], time);
  }

  /** Throws ceremony_unknown. */
  get(id: string): Ceremony {
    const remembered = this.#remembered.get(id);
    if (remembered) return remembered;
    const summary = this.#options.journal.summaryOf(id);
    if (!summary) throw new ApiError('ceremony_unknown', `looking up ceremony ${id}: there is none`);
    const ceremony = foldCeremony(id, this.#options.journal.entriesOf(id), this.#routine(summary.routine));
    this.#remember(ceremony);
    return ceremony;
  }

  list(filter: SummaryFilter): readonly CeremonySummary[] {
    return this.#options.journal.list(filter);
  }

  /** Of ended ceremonies nothing is left. Throws journal_unavailable; nothing was forgotten then. */
  forget(ids: readonly string[]): void {
    this.#options.journal.forget(ids);
    for (const id of ids) {
      this.#remembered.delete(id);
      this.#written.delete(id);
    }
  }

  /** A job that is neither confirmed nor undone may change this card yet: whoever changes it otherwise spoils the job, or its way back. */
  hasOpenJobOn({ profile, serialNumber }: JobCard): boolean {
    const open = this.#options.journal.list({ state: 'open', includesProtected: true, limit: MAX_OPEN });
    return open.some(({ id }) => {
      const card = openJob(this.get(id))?.job.card;
      return card?.profile === profile && card.serialNumber === serialNumber;
    });
  }

  /** Throws ceremony_closed, ceremony_step_order, ceremony_late: the step is the one whose turn it is, and its time has not run out. */
  requireStep<K extends RoutineStep['kind']>(ceremony: Ceremony, stepId: string, kind: K): StepOf<K> {
    const attempt = `taking step ${stepId} of ${ceremony.id}`;
    if (ceremony.state !== 'open')
      throw new ApiError('ceremony_closed', `${attempt}: it is ${ceremony.state}`, { state: ceremony.state });
    const step = nextStep(ceremony);
    if (step?.id !== stepId || step.kind !== kind)
      throw new ApiError('ceremony_step_order', `${attempt}: ${step ? `its turn is ${step.id}'s` : 'all steps are taken'}`, {
        next: step?.id ?? '',
      });
    const due = dueAt(ceremony, step);
    // Where nothing is undone for it, late is better than never.
    if (due !== undefined && step.within?.late.undo !== undefined && this.#now(ceremony).getTime() > due)
      throw new ApiError('ceremony_late', `${attempt}: its time ran out at ${new Date(due).toISOString()}`, {
        due: new Date(due).toISOString(),
      });
    return step as StepOf<K>;
  }

  /** `findProof`: what fields name by an id. */
  record(id: string, stepId: string, given: Readonly<Record<string, string>>, findProof?: FindProof): Ceremony {
    const ceremony = this.get(id);
    const step = this.requireStep(ceremony, stepId, 'record');
    const context = {
      now: this.#now(ceremony),
      holder: ceremony.routine.holder,
      valueAt: (path: string) => valueAt(ceremony, path),
      documents: Object.values(this.documentOf(ceremony, step) ?? {}),
      ...(findProof ? { findProof } : {}),
    };
    const { fields, problems } = checkFields(step, given, context);
    if (problems.length > 0) {
      const problem = problems.map((each) => `${each.field}: ${each.problem}`).join('; ');
      throw new ApiError('fields_invalid', `recording ${stepId} of ${id}: ${problem}`, { problem });
    }
    const proofs = proofsOf(step, fields, context);
    const entry = { type: 'step.recorded', step: stepId, fields, ...(proofs.length > 0 ? { proofs } : {}) } as const;
    this.requireOnce(ceremony, entry);
    return this.note(ceremony, entry);
  }

  entriesOf(id: string): readonly JournalEntry[] {
    return this.#options.journal.entriesOf(id);
  }

  /** Throws ceremony_away. */
  requireHere({ id, isAway }: Ceremony): void {
    if (isAway) throw new ApiError('ceremony_away', `going on with ${id}: it was exported`);
  }

  /** What another desk hands over or gives back; on the disk when it returns. `entries`: those that are new here. */
  takeOver(given: Ceremony, { entries, seal }: { readonly entries: readonly JournalEntry[]; readonly seal: string }): Ceremony {
    this.#requireJournal('taking a ceremony over');
    this.#now(given); // a clock that is wrong takes over nothing
    this.#options.journal.takeOver(given.id, { entries, summary: summaryOf(given) });
    this.#remember(given);
    return this.note(given, { type: 'ceremony.imported', seal });
  }

  /** Throws journal_lost: a new ceremony might repeat what an open one that nobody knows of any more had done. */
  #requireJournal(attempt: string): void {
    if (this.#options.isJournalLost?.()) throw new ApiError('journal_lost', `${attempt}: the journal was lost`);
  }

  /** Throws ceremony_busy while another call is at work on it. */
  async exclusively<R>(id: string, work: () => Promise<R>): Promise<R> {
    if (this.#busy.has(id)) throw new ApiError('ceremony_busy', `working on ${id}: another call is at work on it`);
    this.#busy.add(id);
    try {
      return await work();
    } finally {
      this.#busy.delete(id);
    }
  }

  /** Throws card_already_renewed: what the routine allows once only was finished before. `entry`: what is about to be noted. */
  requireOnce(ceremony: Ceremony, entry?: CeremonyEntry): void {
    const once = onceOf(entry ? applyToCeremony(ceremony, { time: ceremony.updatedAt, entry }) : ceremony);
    if (once === undefined || !this.#options.journal.hasFinished(once, ceremony.id)) return;
    throw new ApiError('card_already_renewed', `going on with ${ceremony.id}: ${ceremony.routine.id} was done before`);
  }

  /** Throws order_expired: the last day of what was ordered is over. */
  requireOrder(ceremony: Ceremony, { id, validTo }: StepOf<'enrol'>): void {
    const last = valueAt(ceremony, validTo);
    if (last === undefined || localDate(this.#now(ceremony)) <= last) return;
    throw new ApiError('order_expired', `taking step ${id} of ${ceremony.id}: the order was valid to ${last}`, { validTo: last });
  }

  /** Whether this person may take the step. Throws participant_refused, saying why. */
  requireParticipant(ceremony: Ceremony, step: RoutineStep, person: PersonSeen): void {
    const { by } = step;
    const participant = by === undefined ? undefined : ceremony.routine.participants[by];
    if (by === undefined || !participant) return;
    const problem = this.#participantProblem(ceremony, by, participant, person);
    if (problem === undefined) return;
    throw new ApiError('participant_refused', `taking step ${step.id} of ${ceremony.id} as ${by}: ${problem.text}`, {
      participant: by,
      reason: problem.reason,
    });
  }

  /** The text that a participant signs: both languages have the same meaning, the one that was shown is signed. */
  statementOf(ceremony: Ceremony, step: StepOf<'sign'>, language: Language): string {
    return fillIn(step.statement[language], (path) => this.#textAt(ceremony, path, language));
  }

  /** What a person signs on a pad in this step: undefined where the ceremony has no such text. The same each time that it is asked for. */
  documentOf(ceremony: Ceremony, { document }: StepOf<'record'>): Readonly<Record<Language, ToBeSigned>> | undefined {
    if (!document) return undefined;
    const text = (language: Language): string => fillIn(document[language], (path) => this.#textAt(ceremony, path, language));
    return { en: toBeSigned(text('en')), sv: toBeSigned(text('sv')) };
  }

  messagesOf(ceremony: Ceremony, step: StepOf<'messages'>): readonly Message[] {
    const text = (language: Language, { text: template }: { readonly text: Readonly<Record<Language, string>> }): string =>
      fillIn(template[language], (path) => this.#textAt(ceremony, path, language));
    return step.messages.map((message) => ({ to: message.to, en: text('en', message), sv: text('sv', message) }));
  }

  /**
   * Writes it to the journal; when it returns, it is on the disk, with what follows from it: messages are made out when their turn comes; the last step of a
   * routine finishes the ceremony, and a card that was given up cancels it. Whenever it breaks off, all of that is there or nothing. It follows what stands in the
   * journal by then: while a person typed a PIN, a time may have run out.
   */
  note({ id }: Pick<Ceremony, 'id'>, ...noted: readonly CeremonyEntry[]): Ceremony {
    const ceremony = this.get(id);
    return this.#noteAt(this.#now(ceremony), ceremony, noted);
  }

  #noteAt(time: Date, ceremony: Ceremony, noted: readonly CeremonyEntry[]): Ceremony {
    const entries: CeremonyEntry[] = [];
    let next = ceremony;
    const add = (entry: CeremonyEntry): void => {
      entries.push(entry);
      next = applyToCeremony(next, { time: time.toISOString(), entry });
    };
    for (const entry of noted) add(entry);
    for (let step = nextStep(next); step?.kind === 'messages'; step = nextStep(next))
      add({ type: 'step.messages', step: step.id, messages: this.messagesOf(next, step) });
    const end = endOf(next);
    if (end) add(end);
    return this.#write(next, entries, time);
  }

  /** What a participant did. Throws as requireStep does: whoever took too long over it was not in time. */
  noteStep(ceremony: Ceremony, { id, kind }: RoutineStep, entry: CeremonyEntry): Ceremony {
    this.requireStep(this.get(ceremony.id), id, kind);
    return this.note(ceremony, entry);
  }

  /** All of them, or none. */
  noteJob(ceremony: Ceremony, step: JobStep, ...entries: readonly JobEntry[]): Ceremony {
    return this.note(ceremony, ...entries.map((entry) => entryOfJob(ceremony, step, entry)));
  }

  /**
   * Says that the time of the next step has run out, once, and has what was done undone: the card is changed when it is next at hand. No clock that was set back keeps
   * it from that.
   */
  expire(ceremony: Ceremony): Ceremony {
    const step = nextStep(ceremony);
    const due = step && dueAt(ceremony, step);
    if (!step?.within || due === undefined || ceremony.isAway || ceremony.lateSteps.has(step.id)) return ceremony;
    const time = this.timeOf(ceremony);
    if (time.getTime() <= due) return ceremony;
    const { undo, report } = step.within.late;
    const late = { type: 'step.late', step: step.id, report } as const;
    const undone = ceremony.routine.steps.find(({ id }) => id === undo);
    if (undone?.kind !== 'enrol' || !ceremony.jobs.has(undone.id)) return this.#noteAt(time, ceremony, [late]);
    return this.#noteAt(time, ceremony, [late, entryOfJob(ceremony, undone, { type: 'job.undoing', reason: 'late' })]);
  }

  /** When the next step of an open ceremony must be taken: milliseconds since 1970. Undefined: whenever, or it was said to be late. */
  deadlineOf(ceremony: Ceremony): number | undefined {
    const step = nextStep(ceremony);
    return step && !ceremony.isAway && !ceremony.lateSteps.has(step.id) ? dueAt(ceremony, step) : undefined;
  }

  /** The time, as deadlines have it: milliseconds since 1970. As long as this process runs, a clock that is set back makes none of them longer. */
  timeById(id: string, now = this.#options.now().getTime()): number {
    const written = this.#written.get(id);
    return written ? Math.max(now, written.time + this.#options.monotonicMs() - written.monotonicMs) : now;
  }

  /** The same, and never before the last entry. */
  timeOf({ id, updatedAt }: Ceremony, now = this.#options.now()): Date {
    return new Date(Math.max(this.timeById(id, now.getTime()), Date.parse(updatedAt)));
  }

  /** The time, as deadlines have it. Throws clock_set_back. */
  now(ceremony: Ceremony): Date {
    return this.#now(ceremony);
  }

  #participantProblem(
    ceremony: Ceremony,
    name: string,
    participant: Participant,
    person: PersonSeen,
  ): { readonly reason: string; readonly text: string } | undefined {
    const earlier = personOf(ceremony, name);
    if (earlier && !isSamePerson(earlier, person))
      return { reason: 'other_person', text: 'an earlier step was taken by another person' };
    const { isProtected } = ceremony;
    if (participant.isAdministrator && !(person.hsaId !== undefined && this.#options.isAdministrator(person.hsaId, isProtected)))
      return { reason: 'not_administrator', text: 'the card is not that of an administrator of this office' };
    if (participant.assuranceLevel !== undefined && person.assuranceLevel !== participant.assuranceLevel)
      return { reason: 'assurance_level', text: `the card is not of ${participant.assuranceLevel}` };
    const named = participant.notNamedBy === undefined ? undefined : ceremony.done.get(participant.notNamedBy)?.facts;
    if (named && isSamePerson(numbersIn(named), person))
      return { reason: 'same_person', text: `it is the card of the person whom ${participant.notNamedBy} names` };
    for (const other of excludedBy(ceremony.routine, name)) {
      const seen = personOf(ceremony, other);
      if (!seen) continue;
      if (isSamePerson(seen, person)) return { reason: 'same_person', text: `it is the card of the person who acts as ${other}` };
      if (!areComparable(seen, person)) return { reason: 'not_comparable', text: `nothing tells this person and ${other} apart` };
    }
    return undefined;
  }

  #textAt(ceremony: Ceremony, path: string, language: Language): string | undefined {
    const value = valueAt(ceremony, path);
    const [owner, field = ''] = path.split('.');
    const step = ceremony.routine.steps.find(({ id }) => id === owner);
    const choices = step?.kind === 'record' ? step.fields[field]?.choices : undefined;
    return (value === undefined ? undefined : choices?.[value]?.[language]) ?? value;
  }

  #routine(id: string): Routine {
    const routine = this.#options.routines.get(id);
    if (!routine) throw new ApiError('routine_unknown', `looking up routine ${id}: there is none`);
    return routine;
  }

  #now(ceremony: Ceremony): Date {
    const now = this.#options.now();
    const time = this.timeOf(ceremony, now);
    if (time.getTime() - now.getTime() <= CLOCK_TOLERANCE_MS) return time;
    const attempt = `going on with ${ceremony.id}`;
    throw new ApiError('clock_set_back', `${attempt}: it is ${now.toISOString()} by the clock`, { last: time.toISOString() });
  }

  #write(next: Ceremony, entries: readonly CeremonyEntry[], time: Date): Ceremony {
    this.#options.journal.appendAll(next.id, { entries, time, summary: summaryOf(next) });
    this.#remember(next);
    this.#written.delete(next.id);
    if (next.state === 'open') {
      this.#written.set(next.id, { time: time.getTime(), monotonicMs: this.#options.monotonicMs() });
      dropOldest(this.#written, MAX_OPEN);
    }
    this.#options.onChange(next);
    return next;
  }

  #remember(ceremony: Ceremony): void {
    this.#remembered.delete(ceremony.id);
    this.#remembered.set(ceremony.id, ceremony);
    dropOldest(this.#remembered, MAX_REMEMBERED);
  }
}

function dropOldest(map: Map<string, unknown>, limit: number): void {
  const [oldest] = map.keys();
  if (map.size > limit && oldest !== undefined) map.delete(oldest);
}

function entryOfJob(ceremony: Ceremony, step: JobStep, entry: JobEntry): CeremonyEntry {
  const cardNumber = valueAt(ceremony, step.cardNumber);
  return { type: 'step.card', step: step.id, entry, ...(cardNumber === undefined ? {} : { cardNumber }) };
}

/** How the ceremony ends, when nothing is left to be done. */
function endOf(ceremony: Ceremony): CeremonyEntry | undefined {
  if (ceremony.state !== 'open' || openJob(ceremony)) return undefined;
  const givenUp = [...ceremony.jobs.values()].find(({ phase }) => phase === 'undone' || phase === 'abandoned');
  if (givenUp) return { type: 'ceremony.cancelled', reason: givenUp.reason ?? 'late' };
  return nextStep(ceremony) ? undefined : { type: 'ceremony.finished' };
}

/** Of the person whom a record names, as far as it names one. */
function numbersIn({ hsaId, personalNumber }: Readonly<Record<string, string>>): PersonSeen {
  return { ...(hsaId === undefined ? {} : { hsaId }), ...(personalNumber === undefined ? {} : { personalNumber }) };
}

/** Those whom a participant must not be: as its own line says, or theirs. */
function excludedBy({ participants }: Routine, name: string): readonly string[] {
  return Object.entries(participants)
    .filter(
      ([other, { notSamePersonAs }]) => notSamePersonAs?.includes(name) || participants[name]?.notSamePersonAs?.includes(other),
    )
    .map(([other]) => other);
}

/** What may be finished only once, and of which routine; told apart without being told. */
function onceOf(ceremony: Ceremony): string | undefined {
  const { id, onceFor } = ceremony.routine;
  const value = valueAt(ceremony, onceFor);
  return value === undefined
    ? undefined
    : createHash('sha256')
        .update(JSON.stringify([id, value]))
        .digest('hex');
}

/** By what a ceremony is found: names and numbers, and nothing of one with protected personal data. */
function summaryOf(ceremony: Ceremony): CeremonySummary {
  const { id, routine, state, startedAt, updatedAt, isProtected, done } = ceremony;
  const words = [...done.values()].flatMap(({ facts, person }) => [
    ...['holderName', 'personalNumber', 'hsaId', 'cardNumber'].map((field) => facts[field]),
    person?.name,
  ]);
  const search = isProtected ? '' : [...new Set(words.filter((word) => word !== undefined))].join(' ');
  const once = onceOf(ceremony);
  return { id, routine: routine.id, state, startedAt, updatedAt, isProtected, search, ...(once === undefined ? {} : { once }) };
}
