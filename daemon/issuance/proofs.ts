/**
 * What a field names by an id: the verdict about an identity document, or a signature on a pad. Its evidence goes into the ceremony, for it is kept elsewhere for a
 * while only. It is about this ceremony's person and text, or it is not taken.
 */
import { createHash } from 'node:crypto';
import { hasCheckDigit, parsePersonalNumber } from '../identity/personal-number.ts';
import type { Proof } from './entry.ts';
import type { RoutineField } from './routine.ts';

/** Behind the name of the field: leads to the SHA-256 of what it names. */
export const PROOF_FACT = 'Sha256';

export interface FoundProof extends Omit<Proof, 'document' | 'field'> {
  /** Why nobody may rely on it. */
  readonly problem?: string;
  /** Of the document that it is about, as each source gives it. */
  readonly documentNumbers?: readonly string[];
  /** Of the person whom the document is of, as each source gives it. */
  readonly personalNumbers?: readonly string[];
  /** Some source says that the document is of another country than Sweden. */
  readonly isForeign?: boolean;
  /** Of what was signed on the pad, hexadecimal. */
  readonly documentSha256?: string;
}

/** A text for a person to sign on a pad. */
export interface ToBeSigned {
  readonly text: string;
  /** Of its UTF-8, hexadecimal. */
  readonly sha256: string;
}

/** What it must be about, as far as the step tells. */
export interface ProofWanted {
  readonly documentNumber?: string | undefined;
  /** Twelve digits. */
  readonly personalNumber?: string | undefined;
  /** One of these was signed; none: whatever was. */
  readonly documents?: readonly ToBeSigned[];
}

/** Undefined for what the caller has not. */
export type FindProof = (kind: Proof['kind'], id: string) => FoundProof | undefined;

export function proofKindOf({ kind }: RoutineField): Proof['kind'] | undefined {
  return kind === 'documentVerdict' || kind === 'padSignature' ? kind : undefined;
}

export function toBeSigned(text: string): ToBeSigned {
  return { text, sha256: createHash('sha256').update(text, 'utf8').digest('hex') };
}

/** The one of the texts that was signed on the pad. */
export function documentSignedIn(
  { documentSha256 }: Pick<FoundProof, 'documentSha256'>,
  documents: readonly ToBeSigned[],
): ToBeSigned | undefined {
  return documents.find(({ sha256 }) => sha256 === documentSha256);
}

/** What is wrong with it, in words for whoever filled it in. */
export function proofProblem(found: FoundProof | undefined, wanted: ProofWanted): string | undefined {
  if (!found) return 'it names nothing that this caller has, or has any longer';
  return found.problem ?? (found.kind === 'padSignature' ? signatureProblem(found, wanted) : verdictProblem(found, wanted));
}

function signatureProblem(found: FoundProof, { documents = [] }: ProofWanted): string | undefined {
  if (documents.length === 0 || documentSignedIn(found, documents)) return undefined;
  const expected = documents.map(({ sha256 }) => sha256).join(' or ');
  const signed = `what was signed on the pad has the SHA-256 ${found.documentSha256 ?? '–'}`;
  return `it is on another document: ${signed}, the document of this step ${expected}; have that one signed, as the ceremony gives it`;
}

function verdictProblem(found: FoundProof, { documentNumber, personalNumber }: ProofWanted): string | undefined {
  if (personalNumber !== undefined && statedNumbers(found).some((number) => !isSameNumber(number, personalNumber)))
    return 'it is about a person with another personal identity number';
  if (documentNumber === undefined) return undefined;
  const numbers = (found.documentNumbers ?? []).map(plain);
  return numbers.length > 0 && numbers.every((number) => number === plain(documentNumber))
    ? undefined
    : 'it is about a document with another number';
}

/** Swedish ones, of twelve or ten digits. Documents of other countries have numbers of their own in that place, some of ten digits. */
function statedNumbers({ personalNumbers = [], isForeign }: FoundProof): readonly string[] {
  return personalNumbers
    .map((text) => text.replaceAll(/[-+\s]/gu, ''))
    .filter((digits) => parsePersonalNumber(digits) ?? (!isForeign && /^\d{10}$/.test(digits) && hasCheckDigit(digits)));
}

function isSameNumber(stated: string, twelve: string): boolean {
  return twelve.endsWith(stated);
}

/** As numbers of documents are compared: fillers and spaces do not count (ICAO Doc 9303-3, section 4.9). */
function plain(number: string): string {
  return number.toUpperCase().replaceAll(/[^0-9A-Z]/gu, '');
}
