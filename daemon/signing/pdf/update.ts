/** Adds an incremental update to a PDF (ISO 32000-2, clause 7.5.6): what was there stays as it is, byte for byte, so that what was signed stays signed. */
import { createHash } from 'node:crypto';
import { MAX_OBJECT_NUMBER } from './cross-references.ts';
import type { PdfDocument } from './document.ts';
import { invalidPdf } from './errors.ts';
import { PdfDictionary, PdfName, PdfReference, PdfString, formatValue, isArray, type PdfArray, type PdfValue } from './values.ts';

const LF = 0x0a;

interface WrittenObject {
  readonly reference: PdfReference;
  readonly body: Buffer;
}

export class PdfUpdate {
  readonly #document: PdfDocument;
  readonly #objects = new Map<number, WrittenObject>();
  #next: number;

  constructor(document: PdfDocument) {
    this.#document = document;
    this.#next = document.references.size;
  }

  allocate(): PdfReference {
    if (this.#next > MAX_OBJECT_NUMBER) throw invalidPdf('it has no room for further objects');
    return new PdfReference(this.#next++, 0);
  }

  set(reference: PdfReference, value: PdfValue): void {
    this.setText(reference, formatValue(value));
  }

  /** For an object whose places in the file matter. */
  setText(reference: PdfReference, text: string): void {
    this.#objects.set(reference.number, { reference, body: Buffer.from(text, 'latin1') });
  }

  add(value: PdfValue): PdfReference {
    const reference = this.allocate();
    this.set(reference, value);
    return reference;
  }

  addStream(dictionary: PdfDictionary, data: Uint8Array): PdfReference {
    const reference = this.allocate();
    this.#objects.set(reference.number, { reference, body: streamBody(dictionary, data) });
    return reference;
  }

  /** An entry of a dictionary gets these elements at its end, where the array stands: in the dictionary or in an object of its own. */
  appended(dictionary: PdfDictionary, key: string, values: PdfArray): PdfDictionary {
    const entry = dictionary.get(key);
    const present = this.#document.resolve(entry);
    const array = isArray(present) ? [...present, ...values] : values;
    if (!(entry instanceof PdfReference) || !isArray(present)) return dictionary.with({ [key]: array });
    this.set(entry, array);
    return dictionary;
  }

  /** The file with the update at its end, and where each object's body begins. */
  write(): { readonly bytes: Buffer; readonly bodyAt: (reference: PdfReference) => number } {
    const original = this.#document.bytes;
    const gap = original.at(-1) === LF ? Buffer.alloc(0) : Buffer.of(LF);
    const parts: Uint8Array[] = [original, gap];
    let position = original.length + gap.length;
    const places = new Map<number, { readonly reference: PdfReference; readonly offset: number; readonly body: number }>();
    for (const { reference, body } of [...this.#objects.values()].sort((a, b) => a.reference.number - b.reference.number)) {
      const head = Buffer.from(`${reference.number} ${reference.generation} obj\n`, 'latin1');
      places.set(reference.number, { reference, offset: position, body: position + head.length });
      const tail = Buffer.from('\nendobj\n', 'latin1');
      parts.push(head, body, tail);
      position += head.length + body.length + tail.length;
    }
    const entries = [...places.values()];
    parts.push(
      this.#document.references.sections[0]?.isStream ? this.#stream(entries, position) : this.#table(entries, position),
    );
    return { bytes: Buffer.concat(parts), bodyAt: ({ number }) => places.get(number)?.body ?? -1 };
  }

  /** 7.5.4. */
  #table(entries: readonly { readonly reference: PdfReference; readonly offset: number }[], position: number): Buffer {
    const lines = runs(entries).flatMap((run) => [
      `${run[0]?.reference.number ?? 0} ${run.length}\n`,
      ...run.map(
        ({ reference, offset }) => `${String(offset).padStart(10, '0')} ${String(reference.generation).padStart(5, '0')} n\r\n`,
      ),
    ]);
    const trailer = formatValue(PdfDictionary.of(this.#trailer()));
    return Buffer.from(`xref\n${lines.join('')}trailer\n${trailer}\nstartxref\n${position}\n%%EOF\n`, 'latin1');
  }

  /** 7.5.8. A file that has cross-reference streams goes on with them. */
  #stream(entries: readonly { readonly reference: PdfReference; readonly offset: number }[], position: number): Buffer {
    const reference = this.allocate();
    const all = [...entries, { reference, offset: position }];
    const data = Buffer.alloc(all.length * 7);
    for (const [index, entry] of all.entries()) {
      data.writeUInt8(1, index * 7);
      data.writeUInt32BE(entry.offset, index * 7 + 1);
      data.writeUInt16BE(entry.reference.generation, index * 7 + 5);
    }
    const dictionary = PdfDictionary.of({
      Type: new PdfName('XRef'),
      W: [1, 4, 2],
      Index: runs(all).flatMap((run) => [run[0]?.reference.number ?? 0, run.length]),
      ...this.#trailer(),
    });
    return Buffer.concat([
      Buffer.from(`${reference.number} 0 obj\n`, 'latin1'),
      streamBody(dictionary, data),
      Buffer.from(`\nendobj\nstartxref\n${position}\n%%EOF\n`, 'latin1'),
    ]);
  }

  #trailer(): Readonly<Record<string, PdfValue | undefined>> {
    const { trailer, references } = this.#document;
    return {
      Size: this.#next,
      Root: trailer.get('Root'),
      Info: trailer.entries.has('Info') ? trailer.get('Info') : undefined,
      ID: this.#identifiers(),
      Prev: references.sections[0]?.offset ?? 0,
    };
  }

  /** 14.4: the first stays, the second is that of this state of the file. */
  #identifiers(): PdfArray {
    const hash = createHash('sha256').update(`${this.#document.bytes.length}`);
    for (const { body } of this.#objects.values()) hash.update(body);
    const second = new PdfString(hash.digest().subarray(0, 16));
    const present = this.#document.array(this.#document.trailer.get('ID'));
    return [present?.[0] instanceof PdfString ? present[0] : second, second];
  }
}

function streamBody(dictionary: PdfDictionary, data: Uint8Array): Buffer {
  const head = `${formatValue(dictionary.with({ Length: data.length }))}\nstream\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), data, Buffer.from('\nendstream', 'latin1')]);
}

/** Entries in the order of their numbers, cut where numbers are left out. */
function runs<E extends { readonly reference: PdfReference }>(entries: readonly E[]): readonly (readonly E[])[] {
  const out: E[][] = [];
  for (const entry of entries) {
    const run = out.at(-1);
    if (run?.at(-1)?.reference.number === entry.reference.number - 1) run.push(entry);
    else out.push([entry]);
  }
  return out;
}
