/**
 * A ceremony in words for whoever runs the desk: where it stands, whose turn it is, what broke off and what to do about it. Plain functions of what
 * the API tells; nothing is drawn and nothing is called here.
 */
import type { Ceremony } from '../../../../../api-spec/issuance.ts';
import type { Routine, RoutineField } from '../../../../../api-spec/routine.ts';
import type { Language } from '../../language.ts';
import type { Tone } from '../../parts.tsx';
import { kindOf } from '../../../../../api-spec/card-kinds.ts';
import { CEREMONY_TEXTS } from './ceremony-texts.ts';

export type Step = Ceremony['steps'][number];
export type Job = NonNullable<Step['job']>;
type JobPhase = Job['phase'];

/** `interrupted`: work on the card broke off, or wants its next PIN. `rollingBack`: what was put on the card is to come off. */
export type Situation =
  | 'away'
  | 'cancelled'
  | 'confirm'
  | 'confirming'
  | 'finished'
  | 'interrupted'
  | 'late'
  | 'lost'
  | 'person'
  | 'rollingBack'
  | 'waiting'
  | 'writing';

const SITUATION_OF_PHASE: Readonly<Partial<Record<JobPhase, Situation>>> = {
  making: 'interrupted',
  waiting: 'waiting',
  writing: 'writing',
  confirming: 'confirming',
  undoing: 'rollingBack',
};

/** Phases from which issuance.resume goes on with the card, on or back. */
const RESUMABLE: ReadonlySet<JobPhase> = new Set<JobPhase>(['making', 'writing', 'confirming', 'undoing']);

const TONES: Readonly<Record<Situation, Tone>> = {
  away: 'quiet',
  cancelled: 'quiet',
  confirm: 'good',
  confirming: 'warning',
  finished: 'good',
  interrupted: 'warning',
  late: 'bad',
  lost: 'bad',
  person: 'quiet',
  rollingBack: 'warning',
  waiting: 'quiet',
  writing: 'warning',
};

/** The job that something is still to be done about; else the last one. */
export function jobOf({ steps }: Pick<Ceremony, 'steps'>): Job | undefined {
  const jobs = steps.flatMap(({ job }) => job ?? []);
  return jobs.find(({ phase }) => RESUMABLE.has(phase) || phase === 'waiting') ?? jobs.at(-1);
}

export function situationOf(ceremony: Ceremony): Situation {
  if (ceremony.isAway === true) return 'away';
  const phase = jobOf(ceremony)?.phase;
  if (phase === 'undoing') return 'rollingBack';
  if (phase === 'abandoned') return 'lost';
  if (ceremony.state !== 'open') return ceremony.state;
  const ofJob = phase && SITUATION_OF_PHASE[phase];
  if (ofJob) return ofJob;
  if (nextStepOf(ceremony)?.remainingMs === 0) return 'late';
  return ceremony.nextCall === 'issuance.confirm' ? 'confirm' : 'person';
}

export function nextStepOf({ steps }: Pick<Ceremony, 'steps'>): Step | undefined {
  return steps.find(({ state }) => state === 'next');
}

/** Whether issuance.resume goes on with what was begun on the card. */
export function canResume(ceremony: Ceremony): boolean {
  const job = jobOf(ceremony);
  return ceremony.isAway !== true && job !== undefined && RESUMABLE.has(job.phase);
}

export function canCancel({ state, isAway }: Pick<Ceremony, 'state' | 'isAway'>): boolean {
  return state === 'open' && isAway !== true;
}

export interface StepLine {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly state: Step['state'];
  /** In words, for those who do not see the sign. */
  readonly stateText: string;
  /** Not told by colour alone: ✓, ▶, or none yet. */
  readonly sign: string;
  /** Who takes it. */
  readonly by: string;
  readonly notice?: string;
  readonly doneAt?: string;
  readonly remainingMs?: number;
  /** Whom the card said that they were. */
  readonly person?: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly messages: readonly (readonly [to: string, text: string])[];
}

export interface CeremonyView {
  readonly title: string;
  readonly situation: Situation;
  readonly tone: Tone;
  /** Where it stands, in a few words. */
  readonly headline: string;
  /** Why, and what to do now. */
  readonly advice: string;
  readonly steps: readonly StepLine[];
  readonly done: number;
  /** Why it was cancelled. */
  readonly reason?: string;
  /** What somebody has to report elsewhere. */
  readonly reports: readonly string[];
  readonly job?: JobLine;
  readonly canResume: boolean;
  readonly canCancel: boolean;
}

