/**
 * What was changed in a PDF after a signature. Further signatures, and what is kept to verify them (ETSI EN 319 142-1, clause 5.4), change nothing that the
 * first one showed; of everything else it is said that something was changed. All is compared object by object: signed revision against present file.
 */
import type { LoadedObject, PdfDocument } from './document.ts';
import { PdfDictionary, PdfReference, PdfStream, formatValue, isArray, nameOf, type PdfArray, type PdfValue } from './values.ts';

const MAX_CHANGED_OBJECTS = 100_000;
/** Told one by one. */
const MAX_TOLD = 16;
/** Entries that a signature changes, by the kind of dictionary. */
const CHANGED_BY_SIGNING = {
  catalog: new Set(['AcroForm', 'DSS', 'Extensions']),
  form: new Set(['Fields', 'SigFlags']),
  page: new Set(['Annots']),
  field: new Set(['V', 'AP', 'F']),
};

export interface LaterChanges {
  /** "signatures": nothing but further signatures and what verifies them. "other": what is shown may be otherwise than what was signed. */
  readonly kind: 'none' | 'signatures' | 'other';
  /** Updates of the file after the one that was signed. */
  readonly revisions: number;
  /** What is "other", in words: the first of it. */
  readonly changes: readonly string[];
}

export function laterChanges(signed: PdfDocument, present: PdfDocument): LaterChanges {
  const end = signed.bytes.length;
  const sections = present.references.sections.filter(({ offset }) => offset >= end);
  const hasSigned = present.references.sections.some(({ offset }) => offset === signed.references.sections[0]?.offset);
  const changes = hasSigned ? new Comparison(signed, present).changes(sections) : ['all of the file was written anew'];
  return { kind: changes.length === 0 ? 'signatures' : 'other', revisions: sections.length, changes: changes.slice(0, MAX_TOLD) };
}

class Comparison {
  readonly #signed: PdfDocument;
  readonly #present: PdfDocument;

  constructor(signed: PdfDocument, present: PdfDocument) {
    this.#signed = signed;
    this.#present = present;
  }

