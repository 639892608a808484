/** Ceremonies as callers see them. */
import { createHash } from 'node:crypto';
import type { Ceremony as CeremonyView } from '../../../api-spec/issuance.ts';
import { isAllIssued, type CardJob } from '../../issuance/card-job.ts';
import type { Ceremonies } from '../../issuance/ceremonies.ts';
import { dueAt, nextStep, openJob, type Ceremony, type StepDone } from '../../issuance/ceremony.ts';
import type { PersonSeen } from '../../issuance/entry.ts';
import type { RoutineStep } from '../../issuance/routine.ts';

type StepView = CeremonyView['steps'][number];

export function describeCeremony(ceremonies: Ceremonies, ceremony: Ceremony): CeremonyView {
  const { id, routine, state, startedAt, updatedAt, isProtected, isAway, reports, reason } = ceremony;
  const next = nextStep(ceremony);
  const nextCall = nextCallOf(ceremony, next);
  return {
    ceremony: id,
    routine: { id: routine.id, version: routine.version, title: routine.title },
    ...{ state, startedAt, updatedAt, isProtected },
    ...(isAway ? { isAway } : {}),
    ...(next ? { nextStep: next.id } : {}),
    ...(nextCall ? { nextCall } : {}),
    steps: routine.steps.map((step) => describeStep(ceremonies, ceremony, step, step === next)),
    reports: [...reports],
    ...(reason === undefined ? {} : { reason }),
  };
}

function nextCallOf(ceremony: Ceremony, next: RoutineStep | undefined): CeremonyView['nextCall'] {
  if (ceremony.state !== 'open' || ceremony.isAway) return undefined;
  const job = openJob(ceremony)?.job;
  const phase = job?.phase;
  // What an authority issued is on the disk, and only to be written.
  if (job && isAllIssued(job)) return 'issuance.resume';
  if (phase === 'waiting') return 'issuance.writeCertificates';
  if (phase !== undefined && phase !== 'finished') return 'issuance.resume';
  if (!next) return 'issuance.confirm';
  return next.kind === 'messages' ? undefined : `issuance.${next.kind}`;
}

function describeStep(ceremonies: Ceremonies, ceremony: Ceremony, step: RoutineStep, isNext: boolean): StepView {
  const done = ceremony.done.get(step.id);
  const job = ceremony.jobs.get(step.id);
  const due = done ? undefined : dueAt(ceremony, step);
  return {
    ...{ step: step.id, kind: step.kind, title: step.title },
    ...(step.notice ? { notice: step.notice } : {}),
    ...(step.by === undefined ? {} : { by: step.by }),
    state: done ? 'done' : isNext ? 'next' : 'later',
    ...(due === undefined
      ? {}
      : { dueAt: new Date(due).toISOString(), remainingMs: Math.max(0, due - ceremonies.timeOf(ceremony).getTime()) }),
    ...(done ? describeDone(done) : isNext ? textAhead(ceremonies, ceremony, step) : {}),
    ...(job ? { job: describeJob(job) } : {}),
  };
}

function describeDone({ time, facts, person, statement, messages }: StepDone): Partial<StepView> {
  return {
    doneAt: time,
    facts: { ...facts },
    ...(person ? { person: describePerson(person) } : {}),
    ...(statement === undefined ? {} : { statement }),
    ...(messages ? { messages: messages.map((message) => ({ ...message })) } : {}),
  };
}

/** What is to be signed in the step: with a card, or on a pad. */
function textAhead(ceremonies: Ceremonies, ceremony: Ceremony, step: RoutineStep): Partial<StepView> {
  if (step.kind === 'record') {
    const document = ceremonies.documentOf(ceremony, step);
    return document ? { document } : {};
  }
  if (step.kind !== 'sign') return {};
  const earlier = step.with === undefined ? undefined : ceremony.done.get(step.with)?.statement;
  if (earlier !== undefined) return { statement: earlier };
  const text = (language: 'en' | 'sv'): string => ceremonies.statementOf(ceremony, step, language);
  return { statement: { en: text('en'), sv: text('sv') } };
}

function describePerson({
  name,
  hsaId,
  personalNumber,
  cardNumber,
  assuranceLevel,
}: PersonSeen): NonNullable<StepView['person']> {
  return {
    ...(name === undefined ? {} : { name }),
    ...(hsaId === undefined ? {} : { hsaId }),
    ...(personalNumber === undefined ? {} : { personalNumber }),
    ...(cardNumber === undefined ? {} : { cardNumber }),
    ...(assuranceLevel === undefined ? {} : { assuranceLevel }),
  };
}

function describeJob({
  phase,
  card,
  places,
  requests,
  accepted,
  written,
  replaces,
  discardedKeys,
}: CardJob): NonNullable<StepView['job']> {
  return {
    phase,
    card: { application: card.profile, serialNumber: card.serialNumber },
    keys: places.map(({ keyReference, usage, algorithm }) => {
      const request = requests.get(keyReference);
      const certificate = accepted.find((one) => one.keyReference === keyReference)?.der;
      return {
        ...{ keyReference, usage: usage === 'signature' ? 'signature' : 'authentication', algorithm },
        ...(request === undefined ? {} : { request }),
        ...(certificate === undefined ? {} : { certificate }),
        isWritten: written.has(keyReference),
        ...(discardedKeys.has(keyReference) ? { isDiscarded: true } : {}),
      };
    }),
    ...(replaces.length === 0
      ? {}
      : { removes: replaces.map(({ keyReference, der }) => ({ keyReference, fingerprint: fingerprintOf(der) })) }),
  };
}

function fingerprintOf(der: string): string {
  return createHash('sha256').update(Buffer.from(der, 'base64')).digest('hex').toUpperCase();
}
