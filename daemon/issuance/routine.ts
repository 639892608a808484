/**
 * A routine of the card office, as data: who takes part, which steps they take in which order, what is signed, and by when. One readable JSON file each in
 * `routines/`. What a schema cannot say is checked here: every name leads to something that is there, and comes before it is used.
 */
import { Compile } from 'typebox/compile';
import { Routine, type RoutineStep, type StepOf, type Text } from '../../api-spec/routine.ts';
import { PROOF_FACT, proofKindOf } from './proofs.ts';

/** Steps that change a card, as a job. */
export type JobStep = StepOf<'enrol' | 'removeCertificates'>;

export type { Participant, Routine, RoutineField, RoutineStep, StepOf, Text } from '../../api-spec/routine.ts';

/** What is wrong with a routine, in words for whoever wrote it. */
export class RoutineError extends Error {
  override readonly name = 'RoutineError';
}

const validator = Compile(Routine);

/** Throws RoutineError. */
export function parseRoutine(content: unknown): Routine {
  if (!validator.Check(content)) {
    const [error] = validator.Errors(content);
    throw new RoutineError(`reading a routine: ${error?.instancePath ?? ''} ${error?.message ?? 'does not fit'}`.trim());
  }
  const problem = problemOf(content);
  if (problem !== undefined) throw new RoutineError(`reading the routine ${content.id}: ${problem}`);
  return content;
}

function problemOf(routine: Routine): string | undefined {
  const inParticipants = participantProblem(routine);
  if (inParticipants !== undefined) return inParticipants;
  const earlier = new Map<string, RoutineStep>();
  for (const step of routine.steps) {
    if (earlier.has(step.id)) return `two steps are called ${step.id}`;
    const problem = stepProblem(routine, step, earlier);
    if (problem !== undefined) return `step ${step.id}: ${problem}`;
    earlier.set(step.id, step);
  }
  const { onceFor } = routine;
  return onceFor === undefined || isKnownPath(onceFor, undefined, earlier) ? undefined : `onceFor, ${onceFor}, leads to nothing`;
}

function participantProblem({ participants, steps }: Routine): string | undefined {
  for (const [name, { notSamePersonAs = [], notNamedBy }] of Object.entries(participants)) {
    for (const other of notSamePersonAs)
      if (other === name || !Object.hasOwn(participants, other))
        return `participant ${name} is compared with ${other}, who is none of the others`;
    if (notNamedBy !== undefined && !steps.some(({ id, kind }) => id === notNamedBy && kind === 'record'))
      return `participant ${name} is compared with whom ${notNamedBy} names, which records nothing`;
  }
  return undefined;
}

/** Steps lead only back: a routine with a loop is one that names a step that has not been. */
function stepProblem(routine: Routine, step: RoutineStep, earlier: ReadonlyMap<string, RoutineStep>): string | undefined {
  if (step.by !== undefined && !Object.hasOwn(routine.participants, step.by)) return `${step.by} takes no part in the routine`;
  if (step.within) {
    const { after, late, minutes, days } = step.within;
    if (!earlier.has(after)) return `its time runs from ${after}, which is no earlier step`;
    if ((minutes === undefined) === (days === undefined)) return 'its time is given in minutes or in days';
    if (late.undo !== undefined && earlier.get(late.undo)?.kind !== 'enrol')
      return `${late.undo} is no earlier step that can be undone`;
  }
  if (step.kind === 'sign' && step.with !== undefined && earlier.get(step.with)?.kind !== 'sign')
    return `${step.with} is no earlier statement`;
  for (const text of textsOf(step)) {
    const problem = textProblem(text);
    if (problem !== undefined) return problem;
  }
  // It is signed before the step is taken: what is filled in there cannot stand in it.
  const tooEarly = step.kind === 'record' && step.document ? pathsInText(step.document) : [];
  if (tooEarly.some((path) => path.startsWith(`${step.id}.`))) return 'its document tells what is filled in beside it';
  for (const path of pathsOf(step)) if (!isKnownPath(path, step, earlier)) return pathProblem(path);
  return step.kind === 'record' ? fieldsProblem(routine, step) : undefined;
}

function fieldsProblem({ holder }: Routine, { fields, document, oneOf = [] }: StepOf<'record'>): string | undefined {
  for (const [name, { kind, choices }] of Object.entries(fields)) {
    if (kind === 'choice' && Object.keys(choices ?? {}).length === 0) return `${name} has nothing to choose from`;
    if (kind === 'passportNumber' && holder?.notRegisteredBy?.includes('passport'))
      return `${name} is of a holder for whom the routine is not`;
  }
  for (const [name, field] of Object.entries(fields))
    if (proofKindOf(field) && Object.hasOwn(fields, `${name}${PROOF_FACT}`))
      return `${name}${PROOF_FACT} is told of ${name} already`;
  for (const name of oneOf.flat())
    if (!Object.hasOwn(fields, name) || !fields[name]?.optional) return `${name}, of oneOf, is no optional field`;
  const isSigned = Object.values(fields).some(({ kind }) => kind === 'padSignature');
  return document && !isSigned ? 'it has a document, and no field for the signature on it' : undefined;
}

/** `{step.field}` in a text, or `{step.field|step.other}`: the first that was filled in. */
const PLACEHOLDER = /\{([a-zA-Z0-9.|]+)\}/gu;
/** `[ text with placeholders]`: left out when nothing in it was filled in. */
const PART = /\[([^[\]]*)\]/gu;

