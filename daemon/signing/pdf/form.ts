/** What signing looks at in a PDF: its signature fields (ISO 32000-2, clause 12.7), its pages (7.7.3), and what may still be changed (12.8.2). */
import { ApiError } from '../../errors.ts';
import type { LoadedObject, PdfDocument } from './document.ts';
import { excessivePdf, invalidPdf } from './errors.ts';
import { PdfDictionary, PdfReference, decodeText, nameOf, type PdfValue } from './values.ts';

const MAX_FIELDS = 20_000;
const MAX_DEPTH = 32;
const MAX_PAGE_NODES = 300_000;

export interface FormField {
  /** Fully qualified (12.7.4.2). */
  readonly name: string;
  readonly reference: PdfReference;
  readonly dictionary: PdfDictionary;
  /** Of the field, or of the one it is in: "Sig", "Tx", … */
  readonly type: string | undefined;
  /** What shows it: the field itself, or its kids. */
  readonly widgets: readonly LoadedObject[];
}

export interface PdfPage {
  readonly reference: PdfReference;
  readonly dictionary: PdfDictionary;
  /** What is shown of the page, in its own units: left, bottom, right, top. */
  readonly box: readonly [number, number, number, number];
  /** By how much it is turned clockwise to be shown: 0, 90, 180 or 270. */
  readonly rotation: number;
}

export function formOf(document: PdfDocument): PdfDictionary | undefined {
  return document.dictionary(document.catalog.value.get('AcroForm'));
}

/** Every field that has a name, in the order of the form. */
export function fieldsOf(document: PdfDocument): readonly FormField[] {
  const fields: FormField[] = [];
  const seen = new Set<number>();
  const walk = (kids: readonly PdfValue[], parentName: string, inherited: string | undefined, depth: number): void => {
    if (depth > MAX_DEPTH) throw invalidPdf('its form fields are nested too deep');
    for (const kid of kids) {
      const object = kid instanceof PdfReference ? document.load(kid) : undefined;
      if (!object || !(object.value instanceof PdfDictionary)) continue;
      const { reference, value: dictionary } = object;
      if (seen.has(reference.number)) throw invalidPdf('a form field is in the form twice');
      if (seen.add(reference.number).size > MAX_FIELDS) throw excessivePdf(`it has more than ${MAX_FIELDS} form fields`);
      const partial = decodeText(document.resolve(dictionary.get('T')));
      if (partial === undefined) continue;
      const name = parentName === '' ? partial : `${parentName}.${partial}`;
      const type = nameOf(document.resolve(dictionary.get('FT'))) ?? inherited;
      const own = document.array(dictionary.get('Kids')) ?? [];
      fields.push({ name, reference, dictionary, type, widgets: widgetsOf(document, object, own) });
      walk(own, name, type, depth + 1);
    }
  };
  walk(document.array(formOf(document)?.get('Fields') ?? null) ?? [], '', undefined, 0);
  return fields;
}

function widgetsOf(document: PdfDocument, field: LoadedObject, kids: readonly PdfValue[]): readonly LoadedObject[] {
  if (kids.length === 0) return [field];
  return kids.slice(0, MAX_FIELDS).flatMap((kid) => {
    const object = kid instanceof PdfReference ? document.load(kid) : undefined;
    return object?.value instanceof PdfDictionary && !object.value.entries.has('T') ? [object] : [];
  });
}

/** Fields that are signed, with the reference of their signature dictionary. */
export function signedFields(document: PdfDocument): readonly (FormField & { readonly signature: PdfDictionary })[] {
  return fieldsOf(document).flatMap((field) => {
    const signature = field.type === 'Sig' ? document.dictionary(field.dictionary.get('V')) : undefined;
    return signature ? [{ ...field, signature }] : [];
  });
}

