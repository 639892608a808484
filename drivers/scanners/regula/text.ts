/**
 * What the service has read (results 36, 3, 17, 102 and 15): each field with its value from each source, and how they agree. The newer form, 36, goes first; the older
 * ones stand in where a service gives no other.
 */
import type { ScanReport } from '../../../api-spec/scan/report.ts';
import type { Verdict } from '../../../api-spec/scan/verdict.ts';
import { defined, integerOf, objectsOf, shareOf, textOf, under, type JsonObject } from '../vendor-json.ts';
import { rectangleOf } from './authenticity.ts';
import { MRZ_STRINGS, RESULT, TEXT_FIELDS, verdictOf } from './constants.ts';

export type Field = NonNullable<ScanReport['fields']>[number];
type FieldValue = NonNullable<Field['values']>[number];
type Source = FieldValue['source'];

export interface ReadText {
  readonly fields: readonly Field[];
  readonly mrzLines: readonly string[];
}

const MAX_FIELDS = 128;
const MAX_VALUES = 16;
const MAX_VALUE = 500;

/** common.yml, Source. */
const SOURCES: ReadonlyMap<unknown, Source> = new Map<unknown, Source>([
  ['MRZ', 'mrz'],
  ['VISUAL', 'viz'],
  ['RFID', 'chip'],
  ['BARCODE', 'barcode'],
]);

const OLD_SOURCES: readonly (readonly [resultType: number, source: Source])[] = [
  [RESULT.mrzText, 'mrz'],
  [RESULT.visualText, 'viz'],
  [RESULT.rfidText, 'chip'],
];

export function readText(containersOf: (resultType: number) => readonly JsonObject[]): ReadText {
  const list = containersOf(RESULT.text).flatMap((container) => objectsOf(under(container, 'Text', 'fieldList'), MAX_FIELDS));
  const fields = list.length > 0 ? list.flatMap(readField) : readOldFields(containersOf);
  return { fields: fields.filter(({ name }) => name !== 'mrz').slice(0, MAX_FIELDS), mrzLines: mrzLinesOf(list, containersOf) };
}

function readField(field: JsonObject): readonly Field[] {
  const name = nameOf(field['fieldType'], field['fieldName']);
  if (name === undefined) return [];
  const values = objectsOf(field['valueList'], MAX_VALUES).flatMap(readValue);
  const comparisons = objectsOf(field['comparisonList'], MAX_VALUES).map((comparison) => ({
    a: sourceOf(comparison['sourceLeft']),
    b: sourceOf(comparison['sourceRight']),
    verdict: verdictOf(comparison['status']),
  }));
  const value = textOf(field['value'], MAX_VALUE);
  return [{ name, verdict: verdictOf(field['status']), values, comparisons, ...defined({ value }) }];
}

function readValue(value: JsonObject): readonly FieldValue[] {
  const text = textOf(value['value'], MAX_VALUE);
  if (text === undefined) return [];
  const raw = textOf(value['originalValue'], MAX_VALUE);
  const dg = integerOf(under(value, 'rfidOrigin', 'dg'));
  return [
    {
      source: sourceOf(value['source']),
      value: text,
      ...defined({
        raw: raw === text ? undefined : raw,
        confidence: shareOf(value['probability'], 100),
        page: pageOf(value['pageIndex']),
        rect: rectangleOf(value['fieldRect']),
        dg: dg !== undefined && dg >= 1 && dg <= 16 ? dg : undefined,
      }),
    },
  ];
}

