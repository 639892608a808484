/**
 * Whether a database file is sound, before anything is written to it. Damaged is what SQLite cannot read as ours: it may be moved aside. What another program locks,
 * what cannot be opened, and what a later kortd made is not damaged, and is left alone.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DataFolderError } from '../data-folder.ts';
import { laterVersion, type PrivateDatabaseOptions } from '../private-database.ts';
import { swedishReason } from '../system-reasons.ts';

export type Examined = { readonly state: 'damaged'; readonly reason: string } | { readonly state: 'missing' | 'sound' };

/** Another program may be using the file. */
const BUSY_MS = 2_000;
/** Every page of a file up to this size is looked at: some 20 ms. Of a larger one only what is needed to open it, or each start would read it all: background.ts does. */
export const WHOLE_BYTES = 16_777_216;

/** What may be thrown away when it is of no use. */
interface Worth {
  readonly isCache?: boolean;
  /** Damage was found in it while it was in use: all of it is looked at, whatever its size. */
  readonly isSuspect?: boolean;
}

/** Throws DataFolderError for a file that cannot be opened now, and one of a later version, unless it is a cache. */
export function examineDatabase(file: string, options: PrivateDatabaseOptions & Worth): Examined {
  try {
    const size = sizeOf(file);
    if (size === undefined) return { state: 'missing' };
    const reason = damagedHeader(file, size) ?? damageInside(file, size, options);
    return reason === undefined ? { state: 'sound' } : { state: 'damaged', reason };
  } catch (error) {
    if (isDamage(error)) return { state: 'damaged', reason: reasonOf(error) };
    throw unusable(file, error);
  }
}

/** Result codes of SQLite (https://www.sqlite.org/rescode.html), without what extends them. */
const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** SQLite says that the content is wrong. */
export function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === SQLITE_ERROR || code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

/** Another program has it. */
export function isLocked(error: unknown): boolean {
  const code = primaryCode(error);
  return code === SQLITE_BUSY || code === SQLITE_LOCKED;
}

function primaryCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}

/** What never changes in the files that kortd makes (https://www.sqlite.org/fileformat.html, section 1.3): SQLite itself minds only some of it. */
function damagedHeader(file: string, size: number): string | undefined {
  if (size === 0) return 'the file is empty';
  const header = readHeader(file);
  if (header.length < 100) return 'the file ends in its header';
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\0') return 'the file does not begin as a database does';
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const isPowerOfTwo = pageSize >= 512 && (pageSize & (pageSize - 1)) === 0;
  const hasOwnFormat = [18, 19].every((at) => header[at] === 1 || header[at] === 2);
  const fractions = header.toString('hex', 20, 24) === '00402020';
  const encoding = header.readUInt32BE(56);
  const isReservedEmpty = header.subarray(72, 92).every((byte) => byte === 0);
  const isPlausible =
    isPowerOfTwo && hasOwnFormat && fractions && encoding <= 1 && header.readUInt32BE(44) <= 4 && isReservedEmpty;
  if (!isPlausible) return 'the header of the file is damaged';
  return size % pageSize === 0 ? undefined : 'the file ends in the middle of a page';
}

function readHeader(file: string): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const header = Buffer.alloc(100);
    return header.subarray(0, readSync(descriptor, header, 0, header.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined when nothing is found. */
function damageInside(file: string, size: number, options: PrivateDatabaseOptions & Worth): string | undefined {
  try {
    using database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
    return damageFoundIn(database, { file, size, ...options });
  } catch (error) {
    // What a crash left half done can only be rolled back by who may write.
    if (primaryCode(error) !== SQLITE_READONLY) throw error;
    using database = new DatabaseSync(file, { timeout: BUSY_MS });
    return damageFoundIn(database, { file, size, ...options });
  }
}

function damageFoundIn(
  database: DatabaseSync,
  given: PrivateDatabaseOptions & Worth & { readonly file: string; readonly size: number },
): string | undefined {
  const { file, size, applicationId, schema, version: known = 1, isCache = false, isSuspect = false } = given;
  const id = pragma(database, 'application_id');
  if (id !== 0 && id !== applicationId) return 'the file is a database of another program';
  const version = pragma(database, 'user_version');
  if (version > known && isCache) return `the file is of version ${version}, of a later kortd`;
  if (version > known)
    throw new DataFolderError(`${laterVersion(file, version)}. It was left as it is: install the version that made it.`, {
      sv: `${basename(file)} har version ${version}, från en senare kortd. Den lämnades orörd: installera den version som skapade den.`,
    });
  if (size <= WHOLE_BYTES || isSuspect) {
    const [first] = database.prepare('PRAGMA quick_check(1)').all();
    const found = Object.values(first ?? {})[0];
    if (found !== 'ok') return String(found).replaceAll(/\s+/g, ' ').slice(0, 200);
  }
  return version === known ? missingColumn(database, schema) : undefined;
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** A table that the schema has otherwise: then the file is none of ours, whatever it says of itself. */
function missingColumn(database: DatabaseSync, schema: string): string | undefined {
  using wanted = new DatabaseSync(':memory:');
  wanted.exec(schema);
  const tables = wanted.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  for (const { name } of tables) {
    const columns = new Set(columnsOf(database, String(name)));
    const missing = columnsOf(wanted, String(name)).find((column) => !columns.has(column));
    if (missing !== undefined) return `the table ${String(name)} has no column ${missing}`;
  }
  return undefined;
}

function columnsOf(database: DatabaseSync, table: string): readonly string[] {
  return database
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all(table)
    .map(({ name }) => String(name));
}

const CLOSE_OTHER = {
  en: 'Another program has it open: close that, and start kortd again.',
  sv: 'Ett annat program har den öppen: stäng det och starta kortd igen.',
};
const ALLOW = {
  en: 'See to it that the user of kortd can read and write it and its folder, and that the disk is not read-only. It was left as it is.',
  sv: 'Se till att kortds användare kan läsa och skriva den och dess mapp, och att disken inte är skrivskyddad. Den lämnades orörd.',
};

function unusable(file: string, error: unknown): DataFolderError {
  if (error instanceof DataFolderError) return error;
  const reason = reasonOf(error);
  const advice = isLocked(error) ? CLOSE_OTHER : ALLOW;
  return new DataFolderError(`cannot use ${basename(file)} in the data folder: ${reason}. ${advice.en}`, {
    sv: `${basename(file)} i datamappen kan inte användas: ${swedishReason(error)}. ${advice.sv}`,
    cause: error,
  });
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