/** Page by its number from 1. Throws pdf_page_missing. */
export function pageAt(document: PdfDocument, number: number): PdfPage {
  const root = document.catalog.value.get('Pages');
  let left = number - 1;
  let visited = 0;
  const seen = new Set<number>();
  const find = (node: PdfValue, inherited: PdfDictionary, depth: number): PdfPage | undefined => {
    const object = node instanceof PdfReference ? document.load(node) : undefined;
    if (!object || !(object.value instanceof PdfDictionary)) throw invalidPdf('a page is missing');
    if (seen.has(object.reference.number) || depth > MAX_DEPTH) throw invalidPdf('its pages go in a circle');
    seen.add(object.reference.number);
    if (++visited > MAX_PAGE_NODES) throw excessivePdf('it has too many pages');
    const attributes = inherit(document, inherited, object.value);
    if (nameOf(object.value.get('Type')) !== 'Pages')
      return left-- === 0 ? describePage(document, object.reference, object.value, attributes) : undefined;
    const count = document.integer(object.value.get('Count')) ?? 0;
    if (left >= count) {
      left -= count;
      return undefined;
    }
    for (const kid of document.array(object.value.get('Kids')) ?? []) {
      const page = find(kid, attributes, depth + 1);
      if (page) return page;
    }
    return undefined;
  };
  const page = find(root, PdfDictionary.of({}), 0);
  if (!page) throw new ApiError('pdf_page_missing', `signing a PDF: it has no page ${number}`, { page: number });
  return page;
}

/** 7.7.3.4. */
function inherit(document: PdfDocument, inherited: PdfDictionary, node: PdfDictionary): PdfDictionary {
  const own = ['MediaBox', 'CropBox', 'Rotate'].filter((key) => node.entries.has(key));
  return inherited.with(Object.fromEntries(own.map((key) => [key, document.resolve(node.get(key))])));
}

function describePage(
  document: PdfDocument,
  reference: PdfReference,
  dictionary: PdfDictionary,
  attributes: PdfDictionary,
): PdfPage {
  const media = boxOf(document, attributes.get('MediaBox'));
  if (!media) throw invalidPdf('a page has no size');
  const crop = boxOf(document, attributes.get('CropBox')) ?? media;
  const box = [
    Math.max(media[0], crop[0]),
    Math.max(media[1], crop[1]),
    Math.min(media[2], crop[2]),
    Math.min(media[3], crop[3]),
  ] as const;
  const rotate = document.integer(attributes.get('Rotate')) ?? 0;
  return { reference, dictionary, box, rotation: (((Math.round(rotate / 90) * 90) % 360) + 360) % 360 };
}

/** A rectangle (7.9.5), its corners in order. */
export function boxOf(document: PdfDocument, value: PdfValue): readonly [number, number, number, number] | undefined {
  const corners = (document.array(value) ?? []).map((corner) => document.resolve(corner));
  const [x1, y1, x2, y2] = corners;
  if (typeof x1 !== 'number' || typeof y1 !== 'number' || typeof x2 !== 'number' || typeof y2 !== 'number') return undefined;
  return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
}

/** Throws pdf_changes_forbidden when a signature that is there lets nothing be added, a further signature included. */
export function requireSignable(document: PdfDocument): void {
  const forbidden = (why: string): ApiError => new ApiError('pdf_changes_forbidden', `signing a PDF: ${why}`);
  const certification = document.dictionary(document.dictionary(document.catalog.value.get('Perms'))?.get('DocMDP') ?? null);
  const signed = signedFields(document);
  for (const signature of [...(certification ? [certification] : []), ...signed.map((field) => field.signature)])
    if (certifiedLevel(document, signature) === 1) throw forbidden('it is certified against any change');
  for (const { dictionary } of signed)
    if (document.integer(document.dictionary(dictionary.get('Lock'))?.get('P') ?? null) === 1)
      throw forbidden('a signature locks it against any change');
}

/** P of DocMDP (12.8.2.2, table 257): 1 no changes, 2 forms and signatures, 3 annotations too. Undefined for a signature that certifies nothing. */
export function certifiedLevel(document: PdfDocument, signature: PdfDictionary): number | undefined {
  for (const entry of document.array(signature.get('Reference')) ?? []) {
    const reference = document.dictionary(entry);
    if (nameOf(document.resolve(reference?.get('TransformMethod') ?? null)) !== 'DocMDP') continue;
    return document.integer(document.dictionary(reference?.get('TransformParams') ?? null)?.get('P') ?? null) ?? 2;
  }
  return undefined;
}
