/**
 * The signatures of a PDF, as far as the PDF goes (ISO 32000-2, clause 12.8; ETSI EN 319 142-1, clause 6): what each covers, whether it covers it in the one way
 * that all readers understand alike, and what was changed after it. Whose they are, and whether they verify, is in the CMS that each holds.
 */
import { PdfDocument, type LoadedObject } from './document.ts';
import { excessivePdf } from './errors.ts';
import { certifiedLevel, signedFields, type FormField } from './form.ts';
import { laterChanges, type LaterChanges } from './later-changes.ts';
import { PdfDictionary, PdfReference, PdfString, decodeText, isInteger, nameOf, type PdfValue } from './values.ts';

/** Each costs a look at the whole file. */
const MAX_SIGNATURES = 64;
const [LESS, GREATER, SEQUENCE] = [0x3c, 0x3e, 0x30];

export interface InspectedSignature {
  readonly field: string;
  /** "ETSI.CAdES.detached", "adbe.pkcs7.detached", … */
  readonly format?: string;
  /** As the PDF tells: nothing proves them but the signature's cover. */
  readonly name?: string;
  readonly reason?: string;
  readonly location?: string;
  /** ISO 8601, UTC. */
  readonly time?: string;
  /** P of a signature that certifies the PDF: 1 no changes, 2 forms and signatures, 3 annotations too. */
  readonly certifies?: number;
  /** Why it is none, whatever its CMS says. */
  readonly problem?: string;
  /** Absent when there is a problem. */
  readonly covered?: CoveredSignature;
}

export interface CoveredSignature {
  readonly cms: Uint8Array;
  /** What is signed: the file from its start to gapStart, and from gapEnd to `end`. */
  readonly gapStart: number;
  readonly gapEnd: number;
  readonly end: number;
  readonly coversWholeFile: boolean;
  readonly later: LaterChanges;
}

/** In the order of what they cover. Throws pdf_invalid, pdf_encrypted, pdf_excessive. */
export function inspectSignatures(bytes: Uint8Array): readonly InspectedSignature[] {
  const document = new PdfDocument(bytes);
  const fields = signedFields(document);
  if (fields.length > MAX_SIGNATURES) throw excessivePdf(`it has more than ${MAX_SIGNATURES} signatures`);
  const inspected = fields.map((field) => inspect(document, field));
  const covered = inspected.filter((signature) => signature.covered !== undefined);
  const others = inspected.filter((signature) => signature.covered === undefined);
  covered.sort((one, other) => (one.covered?.end ?? 0) - (other.covered?.end ?? 0));
  return [...covered.map((signature, index) => withoutOverlap(signature, covered[index - 1])), ...others];
}

/** A later signature stands behind all that an earlier one covers. */
function withoutOverlap(signature: InspectedSignature, before: InspectedSignature | undefined): InspectedSignature {
  if ((signature.covered?.gapStart ?? 0) >= (before?.covered?.end ?? 0)) return signature;
  const { covered: _, ...rest } = signature;
  return { ...rest, problem: `it overlaps the signature in the field ${before?.field ?? ''}` };
}

function inspect(document: PdfDocument, field: FormField & { readonly signature: PdfDictionary }): InspectedSignature {
  const { signature, name } = field;
  const text = (key: string): string | undefined => decodeText(document.resolve(signature.get(key)))?.slice(0, 1_024);
  const time = parseDate(text('M'));
  const format = nameOf(document.resolve(signature.get('SubFilter')));
  const told = { format, name: text('Name'), reason: text('Reason'), location: text('Location'), time };
  const common = {
    field: name,
    ...Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)),
  };
  const certifies = certifiedLevel(document, signature);
  const all = certifies === undefined ? common : { ...common, certifies };
  const found = coverOf(document, field);
  return typeof found === 'string' ? { ...all, problem: found } : { ...all, covered: found };
}

