/**
 * Answers of services whose form is not public: where things stand in them is configuration, as JSON pointers (RFC 6901), and so is what their words mean. A word that
 * the configuration does not have is undetermined, and nothing where something should be is not performed: neither can ever pass.
 */
import Type, { type Static, type TSchema } from 'typebox';
import {
  CHECK_GROUPS,
  DOCUMENT_TYPES,
  SCAN_LIGHTS,
  type ImageKind,
  type ScanCheck,
  type ScanLight,
  type ScanReport,
} from '../../api-spec/scan/report.ts';
import { VERDICTS, type Verdict } from '../../api-spec/scan/verdict.ts';
import type { DriverImage } from './driver.ts';
import { PictureList } from './picture-list.ts';
import { bytesOf, dayOf, defined, objectsOf, shareOf, textOf, type JsonObject } from './vendor-json.ts';

const strict = { additionalProperties: false } as const;
const pointer = Type.String({ pattern: '^(/([^/~]|~[01])*)*$', maxLength: 256 });
const maybePointer = Type.Optional(pointer);
const words = <T extends TSchema>(value: T) =>
  Type.Record(Type.String({ minLength: 1, maxLength: 128 }), value, { maxProperties: 256 });

const CheckMapping = Type.Object(
  {
    list: pointer,
    /** Within an item of the list, as all that follow. */
    name: pointer,
    verdict: pointer,
    light: maybePointer,
    score: maybePointer,
    message: maybePointer,
    /** What the service's names stand for; another is told under its own, as a check of the service. */
    names: Type.Optional(
      words(
        Type.Object(
          {
            id: Type.String({ pattern: '^[a-z][a-z0-9]*([.-][a-z0-9]+)*$', maxLength: 64 }),
            group: Type.Enum(CHECK_GROUPS),
            light: Type.Optional(Type.Enum(SCAN_LIGHTS)),
            critical: Type.Optional(Type.Boolean()),
          },
          strict,
        ),
      ),
    ),
  },
  strict,
);

const ImageMapping = Type.Object(
  {
    list: pointer,
    /** Base64. */
    data: pointer,
    kind: maybePointer,
    light: maybePointer,
    kinds: Type.Optional(words(Type.Enum(['page', 'portrait', 'portraitChip', 'signature', 'detail', 'reference'] as const))),
    lights: Type.Optional(words(Type.Enum(SCAN_LIGHTS))),
  },
  strict,
);

export const AnswerMapping = Type.Object(
  {
    /** What the service says of the document as a whole. */
    overall: pointer,
    /** Its words, and what they mean. */
    verdicts: words(Type.Enum(VERDICTS)),
    transaction: maybePointer,
    documentType: maybePointer,
    documentTypes: Type.Optional(
      words(Type.Object({ type: Type.Enum(DOCUMENT_TYPES), subtype: Type.Optional(Type.String({ maxLength: 64 })) }, strict)),
    ),
    /** Text with ends of lines, or a list of lines. */
    mrz: maybePointer,
    /** By the names of fields of a scan: what people read on it. Days must be YYYY-MM-DD. */
    fields: Type.Optional(words(pointer)),
    checks: Type.Optional(CheckMapping),
    images: Type.Optional(ImageMapping),
  },
  strict,
);
export type AnswerMapping = Static<typeof AnswerMapping>;

const MAX_CHECKS = 200;
const MAX_IMAGES = 32;
const MAX_FIELDS = 64;

export interface MappedAnswer {
  readonly report: ScanReport;
  readonly images: readonly DriverImage[];
}

/** `format` names the vendor's answer: "365id". */
export function readMapped(
  answer: unknown,
  mapping: AnswerMapping,
  { format, given }: { readonly format: string; readonly given: readonly DriverImage[] },
): MappedAnswer {
  const pictures = new PictureList();
  readImages(answer, mapping, pictures);
  for (const picture of given)
    if (!pictures.has(({ kind, light, page }) => kind === picture.kind && light === picture.light && page === picture.page))
      pictures.add(picture);
  const told = at(answer, mapping.overall);
  const values = new Map(
    Object.entries(mapping.fields ?? {})
      .slice(0, MAX_FIELDS)
      .flatMap(([name, place]) => {
        const value = textOf(at(answer, place), 200);
        return value === undefined ? [] : [[name, value] as const];
      }),
  );
  const lines = mrzLines(mapping.mrz === undefined ? undefined : at(answer, mapping.mrz));
  const transaction = mapping.transaction === undefined ? undefined : textOf(at(answer, mapping.transaction), 64);
  const report: ScanReport = {
    outcome: told === undefined ? 'partial' : 'complete',
    service: { name: format, ...defined({ transaction }) },
    document: documentOf(answer, mapping, values),
    ...defined({ holder: holderOf(values) }),
    ...(lines.length === 0 ? {} : { mrz: { lines: [...lines], source: 'optical' as const } }),
    fields: [...values].map(([name, value]) => ({ name: name.slice(0, 64), value, values: [{ source: 'viz' as const, value }] })),
    checks: [
      {
        id: 'service.overall',
        group: 'service',
        verdict: verdictOf(told, mapping),
        by: 'service',
        ...defined({ code: wordOf(told) }),
      },
      ...readChecks(answer, mapping),
    ],
    vendor: { format, ...defined({ verdict: wordOf(told) }) },
  };
  return { report, images: pictures.pictures };
}