/** Brackets stand around parts that have placeholders, and nowhere else. */
function textProblem({ en, sv }: Text): string | undefined {
  const isSound = (text: string): boolean =>
    !/[[\]]/u.test(text.replaceAll(PART, (whole, part: string) => (placeholdersIn(part).length === 0 ? whole : '')));
  return [en, sv].every(isSound) ? undefined : 'brackets in a text stand around a part with something to fill in';
}

/** Those that are filled in. */
function textsOf(step: RoutineStep): readonly Text[] {
  if (step.kind === 'messages') return step.messages.map(({ text }) => text);
  if (step.kind === 'record') return step.document ? [step.document] : [];
  return step.kind === 'sign' ? [step.statement] : [];
}

function pathsOf(step: RoutineStep): readonly string[] {
  return [...textsOf(step).flatMap(pathsInText), ...pathsBesideTexts(step)];
}

function pathsInText({ en, sv }: Text): readonly string[] {
  return [en, sv].flatMap(placeholdersIn).flatMap((paths) => paths.split('|'));
}

function pathsBesideTexts(step: RoutineStep): readonly string[] {
  switch (step.kind) {
    case 'record':
      return Object.values(step.fields).flatMap(
        ({ notBefore, notAfter, documentNumber, personalNumber, sameOrganisationAs, otherOrganisationThan }) =>
          given(notBefore, notAfter, documentNumber, personalNumber, sameOrganisationAs, otherOrganisationThan).filter(
            (path) => path !== 'today',
          ),
      );
    case 'readCard': {
      const { name, personalNumber, hsaId } = step.holder ?? {};
      return given(step.cardNumber, name, personalNumber, hsaId);
    }
    case 'sign':
      return given(step.cardNumber, step.withoutCard);
    case 'unblockPin':
    case 'verifyPin':
    case 'removeCertificates':
      return given(step.cardNumber);
    case 'attach':
      return step.numbers;
    case 'enrol': {
      const { name, personalNumber, hsaId } = step.holder;
      return [step.cardNumber, ...given(name, personalNumber, hsaId, step.validTo, step.validDays, step.assuranceLevelOf)];
    }
    case 'messages':
      return [];
  }
}

function given(...paths: readonly (string | undefined)[]): readonly string[] {
  return paths.filter((path) => path !== undefined);
}

/** What a step leaves behind for texts and comparisons, besides the fields that it records. */
export const STEP_FACTS = {
  attach: ['file', 'sha256', 'type', 'time'],
  enrol: ['cardNumber', 'time'],
  messages: [],
  readCard: ['name', 'hsaId', 'personalNumber', 'cardNumber', 'assuranceLevel', 'validDays', 'time'],
  record: [],
  removeCertificates: ['cardNumber', 'time'],
  sign: ['name', 'hsaId', 'cardNumber', 'assuranceLevel', 'time'],
  unblockPin: ['name', 'hsaId', 'personalNumber', 'cardNumber', 'pin', 'time'],
  verifyPin: ['name', 'hsaId', 'personalNumber', 'cardNumber', 'time'],
} as const satisfies Record<RoutineStep['kind'], readonly string[]>;
/** Known from the start, and the same whenever a text is shown. Of what was done, `{step.time}` tells when. */
const CEREMONY_FACTS: readonly string[] = ['id', 'startedAt'];

function pathProblem(path: string): string {
  if (!path.startsWith('ceremony.')) return `${path} leads to nothing that was recorded before`;
  const known = CEREMONY_FACTS.map((fact) => `ceremony.${fact}`).join(' and ');
  return `${path} leads to nothing: of the ceremony itself there are ${known}`;
}

function isKnownPath(path: string, step: RoutineStep | undefined, earlier: ReadonlyMap<string, RoutineStep>): boolean {
  const [owner = '', fact = '', ...rest] = path.split('.');
  if (rest.length > 0) return false;
  if (owner === 'ceremony') return CEREMONY_FACTS.includes(fact);
  const source = owner === step?.id ? step : earlier.get(owner);
  if (!source) return false;
  if (source.kind === 'record') return Object.hasOwn(source.fields, fact) || (source !== step && isProofFact(source, fact));
  return source !== step && (STEP_FACTS[source.kind] as readonly string[]).includes(fact);
}

function isProofFact({ fields }: StepOf<'record'>, fact: string): boolean {
  return Object.entries(fields).some(([name, field]) => proofKindOf(field) !== undefined && fact === `${name}${PROOF_FACT}`);
}

/**
 * Text with its placeholders filled in. `valueOf` gives undefined for a field that was left out: it shows as a dash, and a part in brackets is left out with it. What
 * is filled in is not looked at again.
 */
export function fillIn(text: string, valueOf: (path: string) => string | undefined): string {
  const first = (paths: string): string | undefined =>
    paths
      .split('|')
      .map(valueOf)
      .find((value) => value !== undefined);
  const fill = (part: string): string => part.replaceAll(PLACEHOLDER, (_, paths: string) => first(paths) ?? '–');
  return text
    .split(PART)
    .map((part, index) => {
      const isOptional = index % 2 === 1;
      return isOptional && !placeholdersIn(part).some((paths) => first(paths) !== undefined) ? '' : fill(part);
    })
    .join('');
}

/** As they stand: alternatives together. */
function placeholdersIn(part: string): readonly string[] {
  return [...part.matchAll(PLACEHOLDER)].map(([, paths = '']) => paths);
}