/** Values by source, and the matrix in which they are compared (rt-ocr-lexical-analysis.yml, ComparisonMatrix). */
function readOldFields(containersOf: (resultType: number) => readonly JsonObject[]): readonly Field[] {
  const fields = new Map<string, FieldValue[]>();
  for (const [resultType, source] of OLD_SOURCES)
    for (const row of containersOf(resultType).flatMap(oldRows)) {
      const name = nameOf(row['wFieldType'] ?? row['FieldType'], row['FieldName']);
      const value = textOf(row['Buf_Text'], MAX_VALUE);
      if (name === undefined || value === undefined) continue;
      const values = fields.get(name) ?? [];
      fields.set(name, values);
      if (values.length < MAX_VALUES) values.push({ source, value, ...defined({ rect: rectangleOf(row['FieldRect']) }) });
    }
  const compared = comparedOf(containersOf(RESULT.lexicalAnalysis));
  return [...fields].map(([name, values]) => ({
    name,
    values,
    comparisons: [...(compared.get(name) ?? [])],
    ...defined({ value: values[0]?.value }),
  }));
}

/** Places in the matrix, and what is compared there. */
const MATRIX: readonly (readonly [place: number, a: Source, b: Source])[] = [
  [4, 'mrz', 'chip'],
  [5, 'mrz', 'viz'],
  [6, 'mrz', 'barcode'],
  [7, 'viz', 'chip'],
  [8, 'viz', 'barcode'],
  [9, 'chip', 'barcode'],
];
/** VerificationResult: 3 and 4 are those of comparisons, 0 is none. */
const MATRIX_VERDICTS: ReadonlyMap<unknown, Verdict> = new Map<unknown, Verdict>([
  [3, 'passed'],
  [4, 'failed'],
]);

function comparedOf(containers: readonly JsonObject[]): ReadonlyMap<string, NonNullable<Field['comparisons']>> {
  const maps = containers.flatMap((container) => objectsOf(under(container, 'ListVerifiedFields', 'pFieldMaps'), MAX_FIELDS));
  return new Map(
    maps.flatMap((map) => {
      const name = nameOf(map['wFieldType'] ?? map['FieldType'], undefined);
      const matrix: unknown = map['Matrix'];
      if (name === undefined || !Array.isArray(matrix)) return [];
      const results: readonly unknown[] = matrix;
      const comparisons = MATRIX.flatMap(([place, a, b]) => {
        const result = results[place] ?? 0;
        return result === 0 ? [] : [{ a, b, verdict: MATRIX_VERDICTS.get(result) ?? ('undetermined' as const) }];
      });
      return [[name, comparisons] as const];
    }),
  );
}

function oldRows(container: JsonObject): readonly JsonObject[] {
  return objectsOf(under(container, 'DocVisualExtendedInfo', 'pArrayFields'), MAX_FIELDS);
}

/** From the zone alone: what the chip has of it is another matter. */
function mrzLinesOf(list: readonly JsonObject[], containersOf: (resultType: number) => readonly JsonObject[]): readonly string[] {
  const field = list.find(({ fieldType }) => fieldType === MRZ_STRINGS);
  const value = objectsOf(field?.['valueList'], MAX_VALUES).find(({ source }) => source === 'MRZ')?.['value'];
  const old = containersOf(RESULT.mrzText)
    .flatMap(oldRows)
    .find((row) => (row['wFieldType'] ?? row['FieldType']) === MRZ_STRINGS)?.['Buf_Text'];
  const text = typeof value === 'string' && value !== '' ? value : old;
  if (typeof text !== 'string' || text.length > 200) return [];
  // Both ends of lines are used: ^ in the old containers, a line feed in the new one.
  const lines = text.split(/[\^\r\n]+/).filter((line) => line !== '');
  return lines.length <= 3 && lines.every((line) => line.length <= 64) ? lines : [];
}

/** A name of ours where there is one, else that of the service. */
function nameOf(type: unknown, told: unknown): string | undefined {
  const number = integerOf(type);
  return (
    (number === undefined ? undefined : TEXT_FIELDS.get(number)) ??
    textOf(told, 64) ??
    (number === undefined ? undefined : `regula-${number}`)
  );
}

function sourceOf(source: unknown): Source {
  return SOURCES.get(source) ?? 'other';
}

function pageOf(page: unknown): number | undefined {
  const number = integerOf(page);
  return number !== undefined && number >= 0 && number <= 99 ? number : undefined;
}
