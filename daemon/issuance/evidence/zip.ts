/**
 * ZIP files in one form alone: every entry stored as it is, nothing between them, no dates, no comments, no extra fields. One set of entries gives one file, byte for
 * byte, so that a file is read by taking it apart and putting it together again: whatever was changed, added or hidden shows. Nothing unpacks into more than it is.
 */
import { unzipSync, zipSync, type Zippable } from 'fflate';

export interface ZipEntry {
  /** `folder/file.ext`, of ASCII letters, digits, `.`, `-`, `_`. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** What pictures and a long journal come to, many times over. */
export const MAX_ZIP_BYTES = 64 * 1024 * 1024;
export const MAX_ENTRIES = 1_000;
const NAME = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}\/){0,4}[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
/** The first day that a ZIP file can tell (APPNOTE.TXT, section 4.4.6), in whatever zone this runs: the library asks for local time. */
const NO_DATE = new Date(1980, 0, 1);

/** Why a file is none of ours. */
export class ZipFormatError extends Error {
  override readonly name = 'ZipFormatError';
  /** The entry concerned, when it is one. */
  readonly entry: string | undefined;

  constructor(problem: string, entry?: string) {
    super(problem);
    this.entry = entry;
  }
}

/** In the order given. Throws ZipFormatError for a name that is not allowed or comes twice, and for too much. */
export function packZip(entries: readonly ZipEntry[]): Uint8Array {
  if (entries.length > MAX_ENTRIES) throw new ZipFormatError(`it has more than ${MAX_ENTRIES} entries`);
  const names = new Set<string>();
  let total = 0;
  for (const { name, content } of entries) {
    requireName(name, names);
    total += content.length;
  }
  if (total > MAX_ZIP_BYTES) throw new ZipFormatError(`it is larger than ${MAX_ZIP_BYTES} bytes`);
  const files: Zippable = Object.fromEntries(entries.map(({ name, content }) => [name, content]));
  return zipSync(files, { level: 0, mtime: NO_DATE });
}

/** As they stand there. What is only wrong in the form, and leaves the entries readable, is a `flaw`. Throws ZipFormatError for anything else. */
export function unpackZip(bytes: Uint8Array): { readonly entries: readonly ZipEntry[]; readonly flaw?: ZipFormatError } {
  if (bytes.length > MAX_ZIP_BYTES) throw new ZipFormatError(`it is larger than ${MAX_ZIP_BYTES} bytes`);
  const entries = readEntries(bytes);
  const whole = packZip(entries);
  if (Buffer.compare(whole, bytes) === 0) return { entries };
  const length = Math.min(whole.length, bytes.length);
  let offset = 0;
  while (offset < length && whole[offset] === bytes[offset]) offset++;
  return { entries, flaw: new ZipFormatError(`byte ${offset} is not as a container has it`, entryAt(entries, offset)) };
}

function readEntries(bytes: Uint8Array): readonly ZipEntry[] {
  const names = new Set<string>();
  let total = 0;
  const read = (): Readonly<Record<string, Uint8Array>> =>
    unzipSync(bytes, {
      filter: ({ name, size, originalSize, compression }) => {
        if (names.size >= MAX_ENTRIES) throw new ZipFormatError(`it has more than ${MAX_ENTRIES} entries`);
        requireName(name, names);
        if (compression !== 0 || size !== originalSize) throw new ZipFormatError('an entry is compressed', name);
        total += size;
        if (total > bytes.length) throw new ZipFormatError('its entries are larger than it is', name);
        return true;
      },
    });
  try {
    return Object.entries(read()).map(([name, content]) => ({ name, content }));
  } catch (error) {
    if (error instanceof ZipFormatError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ZipFormatError(`it is no ZIP file: ${reason}`);
  }
}

function requireName(name: string, names: Set<string>): void {
  if (!NAME.test(name)) throw new ZipFormatError('an entry has a name that is not allowed', name.slice(0, 100));
  if (names.has(name)) throw new ZipFormatError('an entry comes twice', name);
  names.add(name);
}

/** Bytes of a local file header without the name (APPNOTE.TXT, section 4.3.7). */
const HEADER_BYTES = 30;

/** Undefined: in the directory at the end. */
function entryAt(entries: readonly ZipEntry[], offset: number): string | undefined {
  let end = 0;
  for (const { name, content } of entries) {
    end += HEADER_BYTES + name.length + content.length;
    if (offset < end) return name;
  }
  return undefined;
}