/** What it covers, or why that is not to be said. */
function coverOf(document: PdfDocument, field: FormField): CoveredSignature | string {
  const { bytes } = document;
  const reference = field.dictionary.get('V');
  const object = reference instanceof PdfReference ? document.load(reference) : undefined;
  const signature = object?.value;
  if (!object?.place || !(signature instanceof PdfDictionary)) return 'it does not stand in an object of its own';
  if (signature.hasTwins) return 'it has the same entry twice';
  const range = rangeOf(signature.get('ByteRange'), bytes.length);
  if (typeof range === 'string') return range;
  const { gapStart, gapEnd, end } = range;
  const contents = signature.get('Contents');
  if (!(contents instanceof PdfString) || contents.place?.start !== gapStart || contents.place.end !== gapEnd)
    return 'what it leaves out is not its own Contents';
  if (!isHexadecimal(bytes.subarray(gapStart, gapEnd))) return 'there is more in the gap than its Contents';
  const cms = withoutPadding(contents.bytes);
  if (!cms) return 'its Contents are not one DER object and zeros';
  if (end === bytes.length)
    return { cms, gapStart, gapEnd, end, coversWholeFile: true, later: { kind: 'none', revisions: 0, changes: [] } };
  const signed = revisionOf(bytes, end, { field, object });
  if (typeof signed === 'string') return signed;
  return { cms, gapStart, gapEnd, end, coversWholeFile: false, later: laterChanges(signed, document) };
}

/** ByteRange (12.8.1): two ranges from the start of the file, with one gap between them. */
function rangeOf(
  value: PdfValue,
  length: number,
): { readonly gapStart: number; readonly gapEnd: number; readonly end: number } | string {
  if (!Array.isArray(value) || value.length !== 4 || !value.every((entry: PdfValue) => isInteger(entry) && entry >= 0))
    return 'its ByteRange is not two ranges';
  const [first, gapStart, gapEnd, rest] = value.filter(isInteger);
  if (first !== 0) return 'it does not cover the start of the file';
  if (gapStart === undefined || gapEnd === undefined || rest === undefined || gapEnd <= gapStart) return 'its ranges overlap';
  const end = gapEnd + rest;
  return end > length ? 'its ranges go beyond the end of the file' : { gapStart, gapEnd, end };
}

function isHexadecimal(gap: Uint8Array): boolean {
  if (gap[0] !== LESS || gap.at(-1) !== GREATER) return false;
  return /^[0-9A-Fa-f]*$/.test(Buffer.from(gap.subarray(1, -1)).toString('latin1'));
}

/** One DER object; what follows it are zeros alone. */
function withoutPadding(contents: Uint8Array): Uint8Array | undefined {
  const length = derLength(contents);
  if (length === undefined || length > contents.length) return undefined;
  return contents.subarray(length).every((byte) => byte === 0) ? contents.slice(0, length) : undefined;
}

/** Header and value of a SEQUENCE of definite length (X.690, clause 8.1.3). */
function derLength(bytes: Uint8Array): number | undefined {
  const first = bytes[1];
  if (bytes[0] !== SEQUENCE || first === undefined) return undefined;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (count === 0 || count > 4) return undefined;
  return 2 + count + bytes.subarray(2, 2 + count).reduce((length, byte) => length * 256 + byte, 0);
}

/** What was signed is a whole PDF, which has this very signature in the same field. */
function revisionOf(
  bytes: Uint8Array,
  end: number,
  { field, object }: { readonly field: FormField; readonly object: LoadedObject },
): PdfDocument | string {
  try {
    const revision = new PdfDocument(bytes.subarray(0, end));
    const same = signedFields(revision).find(({ name }) => name === field.name);
    const reference = same?.dictionary.get('V');
    const place = reference instanceof PdfReference ? revision.load(reference)?.place : undefined;
    return place && place.start === object.place?.start ? revision : 'what it covers does not hold it';
  } catch {
    return 'what it covers is not a whole PDF';
  }
}

/** Dates (7.9.4). Undefined for one that is none. */
function parseDate(text: string | undefined): string | undefined {
  const match = /^D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?'?)?/.exec(text ?? '');
  if (!match) return undefined;
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', sign, zoneHour, zoneMinute = '00'] = match;
  const zone = sign === undefined ? 'Z' : `${sign}${zoneHour ?? '00'}:${zoneMinute}`;
  const time = new Date(`${year ?? ''}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
