/**
 * Machine-readable zones of passports, identity cards and visas (ICAO Doc 9303-3 to -7): what they say, and whether each check digit agrees. Wrong check digits are
 * told, never refused: whoever looks at the document decides.
 */
import { CheckSum, checkDigitOf, isMrzCode } from './check-digit.ts';
import { layoutOf, type MrzFormat, type MrzLayout, type Span } from './mrz-layout.ts';

export type MrzField = 'birthDate' | 'composite' | 'documentNumber' | 'expiryDate' | 'optionalData';

export interface MrzCheck {
  readonly field: MrzField;
  /** As it stands there: a digit, or the filler. */
  readonly found: string;
  readonly computed: number;
  readonly isRight: boolean;
}

export interface MrzName {
  /** Words with spaces between; what a zone has no letter for is spelled out ("OEBERG"). */
  readonly surname: string;
  readonly givenNames: string;
  /** The name fills its place to the end: it may go on beyond it (9303-3, section 4.6). */
  readonly mayBeTruncated: boolean;
}

export interface Mrz {
  readonly format: MrzFormat;
  readonly lines: readonly string[];
  /** "P", "ID", "AC": without fillers. */
  readonly documentCode: string;
  readonly issuer: string;
  readonly name: MrzName;
  readonly documentNumber: string;
  readonly nationality: string;
  /** YYMMDD; parts that are not known are fillers (9303-3, section 4.8). */
  readonly birthDate: string;
  readonly sex: 'F' | 'M' | 'unspecified';
  /** YYMMDD. */
  readonly expiryDate: string;
  /** Without the fillers at their ends, in their order; what a long document number took is left out. */
  readonly optionalData: readonly string[];
  readonly checks: readonly MrzCheck[];
  /** Every check digit agrees. */
  readonly isConsistent: boolean;
  /** From which the keys of BAC and PACE are made: document number, date of birth and date of expiry, each with its check digit (9303-11, section 9.7.2). */
  readonly information: string;
}

/** Text that is no machine-readable zone. */
export class MrzError extends Error {
  override readonly name = 'MrzError';
}

const ATTEMPT = 'reading a machine-readable zone';
/** The longest form, with ends of lines and what readers put around them. */
const MAX_TEXT = 120;
const FILLER = '<';
const BETWEEN_LINES = /[\r\n]+/;

/** Lines as one text, or without anything between them, as some readers send them. Throws MrzError. */
export function parseMrz(text: string): Mrz {
  const { zone, layout } = findLayout(text);
  const number = readDocumentNumber(zone, layout);
  const checks = [...checkFields(zone, layout, number)];
  return {
    format: layout.format,
    lines: linesOf(zone, layout),
    documentCode: withoutFillers(cut(zone, layout.documentCode)),
    issuer: withoutFillers(cut(zone, layout.issuer)),
    name: parseName(cut(zone, layout.name)),
    documentNumber: number.value,
    nationality: withoutFillers(cut(zone, layout.nationality)),
    birthDate: cut(zone, layout.birthDate),
    sex: sexOf(cut(zone, layout.sex)),
    expiryDate: cut(zone, layout.expiryDate),
    optionalData: optionalDataOf(zone, layout, number),
    checks,
    isConsistent: checks.every(({ isRight }) => isRight),
    information: informationOf(zone, layout, number),
  };
}

/** All characters one after the other, and what they are. Throws MrzError, naming what is wrong and where. */
function findLayout(text: string): { readonly zone: string; readonly layout: MrzLayout } {
  if (text.length > MAX_TEXT) throw new MrzError(`${ATTEMPT}: ${text.length} characters are more than any has`);
  const lines = text
    .split(BETWEEN_LINES)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const zone = lines.join('');
  const layout = layoutOf(zone.length, zone.startsWith('V'));
  const lengths = lines.map((line) => line.length).join(', ');
  if (!layout) throw new MrzError(`${ATTEMPT}: no form has lines of ${lengths === '' ? '0' : lengths} characters`);
  const hasItsLines = lines.length === layout.lineCount && lines.every((line) => line.length === layout.lineLength);
  if (lines.length > 1 && !hasItsLines) throw new MrzError(`${ATTEMPT}: ${layout.format} has no lines of ${lengths} characters`);
  for (let index = 0; index < zone.length; index++)
    if (!isMrzCode(zone.charCodeAt(index))) throw new MrzError(`${ATTEMPT}: character ${index + 1} is none that it may have`);
  return { zone, layout };
}

