/**
 * What an electronic travel document can do, whatever protocols its chip speaks: it is opened by what is printed on it, its files are read, and its chip proves that it
 * is no copy. Whether the files are the issuer's is not asked here: that needs trust anchors.
 */
import type { CardError } from '../errors.ts';
import type { DocumentFileName } from './document-files.ts';

export type DocumentAccess =
  /** Of `parseMrz`: `Mrz.information`. */
  | { readonly kind: 'mrz'; readonly information: string }
  /** Card access number: six digits on the front of cards. */
  | { readonly kind: 'can'; readonly number: string };

export interface OpenDocumentOptions {
  readonly access: DocumentAccess;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Called for every block that was read. */
  readonly onProgress?: (progress: ReadProgress) => void;
}

export interface ReadProgress {
  readonly file: DocumentFileName;
  readonly readBytes: number;
  readonly totalBytes: number;
}

export type AccessProtocol = 'BAC' | 'PACE';

/** What PACE with chip authentication mapping proved. */
export interface MappingProof {
  /** EF.CardSecurity, signed by the issuer, as it was read; undefined where there is none. */
  readonly cardSecurity: Uint8Array | undefined;
  /** Undefined when the chip has the key that EF.CardSecurity names. */
  readonly problem: CardError | undefined;
}

/** Valid until its transaction ends. */
export interface OpenDocument {
  readonly protocol: AccessProtocol;
  /** Undefined when it was opened in another way. */
  readonly mapping: MappingProof | undefined;
  /** Undefined for a file that the document has not, or not for us. Throws CardDataError, SecureMessagingError, StatusWordError. */
  read(file: DocumentFileName): Promise<Uint8Array | undefined>;
  /**
   * Has the chip agree on new keys by the one that DG14, given as it was read, has the public half of. False when it names none. Throws ChipNotGenuineError for a chip
   * that has not that key: `read` does not work any more then.
   */
  agreeWithChip(files: { readonly DG14: Uint8Array }): Promise<boolean>;
  /** Has the chip sign by the key that DG15 has the public half of; DG14 may name the hash. Throws ChipNotGenuineError for a chip that has not that key. */
  challengeChip(files: { readonly DG14: Uint8Array | undefined; readonly DG15: Uint8Array }): Promise<void>;
}
