/** Shapes of issuance that several methods and events share. */
import Type, { type Static } from 'typebox';
import { Closed } from './closed.ts';
import { STEP_KINDS, Text } from './routine.ts';
import { Id, KeyAlgorithm, Time } from './schemas.ts';

export const CeremonyState = Type.Enum(['open', 'finished', 'cancelled'] as const);
export const CeremonyId = Id('ceremony');
export const AuthorityName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$', description: 'As the policy has it.' });
export const StepId = Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,39}$', description: 'As the routine calls it.' });

const Person = Closed(
  {
    name: Type.Optional(Type.String()),
    hsaId: Type.Optional(Type.String()),
    personalNumber: Type.Optional(Type.String({ description: 'Twelve digits.' })),
    cardNumber: Type.Optional(Type.String()),
    assuranceLevel: Type.Optional(Type.String()),
  },
  'Whom a card said that somebody was.',
);

export const JOB_PHASES = [
  'making',
  'waiting',
  'writing',
  'finished',
  'confirming',
  'confirmed',
  'undoing',
  'undone',
  'abandoned',
] as const;

const Job = Closed(
  {
    phase: Type.Enum(JOB_PHASES, {
      description:
        'making: keys and requests. waiting: for the certificates. writing: them. finished: all stand on the card, which can still go back. confirmed, undone, abandoned (the card is lost): ends.',
    }),
    card: Closed({ application: Type.String(), serialNumber: Type.String() }),
    keys: Type.Array(
      Closed({
        keyReference: Type.String(),
        usage: Type.Enum(['authentication', 'signature'] as const),
        algorithm: KeyAlgorithm,
        request: Type.Optional(Type.String({ description: 'PKCS #10, PEM: for the certification authority.' })),
        certificate: Type.Optional(Type.String({ description: 'X.509, base64 of DER; as it was accepted.' })),
        isWritten: Type.Boolean(),
        isDiscarded: Type.Optional(
          Type.Boolean({
            description:
              'The job was taken back on a card that cannot delete a key: another one, that nobody knows, was made in its place.',
          }),
        ),
      }),
    ),
    removes: Type.Optional(
      Type.Array(
        Closed({ keyReference: Type.String(), fingerprint: Type.String({ description: 'SHA-256 of the DER, hexadecimal.' }) }),
        {
          description: 'Certificates that go when the card is confirmed.',
        },
      ),
    ),
  },
  'What becomes of the card.',
);

const ToBeSigned = Closed({
  text: Type.String({ description: 'Its UTF-8 is what is signed, byte for byte.' }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of that UTF-8.' }),
});

const Step = Closed(
  {
    step: StepId,
    kind: Type.Enum(STEP_KINDS),
    title: Text,
    notice: Type.Optional(Text),
    by: Type.Optional(Type.String({ description: 'Participant; absent: whoever calls.' })),
    state: Type.Enum(['done', 'next', 'later'] as const),
    doneAt: Type.Optional(Time()),
    dueAt: Type.Optional(Time('By when it must be taken.')),
    remainingMs: Type.Optional(Type.Integer({ minimum: 0, description: 'Until then, as this was told.' })),
    facts: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'What was recorded, or what a card said, by name.' }),
    ),
    person: Type.Optional(Person),
    statement: Type.Optional(
      Type.Union([Text, Type.String()], { description: 'What was signed; before that, what will be, in both languages.' }),
    ),
    document: Type.Optional(
      Closed(
        { en: ToBeSigned, sv: ToBeSigned },
        'Of the next step, where a padSignature may be given: what the person signs on the pad, in one of the languages. To pad.capture the text is both `content` (its UTF-8 as `data`) and `text`.',
      ),
    ),
    messages: Type.Optional(Type.Array(Closed({ to: Type.String(), en: Type.String(), sv: Type.String() }))),
    job: Type.Optional(Job),
  },
  'A step of a ceremony, as it stands.',
);

export const Ceremony = Closed(
  {
    ceremony: CeremonyId,
    routine: Closed({ id: Type.String(), version: Type.Integer(), title: Text }),
    state: CeremonyState,
    startedAt: Time(),
    updatedAt: Time(),
    isProtected: Type.Boolean({ description: 'It concerns protected personal data.' }),
    isAway: Type.Optional(
      Type.Boolean({ description: 'It was exported and goes on at another desk, until it is imported here again.' }),
    ),
    nextStep: Type.Optional(StepId),
    nextCall: Type.Optional(
      Type.Enum(
        [
          'issuance.attach',
          'issuance.confirm',
          'issuance.enrol',
          'issuance.readCard',
          'issuance.record',
          'issuance.removeCertificates',
          'issuance.resume',
          'issuance.sign',
          'issuance.unblockPin',
          'issuance.verifyPin',
          'issuance.writeCertificates',
        ] as const,
        { description: 'What takes it on. Absent when it has ended, or goes on at another desk.' },
      ),
    ),
    steps: Type.Array(Step),
    reports: Type.Array(Type.String(), {
      description:
        'What the caller is to report: revocation (of the certificates that were issued), certificateUnaccounted (an authority that kortd asked may have issued ' +
        'one that never came: it is looked up there by its key, and revoked), paperReceiptMissing.',
    }),
    reason: Type.Optional(Type.String({ description: 'Why it was cancelled.' })),
  },
  'A routine on its way.',
);
export type Ceremony = Static<typeof Ceremony>;

export const CeremonySummary = Closed(
  {
    ceremony: CeremonyId,
    routine: Type.String(),
    state: CeremonyState,
    startedAt: Time(),
    updatedAt: Time(),
    isProtected: Type.Boolean(),
  },
  'A ceremony in a list.',
);
