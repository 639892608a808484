/** Core files, told by what is in them: an ELF file of the type ET_CORE (elf(5)). */
import { closeSync, openSync, readSync, readdirSync, statSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

const MAGIC = Buffer.from('\x7fELF', 'latin1');
/** EI_DATA, and its value for the least significant byte first. */
const DATA_OFFSET = 5;
const LEAST_FIRST = 1;
const TYPE_OFFSET = 16;
const ET_CORE = 4;
const HEADER_BYTES = 18;
/** Large, and nobody dumps there. */
const SKIPPED: ReadonlySet<string> = new Set(['.git', 'node_modules']);

/** In these folders and below, written since then. What may not be read is not ours. */
export function findCores(folders: readonly string[], sinceMs: number): readonly string[] {
  return folders.flatMap((folder) => entriesOf(folder).flatMap((entry) => coresIn(folder, entry, sinceMs)));
}

function coresIn(folder: string, entry: Dirent, sinceMs: number): readonly string[] {
  const path = join(folder, entry.name);
  if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : findCores([path], sinceMs);
  return entry.isFile() && isCore(path, sinceMs) ? [path] : [];
}

function entriesOf(folder: string): readonly Dirent[] {
  return unlessDenied(() => readdirSync(folder, { withFileTypes: true })) ?? [];
}

function isCore(path: string, sinceMs: number): boolean {
  const header = unlessDenied(() => (statSync(path).mtimeMs < sinceMs ? undefined : readHeader(path)));
  if (!header?.subarray(0, MAGIC.length).equals(MAGIC)) return false;
  return (header[DATA_OFFSET] === LEAST_FIRST ? header.readUInt16LE(TYPE_OFFSET) : header.readUInt16BE(TYPE_OFFSET)) === ET_CORE;
}

function readHeader(path: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, header);
  } finally {
    closeSync(descriptor);
  }
  return header;
}

/** Undefined where it went away meanwhile, or belongs to somebody else. */
function unlessDenied<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['EACCES', 'ENOENT', 'EPERM'].includes(String(error.code))) return undefined;
    throw error;
  }
}
