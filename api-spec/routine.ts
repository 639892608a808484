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
    kind: Type.Enum(
      [
        'text',
        'date',
        'birthDate',
        'choice',
        'integer',
        'confirmation',
        'cardNumber',
        'passportNumber',
        'personalNumber',
        'hsaId',
        'documentVerdict',
        'padSignature',
      ] as const,
      {
        description:
          'What the text must be. A confirmation is "yes"; a date is YYYY-MM-DD. A passport number is that of a holder who is registered by it, not of a document that is shown. A documentVerdict is the id of a verdict by document.verify that passed, a padSignature the id of a capture by pad.capture: their evidence goes into the ceremony, and `Sha256` behind the name of the field leads to its SHA-256.',
      },
    ),
    optional: Type.Optional(Type.Boolean()),
    choices: Type.Optional(Type.Record(Name, Text)),
    maxLength: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    notBefore: Path('Of a date: "today", or an earlier date, step.field.'),
    notAfter: Path('Of a date: "today", or an earlier date, step.field.'),
    sameOrganisationAs: Path('Of an HSA-id: of the organisation of this one, step.field.'),
    documentNumber: Path('Of a verdict: it is about the document with this number, step.field.'),
    personalNumber: Path('Of a verdict: it is about nobody with another personal identity number than this one, step.field.'),
    otherOrganisationThan: Path('Of an HSA-id: of another organisation than this one, step.field.'),
  },
  'Something that a person fills in.',
);
export type RoutineField = Static<typeof RoutineField>;

export const Participant = Closed(
  {
    title: Text,
    notSamePersonAs: Type.Optional(Type.Array(Name, { description: 'Whoever these are, this is another person.' })),
    notNamedBy: Type.Optional(
      Type.String({ maxLength: 40, description: 'Another person than the one whom this earlier step names by a number.' }),
    ),
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
  notice: Type.Optional(Text),
  by: Type.Optional(Name),
  within: Type.Optional(Within),
};

const Holder = Closed(
  { name: Path('Their name.'), personalNumber: Path('Their personal number.'), hsaId: Path('Their HSA-id.') },
  'Where it stands who the holder is.',
);
const CardNumber = Path('step.field: what the card’s number must be.');

const KeyPlan = Closed({
  usage: Type.Enum(['authentication', 'signature'] as const),
  algorithm: Type.Optional(
    Type.Enum(['RSA-2048', 'RSA-3072', 'RSA-4096', 'P-256', 'P-384'] as const, {
      description: 'Left out: what the card has its place for.',
    }),
  ),
});

const RecordStep = Closed(
  {
    ...common,
    kind: Type.Literal('record'),
    fields: Type.Record(Name, RoutineField),
    oneOf: Type.Optional(
      Type.Array(Type.Array(Name, { minItems: 1, maxItems: 10 }), {
        minItems: 2,
        maxItems: 5,
        description: 'Optional fields, in groups: all of one group are filled in, and none of the others.',
      }),
    ),
    document: Type.Optional(
      Closed(Text.properties, 'What the person signs on a pad, with placeholders: a padSignature of the step is on this text.'),
    ),
  },
  'What the application asks the person for.',
);
const ReadCardStep = Closed(
  { ...common, kind: Type.Literal('readCard'), by: Name, cardNumber: CardNumber, holder: Type.Optional(Holder) },
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
    withoutCard: Path('The card with this number must have been taken out of its reader.'),
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
    holder: Holder,
    validTo: Path('Last day that the certificates may be valid.'),
    validDays: Path('Number of days, from today, that the certificates are to be valid: no more, and at most one less.'),
    assuranceLevel: Type.Optional(Type.String({ maxLength: 40 })),
    assuranceLevelOf: Path('In place of assuranceLevel: where it stands.'),
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

const UnblockPinStep = Closed(
  { ...common, kind: Type.Literal('unblockPin'), by: Name, cardNumber: CardNumber },
  'A PIN of the card in the participant’s reader is set anew with the PUK.',
);
const VerifyPinStep = Closed(
  { ...common, kind: Type.Literal('verifyPin'), by: Name, cardNumber: CardNumber },
  'The participant gives the authentication PIN, and a key under it signs a fresh challenge.',
);
const RemoveCertificatesStep = Closed(
  {
    ...common,
    kind: Type.Literal('removeCertificates'),
    by: Name,
    cardNumber: Type.String({ maxLength: 100, description: 'step.field: what the card’s number must be.' }),
  },
  'Certificates are taken off the card in the participant’s reader, when that is confirmed.',
);
const AttachStep = Closed(
  {
    ...common,
    kind: Type.Literal('attach'),
    numbers: Type.Array(Type.String({ maxLength: 100 }), {
      minItems: 1,
      maxItems: 5,
      description: 'step.field: the person’s number that it is stored with; the first that is known.',
    }),
    types: Type.Array(Type.Enum(['jpeg', 'png'] as const), { minItems: 1, maxItems: 2 }),
    maxBytes: Type.Integer({ minimum: 1, maximum: 20_000_000 }),
  },
  'A picture is stored in the access-protected folder of the policy; the ceremony keeps its name and SHA-256.',
);

export const RoutineStep = Type.Union([
  AttachStep,
  EnrolStep,
  MessagesStep,
  ReadCardStep,
  RecordStep,
  RemoveCertificatesStep,
  SignStep,
  UnblockPinStep,
  VerifyPinStep,
]);
export type RoutineStep = Static<typeof RoutineStep>;
export type StepKind = RoutineStep['kind'];
/** Sorted. */
export const STEP_KINDS = [
  'attach',
  'enrol',
  'messages',
  'readCard',
  'record',
  'removeCertificates',
  'sign',
  'unblockPin',
  'verifyPin',
] as const satisfies readonly StepKind[];
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
    retentionYears: Type.Integer({
      minimum: 1,
      maximum: 100,
      description: 'How long the evidence is kept, and what the journal has of a ceremony that ended.',
    }),
  },
  'A routine of the card office, as data.',
);
export type Routine = Static<typeof Routine>;
