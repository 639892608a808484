/**
 * What a scanner's driver says about a document: the part of `kortd.scan/1` that comes from outside. Everything may be left out. All of it is bounded here, and
 * what has an `x-fallback` takes that for any other word. kortd adds to it what it found itself, and believes no verdict about a machine-readable zone.
 */
import Type, { type Static } from 'typebox';
import { Closed } from '../closed.ts';
import { Verdict } from './verdict.ts';

const Text = (maxLength: number, description?: string) =>
  Type.String({ maxLength, ...(description === undefined ? {} : { description }) });
const Maybe = Type.Optional;
const Name = (description?: string) => Text(200, description);
const Word = (description?: string) => Text(64, description);
const Code = (description?: string) => Text(128, description);
const Day = Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$', description: 'YYYY-MM-DD.' });
const Share = (description?: string) =>
  Type.Number({ minimum: 0, maximum: 1, ...(description === undefined ? {} : { description }) });
const Page = Type.Integer({ minimum: 0, maximum: 99, description: 'From 0.' });
/** Left, top, right, bottom. */
const Rectangle = Type.Array(Type.Number({ minimum: 0, maximum: 100_000 }), {
  minItems: 4,
  maxItems: 4,
  description: 'Left, top, right, bottom, in pixels of the picture.',
});

export const SCAN_LIGHTS = ['white', 'whiteTop', 'whiteSide', 'ir', 'uv', 'axial', 'ovd', 'unknown'] as const;
export const ScanLight = Type.Enum(SCAN_LIGHTS, {
  description: 'By which it was taken; axial is also called coaxial.',
  'x-fallback': 'unknown',
});
export type ScanLight = Static<typeof ScanLight>;

export const IMAGE_KINDS = ['page', 'portrait', 'portraitChip', 'signature', 'detail', 'reference'] as const;
export const ImageKind = Type.Enum(IMAGE_KINDS, {
  description: 'reference: what it should look like, of the maker of the check.',
  'x-fallback': 'detail',
});
export type ImageKind = Static<typeof ImageKind>;

export const ImageId = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$', description: 'Of a picture of this scan.' });

export const DOCUMENT_TYPES = [
  'passport',
  'identityCard',
  'drivingLicence',
  'residencePermit',
  'travelDocument',
  'visa',
  'other',
  'unknown',
] as const;
export const DocumentType = Type.Enum(DOCUMENT_TYPES, { 'x-fallback': 'unknown' });

const Device = Closed({ model: Maybe(Name()), serial: Maybe(Name()), firmware: Maybe(Name()) });
const Service = Closed({ name: Maybe(Name()), version: Maybe(Name()), transaction: Maybe(Name()) });

export const reportedOrigin = {
  driverVersion: Maybe(Word()),
  device: Maybe(Device),
  service: Maybe(Service),
};

export const ScannedDocument = Closed({
  type: Maybe(DocumentType),
  subtype: Maybe(Word('ordinary, diplomatic, service, emergency, provisional …')),
  size: Maybe(Type.Enum(['ID-1', 'ID-2', 'ID-3', 'other'] as const, { 'x-fallback': 'other' })),
  model: Maybe(
    Closed(
      {
        state: Maybe(Word('As in ICAO Doc 9303-3, section 5: SWE.')),
        type: Maybe(Word()),
        number: Maybe(Word()),
        year: Maybe(Type.Integer({ minimum: 1900, maximum: 2200 })),
        name: Maybe(Name()),
        vendorId: Maybe(Name()),
        probability: Maybe(Share()),
        prado: Maybe(Word('Of the public register of authentic documents: SWE-AO-….')),
      },
      'Which kind of document it was taken for (ICAO Doc 9303-2, appendix C).',
    ),
  ),
  issuingState: Maybe(Word()),
  nationality: Maybe(Word()),
  number: Maybe(Word()),
  expiry: Maybe(Day),
  expired: Maybe(Type.Boolean()),
  chipExpected: Maybe(Type.Boolean()),
});

export const ScannedHolder = Closed({
  surname: Maybe(Name()),
  givenNames: Maybe(Name()),
  birthDate: Maybe(Text(10, 'YYYY-MM-DD; parts that are not known are left out from the end.')),
  sex: Maybe(Type.Enum(['F', 'M', 'X'] as const, { 'x-fallback': 'X' })),
  personalNumber: Maybe(Word()),
});

export const MRZ_SOURCES = ['optical', 'chip', 'typed'] as const;

/** As it was read. kortd looks at it itself, check digits and all; what the driver thinks of it goes among the checks, as `mrz.vendor`. */
const ReportedMrz = Closed({
  lines: Type.Array(Text(64), { maxItems: 3, description: 'As read, without ends of lines.' }),
  source: Maybe(Type.Enum(MRZ_SOURCES, { 'x-fallback': 'optical' })),
});

const FIELD_SOURCES = ['mrz', 'viz', 'chip', 'barcode', 'typed', 'other'] as const;
const FieldSource = Type.Enum(FIELD_SOURCES, { description: 'viz: what people read on it.', 'x-fallback': 'other' });