interface DocumentNumber {
  readonly value: string;
  /** As it is counted: with the fillers of its place, and all of a long one. */
  readonly counted: string;
  readonly check: string;
  /** Characters of the first optional data that belong to it. */
  readonly takenLength: number;
}

function readDocumentNumber(zone: string, layout: MrzLayout): DocumentNumber {
  const [begin, end] = layout.documentNumber;
  const place = zone.slice(begin, end);
  const check = zone.charAt(end);
  const optional = layout.optionalData[0];
  if (layout.carriesLongNumber && check === FILLER && optional && !place.endsWith(FILLER)) {
    const data = cut(zone, optional);
    const fillerAt = data.indexOf(FILLER);
    const rest = fillerAt === -1 ? data : data.slice(0, fillerAt);
    if (rest.length > 1) {
      const value = place + rest.slice(0, -1);
      return { value, counted: value, check: rest.slice(-1), takenLength: rest.length };
    }
  }
  return { value: withoutFillers(place), counted: place, check, takenLength: 0 };
}

function* checkFields(zone: string, layout: MrzLayout, number: DocumentNumber): Generator<MrzCheck> {
  yield compare('documentNumber', number.check, checkDigitOf(number.counted));
  for (const field of ['birthDate', 'expiryDate'] as const) {
    const [begin, end] = layout[field];
    yield compare(field, zone.charAt(end), new CheckSum().add(zone, begin, end).digit);
  }
  const [optional] = layout.optionalData;
  if (layout.optionalDataCheck !== undefined && optional) {
    const digit = new CheckSum().add(zone, ...optional).digit;
    const found = zone.charAt(layout.optionalDataCheck);
    // With nothing to count, the filler may stand for the nought (9303-4, section 4.2.2, note).
    const isEmpty = withoutFillers(cut(zone, optional)) === '';
    yield isEmpty && found === FILLER
      ? { field: 'optionalData', found, computed: digit, isRight: true }
      : compare('optionalData', found, digit);
  }
  if (layout.compositeCheck === undefined) return;
  const sum = new CheckSum();
  for (const span of layout.composite) sum.add(zone, ...span);
  yield compare('composite', zone.charAt(layout.compositeCheck), sum.digit);
}

function compare(field: MrzField, found: string, computed: number): MrzCheck {
  return { field, found, computed, isRight: found === String(computed) };
}

function optionalDataOf(zone: string, { optionalData }: MrzLayout, { takenLength }: DocumentNumber): readonly string[] {
  return optionalData.map((span, index) => withoutFillers(cut(zone, span).slice(index === 0 ? takenLength : 0)));
}

function informationOf(zone: string, layout: MrzLayout, { counted, check }: DocumentNumber): string {
  const withCheck = ([begin, end]: Span): string => zone.slice(begin, end + 1);
  return counted + check + withCheck(layout.birthDate) + withCheck(layout.expiryDate);
}

/** Two fillers between surname and given names, one between words (9303-3, section 4.6). */
function parseName(place: string): MrzName {
  const written = withoutFillers(place);
  const [surname = '', ...given] = written.split('<<');
  return { surname: words(surname), givenNames: words(given.join(FILLER)), mayBeTruncated: !place.endsWith(FILLER) };
}

function words(text: string): string {
  return text.split(FILLER).filter(Boolean).join(' ');
}

function sexOf(character: string): Mrz['sex'] {
  return character === 'F' || character === 'M' ? character : 'unspecified';
}

function linesOf(zone: string, { lineCount, lineLength }: MrzLayout): readonly string[] {
  return Array.from({ length: lineCount }, (_, line) => zone.slice(line * lineLength, (line + 1) * lineLength));
}

function cut(zone: string, [begin, end]: Span): string {
  return zone.slice(begin, end);
}

function withoutFillers(text: string): string {
  let end = text.length;
  while (end > 0 && text.charAt(end - 1) === FILLER) end--;
  return text.slice(0, end);
}