/** RFC 6901, section 4; nothing where it leads nowhere. */
export function at(value: unknown, place: string): unknown {
  let inner = value;
  for (const part of place.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, name)) return undefined;
    inner = (inner as JsonObject)[name];
  }
  return inner ?? undefined;
}

function verdictOf(told: unknown, { verdicts }: AnswerMapping): Verdict {
  if (told === undefined) return 'notPerformed';
  return lookUp(verdicts, told) ?? 'undetermined';
}

/** Words are taken as they are written; numbers and truth values as JSON writes them. */
function lookUp<T>(table: Readonly<Record<string, T>> | undefined, told: unknown): T | undefined {
  const word = wordOf(told);
  return table && word !== undefined && Object.hasOwn(table, word) ? table[word] : undefined;
}

function wordOf(told: unknown): string | undefined {
  return typeof told === 'boolean' ? String(told) : textOf(told, 128);
}

function readChecks(answer: unknown, mapping: AnswerMapping): readonly ScanCheck[] {
  const { checks } = mapping;
  if (!checks) return [];
  return objectsOf(at(answer, checks.list), MAX_CHECKS).map((item, index): ScanCheck => {
    const name = textOf(at(item, checks.name), 64);
    const known = lookUp(checks.names, name);
    const told = at(item, checks.verdict);
    return {
      id: known?.id ?? `service.${slugOf(name) ?? `check-${index + 1}`}`,
      group: known?.group ?? 'service',
      verdict: verdictOf(told, mapping),
      by: 'service',
      ...defined({
        light: known?.light ?? lightOf(checks.light === undefined ? undefined : at(item, checks.light), mapping),
        score: checks.score === undefined ? undefined : shareOf(at(item, checks.score), 1),
        message: checks.message === undefined ? undefined : textOf(at(item, checks.message), 500),
        code: wordOf(told),
        critical: known?.critical,
      }),
    };
  });
}

function readImages(answer: unknown, { images, ...mapping }: AnswerMapping, pictures: PictureList): void {
  if (!images) return;
  for (const item of objectsOf(at(answer, images.list), MAX_IMAGES)) {
    const kind: ImageKind = lookUp(images.kinds, images.kind === undefined ? undefined : at(item, images.kind)) ?? 'detail';
    const light = lightOf(images.light === undefined ? undefined : at(item, images.light), { ...mapping, images }) ?? 'unknown';
    const id = kind === 'page' ? `page-0-${light}` : kind === 'portraitChip' ? 'portrait-chip' : kind;
    pictures.add({ id, kind, light, page: 0, bytes: bytesOf(at(item, images.data)) });
  }
}

function lightOf(told: unknown, { images }: AnswerMapping): ScanLight | undefined {
  if (told === undefined) return undefined;
  return lookUp(images?.lights, told) ?? SCAN_LIGHTS.find((light) => light === told) ?? 'unknown';
}

function documentOf(
  answer: unknown,
  { documentType, documentTypes }: AnswerMapping,
  values: ReadonlyMap<string, string>,
): NonNullable<ScanReport['document']> {
  const known = lookUp(documentTypes, documentType === undefined ? undefined : at(answer, documentType));
  return {
    type: known?.type ?? 'unknown',
    ...defined({
      subtype: known?.subtype,
      issuingState: values.get('issuingState')?.slice(0, 64),
      nationality: values.get('nationality')?.slice(0, 64),
      number: values.get('number')?.slice(0, 64),
      expiry: dayOf(values.get('expiry')),
    }),
  };
}

function holderOf(values: ReadonlyMap<string, string>): ScanReport['holder'] {
  const told = values.get('sex');
  const sex: 'F' | 'M' | undefined = told === 'F' || told === 'M' ? told : undefined;
  const holder = defined({
    surname: values.get('surname'),
    givenNames: values.get('givenNames'),
    birthDate: dayOf(values.get('birthDate')),
    sex,
    personalNumber: values.get('personalNumber')?.slice(0, 64),
  });
  return Object.keys(holder).length === 0 ? undefined : holder;
}

export function mrzLines(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value)
    ? value
    : typeof value === 'string' && value.length <= 200
      ? value.split(/[\^\r\n]+/)
      : [];
  const lines = list.filter((line): line is string => typeof line === 'string' && line !== '');
  return lines.length === list.length && lines.length <= 3 && lines.every((line) => line.length <= 64) ? lines : [];
}

function slugOf(name: string | undefined): string | undefined {
  const slug = name
    ?.toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return slug === '' ? undefined : slug;
}
