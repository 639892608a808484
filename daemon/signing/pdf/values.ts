/**
 * The objects of a PDF (ISO 32000-2, clause 7.3) as values, and how they are written. Numbers, booleans, null and arrays are JavaScript's own.
 * Streams are described and not held: nothing here ever needs to rewrite one.
 */
export type PdfValue = null | boolean | number | PdfName | PdfString | PdfReference | PdfDictionary | PdfStream | PdfArray;
export type PdfArray = readonly PdfValue[];

export class PdfName {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class PdfReference {
  readonly number: number;
  readonly generation: number;

  constructor(number: number, generation: number) {
    this.number = number;
    this.generation = generation;
  }
}

export class PdfString {
  readonly bytes: Uint8Array;
  /** Where it stands in what was read, its delimiters included. Absent in a string that was made. */
  readonly place: { readonly start: number; readonly end: number } | undefined;

  constructor(bytes: Uint8Array, place?: { readonly start: number; readonly end: number }) {
    this.bytes = bytes;
    this.place = place;
  }
}

export class PdfDictionary {
  readonly entries: ReadonlyMap<string, PdfValue>;
  /** Some key is there twice: programs disagree on which of them counts. */
  readonly hasTwins: boolean;

  constructor(entries: ReadonlyMap<string, PdfValue>, options: { readonly hasTwins: boolean } = { hasTwins: false }) {
    this.entries = entries;
    this.hasTwins = options.hasTwins;
  }

  static of(entries: Readonly<Record<string, PdfValue | undefined>>): PdfDictionary {
    return new PdfDictionary(
      new Map(Object.entries(entries).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))),
    );
  }

  get(key: string): PdfValue {
    return this.entries.get(key) ?? null;
  }

  with(changes: Readonly<Record<string, PdfValue>>): PdfDictionary {
    return new PdfDictionary(new Map([...this.entries, ...Object.entries(changes)]));
  }
}

export class PdfStream {
  readonly dictionary: PdfDictionary;
  /** Bytes as they stand in the file, encoded. */
  readonly data: Uint8Array;

  constructor(dictionary: PdfDictionary, data: Uint8Array) {
    this.dictionary = dictionary;
    this.data = data;
  }
}

export function isArray(value: PdfValue): value is PdfArray {
  return Array.isArray(value);
}

export function nameOf(value: PdfValue): string | undefined {
  return value instanceof PdfName ? value.text : undefined;
}

export function isInteger(value: PdfValue): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

/** Text strings (7.9.2.2): what is in ASCII is written so, all else in UTF-16BE with its mark. */
export function textString(text: string): PdfString {
  if (/^[\x20-\x7e]*$/.test(text)) return new PdfString(Buffer.from(text, 'latin1'));
  const utf16 = Buffer.from(text, 'utf16le').swap16();
  return new PdfString(Buffer.concat([Buffer.of(0xfe, 0xff), utf16]));
}

/** Text of a text string. PDFDocEncoding is read as Latin-1, from which it differs in typographic marks alone (Annex D.2). */
export function decodeText(value: PdfValue): string | undefined {
  if (!(value instanceof PdfString)) return undefined;
  const bytes = Buffer.from(value.bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff && bytes.length % 2 === 0)
    return Buffer.from(bytes.subarray(2)).swap16().toString('utf16le');
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.subarray(3).toString('utf8');
  return bytes.toString('latin1');
}

/** Dates (7.9.4), in UTC. */
export function dateString(date: Date): PdfString {
  const digits = date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
  return textString(`D:${digits}Z`);
}

/** The value as a PDF holds it. */
export function formatValue(value: PdfValue): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return formatNumber(value);
  if (value instanceof PdfName) return formatName(value.text);
  if (value instanceof PdfReference) return `${value.number} ${value.generation} R`;
  if (value instanceof PdfString) return `<${Buffer.from(value.bytes).toString('hex')}>`;
  if (value instanceof PdfDictionary) {
    const entries = [...value.entries].map(([key, entry]) => `${formatName(key)} ${formatValue(entry)}`);
    return `<< ${entries.join(' ')} >>`;
  }
  if (isArray(value)) return `[${value.map(formatValue).join(' ')}]`;
  throw new TypeError('a stream stands in an object of its own');
}

/** Never in exponential form (7.3.3). */
function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(10).replace(/\.?0+$/, '');
}

/** 7.3.5: what is not regular is written as #xx. */
function formatName(text: string): string {
  return `/${text.replaceAll(/[^!-~]|[#%()<>[\]{}/]/g, (character) => `#${character.charCodeAt(0).toString(16).padStart(2, '0')}`)}`;
}
