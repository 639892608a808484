/** Files that were read in parts, put together again: which file a READ BINARY reads, and what was read of it from its beginning on. */
import { formatHex } from '../../apdu/bytes.ts';
import type { CommandApdu } from '../../apdu/iso7816/command-apdu.ts';

const INS_SELECT = 0xa4;
const INS_READ_BINARY = 0xb0;
const P1_BY_DF_NAME = 0x04;
/** P1 of READ BINARY: b5 to b1 are a short EF identifier, P2 is the offset (ISO/IEC 7816-4:2020, section 11.3.3). */
const P1_SHORT_IDENTIFIER = 0x80;
const SHORT_IDENTIFIER_BITS = 0x1f;

export interface FileRead {
  readonly file: string;
  readonly offset: number;
}

/** Follows SELECT and short identifiers. */
export class CurrentFile {
  #applications = 0;
  #name = '';

  /** What the command reads; undefined for other commands. */
  note({ ins, p1, p2, data }: CommandApdu): FileRead | undefined {
    if (ins === INS_SELECT) {
      if (p1 === P1_BY_DF_NAME) this.#applications++;
      this.#name = `${this.#applications} ${p1} ${formatHex(data ?? new Uint8Array())}`;
      return undefined;
    }
    if (ins !== INS_READ_BINARY) return undefined;
    const isShort = (p1 & P1_SHORT_IDENTIFIER) !== 0;
    if (isShort) this.#name = `${this.#applications} short ${p1 & SHORT_IDENTIFIER_BITS}`;
    return { file: this.#name, offset: isShort ? p2 : (p1 << 8) | p2 };
  }
}

interface AssembledFile<R> {
  /** From the beginning, without a gap. */
  bytes: Uint8Array;
  readonly reads: { readonly reader: R; readonly offset: number; readonly lengthBytes: number }[];
}

export class FileAssembly<R> {
  readonly #latest = new Map<string, AssembledFile<R>>();
  readonly all: AssembledFile<R>[] = [];

  /** An answer that does not touch what was read of the file before is left out: nobody can say what it is. */
  add(reader: R, { file: name, offset }: FileRead, answer: Uint8Array): void {
    let file = this.#latest.get(name);
    if (!file || !agrees(file.bytes, offset, answer)) {
      if (offset !== 0) return;
      file = { bytes: new Uint8Array(), reads: [] };
      this.#latest.set(name, file);
      this.all.push(file);
    }
    const end = offset + answer.length;
    if (end > file.bytes.length) {
      const longer = new Uint8Array(end);
      longer.set(file.bytes);
      longer.set(answer, offset);
      file.bytes = longer;
    }
    file.reads.push({ reader, offset, lengthBytes: answer.length });
  }
}

/** It goes on where the file ends so far, and says the same where both say something: a file may have been written in between. */
function agrees(bytes: Uint8Array, offset: number, answer: Uint8Array): boolean {
  return (
    offset <= bytes.length && answer.every((byte, index) => offset + index >= bytes.length || bytes[offset + index] === byte)
  );
}
