/**
 * Where the objects of a PDF stand (ISO 32000-2, clauses 7.5.4 to 7.5.8): cross-reference tables, streams and both at once, newest first. Entries stay in the
 * bytes that they came in and are looked up there, so that a table of millions costs nothing.
 */
import { excessivePdf, invalidPdf } from './errors.ts';
import { PdfParser } from './parser.ts';
import type { DecodingBudget } from './streams.ts';
import { PdfDictionary, PdfStream, isArray, isInteger, type PdfValue } from './values.ts';

/** Updates that one file may have had. */
const MAX_SECTIONS = 2_048;
const MAX_SUBSECTIONS = 65_536;
/** Highest object number of the format (Annex C). */
export const MAX_OBJECT_NUMBER = 8_388_607;
/** Where "startxref" is looked for, from the end. */
const TAIL_BYTES = 1_024;

export type CrossReference =
  | { readonly kind: 'free' }
  | { readonly kind: 'offset'; readonly offset: number; readonly generation: number }
  | { readonly kind: 'compressed'; readonly stream: number; readonly index: number };

interface Subsection {
  readonly first: number;
  readonly count: number;
  entry(index: number): CrossReference;
}

export interface CrossReferenceSection {
  readonly offset: number;
  readonly isStream: boolean;
  readonly trailer: PdfDictionary;
  readonly subsections: readonly Subsection[];
}

export class CrossReferences {
  readonly sections: readonly CrossReferenceSection[];

  constructor(bytes: Uint8Array, budget: DecodingBudget) {
    this.sections = readSections(bytes, budget);
  }

  find(number: number): CrossReference {
    for (const { subsections } of this.sections) {
      const subsection = containing(subsections, number);
      if (subsection) return subsection.entry(number - subsection.first);
    }
    return { kind: 'free' };
  }

  /** The first number above all that are told of. */
  get size(): number {
    let size = 1;
    for (const { trailer, subsections } of this.sections) {
      const told = trailer.get('Size');
      if (isInteger(told)) size = Math.max(size, told);
      for (const { first, count } of subsections) size = Math.max(size, first + count);
    }
    return size;
  }
}

/** Of subsections in the order of their numbers. */
function containing(subsections: readonly Subsection[], number: number): Subsection | undefined {
  let [low, high] = [0, subsections.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const subsection = subsections[middle];
    if (!subsection || number < subsection.first) high = middle - 1;
    else if (number >= subsection.first + subsection.count) low = middle + 1;
    else return subsection;
  }
  return undefined;
}

function readSections(bytes: Uint8Array, budget: DecodingBudget): readonly CrossReferenceSection[] {
  const sections: CrossReferenceSection[] = [];
  const seen = new Set<number>();
  let subsections = 0;
  const take = (offset: number): CrossReferenceSection => {
    if (seen.has(offset)) throw invalidPdf('its cross-references go in a circle');
    seen.add(offset);
    const section = readSection(bytes, offset, budget);
    sections.push(section);
    subsections += section.subsections.length;
    if (sections.length > MAX_SECTIONS || subsections > MAX_SUBSECTIONS)
      throw excessivePdf(`it has more than ${MAX_SECTIONS} updates or ${MAX_SUBSECTIONS} parts of cross-references`);
    return section;
  };
  for (let offset: number | undefined = findStart(bytes); offset !== undefined;) {
    const { isStream, trailer } = take(offset);
    // 7.5.8.4: a table may have a stream beside it, which is looked in before the table of the update before.
    if (!isStream && trailer.entries.has('XRefStm')) take(offsetIn(trailer, 'XRefStm'));
    offset = trailer.entries.has('Prev') ? offsetIn(trailer, 'Prev') : undefined;
  }
  return sections;
}

function findStart(bytes: Uint8Array): number {
  const tailStart = Math.max(0, bytes.length - TAIL_BYTES);
  const tail = Buffer.from(bytes.subarray(tailStart)).toString('latin1');
  const match = /startxref[\0\t\n\f\r ]+(\d{1,10})[\0\t\n\f\r ]+%%EOF[\0\t\n\f\r ]*$/.exec(tail);
  if (!match) throw invalidPdf('its end is missing');
  return Number(match[1]);
}

function offsetIn(trailer: PdfDictionary, key: string): number {
  const value = trailer.get(key);
  if (!isInteger(value) || value < 0) throw invalidPdf(`its trailer has an impossible ${key}`);
  return value;
}