export interface JobLine {
  readonly phase: string;
  readonly card: string;
  readonly keys: readonly { readonly name: string; readonly stage: string; readonly isWritten: boolean }[];
}

interface Words {
  readonly routine: Routine | undefined;
  readonly language: Language;
}

const SIGNS: Readonly<Record<Step['state'], string>> = { done: '✓', next: '▶', later: '' };

export function describeCeremony(ceremony: Ceremony, words: Words): CeremonyView {
  const texts = CEREMONY_TEXTS[words.language];
  const situation = situationOf(ceremony);
  const next = nextStepOf(ceremony);
  const job = jobOf(ceremony);
  const subject = { step: next?.title[words.language] ?? '', by: participantOf(next, words) };
  return {
    title: ceremony.routine.title[words.language],
    situation,
    tone: TONES[situation],
    headline: texts.headlines[situation](subject),
    advice: texts.advice[situation](subject),
    steps: ceremony.steps.map((step) => describeStep(step, words)),
    done: ceremony.steps.filter(({ state }) => state === 'done').length,
    ...(ceremony.reason === undefined ? {} : { reason: ceremony.reason }),
    reports: ceremony.reports.map((report) => texts.reports[report] ?? report),
    ...(job ? { job: describeJob(job, words.language) } : {}),
    canResume: canResume(ceremony),
    canCancel: canCancel(ceremony),
  };
}

function describeStep(step: Step, words: Words): StepLine {
  const { language } = words;
  const texts = CEREMONY_TEXTS[language];
  const { doneAt, remainingMs, person, notice, messages = [] } = step;
  const name = person && [person.name, person.hsaId].filter(Boolean).join(', ');
  return {
    ...{ id: step.step, title: step.title[language], kind: texts.kinds[step.kind] },
    ...{ state: step.state, stateText: texts.stepStates[step.state], sign: SIGNS[step.state], by: participantOf(step, words) },
    ...(notice && step.state === 'next' ? { notice: notice[language] } : {}),
    ...(doneAt === undefined ? {} : { doneAt }),
    ...(remainingMs === undefined ? {} : { remainingMs }),
    ...(name === undefined || name === '' ? {} : { person: name }),
    facts: factsOf(step, words),
    messages: messages.map((message) => [participantTitle(message.to, words), message[language]]),
  };
}

function participantOf(step: Step | undefined, words: Words): string {
  return step?.by === undefined ? CEREMONY_TEXTS[words.language].anybody : participantTitle(step.by, words);
}

function participantTitle(name: string, { routine, language }: Words): string {
  return routine?.participants[name]?.title[language] ?? name;
}

/** With the routine's own titles. Of what a card said only what stands in `person` is told again. */
function factsOf({ step, facts }: Step, { routine, language }: Words): StepLine['facts'] {
  const definition = routine?.steps.find(({ id }) => id === step);
  if (definition?.kind !== 'record') return [];
  return Object.entries(facts ?? {}).map(([name, value]) => {
    const field = definition.fields[name];
    return [field?.title[language] ?? name, field ? valueOf(field, value, language) : value];
  });
}

/** The last four of a personal number are nobody's business who only looks on. */
function valueOf({ kind, choices }: RoutineField, value: string, language: Language): string {
  if (kind === 'personalNumber') return `${value.slice(0, 8)}–••••`;
  if (kind === 'confirmation') return CEREMONY_TEXTS[language].confirmed;
  return choices?.[value]?.[language] ?? value;
}

function describeJob({ phase, card, keys }: Job, language: Language): JobLine {
  const texts = CEREMONY_TEXTS[language];
  const stageOf = ({ request, certificate, isWritten }: Job['keys'][number]): string => {
    if (isWritten) return texts.stages.written;
    if (certificate !== undefined) return texts.stages.accepted;
    return request === undefined ? texts.stages.none : texts.stages.requested;
  };
  return {
    phase: texts.phases[phase],
    card: `${kindOf(card.application)} ${card.serialNumber}`,
    keys: keys.map((key) => ({ name: texts.usages[key.usage], stage: stageOf(key), isWritten: key.isWritten })),
  };
}
