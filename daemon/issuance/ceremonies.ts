/**
 * Ceremonies as they are taken: each act is checked against the routine, written to the journal, and only then true. Persons are those whom their cards say they
 * are. What is done with a card is done elsewhere and noted here; the clock is given, and one that was set back stops nothing from running out.
 */
import { randomUUID } from 'node:crypto';
import { dueAt, foldCeremony, nextStep, personOf, applyToCeremony, valueAt, type Ceremony } from './ceremony.ts';
import { CeremonyError } from './errors.ts';
import type { CeremonyEntry, JobEntry, Message, PersonSeen } from './entry.ts';
import { checkFields } from './fields.ts';
import type { CeremonySummary, Journal, SummaryFilter } from './journal.ts';
import { areComparable, isSamePerson } from './person.ts';
import { fillIn, type Participant, type Routine, type RoutineStep, type StepOf } from './routine.ts';

export type Language = 'en' | 'sv';

export interface CeremoniesOptions {
  readonly journal: Journal;
  readonly routines: ReadonlyMap<string, Routine>;
  /** HSA-ids of the office's administrators, as the policy names them. */
  readonly isAdministrator: (hsaId: string) => boolean;
  readonly now: () => Date;
  /** Told after each change. */
  readonly onChange: (ceremony: Ceremony) => void;
}

/** Ceremonies in memory: those that somebody is at work on. The journal has them all. */
const MAX_REMEMBERED = 256;

export class Ceremonies {
  readonly #options: CeremoniesOptions;
  readonly #remembered = new Map<string, Ceremony>();

  constructor(options: CeremoniesOptions) {
    this.#options = options;
  }

  get routines(): ReadonlyMap<string, Routine> {
    return this.#options.routines;
  }

  /** Throws routine_unknown. */
  start(routineId: string, { isProtected }: { readonly isProtected: boolean }): Ceremony {
    const routine = this.#routine(routineId);
    const id = `ceremony-${randomUUID()}`;
    const entry: CeremonyEntry = { type: 'ceremony.begun', routine: { id: routine.id, version: routine.version }, isProtected };
    const time = this.#options.now();
    const begun = foldCeremony(id, [{ number: 1, time: time.toISOString(), entry, hash: '' }], routine);
    this.#write(begun, entry, time);
    return begun;
  }

