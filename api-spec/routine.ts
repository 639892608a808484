/** A routine of the card office, as data: who takes part, which steps they take in which order, what is signed, and by when. What a schema cannot say is checked in the daemon. */
import Type, { type Static } from 'typebox';
import { Closed } from './closed.ts';

const Name = Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,39}$' });
/** Leads to what an earlier step recorded, or a card said there: `step.field`. */
const Path = (description: string) => Type.Optional(Type.String({ maxLength: 100, description }));
export const Text = Closed(
  { en: Type.String({ minLength: 1, maxLength: 4_000 }), sv: Type.String({ minLength: 1, maxLength: 4_000 }) },
  'The same in English and Swedish.',
);
export type Text = Static<typeof Text>;

export const RoutineField = Closed(
  {
    title: Text,
    kind: Type.Enum(['text', 'date', 'choice', 'integer', 'confirmation', 'cardNumber', 'personalNumber', 'hsaId'] as const, {
      description: 'What the text must be. A confirmation is "yes"; a date is YYYY-MM-DD.',
    }),
    optional: Type.Optional(Type.Boolean()),
    choices: Type.Optional(Type.Record(Name, Text)),
    maxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    notBefore: Path('Of a date: "today", or an earlier date, step.field.'),
    notAfter: Path('Of a date: "today", or an earlier date, step.field.'),
  },
  'Something that a person fills in.',
);
export type RoutineField = Static<typeof RoutineField>;

export const Participant = Closed(
  {
    title: Text,
    notSamePersonAs: Type.Optional(Type.Array(Name, { description: 'Whoever these are, this is another person.' })),
    assuranceLevel: Type.Optional(
      Type.String({ maxLength: 40, description: 'Must stand in the certificate that the person signs with.' }),
    ),
    isAdministrator: Type.Optional(Type.Boolean({ description: 'Named by the policy as one of the office’s.' })),
  },
  'Somebody who takes part, recognised by their card.',
);
export type Participant = Static<typeof Participant>;

const Within = Closed(
  {
    minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_440 })),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_650 })),
    after: Name,
    late: Closed(
      {
        undo: Type.Optional(Name),
        report: Type.String({ minLength: 1, maxLength: 60, description: 'What the caller is to report then: revocation.' }),
      },
      'What becomes of it when the time has run out: the earlier step is undone, and the caller told what to report.',
    ),
  },
  'By when the step is to be taken, from the end of another one.',
);

const common = {
  id: Name,
  title: Text,
  by: Type.Optional(Name),
  within: Type.Optional(Within),
};

const KeyPlan = Closed({
  usage: Type.Enum(['authentication', 'signature'] as const),
  algorithm: Type.Optional(
    Type.Enum(['RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384'] as const, {
      description: 'Left out: what the card has its place for.',
    }),
  ),
});

const RecordStep = Closed(
  { ...common, kind: Type.Literal('record'), fields: Type.Record(Name, RoutineField) },
  'What the application asks the person for.',
);
const ReadCardStep = Closed(
  { ...common, kind: Type.Literal('readCard'), by: Name, cardNumber: Path('What its card number must be.') },
  'The card in the participant’s reader is read: who they are, and which card it is.',
);
const SignStep = Closed(
  {
    ...common,
    kind: Type.Literal('sign'),
    by: Name,
    statement: Text,
    with: Type.Optional(
      Type.String({ maxLength: 40, description: 'Beside the signatures of this earlier statement, in one CMS.' }),
    ),
    cardNumber: Path('Number of the card that it must be signed with.'),
  },
  'A statement signed with the participant’s own card.',
);
const EnrolStep = Closed(
  {
    ...common,
    kind: Type.Literal('enrol'),
    by: Name,
    keys: Type.Array(KeyPlan, { minItems: 1, maxItems: 4 }),
    cardNumber: Type.String({ maxLength: 100, description: 'step.field: what the card’s number must be.' }),
    holder: Closed(
      { name: Path('Their name.'), personalNumber: Path('Their personal number.'), hsaId: Path('Their HSA-id.') },
      'Where it stands whom the certificates must name.',
    ),
    validTo: Path('Last day that the certificates may be valid.'),
    validDays: Path('Number of days, from today, that the certificates may be valid at most.'),
    assuranceLevel: Type.Optional(Type.String({ maxLength: 40 })),
    confirmsWriting: Type.Optional(
      Type.Boolean({ description: 'The signature PIN is asked for once more before the certificates are written.' }),
    ),
    renews: Type.Optional(
      Type.Boolean({ description: 'In place of the certificates that the card has, which go when the new ones are confirmed.' }),
    ),
  },
  'Keys are made, certificates requested and written, on the card in the participant’s reader.',
);
const MessagesStep = Closed(
  {
    ...common,
    kind: Type.Literal('messages'),
    messages: Type.Array(Closed({ to: Name, text: Text }), { minItems: 1, maxItems: 10 }),
  },
  'Messages that the caller is to send. The step is taken by itself when its turn comes.',
);

export const RoutineStep = Type.Union([RecordStep, ReadCardStep, SignStep, EnrolStep, MessagesStep]);
export type RoutineStep = Static<typeof RoutineStep>;
export type StepKind = RoutineStep['kind'];
/** Sorted. */
export const STEP_KINDS = ['enrol', 'messages', 'readCard', 'record', 'sign'] as const satisfies readonly StepKind[];
export type StepOf<K extends StepKind> = Extract<RoutineStep, { kind: K }>;

export const Routine = Closed(
  {
    id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,59}$' }),
    version: Type.Integer({ minimum: 1 }),
    title: Text,
    holder: Type.Optional(
      Closed({
        minimumAge: Type.Optional(Type.Integer({ minimum: 0, maximum: 120 })),
        notRegisteredBy: Type.Optional(Type.Array(Type.Enum(['passport', 'coordinationNumber'] as const))),
      }),
    ),
    onceFor: Path('A finished ceremony of this routine may have this value only once: a card is renewed once.'),
    participants: Type.Record(Name, Participant),
    steps: Type.Array(RoutineStep, { minItems: 1, maxItems: 40 }),
    retentionYears: Type.Integer({ minimum: 1, maximum: 100, description: 'How long the evidence is kept.' }),
  },
  'A routine of the card office, as data.',
);
export type Routine = Static<typeof Routine>;