export const ScannedField = Closed({
  name: Word('surname, givenNames, number, birthDate, expiry, sex, nationality, personalNumber, authority …'),
  value: Maybe(Text(500)),
  verdict: Maybe(Verdict),
  values: Maybe(
    Type.Array(
      Closed({
        source: FieldSource,
        value: Text(500),
        raw: Maybe(Text(500)),
        confidence: Maybe(Share()),
        page: Maybe(Page),
        rect: Maybe(Rectangle),
        dg: Maybe(Type.Integer({ minimum: 1, maximum: 16 })),
      }),
      { maxItems: 16 },
    ),
  ),
  comparisons: Maybe(Type.Array(Closed({ a: FieldSource, b: FieldSource, verdict: Verdict }), { maxItems: 16 })),
});

export const ScannedChip = Closed({
  present: Verdict,
  access: Maybe(
    Closed({
      method: Maybe(Type.Enum(['PACE', 'BAC', 'none', 'unknown'] as const, { 'x-fallback': 'unknown' })),
      password: Maybe(Type.Enum(['mrz', 'can', 'unknown'] as const, { 'x-fallback': 'unknown' })),
      bac: Maybe(Verdict),
      pace: Maybe(Verdict),
    }),
  ),
  passive: Maybe(
    Closed({
      verdict: Verdict,
      sodSignature: Maybe(Verdict),
      chain: Maybe(Verdict),
      certificateValidity: Maybe(Verdict),
      revocation: Maybe(Verdict),
      countryMatch: Maybe(Verdict),
      signer: Maybe(Closed({ country: Maybe(Word()), serial: Maybe(Code()), notAfter: Maybe(Text(32)) })),
    }),
  ),
  dataGroups: Maybe(
    Type.Array(
      Closed({
        dg: Type.Integer({ minimum: 1, maximum: 16 }),
        read: Maybe(Verdict),
        hash: Maybe(Verdict),
        alg: Maybe(Word()),
      }),
      { maxItems: 16 },
    ),
  ),
  active: Maybe(Verdict),
  chipAuthentication: Maybe(Verdict),
  terminalAuthentication: Maybe(Verdict),
  verdict: Maybe(Verdict),
});

export const CHECK_GROUPS = ['mrz', 'optical', 'electronic', 'combined', 'manual', 'service', 'quality'] as const;

export const ScanCheck = Closed(
  {
    id: Code('optical.uv-dull, optical.ir-b900, combined.mrz-chip, quality.glare, mrz.vendor …'),
    group: Type.Enum(CHECK_GROUPS, { 'x-fallback': 'service' }),
    verdict: Verdict,
    tr03135: Maybe(
      Type.Array(Text(2), {
        minItems: 3,
        maxItems: 3,
        description: 'Light, property and feature of the generic check routine (ICAO Doc 9303-2, appendix C).',
      }),
    ),
    light: Maybe(ScanLight),
    score: Maybe(Share('How sure the check is of itself.')),
    critical: Maybe(Type.Boolean({ description: 'False: a document may be genuine although this check failed. Default: true.' })),
    code: Maybe(Code('As its maker names the outcome.')),
    message: Maybe(Text(500)),
    image: Maybe(ImageId),
    reference: Maybe(ImageId),
    rect: Maybe(Rectangle),
    by: Maybe(Code('device, service, kortd, or operator:ID.')),
  },
  'One thing that was looked at, and what it came to.',
);
export type ScanCheck = Static<typeof ScanCheck>;

export const ScanComparison = Closed({
  a: Word('mrz, viz, chip.dg1, portrait, chip.dg2 …'),
  b: Word(),
  verdict: Verdict,
  score: Maybe(Share()),
});

export const KnownDefect = Closed({
  code: Code(),
  text: Maybe(Text(500)),
  explains: Maybe(Type.Array(Code(), { maxItems: 16 })),
});

export const VendorAnswer = Closed({ format: Word('regula-process-8'), verdict: Maybe(Code('Its own word.')) });

export const OUTCOMES = ['complete', 'partial', 'aborted'] as const;
export const ScanOutcome = Type.Enum(OUTCOMES, {
  description: 'partial: something that was to be looked at was not. Nothing but a complete scan can pass.',
  'x-fallback': 'partial',
});

/** All that a driver's report may hold, beside pictures. */
export const ScanReport = Closed(
  {
    outcome: Maybe(ScanOutcome),
    ...reportedOrigin,
    document: Maybe(ScannedDocument),
    holder: Maybe(ScannedHolder),
    mrz: Maybe(ReportedMrz),
    fields: Maybe(Type.Array(ScannedField, { maxItems: 128 })),
    chip: Maybe(ScannedChip),
    checks: Maybe(Type.Array(ScanCheck, { maxItems: 256 })),
    comparisons: Maybe(Type.Array(ScanComparison, { maxItems: 64 })),
    defects: Maybe(Type.Array(KnownDefect, { maxItems: 32 })),
    vendor: Maybe(VendorAnswer),
  },
  'What a scanner’s driver says about a document.',
);
export type ScanReport = Static<typeof ScanReport>;