  /** Throws ceremony_unknown. */
  get(id: string): Ceremony {
    const remembered = this.#remembered.get(id);
    if (remembered) return remembered;
    const summary = this.#options.journal.summaryOf(id);
    if (!summary) throw new CeremonyError('ceremony_unknown', `looking up ceremony ${id}: there is none`);
    const ceremony = foldCeremony(id, this.#options.journal.entriesOf(id), this.#routine(summary.routine));
    this.#remember(ceremony);
    return ceremony;
  }

  list(filter: SummaryFilter): readonly CeremonySummary[] {
    return this.#options.journal.list(filter);
  }

  /** Throws ceremony_closed, ceremony_step_order, ceremony_late: the step is the one whose turn it is, and its time has not run out. */
  requireStep<K extends RoutineStep['kind']>(ceremony: Ceremony, stepId: string, kind: K): StepOf<K> {
    const attempt = `taking step ${stepId} of ${ceremony.id}`;
    if (ceremony.state !== 'open')
      throw new CeremonyError('ceremony_closed', `${attempt}: it is ${ceremony.state}`, { state: ceremony.state });
    const step = nextStep(ceremony);
    if (step?.id !== stepId || step.kind !== kind)
      throw new CeremonyError('ceremony_step_order', `${attempt}: ${step ? `its turn is ${step.id}'s` : 'all steps are taken'}`, {
        next: step?.id ?? '',
      });
    const due = dueAt(ceremony, step);
    if (due !== undefined && this.#now(ceremony).getTime() > due)
      throw new CeremonyError('ceremony_late', `${attempt}: its time ran out at ${new Date(due).toISOString()}`, {
        due: new Date(due).toISOString(),
      });
    return step as StepOf<K>;
  }

  record(id: string, stepId: string, given: Readonly<Record<string, string>>): Ceremony {
    const ceremony = this.get(id);
    const step = this.requireStep(ceremony, stepId, 'record');
    const context = {
      now: this.#now(ceremony),
      holder: ceremony.routine.holder,
      valueAt: (path: string) => valueAt(ceremony, path),
    };
    const { fields, problems } = checkFields(step, given, context);
    if (problems.length > 0) {
      const problem = problems.map((each) => `${each.field}: ${each.problem}`).join('; ');
      throw new CeremonyError('fields_invalid', `recording ${stepId} of ${id}: ${problem}`, { problem });
    }
    return this.note(ceremony, { type: 'step.recorded', step: stepId, fields });
  }

  /** Whether this person may take the step. Throws participant_refused, saying why. */
  requireParticipant(ceremony: Ceremony, step: RoutineStep, person: PersonSeen): void {
    const { by } = step;
    const participant = by === undefined ? undefined : ceremony.routine.participants[by];
    if (by === undefined || !participant) return;
    const problem = this.#participantProblem(ceremony, by, participant, person);
    if (problem === undefined) return;
    throw new CeremonyError('participant_refused', `taking step ${step.id} of ${ceremony.id} as ${by}: ${problem.text}`, {
      participant: by,
      reason: problem.reason,
    });
  }

  /** The text that a participant signs: both languages have the same meaning, the one that was shown is signed. */
  statementOf(ceremony: Ceremony, step: StepOf<'sign'>, language: Language): string {
    return fillIn(step.statement[language], (path) => this.#textAt(ceremony, path, language));
  }

  messagesOf(ceremony: Ceremony, step: StepOf<'messages'>): readonly Message[] {
    const text = (language: Language, { text: template }: { readonly text: Readonly<Record<Language, string>> }): string =>
      fillIn(template[language], (path) => this.#textAt(ceremony, path, language));
    return step.messages.map((message) => ({ to: message.to, en: text('en', message), sv: text('sv', message) }));
  }

  /** Writes it to the journal; when it returns, it is on the disk. The last step of a routine finishes the ceremony. */
  note(ceremony: Ceremony, entry: CeremonyEntry): Ceremony {
    const next = this.#write(ceremony, entry, this.#now(ceremony));
    return next.state === 'open' && !nextStep(next) && !hasOpenJob(next)
      ? this.#write(next, { type: 'ceremony.finished' }, this.#now(next))
      : next;
  }

  noteJob(ceremony: Ceremony, step: StepOf<'enrol'>, entry: JobEntry): Ceremony {
    const cardNumber = valueAt(ceremony, step.cardNumber);
    return this.note(ceremony, { type: 'step.card', step: step.id, entry, ...(cardNumber === undefined ? {} : { cardNumber }) });
  }

  /** Open ceremonies whose next step's time has run out, and what is then to be undone. */
  late(
    ceremony: Ceremony,
  ): { readonly step: RoutineStep; readonly undo: string | undefined; readonly report: string } | undefined {
    const step = nextStep(ceremony);
    const due = step && dueAt(ceremony, step);
    if (!step?.within || due === undefined || this.#now(ceremony).getTime() <= due) return undefined;
    return { step, undo: step.within.late.undo, report: step.within.late.report };
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
    if (participant.isAdministrator && !(person.hsaId !== undefined && this.#options.isAdministrator(person.hsaId)))
      return { reason: 'not_administrator', text: 'the card is not that of an administrator of this office' };
    if (participant.assuranceLevel !== undefined && person.assuranceLevel !== participant.assuranceLevel)
      return { reason: 'assurance_level', text: `the card is not of ${participant.assuranceLevel}` };
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
    if (!routine) throw new CeremonyError('routine_unknown', `looking up routine ${id}: there is none`);
    return routine;
  }

  /** Never before the last entry: a clock that was set back makes nobody's time longer than the routine gives. */
  #now({ updatedAt }: Ceremony): Date {
    const now = this.#options.now();
    const last = Date.parse(updatedAt);
    return now.getTime() < last ? new Date(last) : now;
  }

  #write(ceremony: Ceremony, entry: CeremonyEntry, time: Date): Ceremony {
    const next = entry.type === 'ceremony.begun' ? ceremony : applyToCeremony(ceremony, { time: time.toISOString(), entry });
    this.#options.journal.append(ceremony.id, { entry, time, summary: summaryOf(next) });
    this.#remember(next);
    this.#options.onChange(next);
    return next;
  }

  #remember(ceremony: Ceremony): void {
    this.#remembered.delete(ceremony.id);
    this.#remembered.set(ceremony.id, ceremony);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }
}

/** Those whom a participant must not be: as its own line says, or theirs. */
function excludedBy({ participants }: Routine, name: string): readonly string[] {
  return Object.entries(participants)
    .filter(
      ([other, { notSamePersonAs }]) => notSamePersonAs?.includes(name) || participants[name]?.notSamePersonAs?.includes(other),
    )
    .map(([other]) => other);
}

/** A job that is neither confirmed nor undone can still change the card. */
function hasOpenJob({ jobs }: Ceremony): boolean {
  return [...jobs.values()].some(({ phase }) => phase !== 'confirmed' && phase !== 'undone');
}

/** By what a ceremony is found: names and numbers, and nothing of one with protected personal data. */
function summaryOf(ceremony: Ceremony): CeremonySummary {
  const { id, routine, state, startedAt, updatedAt, isProtected, done } = ceremony;
  const words = [...done.values()].flatMap(({ facts, person }) => [
    ...['holderName', 'personalNumber', 'hsaId', 'cardNumber'].map((field) => facts[field]),
    person?.name,
  ]);
  const search = isProtected ? '' : [...new Set(words.filter((word) => word !== undefined))].join(' ');
  return { id, routine: routine.id, state, startedAt, updatedAt, isProtected, search };
}