  changes(sections: PdfDocument['references']['sections']): readonly string[] {
    const numbers = new Set<number>();
    for (const { subsections } of sections)
      for (const { first, count } of subsections) {
        if (numbers.size + count > MAX_CHANGED_OBJECTS) return [`more than ${MAX_CHANGED_OBJECTS} objects were changed`];
        for (let number = first; number < first + count; number++) if (number !== 0) numbers.add(number);
      }
    const changes = [...numbers].flatMap((number) => this.#change(number) ?? []);
    if (formatValue(this.#signed.trailer.get('Root')) !== formatValue(this.#present.trailer.get('Root')))
      changes.push('the file has another catalogue');
    const added = [...numbers].filter((number) => !this.#signed.current(number));
    // What was signed may have named objects that came later: they were not there to be seen.
    if (added.length > 0 && this.#awaits(new Set(added))) changes.push('objects were added that the signed part names');
    return changes;
  }

  #change(number: number): string | undefined {
    const [before, after] = [this.#signed.current(number), this.#present.current(number)];
    if (!before) return undefined;
    if (!after) return `object ${number} was removed`;
    return this.#isSame(before, after) || this.#isSigning(before, after) ? undefined : `object ${number} was changed`;
  }

  #isSame(before: LoadedObject, after: LoadedObject): boolean {
    const [one, other] = [before.value, after.value];
    if (one instanceof PdfStream || other instanceof PdfStream) {
      if (!(one instanceof PdfStream) || !(other instanceof PdfStream)) return false;
      return formatValue(one.dictionary) === formatValue(other.dictionary) && Buffer.from(one.data).equals(other.data);
    }
    return formatValue(one) === formatValue(other);
  }

  #isSigning(before: LoadedObject, after: LoadedObject): boolean {
    const { number } = before.reference;
    const catalog = this.#signed.catalog;
    if (isArray(before.value)) return isArray(after.value) && this.#isExtended(before.value, after.value);
    if (!(before.value instanceof PdfDictionary) || !(after.value instanceof PdfDictionary) || after.value.hasTwins) return false;
    const changed = changedKeys(before.value, after.value);
    const only = (keys: ReadonlySet<string>): boolean => changed.every((key) => keys.has(key));
    if (number === catalog.reference.number)
      return only(CHANGED_BY_SIGNING.catalog) && this.#isFormExtended(before.value.get('AcroForm'), after.value.get('AcroForm'));
    if (isReferenceTo(catalog.value.get('AcroForm'), number)) return this.#isFormExtended(before.value, after.value);
    if (isReferenceTo(catalog.value.get('DSS'), number)) return true;
    if (nameOf(before.value.get('Type')) === 'Page')
      return only(CHANGED_BY_SIGNING.page) && this.#isEntryExtended(before.value, after.value, 'Annots');
    return this.#isSignatureField(before.value, this.#signed) && before.value.get('V') === null && only(CHANGED_BY_SIGNING.field);
  }

  /** A form that stands in an object of its own is compared as that object. */
  #isFormExtended(before: PdfValue, after: PdfValue): boolean {
    if (before instanceof PdfReference) return formatValue(before) === formatValue(after);
    const form = this.#present.dictionary(after);
    const known = before instanceof PdfDictionary ? before : PdfDictionary.of({});
    if (!form) return before === null && after === null;
    return (
      changedKeys(known, form).every((key) => CHANGED_BY_SIGNING.form.has(key)) && this.#isEntryExtended(known, form, 'Fields')
    );
  }

  #isEntryExtended(before: PdfDictionary, after: PdfDictionary, key: string): boolean {
    const [one, other] = [before.get(key), after.get(key)];
    if (formatValue(one) === formatValue(other)) return true;
    const [old, extended] = [this.#signed.array(one) ?? [], this.#present.array(other)];
    return extended !== undefined && this.#isExtended(old, extended);
  }

  /** The same with signature fields at its end. */
  #isExtended(before: PdfArray, after: PdfArray): boolean {
    return (
      before.every((value, index) => formatValue(value) === formatValue(after[index] ?? null)) &&
      after.length >= before.length &&
      after.slice(before.length).every((value) => {
        const added = this.#present.dictionary(value);
        return added !== undefined && this.#isSignatureField(added, this.#present);
      })
    );
  }

  #isSignatureField(dictionary: PdfDictionary, document: PdfDocument): boolean {
    const parent = document.dictionary(dictionary.get('Parent'));
    const type = nameOf(dictionary.get('FT')) ?? nameOf(parent?.get('FT') ?? null);
    const kind = nameOf(dictionary.get('Subtype')) ?? 'Widget';
    return type === 'Sig' && kind === 'Widget';
  }

  /** Whether anything in the signed revision refers to one of these objects, none of which it has. */
  #awaits(numbers: ReadonlySet<number>): boolean {
    const isNamed = (value: PdfValue): boolean => {
      if (value instanceof PdfReference) return numbers.has(value.number);
      if (value instanceof PdfStream) return isNamed(value.dictionary);
      if (value instanceof PdfDictionary) return [...value.entries.values()].some(isNamed);
      return isArray(value) && value.some(isNamed);
    };
    const seen = new Set<number>();
    for (const { subsections } of this.#signed.references.sections)
      for (const { first, count } of subsections)
        for (let number = first; number < first + count; number++) {
          if (seen.has(number)) continue;
          seen.add(number);
          const object = this.#signed.current(number);
          if (object && isNamed(object.value)) return true;
        }
    return false;
  }
}

function changedKeys(before: PdfDictionary, after: PdfDictionary): readonly string[] {
  const keys = new Set([...before.entries.keys(), ...after.entries.keys()]);
  return [...keys].filter((key) => formatValue(before.get(key)) !== formatValue(after.get(key)));
}

function isReferenceTo(value: PdfValue, number: number): boolean {
  return value instanceof PdfReference && value.number === number;
}
