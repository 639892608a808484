/**
 * What an electronic travel document can do, whatever protocols its chip speaks: it is opened by what is printed on it, its files are read, and its chip proves that it
 * is no copy. Whether the files are the issuer's is not asked here: that needs trust anchors.
 */
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
/** `chip authentication mapping` was proven with PACE itself. */
export type ChipProof = 'active authentication' | 'chip authentication' | 'chip authentication mapping';

/** Valid until its transaction ends. */
export interface OpenDocument {
  readonly protocol: AccessProtocol;
  /** Undefined for a file that the document has not, or not for us. Throws CardDataError, SecureMessagingError, StatusWordError. */
  read(file: DocumentFileName): Promise<Uint8Array | undefined>;
  /**
   * Has the chip prove that it holds the key that DG14 or DG15, given as they were read, have the public half of. Undefined when neither has one. Throws
   * ChipNotGenuineError when it does not; `read` may not work any more then.
   */
  proveChip(files: { readonly DG14?: Uint8Array; readonly DG15?: Uint8Array }): Promise<ChipProof | undefined>;
}
