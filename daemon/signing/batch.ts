/**
 * A list of documents that are signed together: what the list's manifest is, and how far the card has come. The manifest is SHA-256 over a text in ASCII:
 * a line with the name of the format, the algorithm and the number of documents, then for each document a line with its digest and the SHA-256 of its name
 * in UTF-8; hexadecimal in small letters, one space between the parts, a line feed after each line. A name is hashed so that none can hold a line's end.
 */
import { createHash } from 'node:crypto';
import { SIGNATURE_SCHEMES } from '../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import { ApiError } from '../errors.ts';

const FORMAT = 'kortd-batch-1';
/** Hexadecimal digits of the manifest that a person is shown: 64 bits. */
const CHECKSUM_DIGITS = 16;
/** Among them fillers that count as letters, and the empty braille pattern. */
const SHAPELESS = /[\p{Default_Ignorable_Code_Point}\u2800]/gu;

export interface BatchDocument {
  readonly name: string;
  readonly digest: Uint8Array;
}

export class Batch {
  readonly algorithm: SignatureAlgorithm;
  readonly documents: readonly BatchDocument[];
  /** Hexadecimal. */
  readonly manifest: string;
  #made = 0;
  #isUnderWay = false;
  #failure: Error | undefined;

  /** Throws invalid_params for a digest of the wrong length, and a name that shows nothing or is no Unicode text. */
  constructor(algorithm: SignatureAlgorithm, documents: readonly { readonly name: string; readonly digest: string }[]) {
    this.algorithm = algorithm;
    this.documents = documents.map((document, index) => readDocument(algorithm, document, index));
    this.manifest = manifestOf(algorithm, this.documents);
  }

  /** How the manifest begins, for people to compare. */
  get checksum(): string {
    return (this.manifest.slice(0, CHECKSUM_DIGITS).match(/.{4}/g) ?? []).join(' ');
  }

  get made(): number {
    return this.#made;
  }

  /** For the audit log, as it stands. */
  get summary(): string {
    const howMany = this.#isUnderWay ? `at least ${this.#made}` : String(this.#made);
    return `${howMany} of ${this.documents.length} signed, manifest SHA-256 ${this.manifest}`;
  }

  /** Counts what `work` has the card make. A batch of which some were made is not begun again: throws what it failed with. */
  async run<R>(work: (note: (made: number) => void) => Promise<R>): Promise<R> {
    if (this.#failure && this.#made > 0) throw this.#failure;
    this.#isUnderWay = true;
    try {
      const result = await work((made) => (this.#made = made));
      this.#failure = undefined;
      return result;
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      this.#isUnderWay = false;
    }
  }
}

export function manifestOf(algorithm: SignatureAlgorithm, documents: readonly BatchDocument[]): string {
  const hash = createHash('sha256').update(`${FORMAT} ${algorithm} ${documents.length}\n`);
  for (const { name, digest } of documents) {
    const nameHash = createHash('sha256').update(name, 'utf8').digest('hex');
    hash.update(`${Buffer.from(digest).toString('hex')} ${nameHash}\n`);
  }
  return hash.digest('hex');
}

function readDocument(
  algorithm: SignatureAlgorithm,
  { name, digest }: { readonly name: string; readonly digest: string },
  index: number,
): BatchDocument {
  const bytes = Buffer.from(digest, 'base64');
  const { digestLength } = SIGNATURE_SCHEMES[algorithm];
  if (bytes.length !== digestLength)
    throw wrong(index, `digest must be ${digestLength} bytes for ${algorithm}, not ${bytes.length}`);
  if (!name.isWellFormed()) throw wrong(index, 'name is no Unicode text');
  if (!/[\p{L}\p{N}\p{P}\p{S}]/u.test(name.replaceAll(SHAPELESS, ''))) throw wrong(index, 'name shows nothing');
  return { name, digest: bytes };
}

function wrong(index: number, what: string): ApiError {
  const problem = `documents.${index}.${what}`;
  return new ApiError('invalid_params', `signing the documents: ${problem}`, { problem });
}
