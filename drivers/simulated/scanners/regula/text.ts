/** What the simulated service reads: the zone, what is printed in words, and both compared (rt-text.yml, rt-text-data.yml, rt-ocr-lexical-analysis.yml). */
import type { PrintedDocument } from '../printed-document.ts';
import type { ServiceFaultKind } from '../service-faults.ts';
import { NEGATIVE, NEVER_HEARD_OF, NOT_DONE, POSITIVE, rectangle, worst } from './results.ts';

interface Field {
  /** e-text-field-type.yml. */
  readonly type: number;
  readonly name: string;
  readonly mrz?: string;
  readonly visual?: string;
  /** Of the zone's value by itself: its check digit, its date. */
  readonly validity?: number;
  /** Where the zone spells it otherwise than people do. */
  readonly isSame?: boolean;
}

const MRZ_STRINGS = 51;

/** As `DocVisualExtendedInfo` has the lines: one after the other, with ^ between. */
export function mrzTextOf({ mrz }: PrintedDocument): object {
  return listOf([{ type: MRZ_STRINGS, name: 'MRZ Strings', text: mrz.join('^') }]);
}

export function visualTextOf(document: PrintedDocument, dateFormat: string): object {
  return listOf(
    fieldsOf(document, dateFormat).flatMap(({ type, name, visual }) =>
      visual === undefined ? [] : [{ type, name, text: visual }],
    ),
  );
}

function listOf(rows: readonly { readonly type: number; readonly name: string; readonly text: string }[]): object {
  const pArrayFields = rows.map(({ type, name, text }) => ({
    ...{ FieldType: type, wFieldType: type, wLCID: 0, FieldName: name, Buf_Text: text, Buf_Length: text.length },
    FieldRect: rectangle(48, 611, 1012, 693),
  }));
  return { nFields: pArrayFields.length, pArrayFields };
}

/** The matrix: zone, chip, words, bar code by themselves; then zone with chip, with words, and so on (rt-ocr-lexical-analysis.yml). */
export function lexicalAnalysisOf(document: PrintedDocument, dateFormat: string): object {
  const pFieldMaps = fieldsOf(document, dateFormat).map((field) => {
    const { type, mrz, visual, validity } = field;
    const compared = { [POSITIVE]: 3, [NEGATIVE]: 4 }[compare(field)] ?? 0;
    return {
      ...{ FieldType: type, wFieldType: type, wLCID: 0 },
      ...(mrz === undefined ? {} : { Field_MRZ: mrz }),
      ...(visual === undefined ? {} : { Field_Visual: visual }),
      Matrix: [validity === NEGATIVE ? 2 : 1, 0, visual === undefined ? 0 : 1, 0, 0, compared, 0, 0, 0, 0],
    };
  });
  return { Count: pFieldMaps.length, pDateFormat: dateFormat, pFieldMaps };
}

export function textOf(document: PrintedDocument, dateFormat: string, fault: ServiceFaultKind | undefined): object {
  const told = (result: number): number => (fault === 'unknown verdict' ? NEVER_HEARD_OF : result);
  const fieldList = fieldsOf(document, dateFormat).map((field) => textField(field, told));
  const validity = document.defects.has('wrong check digit') ? NEGATIVE : POSITIVE;
  const comparison = worst(fieldList.map(({ comparisonStatus }) => comparisonStatus).filter((status) => status !== NOT_DONE));
  return {
    ...{ status: told(worst([validity, comparison])), validityStatus: told(validity), comparisonStatus: comparison },
    fieldList,
    availableSourceList: [
      { containerType: 3, source: 'MRZ', validityStatus: told(validity) },
      { containerType: 17, source: 'VISUAL', validityStatus: NOT_DONE },
    ],
  };
}

