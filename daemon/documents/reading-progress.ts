/** How much of a document has been read: files say how long they are only when they are begun, and until then each counts as what such files usually have. */
import type { ReadProgress } from '../../apdu/icao9303/document.ts';
import type { DocumentFileName } from '../../apdu/icao9303/document-files.ts';

/** Bytes, of documents that exist: a portrait is by far the most. */
const USUAL_BYTES: Readonly<Partial<Record<DocumentFileName, number>>> = { 'EF.SOD': 2_000, DG2: 18_000, DG7: 4_000 };
const SMALL_FILE = 250;

export class ReadingProgress {
  readonly #known = new Map<DocumentFileName, number>();
  #done = 0;
  #current: DocumentFileName | undefined;
  #currentBytes = 0;
  #highest = 0;

  /** From 0 to 1, and never less than before. */
  fractionAt({ file, readBytes, totalBytes }: ReadProgress, planned: readonly DocumentFileName[]): number {
    if (file !== this.#current) {
      this.#done += this.#currentBytes;
      this.#current = file;
    }
    this.#currentBytes = readBytes;
    this.#known.set(file, totalBytes);
    const all = planned.reduce((sum, name) => sum + (this.#known.get(name) ?? USUAL_BYTES[name] ?? SMALL_FILE), 0);
    const read = this.#done + readBytes;
    this.#highest = Math.max(this.#highest, Math.min(1, all === 0 ? 0 : read / Math.max(all, read)));
    return this.#highest;
  }
}
