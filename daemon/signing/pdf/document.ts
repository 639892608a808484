/**
 * One PDF as it stands (ISO 32000-2, clause 7.5): objects are found by the cross-references, as the format has it, each read when it is asked for. A file whose
 * cross-references do not hold is refused and never searched through: what a search finds, another program may not.
 */
import { ApiError } from '../../errors.ts';
import { CrossReferences } from './cross-references.ts';
import { excessivePdf, invalidPdf } from './errors.ts';
import { PdfParser } from './parser.ts';
import { DecodingBudget } from './streams.ts';
import { PdfDictionary, PdfReference, PdfStream, isArray, isInteger, nameOf, type PdfArray, type PdfValue } from './values.ts';

/** Objects read from one file: a tenth of what the largest real files hold is enough for what signing looks at. */
const MAX_OBJECTS = 500_000;
/** References that lead to references. */
const MAX_HOPS = 16;

export interface LoadedObject {
  readonly reference: PdfReference;
  readonly value: PdfValue;
  /** Where the object stands in the file; undefined for one in an object stream. */
  readonly place: { readonly start: number; readonly end: number } | undefined;
}

export class PdfDocument {
  readonly bytes: Uint8Array;
  readonly references: CrossReferences;
  readonly trailer: PdfDictionary;
  readonly #budget = new DecodingBudget();
  readonly #objects = new Map<number, LoadedObject | undefined>();
  readonly #streams = new Map<number, ObjectStream>();

  /** Throws pdf_invalid, pdf_encrypted, pdf_excessive. */
  constructor(bytes: Uint8Array) {
    if (Buffer.from(bytes.subarray(0, 5)).toString('latin1') !== '%PDF-') throw invalidPdf('it does not begin with %PDF-');
    this.bytes = bytes;
    this.references = new CrossReferences(bytes, this.#budget);
    const [newest] = this.references.sections;
    if (!newest) throw invalidPdf('it has no trailer');
    this.trailer = newest.trailer;
    if (this.references.sections.some(({ trailer }) => trailer.entries.has('Encrypt')))
      throw new ApiError('pdf_encrypted', 'reading the PDF: it is encrypted');
  }

  get catalog(): LoadedObject & { readonly value: PdfDictionary } {
    const root = this.trailer.get('Root');
    const object = root instanceof PdfReference ? this.load(root) : undefined;
    if (!object || !(object.value instanceof PdfDictionary) || nameOf(object.value.get('Type')) !== 'Catalog')
      throw invalidPdf('it has no catalogue');
    return { ...object, value: object.value };
  }

  /** The value itself, wherever it stands. What does not exist is null (7.3.10). */
  resolve(value: PdfValue): PdfValue {
    let found = value;
    for (let hop = 0; found instanceof PdfReference; hop++) {
      if (hop === MAX_HOPS) throw invalidPdf('its references go in a circle');
      found = this.load(found)?.value ?? null;
    }
    return found;
  }

  dictionary(value: PdfValue): PdfDictionary | undefined {
    const found = this.resolve(value);
    return found instanceof PdfDictionary ? found : undefined;
  }

  array(value: PdfValue): PdfArray | undefined {
    const found = this.resolve(value);
    return isArray(found) ? found : undefined;
  }

  integer(value: PdfValue): number | undefined {
    const found = this.resolve(value);
    return isInteger(found) ? found : undefined;
  }

  /** Undefined for a free object, and for one of another generation. */
  load(reference: PdfReference): LoadedObject | undefined {
    const { number } = reference;
    if (!this.#objects.has(number)) {
      if (this.#objects.size >= MAX_OBJECTS) throw excessivePdf(`more than ${MAX_OBJECTS} of its objects are in the way`);
      // While it is being read it does not exist: a stream whose length is told within itself ends here.
      this.#objects.set(number, undefined);
      this.#objects.set(number, this.#read(number));
    }
    const object = this.#objects.get(number);
    return object?.reference.generation === reference.generation ? object : undefined;
  }

  /** The object of this number, whatever its generation. */
  current(number: number): LoadedObject | undefined {
    const place = this.references.find(number);
    return place.kind === 'free'
      ? undefined
      : this.load(new PdfReference(number, place.kind === 'offset' ? place.generation : 0));
  }

  #read(number: number): LoadedObject | undefined {
    const place = this.references.find(number);
    if (place.kind === 'free') return undefined;
    if (place.kind === 'compressed') {
      const value = this.#objectStream(place.stream).read(number, place.index);
      return { reference: new PdfReference(number, 0), value, place: undefined };
    }
    const parser = new PdfParser(this.bytes, place.offset);
    const { reference, value } = parser.readIndirect((length) => this.integer(length) ?? -1);
    if (reference.number !== number || reference.generation !== place.generation)
      throw invalidPdf(`object ${number} is not where the cross-references say`);
    return { reference, value, place: { start: place.offset, end: parser.position } };
  }

  #objectStream(number: number): ObjectStream {
    const known = this.#streams.get(number);
    if (known) return known;
    const stream = this.references.find(number).kind === 'offset' ? this.load(new PdfReference(number, 0))?.value : undefined;
    if (!(stream instanceof PdfStream)) throw invalidPdf('a stream of objects is missing');
    const opened = new ObjectStream(stream.dictionary, this.#budget.decode(stream));
    this.#streams.set(number, opened);
    return opened;
  }
}

/** 7.5.7. */
class ObjectStream {
  readonly #data: Uint8Array;
  readonly #places: readonly { readonly number: number; readonly offset: number }[];

  constructor(dictionary: PdfDictionary, data: Uint8Array) {
    const [count, first] = [dictionary.get('N'), dictionary.get('First')];
    // Each object takes at least two digits and two spaces in the list.
    if (!isInteger(count) || !isInteger(first) || count < 0 || first < 0 || first > data.length || count * 4 > first + 4)
      throw invalidPdf('a stream of objects is damaged');
    const parser = new PdfParser(data.subarray(0, first), 0);
    this.#places = Array.from({ length: count }, () => ({
      number: parser.readInteger(),
      offset: first + parser.readInteger(),
    }));
    this.#data = data;
  }

  read(number: number, index: number): PdfValue {
    const place = this.#places[index];
    if (place?.number !== number) throw invalidPdf(`object ${number} is not where the cross-references say`);
    return new PdfParser(this.#data, place.offset).readValue();
  }
}
