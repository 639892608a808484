/**
 * A routine of the card office, as data: who takes part, which steps they take in which order, what is signed, and by when. One readable JSON file each in
 * `routines/`. What a schema cannot say is checked here: every name leads to something that is there, and comes before it is used.
 */
import { Compile } from 'typebox/compile';
import { Routine, type RoutineStep, type Text } from '../../api-spec/routine.ts';

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
  for (const [name, { notSamePersonAs = [] }] of Object.entries(routine.participants))
    for (const other of notSamePersonAs)
      if (other === name || !Object.hasOwn(routine.participants, other))
        return `participant ${name} is compared with ${other}, who is none of the others`;
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
  for (const path of pathsOf(step))
    if (!isKnownPath(path, step, earlier)) return `${path} leads to nothing that was recorded before`;
  return undefined;
}

/** `{step.field}` in a text. */
const PLACEHOLDER = /\{([a-zA-Z0-9.]+)\}/gu;

function pathsOf(step: RoutineStep): readonly string[] {
  const inText = ({ en, sv }: Text): string[] =>
    [en, sv].flatMap((text) => [...text.matchAll(PLACEHOLDER)].map(([, path = '']) => path));
  switch (step.kind) {
    case 'record':
      return Object.values(step.fields).flatMap(({ notBefore = 'today', notAfter = 'today' }) =>
        [notBefore, notAfter].filter((path) => path !== 'today'),
      );
    case 'readCard':
      return given(step.cardNumber);
    case 'sign':
      return [...inText(step.statement), ...given(step.cardNumber)];
    case 'enrol': {
      const { name, personalNumber, hsaId } = step.holder;
      return [step.cardNumber, ...given(name, personalNumber, hsaId, step.validTo, step.validDays)];
    }
    case 'messages':
      return step.messages.flatMap(({ text }) => inText(text));
  }
}

function given(...paths: readonly (string | undefined)[]): readonly string[] {
  return paths.filter((path) => path !== undefined);
}

/** What a step leaves behind for texts and comparisons, besides the fields that it records. */
export const STEP_FACTS = {
  record: [],
  readCard: ['name', 'hsaId', 'personalNumber', 'cardNumber', 'validDays', 'time'],
  sign: ['name', 'hsaId', 'cardNumber', 'time'],
  enrol: ['cardNumber', 'time'],
  messages: [],
} as const satisfies Record<RoutineStep['kind'], readonly string[]>;
/** Known from the start. */
const CEREMONY_FACTS: readonly string[] = ['id', 'startedAt', 'now'];

function isKnownPath(path: string, step: RoutineStep | undefined, earlier: ReadonlyMap<string, RoutineStep>): boolean {
  const [owner = '', fact = '', ...rest] = path.split('.');
  if (rest.length > 0) return false;
  if (owner === 'ceremony') return CEREMONY_FACTS.includes(fact);
  const source = owner === step?.id ? step : earlier.get(owner);
  if (!source) return false;
  if (source.kind === 'record') return Object.hasOwn(source.fields, fact);
  return source !== step && (STEP_FACTS[source.kind] as readonly string[]).includes(fact);
}

/** Text with its placeholders filled in. `valueOf` gives undefined for a field that was left out: it shows as a dash. */
export function fillIn(text: string, valueOf: (path: string) => string | undefined): string {
  return text.replaceAll(PLACEHOLDER, (_, path: string) => valueOf(path) ?? '–');
}
