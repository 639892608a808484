/**
 * A routine of the card office, as data: who takes part, which steps they take in which order, what is signed, and by when. One readable JSON file each in
 * `routines/`. What a schema cannot say is checked here: every name leads to something that is there, and comes before it is used.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';

const strict = { additionalProperties: false } as const;
const Name = Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,39}$' });
const Text = Type.Object(
  { en: Type.String({ minLength: 1, maxLength: 4_000 }), sv: Type.String({ minLength: 1, maxLength: 4_000 }) },
  strict,
);

const Field = Type.Object(
  {
    title: Text,
    kind: Type.Enum(['text', 'date', 'choice', 'integer', 'confirmation', 'cardNumber', 'personalNumber', 'hsaId'] as const),
    optional: Type.Optional(Type.Boolean()),
    choices: Type.Optional(Type.Record(Name, Text)),
    maxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    /** For a date: "today", or another date of the routine, `step.field`. */
    notBefore: Type.Optional(Type.String()),
    notAfter: Type.Optional(Type.String()),
  },
  strict,
);

const Participant = Type.Object(
  {
    title: Text,
    /** Whoever these are, this is another person. */
    notSamePersonAs: Type.Optional(Type.Array(Name, { uniqueItems: true })),
    /** Must stand in the certificates of the card that the person signs with. */
    assuranceLevel: Type.Optional(Type.String({ maxLength: 40 })),
    /** Named by the policy as one of the office's. */
    isAdministrator: Type.Optional(Type.Boolean()),
  },
  strict,
);

const common = {
  id: Name,
  title: Text,
  /** The participant who takes the step; absent: whoever calls. */
  by: Type.Optional(Name),
  within: Type.Optional(
    Type.Object(
      {
        minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_440 })),
        days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_650 })),
        after: Name,
        /** What becomes of it when the time has run out: the earlier step is undone, and the caller told what to report. */
        late: Type.Object({ undo: Type.Optional(Name), report: Type.String({ minLength: 1, maxLength: 60 }) }, strict),
      },
      strict,
    ),
  ),
};

const KeyPlan = Type.Object(
  {
    usage: Type.Enum(['authentication', 'signature'] as const),
    /** Left to the card's own places when absent. */
    algorithm: Type.Optional(Type.Enum(['RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384'] as const)),
  },
  strict,
);

const Step = Type.Union([
  /** What the application asks the person for. */
  Type.Object({ ...common, kind: Type.Literal('record'), fields: Type.Record(Name, Field) }, strict),
  /** The card in the participant's reader is read: who they are, and which card it is. */
  Type.Object(
    {
      ...common,
      kind: Type.Literal('readCard'),
      by: Name,
      /** `step.field` that its card number must be. */ cardNumber: Type.Optional(Type.String()),
    },
    strict,
  ),
  /** A statement signed with the participant's own card. `with`: beside the signatures of this earlier statement, in one CMS. */
  Type.Object({ ...common, kind: Type.Literal('sign'), by: Name, statement: Text, with: Type.Optional(Name) }, strict),
  /** Keys are made, requested for, and certificates written, on the card in the participant's reader. */
  Type.Object(
    {
      ...common,
      kind: Type.Literal('enrol'),
      by: Name,
      keys: Type.Array(KeyPlan, { minItems: 1, maxItems: 4 }),
      /** `step.field` that the card's number must be. */
      cardNumber: Type.String(),
      assuranceLevel: Type.Optional(Type.String({ maxLength: 40 })),
      /** The signature PIN is asked for once more before the certificates are written. */
      confirmsWriting: Type.Optional(Type.Boolean()),
      /** In place of the certificates that the card has, which go when the new ones are confirmed. */
      renews: Type.Optional(Type.Boolean()),
    },
    strict,
  ),
  /** Messages that the caller is to send. */
  Type.Object(
    {
      ...common,
      kind: Type.Literal('messages'),
      messages: Type.Array(Type.Object({ to: Name, text: Text }, strict), { minItems: 1, maxItems: 10 }),
    },
    strict,
  ),
]);

const RoutineFile = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,59}$' }),
    version: Type.Integer({ minimum: 1 }),
    title: Text,
    holder: Type.Optional(
      Type.Object(
        {
          minimumAge: Type.Optional(Type.Integer({ minimum: 0, maximum: 120 })),
          notRegisteredBy: Type.Optional(
            Type.Array(Type.Enum(['passport', 'coordinationNumber'] as const), { uniqueItems: true }),
          ),
        },
        strict,
      ),
    ),
    /** `step.field` that a finished ceremony of this routine may have only once: a card is renewed once. */
    onceFor: Type.Optional(Type.String()),
    participants: Type.Record(Name, Participant),
    steps: Type.Array(Step, { minItems: 1, maxItems: 40 }),
    /** How long the evidence is kept. */
    retentionYears: Type.Integer({ minimum: 1, maximum: 100 }),
  },
  strict,
);

export type Routine = Static<typeof RoutineFile>;
export type RoutineStep = Static<typeof Step>;
export type StepOf<K extends RoutineStep['kind']> = Extract<RoutineStep, { kind: K }>;
export type RoutineField = Static<typeof Field>;
export type Participant = Static<typeof Participant>;

/** What is wrong with a routine, in words for whoever wrote it. */
export class RoutineError extends Error {
  override readonly name = 'RoutineError';
}

const validator = Compile(RoutineFile);

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
  const inText = ({ en, sv }: Static<typeof Text>): string[] =>
    [en, sv].flatMap((text) => [...text.matchAll(PLACEHOLDER)].map(([, path = '']) => path));
  switch (step.kind) {
    case 'record':
      return Object.values(step.fields).flatMap(({ notBefore = 'today', notAfter = 'today' }) =>
        [notBefore, notAfter].filter((path) => path !== 'today'),
      );
    case 'readCard':
      return step.cardNumber === undefined ? [] : [step.cardNumber];
    case 'sign':
      return inText(step.statement);
    case 'enrol':
      return [step.cardNumber];
    case 'messages':
      return step.messages.flatMap(({ text }) => inText(text));
  }
}

/** What a step leaves behind for texts and comparisons, besides the fields that it records. */
export const STEP_FACTS = {
  record: [],
  readCard: ['name', 'hsaId', 'personalNumber', 'cardNumber', 'time'],
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
