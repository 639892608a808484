/** `kortd.scan/1`: one scan of one document, whichever device or service looked at it. What a driver reported, and what kortd found itself. */
import Type, { type Static } from 'typebox';
import { Closed } from '../closed.ts';
import {
  ImageId,
  ImageKind,
  KnownDefect,
  MRZ_SOURCES,
  ScanCheck,
  ScanComparison,
  ScanLight,
  ScanOutcome,
  ScannedChip,
  ScannedDocument,
  ScannedField,
  ScannedHolder,
  VendorAnswer,
  reportedOrigin,
} from './report.ts';
import { Verdict } from './verdict.ts';

export const SCAN_SCHEMA = 'kortd.scan/1';

const Id = Type.String({ minLength: 1, maxLength: 64 });
const Time = Type.String({ description: 'ISO 8601, UTC.' });
const Text = (maxLength: number) => Type.String({ maxLength });

export const MrzCheckDigit = Closed({
  field: Type.Enum(['birthDate', 'composite', 'documentNumber', 'expiryDate', 'optionalData'] as const),
  read: Text(1),
  expected: Text(1),
  verdict: Verdict,
});

export const ScannedMrz = Closed(
  {
    format: Type.Optional(
      Type.Enum(['TD1', 'TD2', 'TD3', 'MRV-A', 'MRV-B'] as const, { description: 'Absent: what was read is no such zone.' }),
    ),
    lines: Type.Array(Text(64), { maxItems: 3, description: 'As they are understood: with the corrections.' }),
    source: Type.Enum(MRZ_SOURCES),
    fields: Type.Optional(
      Closed({
        documentCode: Text(2),
        issuer: Text(3),
        surname: Text(44),
        givenNames: Text(44),
        nameMayBeTruncated: Type.Boolean(),
        number: Text(32),
        nationality: Text(3),
        birthDate: Type.String({ maxLength: 6, description: 'YYMMDD, as it stands there.' }),
        sex: Type.Enum(['F', 'M', 'unspecified'] as const),
        expiry: Type.String({ maxLength: 6, description: 'YYMMDD, as it stands there.' }),
        optional: Type.Array(Text(16), { maxItems: 2 }),
      }),
    ),
    checkDigits: Type.Array(MrzCheckDigit, {
      maxItems: 5,
      description: 'Counted by kortd, whatever the scanner thinks of them.',
    }),
    corrections: Type.Array(
      Closed({
        line: Type.Integer({ minimum: 1, maximum: 3 }),
        position: Type.Integer({ minimum: 1, maximum: 44 }),
        read: Text(1),
        used: Text(1),
      }),
      { maxItems: 88, description: 'Characters that were misread, put right where the check digits prove it.' },
    ),
    verdict: Verdict,
  },
  'The machine-readable zone, as kortd reads it.',
);
export type ScannedMrz = Static<typeof ScannedMrz>;

export const ScanImage = Closed(
  {
    id: ImageId,
    kind: ImageKind,
    page: Type.Integer({ minimum: 0, maximum: 99 }),
    light: ScanLight,
    dpi: Type.Optional(Type.Number({ minimum: 1, maximum: 10_000 })),
    mediaType: Type.Enum(['image/jpeg', 'image/png', 'image/jp2'] as const),
    width: Type.Integer({ minimum: 1 }),
    height: Type.Integer({ minimum: 1 }),
    size: Type.Integer({ minimum: 1, description: 'Bytes of it.' }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    content: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'Id of the content that holds it: GET /v1/contents/{id}.' }),
    ),
  },
  'A picture. Its bytes are fetched: they are not in the answer.',
);
export type ScanImage = Static<typeof ScanImage>;

export const GroupVerdicts = Closed(
  {
    overall: Verdict,
    mrz: Verdict,
    optical: Verdict,
    electronic: Verdict,
    combined: Verdict,
    reasons: Type.Array(Type.String({ maxLength: 160 }), {
      maxItems: 64,
      description: 'Ids of checks and of what else kept it from passing.',
    }),
  },
  'What the scan alone comes to; document.verify judges the document.',
);
export type GroupVerdicts = Static<typeof GroupVerdicts>;

export const Scan = Closed(
  {
    schema: Type.Literal(SCAN_SCHEMA),
    id: Id,
    startedAt: Time,
    endedAt: Time,
    origin: Closed({
      scanner: Id,
      driver: Text(64),
      ...reportedOrigin,
      simulated: Type.Boolean(),
    }),
    outcome: ScanOutcome,
    document: Type.Optional(ScannedDocument),
    holder: Type.Optional(ScannedHolder),
    mrz: Type.Optional(ScannedMrz),
    fields: Type.Array(ScannedField, { maxItems: 128 }),
    chip: Type.Optional(ScannedChip),
    images: Type.Array(ScanImage, { maxItems: 32 }),
    checks: Type.Array(ScanCheck, { maxItems: 300 }),
    comparisons: Type.Array(ScanComparison, { maxItems: 64 }),
    defects: Type.Array(KnownDefect, { maxItems: 32 }),
    verdict: GroupVerdicts,
    vendor: Type.Optional(VendorAnswer),
    warnings: Type.Array(Type.String({ maxLength: 200 }), {
      maxItems: 32,
      description: 'What the driver reported and kortd did not take, and why. Without what stood there.',
    }),
  },
  'One scan of one document.',
);
export type Scan = Static<typeof Scan>;
