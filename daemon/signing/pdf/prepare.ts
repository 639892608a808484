/**
 * Makes a PDF ready to be signed (ETSI EN 319 142-1, clauses 4 to 6; ISO 32000-2, clauses 12.7.5.5 and 12.8): a signature field, what it shows, and a signature
 * dictionary with room for the signature, whose digest is then all that is missing.
 */
import { createHash } from 'node:crypto';
import { ApiError } from '../../errors.ts';
import { writeAppearance } from './appearance.ts';
import { PdfDocument, type LoadedObject } from './document.ts';
import { invalidPdf } from './errors.ts';
import { boxOf, fieldsOf, formOf, pageAt, requireSignable, type FormField, type PdfPage } from './form.ts';
import { readPicture } from './picture.ts';
import { PdfUpdate } from './update.ts';
import { PdfDictionary, PdfName, PdfReference, dateString, formatValue, textString, type PdfArray } from './values.ts';

/** Annotation flags Print and Locked (12.5.3, table 167). */
const PRINT_AND_LOCKED = 0b1000_0100;
/** SignaturesExist and AppendOnly (12.7.3, table 225). */
const SIGNATURE_FLAGS = 0b11;
/** Digits of an offset: files of 10 GB. */
const OFFSET_DIGITS = 10;

export interface VisibleSignature {
  /** Both left out for a field that the PDF has: it has a place of its own. */
  readonly page?: number;
  /** In points of the page as it is shown, from its lower left corner. */
  readonly rectangle?: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  readonly lines: readonly string[];
  /** PNG or JPEG. */
  readonly picture?: Uint8Array;
}

export interface PreparationOptions {
  readonly field?: string;
  readonly visible?: VisibleSignature;
  /** Whose signature it is. */
  readonly name?: string;
  readonly reason?: string;
  readonly location?: string;
  readonly time: Date;
  /** Room for the signature. */
  readonly signatureBytes: number;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
}

export interface PreparedPdf {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly field: string;
  /** ByteRange: what is signed is the file from its start to here, and again from `gapEnd` to its end. */
  readonly gapStart: number;
  readonly gapEnd: number;
  readonly digest: Uint8Array;
}

/** Throws what is wrong with the PDF or with what is asked of it: pdf_… and picture_invalid. */
export function prepareSignature(pdf: Uint8Array, options: PreparationOptions): PreparedPdf {
  const document = new PdfDocument(pdf);
  requireSignable(document);
  if (formOf(document)?.entries.has('XFA')) throw invalidPdf('it is an XFA form: what it shows is not in its pages');
  const update = new PdfUpdate(document);
  const signature = update.allocate();
  const fields = fieldsOf(document);
  const name = options.field ?? freeName(fields);
  const present = fields.find((field) => field.name === name);
  let parameters: PdfArray | undefined;
  if (present) parameters = fillField(document, update, { field: present, signature, options });
  else addField(document, update, { name, signature, options });
  const text = signatureText(options, parameters);
  update.setText(signature, text);
  const { bytes, bodyAt } = update.write();
  return { field: name, ...settle(bytes, bodyAt(signature), { text, hash: options.hash }) };
}

/** Writes the ByteRange and digests what it covers. */
function settle(
  bytes: Buffer,
  bodyAt: number,
  { text, hash }: { readonly text: string; readonly hash: string },
): Omit<PreparedPdf, 'field'> {
  const gapStart = bodyAt + text.indexOf('/Contents <') + '/Contents '.length;
  const gapEnd = bytes.indexOf('>', gapStart) + 1;
  const range = `[0 ${gapStart} ${gapEnd} ${bytes.length - gapEnd}]`;
  bytes.write(range, bodyAt + text.indexOf('/ByteRange [') + '/ByteRange '.length, 'latin1');
  const digest = createHash(hash).update(bytes.subarray(0, gapStart)).update(bytes.subarray(gapEnd)).digest();
  return { bytes: new Uint8Array(bytes), gapStart, gapEnd, digest: new Uint8Array(digest) };
}

