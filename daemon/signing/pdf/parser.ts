/**
 * Reads the objects of a PDF from its bytes (ISO 32000-2, clauses 7.2 and 7.3), strictly: where readers of PDFs guess, each in its own way, this one refuses,
 * because a signature must mean the same to all of them. It follows nothing: cross-references are document.ts's.
 */
import { invalidPdf } from './errors.ts';
import { PdfDictionary, PdfName, PdfReference, PdfStream, PdfString, isInteger, type PdfValue } from './values.ts';

/** Arrays and dictionaries in each other. Real files stay under ten. */
const MAX_DEPTH = 64;
/** Strings longer than this are no names, dates or signatures. */
const MAX_TOKEN_BYTES = 4_194_304;

const WHITE_SPACE = new Set([0x00, 0x09, 0x0a, 0x0c, 0x0d, 0x20]);
const DELIMITERS = new Set(Buffer.from('()<>[]{}/%', 'latin1'));
/** Single-letter escapes of literal strings (7.3.4.2, table 3). */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
  [0x62, 0x08],
  [0x66, 0x0c],
]);
const [LF, CR, PERCENT, PAREN, PAREN_END, SLASH, BACKSLASH, LESS, GREATER, BRACKET, BRACKET_END] = [
  0x0a, 0x0d, 0x25, 0x28, 0x29, 0x2f, 0x5c, 0x3c, 0x3e, 0x5b, 0x5d,
];