function textField(field: Field, told: (result: number) => number) {
  const { type, name, mrz, visual, validity } = field;
  const comparison = compare(field);
  const ownValidity = validity ?? NOT_DONE;
  const status = [comparison, ownValidity].filter((result) => result !== NOT_DONE);
  const value = (source: string, containerType: number, text: string | undefined): readonly object[] =>
    text === undefined
      ? []
      : [
          {
            ...{
              source,
              containerType,
              value: text,
              originalValue: text,
              originalValidity: NOT_DONE,
              pageIndex: 0,
              probability: 97,
            },
            fieldRect: rectangle(420, 120, 900, 150),
          },
        ];
  return {
    ...{ fieldType: type, fieldName: name, lcid: 0, value: mrz ?? visual ?? '' },
    ...{ status: told(status.length === 0 ? NOT_DONE : worst(status)), validityStatus: told(ownValidity) },
    comparisonStatus: told(comparison),
    valueList: [...value('MRZ', 3, mrz), ...value('VISUAL', 17, visual)],
    validityList: mrz === undefined || validity === undefined ? [] : [{ source: 'MRZ', status: told(ownValidity) }],
    comparisonList: comparison !== NOT_DONE ? [{ sourceLeft: 'MRZ', sourceRight: 'VISUAL', status: told(comparison) }] : [],
  };
}

function fieldsOf(document: PrintedDocument, dateFormat: string): readonly Field[] {
  const { format, state, documentNumber, issueDate, expiryDate, holder, printedSurname, mrz, defects } = document;
  const names = namesInZone(document);
  const date = (text: string): string => formatDate(text, dateFormat);
  const inBoth = (type: number, name: string, text: string, validity?: number): Field => ({
    ...{ type, name, mrz: text, visual: text },
    ...(validity === undefined ? {} : { validity }),
  });
  const finalDigit = mrz[1]?.slice(-1) ?? '';
  return [
    { type: 0, name: 'Document Class Code', mrz: format === 'TD3' ? 'P' : 'I' },
    inBoth(1, 'Issuing State Code', state),
    inBoth(2, 'Document Number', documentNumber, POSITIVE),
    inBoth(3, 'Date of Expiry', date(expiryDate), POSITIVE),
    { type: 4, name: 'Date of Issue', visual: date(issueDate) },
    inBoth(5, 'Date of Birth', date(holder.birthDate), POSITIVE),
    ...(holder.birthPlace === undefined ? [] : [{ type: 6, name: 'Place of Birth', visual: holder.birthPlace }]),
    ...(holder.personalNumber === undefined ? [] : [inBoth(7, 'Personal Number', holder.personalNumber, POSITIVE)]),
    { type: 8, name: 'Surname', mrz: names.surname, visual: printedSurname, isSame: printedSurname === holder.surname },
    { type: 9, name: 'Given Names', mrz: names.givenNames, visual: holder.givenNames, isSame: true },
    inBoth(12, 'Sex', holder.sex),
    { type: 24, name: 'Authority', visual: 'Utopian Police' },
    inBoth(26, 'Nationality Code', state),
    { type: MRZ_STRINGS, name: 'MRZ Strings', mrz: mrz.join('\n') },
    { type: 84, name: 'Final Check Digit', mrz: finalDigit, validity: defects.has('wrong check digit') ? NEGATIVE : POSITIVE },
  ];
}

/** As the zone spells them. */
function namesInZone({ format, mrz }: PrintedDocument): { readonly surname: string; readonly givenNames: string } {
  const place = format === 'TD3' ? (mrz[0] ?? '').slice(5) : (mrz[2] ?? '');
  const [surname = '', givenNames = ''] = place.split('<<').map((part) => part.replaceAll('<', ' ').trim());
  return { surname, givenNames };
}

function compare({ mrz, visual, isSame }: Field): number {
  if (mrz === undefined || visual === undefined) return NOT_DONE;
  return (isSame ?? mrz === visual) ? POSITIVE : NEGATIVE;
}

/** Formats as .NET and Java write them; these two are asked for here. */
function formatDate(date: string, format: string): string {
  if (format === 'yyyy-MM-dd') return date;
  const [year = '', month = '', day = ''] = date.split('-');
  return `${Number(month)}/${Number(day)}/${year}`;
}