function readSection(bytes: Uint8Array, offset: number, budget: DecodingBudget): CrossReferenceSection {
  if (offset >= bytes.length) throw invalidPdf('its cross-references are not where it says');
  const parser = new PdfParser(bytes, offset);
  if (parser.accept('xref')) return readTable(parser, offset);
  const { value } = parser.readIndirect(() => {
    throw invalidPdf('the length of its cross-references is not told where they are');
  });
  if (!(value instanceof PdfStream)) throw invalidPdf('its cross-references are not where it says');
  return readStream(value, offset, budget);
}

/** 7.5.4. */
function readTable(parser: PdfParser, offset: number): CrossReferenceSection {
  const subsections: Subsection[] = [];
  while (!parser.accept('trailer')) {
    const first = parser.readInteger();
    const count = parser.readInteger();
    checkRange(first, count);
    parser.skipSpace();
    if (count === 0) continue;
    const start = parser.position;
    const stride = strideAt(parser.bytes, start);
    const { bytes } = parser;
    parser.position = start + stride * count;
    if (parser.position > bytes.length) throw invalidPdf('its cross-references are cut short');
    subsections.push({ first, count, entry: (index) => tableEntry(bytes, start + index * stride) });
    if (subsections.length > MAX_SUBSECTIONS) throw excessivePdf('its cross-references have too many parts');
  }
  const trailer = parser.readValue();
  if (!(trailer instanceof PdfDictionary)) throw invalidPdf('it has no trailer');
  return { offset, isStream: false, trailer, subsections: inOrder(subsections) };
}

/** Entries are 20 bytes long; some programs write the line end as one byte. */
function strideAt(bytes: Uint8Array, start: number): number {
  const line = Buffer.from(bytes.subarray(start, start + 20)).toString('latin1');
  const match = /^\d{10} \d{5} [nf](\r\n| \r| \n|\r|\n)/.exec(line);
  if (!match) throw invalidPdf('its cross-references are damaged');
  return 18 + (match[1]?.length ?? 2);
}

function tableEntry(bytes: Uint8Array, start: number): CrossReference {
  const match = /^(\d{10}) (\d{5}) ([nf])/.exec(Buffer.from(bytes.subarray(start, start + 18)).toString('latin1'));
  if (!match) throw invalidPdf('its cross-references are damaged');
  return match[3] === 'f' ? { kind: 'free' } : { kind: 'offset', offset: Number(match[1]), generation: Number(match[2]) };
}

/** 7.5.8. */
function readStream(stream: PdfStream, offset: number, budget: DecodingBudget): CrossReferenceSection {
  const { dictionary } = stream;
  const size = dictionary.get('Size');
  const widths = integers(dictionary.get('W'));
  const index = dictionary.entries.has('Index') ? integers(dictionary.get('Index')) : isInteger(size) ? [0, size] : undefined;
  if (widths?.length !== 3 || widths.some((width) => width > 8) || !index || index.length % 2 !== 0)
    throw invalidPdf('its cross-references are damaged');
  const stride = widths.reduce((sum, width) => sum + width, 0);
  const data = budget.decode(stream);
  const subsections: Subsection[] = [];
  let start = 0;
  for (let pair = 0; pair < index.length; pair += 2) {
    const [first = 0, count = 0] = [index[pair], index[pair + 1]];
    checkRange(first, count);
    const base = start;
    start += count * stride;
    if (start > data.length || stride === 0) throw invalidPdf('its cross-references are cut short');
    if (count > 0) subsections.push({ first, count, entry: (at) => streamEntry(data, base + at * stride, widths) });
  }
  return { offset, isStream: true, trailer: dictionary, subsections: inOrder(subsections) };
}

/** Table 18. */
function streamEntry(data: Uint8Array, start: number, widths: readonly number[]): CrossReference {
  let at = start;
  const fields = widths.map((width) => {
    let value = 0;
    for (const end = at + width; at < end; at++) value = value * 256 + (data[at] ?? 0);
    return value;
  });
  const [second = 0, third = 0] = fields.slice(1);
  const type = widths[0] === 0 ? 1 : fields[0];
  if (type === 1) return { kind: 'offset', offset: second, generation: third };
  return type === 2 ? { kind: 'compressed', stream: second, index: third } : { kind: 'free' };
}

function integers(value: PdfValue): readonly number[] | undefined {
  return isArray(value) && value.every((entry) => isInteger(entry) && entry >= 0) ? value.filter(isInteger) : undefined;
}

function checkRange(first: number, count: number): void {
  if (first + count > MAX_OBJECT_NUMBER + 1) throw invalidPdf('its cross-references count more objects than a PDF can have');
}

function inOrder(subsections: readonly Subsection[]): readonly Subsection[] {
  const sorted = subsections.toSorted((one, other) => one.first - other.first);
  for (const [index, { first }] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before && before.first + before.count > first) throw invalidPdf('its cross-references overlap');
  }
  return sorted;
}
