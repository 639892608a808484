/** Shapes of the verdict about an identity document. What they say of a person goes to the caller alone: not to the log, and not into the evidence. */
import Type, { type Static } from 'typebox';
import { Closed } from './closed.ts';
import { DocumentCheck, VERDICTS, Verdict } from './document-check.ts';
import { Id, Time } from './schemas.ts';

const Maybe = Type.Optional;
const Text = (maxLength: number, description?: string) =>
  Maybe(Type.String({ maxLength, ...(description === undefined ? {} : { description }) }));

/** What a document says, or somebody says of it. */
export const DocumentFacts = Closed({
  documentCode: Text(8, 'As the machine-readable zone begins: "P", "ID".'),
  issuer: Text(8, 'State, as in ICAO Doc 9303-3, section 5: SWE.'),
  surname: Text(200),
  givenNames: Text(200),
  documentNumber: Text(40),
  nationality: Text(8),
  birthDate: Text(
    10,
    'YYYY-MM-DD, or YYMMDD as in a machine-readable zone. Parts that are not known are left out from the end, or are <<.',
  ),
  sex: Text(8, 'F, M or X.'),
  expiryDate: Text(10, 'YYYY-MM-DD, or YYMMDD.'),
  personalNumber: Text(20, 'Personal identity number or coordination number: twelve digits.'),
});

export const FACT_SOURCES = ['typed', 'chip', 'mrz', 'zone', 'viz', 'barcode'] as const;
export const FactSource = Type.Enum(FACT_SOURCES, {
  description:
    'typed: by somebody. mrz: machine-readable zone, as a camera read it. zone: lines that were given beside those of a scan. viz: what people read on the document.',
});

export const VerdictCheck = Closed(
  {
    ...DocumentCheck.properties,
    sources: Maybe(Type.Array(FactSource, { description: 'Which of them were compared or looked at.' })),
    by: Maybe(Type.String({ description: 'Who looked, where it was not kortd: scan, or the operator.' })),
  },
  'One thing that was looked at, or was not.',
);
export type VerdictCheck = Static<typeof VerdictCheck>;

/**
 * What an operator looks at. The steps are those of the routine of seven for identity checks that Swedish card offices use (Pointsharp, "Kontroll av
 * identitetshandling"), and the two aids that it names, by themselves.
 */
export const MANUAL_CHECKS = [
  'manual.takenOut',
  'manual.person',
  'manual.condition',
  'manual.securityFeatures',
  'manual.aids',
  'manual.issuer',
  'manual.police',
  'manual.prado',
  'manual.uv',
] as const;
export const ManualCheckName = Type.Enum(MANUAL_CHECKS, {
  description:
    'The steps of the routine of seven: takenOut of its case; person: picture and age are of who stands there; condition: not altered, not damaged, not expired; securityFeatures; aids were used; issuer: its service says that the document is valid; police: theirs does, of Swedish passports and national identity cards. Beside them prado: compared with the public register; uv: under a lamp.',
});
export const MANUAL_VERDICTS = [
  'passed',
  'failed',
  'undetermined',
  'notSupported',
] as const satisfies readonly (typeof VERDICTS)[number][];

export const ManualEntry = Closed(
  {
    check: ManualCheckName,
    verdict: Type.Enum(MANUAL_VERDICTS),
    at: Time(),
    by: Closed({
      caller: Type.String({ description: 'Program or page that said so.' }),
      origin: Maybe(Type.String()),
      cardSerial: Maybe(
        Type.String({ description: 'Of the card that was named, and stood in its reader. That is no signature.' }),
      ),
    }),
    note: Maybe(Type.String()),
    reference: Maybe(Type.String({ description: 'Of the public register of authentic documents (PRADO).' })),
    link: Maybe(Type.String({ description: 'Where that stands.' })),
  },
  'What an operator looked at.',
);
export type ManualEntry = Static<typeof ManualEntry>;

const Requirement = Closed({
  anyOf: Type.Array(Type.String(), { minItems: 1, description: 'Names of checks: one of them must pass.' }),
  verdict: Verdict,
  settledBy: Maybe(Type.Array(ManualCheckName, { description: 'What an operator found where the machine could not tell.' })),
});

export const DocumentVerdict = Closed(
  {
    verdict: Id('verdict'),
    ruleSet: Type.String({ description: 'As the policy calls it.' }),
    overall: Verdict,
    machine: Type.Enum(VERDICTS, { description: 'The same without what an operator looked at.' }),
    reasons: Type.Array(Type.String(), { description: 'Ids of the checks that keep it from passing.' }),
    requirements: Type.Array(Requirement, { description: 'What the rules ask for.' }),
    checks: Type.Array(VerdictCheck),
    manual: Type.Array(ManualEntry),
    statements: Type.Array(Closed({ source: FactSource, facts: DocumentFacts }), { description: 'What each source says.' }),
    corrections: Type.Array(
      Closed({
        source: FactSource,
        line: Type.Integer({ minimum: 1, maximum: 3 }),
        position: Type.Integer({ minimum: 1, maximum: 44 }),
        read: Type.String({ maxLength: 1 }),
        used: Type.String({ maxLength: 1 }),
      }),
      { description: 'Characters that a camera misread, put right because the check digits prove it.' },
    ),
    createdAt: Time(),
    keptUntil: Time('Then it is forgotten, with all that it says of a person.'),
    evidence: Type.String({
      pattern: '^[0-9a-f]{64}$',
      description: 'SHA-256 of its evidence as it stands, which document.evidence gives; the audit log has it too.',
    }),
  },
  'What all checks of one document come to.',
);
export type DocumentVerdict = Static<typeof DocumentVerdict>;
