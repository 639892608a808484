/** What a field names by an id: the verdict about an identity document, or a signature on a pad. Its evidence goes into the ceremony, for it is kept elsewhere for a while only. */
import type { Proof } from './entry.ts';
import type { RoutineField } from './routine.ts';

/** Behind the name of the field: leads to the SHA-256 of what it names. */
export const PROOF_FACT = 'Sha256';

export interface FoundProof extends Omit<Proof, 'field'> {
  /** Why nobody may rely on it. */
  readonly problem?: string;
  /** Of the document that it is about, as each source gives it. */
  readonly documentNumbers?: readonly string[];
}

/** Undefined for what the caller has not. */
export type FindProof = (kind: Proof['kind'], id: string) => FoundProof | undefined;

export function proofKindOf({ kind }: RoutineField): Proof['kind'] | undefined {
  return kind === 'documentVerdict' || kind === 'padSignature' ? kind : undefined;
}

/** What is wrong with it, in words for whoever filled it in. `documentNumber`: the one that it must be about. */
export function proofProblem(found: FoundProof | undefined, documentNumber: string | undefined): string | undefined {
  if (!found) return 'it names nothing that this caller has, or has any longer';
  if (found.problem !== undefined) return found.problem;
  if (documentNumber === undefined) return undefined;
  const numbers = (found.documentNumbers ?? []).map(plain);
  return numbers.length > 0 && numbers.every((number) => number === plain(documentNumber))
    ? undefined
    : 'it is about a document with another number';
}

/** As numbers of documents are compared: fillers and spaces do not count (ICAO Doc 9303-3, section 4.9). */
function plain(number: string): string {
  return number.toUpperCase().replaceAll(/[^0-9A-Z]/gu, '');
}