/** EN 319 142-1, clause 6.3: the time is in M, and not in the signature. */
function signatureText(options: PreparationOptions, parameters: PdfArray | undefined): string {
  const entries = PdfDictionary.of({
    Type: new PdfName('Sig'),
    Filter: new PdfName('Adobe.PPKLite'),
    SubFilter: new PdfName('ETSI.CAdES.detached'),
    Name: options.name === undefined ? undefined : textString(options.name),
    Reason: options.reason === undefined ? undefined : textString(options.reason),
    Location: options.location === undefined ? undefined : textString(options.location),
    M: dateString(options.time),
    Reference: parameters,
  });
  const range = '[0 0 0 0]'.padEnd(3 * (OFFSET_DIGITS + 1) + 4);
  const room = '0'.repeat(options.signatureBytes * 2);
  return `<< /ByteRange ${range} /Contents <${room}> ${formatValue(entries).slice('<< '.length)}`;
}

function freeName(fields: readonly FormField[]): string {
  const taken = new Set(fields.map(({ name }) => name));
  let number = 1;
  while (taken.has(`Signature${number}`)) number++;
  return `Signature${number}`;
}

/** Signs in a field that the PDF has. Gives the references that its lock asks for. */
function fillField(
  document: PdfDocument,
  update: PdfUpdate,
  {
    field,
    signature,
    options,
  }: { readonly field: FormField; readonly signature: PdfReference; readonly options: PreparationOptions },
): PdfArray | undefined {
  const [widget] = requireFree(document, field);
  const { visible } = options;
  const refuse = (problem: string): ApiError => new ApiError('pdf_rectangle_invalid', `signing a PDF: ${problem}`, { problem });
  if (visible?.page !== undefined || visible?.rectangle)
    throw refuse('the field has a place in the PDF: page and rectangle must be left out');
  const box = widget?.value instanceof PdfDictionary ? boxOf(document, widget.value.get('Rect')) : undefined;
  const size = box ? { width: box[2] - box[0], height: box[3] - box[1] } : { width: 0, height: 0 };
  if (visible && (size.width <= 0 || size.height <= 0)) throw refuse('the field has no place on a page');
  const changes = new Map<number, { readonly reference: PdfReference; readonly value: PdfDictionary }>();
  changes.set(field.reference.number, { reference: field.reference, value: field.dictionary.with({ V: signature }) });
  if (visible && widget) {
    const turned = widgetRotation(document, widget);
    const shown = turned % 180 === 0 ? size : { width: size.height, height: size.width };
    const form = writeAppearance(update, { ...shown, rotation: turned, lines: visible.lines, ...pictureOf(visible) });
    const base = changes.get(widget.reference.number)?.value ?? document.dictionary(widget.value);
    const value = base?.with({ AP: PdfDictionary.of({ N: form }), F: PRINT_AND_LOCKED });
    if (value) changes.set(widget.reference.number, { reference: widget.reference, value });
  }
  for (const { reference, value } of changes.values()) update.set(reference, value);
  setFlags(document, update, []);
  return lockReference(document, field);
}

/** The one widget of a field that can be signed. Throws pdf_field_unusable. */
function requireFree(document: PdfDocument, field: FormField): readonly LoadedObject[] {
  const unusable = (problem: string): ApiError =>
    new ApiError('pdf_field_unusable', `signing in the field ${field.name}: ${problem}`, { problem });
  if (field.type !== 'Sig') throw unusable('it is no signature field');
  if (document.resolve(field.dictionary.get('V')) !== null) throw unusable('it is signed');
  const seed = document.dictionary(field.dictionary.get('SV'));
  if ((document.integer(seed?.get('Ff') ?? null) ?? 0) !== 0) throw unusable('it sets conditions that are not known');
  if (field.widgets.length > 1) throw unusable('it has more than one place');
  return field.widgets;
}

/** 12.5.6.19: R of MK. */
function widgetRotation(document: PdfDocument, widget: LoadedObject): number {
  const look = document.dictionary(document.dictionary(widget.value)?.get('MK') ?? null);
  const rotation = document.integer(look?.get('R') ?? null) ?? 0;
  return [90, 180, 270].includes(rotation) ? rotation : 0;
}