export class PdfParser {
  readonly bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.position = position;
  }

  skipSpace(): void {
    for (;;) {
      const byte = this.#peek();
      if (byte === PERCENT) this.#skipComment();
      else if (byte !== undefined && WHITE_SPACE.has(byte)) this.position++;
      else return;
    }
  }

  /** True, and behind it, when this keyword stands here as a whole. */
  accept(keyword: string): boolean {
    this.skipSpace();
    const end = this.position + keyword.length;
    for (let index = 0; index < keyword.length; index++)
      if (this.bytes[this.position + index] !== keyword.charCodeAt(index)) return false;
    if (isRegular(this.bytes[end])) return false;
    this.position = end;
    return true;
  }

  expect(keyword: string): void {
    if (!this.accept(keyword)) throw this.#unexpected(`"${keyword}"`);
  }

  /** A number without sign or point. */
  readInteger(): number {
    const value = this.readValue(MAX_DEPTH);
    if (!isInteger(value) || value < 0) throw this.#unexpected('a number');
    return value;
  }

  /** `depth`: in how many arrays and dictionaries it stands. */
  readValue(depth = 0): PdfValue {
    if (depth > MAX_DEPTH) throw invalidPdf('its objects are nested too deep');
    this.skipSpace();
    const byte = this.#peek();
    if (byte === SLASH) return this.#readName();
    if (byte === PAREN) return this.#readLiteral();
    if (byte === BRACKET) return this.#readArray(depth);
    if (byte === LESS) return this.bytes[this.position + 1] === LESS ? this.#readDictionary(depth) : this.#readHex();
    const word = this.#readWord();
    if (word === 'true') return true;
    if (word === 'false') return false;
    if (word === 'null') return null;
    if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(word) || word.length > 32) throw this.#unexpected('an object');
    return /^\d+$/.test(word) && depth < MAX_DEPTH ? this.#readReference(Number(word)) : Number(word);
  }

  /** An indirect object with its header and its end (7.3.10). `lengthOf` gives the length of a stream that stands elsewhere. */
  readIndirect(lengthOf: (reference: PdfReference) => number): { readonly reference: PdfReference; readonly value: PdfValue } {
    const reference = new PdfReference(this.readInteger(), this.readInteger());
    this.expect('obj');
    const value = this.readValue();
    const whole = value instanceof PdfDictionary ? (this.#readStream(value, lengthOf) ?? value) : value;
    this.expect('endobj');
    return { reference, value: whole };
  }

  /** 7.3.8.1. */
  #readStream(dictionary: PdfDictionary, lengthOf: (reference: PdfReference) => number): PdfStream | undefined {
    if (!this.accept('stream')) return undefined;
    if (this.#peek() === CR) this.position++;
    if (this.#peek() !== LF) throw this.#unexpected('the line end after "stream"');
    const start = this.position + 1;
    const told = dictionary.get('Length');
    const length = told instanceof PdfReference ? lengthOf(told) : told;
    if (!isInteger(length) || length < 0 || length > this.bytes.length - start)
      throw invalidPdf('a stream has no possible length');
    this.position = start + length;
    this.expect('endstream');
    return new PdfStream(dictionary, this.bytes.subarray(start, start + length));
  }

  #readReference(first: number): number | PdfReference {
    const { position } = this;
    this.skipSpace();
    const second = /^\d{1,5}$/.exec(this.#readWord())?.[0];
    if (second !== undefined && this.accept('R')) return new PdfReference(first, Number(second));
    this.position = position;
    return first;
  }

  #readName(): PdfName {
    this.position++;
    const text = this.#readWord();
    if (/#(?![0-9A-Fa-f]{2})/.test(text)) throw this.#unexpected('a name');
    return new PdfName(text.replaceAll(/#(..)/g, (_, code: string) => String.fromCharCode(parseInt(code, 16))));
  }

  #readArray(depth: number): readonly PdfValue[] {
    this.position++;
    const values: PdfValue[] = [];
    for (;;) {
      this.skipSpace();
      if (this.#peek() === BRACKET_END) break;
      values.push(this.readValue(depth + 1));
    }
    this.position++;
    return values;
  }

  #readDictionary(depth: number): PdfDictionary {
    this.position += 2;
    const entries = new Map<string, PdfValue>();
    let hasTwins = false;
    for (;;) {
      this.skipSpace();
      if (this.#peek() === GREATER && this.bytes[this.position + 1] === GREATER) break;
      if (this.#peek() !== SLASH) throw this.#unexpected('a key');
      const { text } = this.#readName();
      hasTwins ||= entries.has(text);
      entries.set(text, this.readValue(depth + 1));
    }
    this.position += 2;
    return new PdfDictionary(entries, { hasTwins });
  }

  #readHex(): PdfString {
    const start = this.position;
    const close = this.bytes.indexOf(GREATER, start);
    if (close < 0 || close - start > MAX_TOKEN_BYTES) throw this.#unexpected('the end of a string');
    const digits = Buffer.from(this.bytes.subarray(start + 1, close))
      .toString('latin1')
      .replaceAll(/[\0\t\n\f\r ]+/g, '');
    if (!/^[0-9A-Fa-f]*$/.test(digits)) throw this.#unexpected('hexadecimal digits');
    this.position = close + 1;
    const padded = digits.length % 2 === 0 ? digits : `${digits}0`;
    return new PdfString(new Uint8Array(Buffer.from(padded, 'hex')), { start, end: this.position });
  }

  /** 7.3.4.2. */
  #readLiteral(): PdfString {
    const start = this.position++;
    const out: number[] = [];
    for (let open = 1; ;) {
      const byte = this.#next();
      if (out.length > MAX_TOKEN_BYTES) throw this.#unexpected('the end of a string');
      if (byte === BACKSLASH) {
        out.push(...this.#readEscape());
        continue;
      }
      if (byte === PAREN) open++;
      if (byte === PAREN_END && --open === 0) break;
      out.push(byte);
    }
    return new PdfString(Uint8Array.from(out), { start, end: this.position });
  }

  #readEscape(): readonly number[] {
    const byte = this.#next();
    if (byte === CR && this.#peek() === LF) this.position++;
    if (byte === CR || byte === LF) return [];
    if (!isOctal(byte)) return [ESCAPES.get(byte) ?? byte];
    let code = byte - 0x30;
    for (let digit = this.#peek(), count = 1; count < 3 && isOctal(digit); digit = this.#peek(), count++) {
      code = code * 8 + (digit - 0x30);
      this.position++;
    }
    return [code & 0xff];
  }

  #readWord(): string {
    const start = this.position;
    while (isRegular(this.#peek())) this.position++;
    if (this.position - start > MAX_TOKEN_BYTES) throw this.#unexpected('the end of a word');
    return Buffer.from(this.bytes.subarray(start, this.position)).toString('latin1');
  }

  #skipComment(): void {
    for (let byte = this.#peek(); byte !== undefined && byte !== LF && byte !== CR; byte = this.#peek()) this.position++;
  }

  #peek(): number | undefined {
    return this.bytes[this.position];
  }

  #next(): number {
    const byte = this.bytes[this.position++];
    if (byte === undefined) throw invalidPdf('it ends within an object');
    return byte;
  }

  #unexpected(wanted: string): Error {
    return invalidPdf(this.position >= this.bytes.length ? 'it ends too early' : `${wanted} is missing at byte ${this.position}`);
  }
}

function isOctal(byte: number | undefined): byte is number {
  return byte !== undefined && byte >= 0x30 && byte <= 0x37;
}

function isRegular(byte: number | undefined): boolean {
  return byte !== undefined && !WHITE_SPACE.has(byte) && !DELIMITERS.has(byte);
}