/** A field that locks others when it is signed says so in the signature (12.7.5.5, 12.8.2.4). */
function lockReference(document: PdfDocument, field: FormField): PdfArray | undefined {
  const lock = document.dictionary(field.dictionary.get('Lock'));
  if (!lock) return undefined;
  const parameters = new PdfDictionary(
    new Map([...lock.entries].filter(([key]) => ['Action', 'Fields', 'P'].includes(key))),
  ).with({ Type: new PdfName('TransformParams'), V: new PdfName('1.2') });
  return [
    PdfDictionary.of({
      Type: new PdfName('SigRef'),
      TransformMethod: new PdfName('FieldMDP'),
      TransformParams: parameters,
      Data: document.catalog.reference,
    }),
  ];
}

function addField(
  document: PdfDocument,
  update: PdfUpdate,
  { name, signature, options }: { readonly name: string; readonly signature: PdfReference; readonly options: PreparationOptions },
): void {
  if (/[.]|^$/.test(name)) {
    const problem = 'a new field has no dot in its name, and is not empty';
    throw new ApiError('pdf_field_unusable', `signing in the field ${name}: ${problem}`, { problem });
  }
  const { visible } = options;
  const page = pageAt(document, visible?.page ?? 1);
  const widget = PdfDictionary.of({
    Type: new PdfName('Annot'),
    Subtype: new PdfName('Widget'),
    FT: new PdfName('Sig'),
    T: textString(name),
    V: signature,
    P: page.reference,
    F: PRINT_AND_LOCKED,
    ...(visible ? look(update, page, visible) : { Rect: [0, 0, 0, 0] }),
  });
  const reference = update.add(widget);
  const changed = update.appended(page.dictionary, 'Annots', [reference]);
  if (changed !== page.dictionary) update.set(page.reference, changed);
  setFlags(document, update, [reference]);
}

function look(
  update: PdfUpdate,
  page: PdfPage,
  visible: VisibleSignature,
): { readonly Rect: PdfArray; readonly AP: PdfDictionary; readonly MK?: PdfDictionary } {
  const rectangle = visible.rectangle ?? { x: 0, y: 0, width: 0, height: 0 };
  const { width, height } = rectangle;
  const Rect = onPage(page, rectangle);
  const form = writeAppearance(update, {
    width,
    height,
    rotation: page.rotation,
    lines: visible.lines,
    ...pictureOf(visible),
  });
  return {
    Rect,
    AP: PdfDictionary.of({ N: form }),
    ...(page.rotation === 0 ? {} : { MK: PdfDictionary.of({ R: page.rotation }) }),
  };
}

function pictureOf({ picture }: VisibleSignature): { readonly picture?: ReturnType<typeof readPicture> } {
  return picture ? { picture: readPicture(picture) } : {};
}

/** From the page as it is shown to its own units. Throws pdf_rectangle_invalid for what is not wholly on it. */
function onPage(
  { box, rotation }: PdfPage,
  { x, y, width, height }: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): PdfArray {
  const [left, bottom, right, top] = box;
  const [boxWidth, boxHeight] = [right - left, top - bottom];
  const isTurned = rotation % 180 !== 0;
  const shown = isTurned ? { width: boxHeight, height: boxWidth } : { width: boxWidth, height: boxHeight };
  if (x < 0 || y < 0 || width <= 0 || height <= 0 || x + width > shown.width || y + height > shown.height) {
    const problem = `the page is ${shown.width} by ${shown.height} points, and the rectangle is not wholly on it`;
    throw new ApiError('pdf_rectangle_invalid', `signing a PDF: ${problem}`, { problem });
  }
  if (rotation === 90) return [right - y - height, bottom + x, right - y, bottom + x + width];
  if (rotation === 180) return [right - x - width, top - y - height, right - x, top - y];
  if (rotation === 270) return [left + y, top - x - width, left + y + height, top - x];
  return [left + x, bottom + y, left + x + width, bottom + y + height];
}

/** The form tells that there are signatures, and of the fields that are new. */
function setFlags(document: PdfDocument, update: PdfUpdate, added: readonly PdfReference[]): void {
  const { catalog } = document;
  const entry = catalog.value.get('AcroForm');
  const present = document.dictionary(entry);
  const fields = present ?? PdfDictionary.of({ Fields: [] });
  const form = (added.length > 0 ? update.appended(fields, 'Fields', added) : fields).with({ SigFlags: SIGNATURE_FLAGS });
  if (present && entry instanceof PdfReference) update.set(entry, form);
  else update.set(catalog.reference, catalog.value.with({ AcroForm: form }));
}
