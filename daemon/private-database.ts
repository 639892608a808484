/**
 * The databases of one workstation (`node:sqlite`): readable by their owner alone from the first byte, there whole or not at all, on the disk when a commit returns,
 * what is deleted wiped. One of a later kortd is left alone; one of a former is taken further by steps, with a copy of it kept beside.
 */
import { chmodSync, closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { migrate } from './databases/migrate.ts';

export interface PrivateDatabaseOptions {
  /** CREATE TABLE IF NOT EXISTS … */
  readonly schema: string;
  /** Of the schema. Default: 1. */
  readonly version?: number;
  /** SQL that makes of version n the next one, under n; for every former version. */
  readonly steps?: Readonly<Record<number, string>>;
  /** Tells the file from other SQLite files (PRAGMA application_id). */
  readonly applicationId?: number;
  /** TRUNCATE leaves one file alone between two writes. Default: WAL. */
  readonly journalMode?: 'TRUNCATE' | 'WAL';
}

/** Another program may be reading the file. */
const BUSY_MS = 2_000;

/** Opens the file, or makes it; the caller closes. Throws when it is no database, or of a later version. */
export function openPrivateDatabase(file: string, options: PrivateDatabaseOptions): DatabaseSync {
  if (!existsSync(file)) create(file, options);
  chmodSync(file, 0o600);
  return prepare(new DatabaseSync(file, { timeout: BUSY_MS }), file, options);
}

/** Under another name until it is whole: a file that is empty has lost what it held. */
function create(file: string, options: PrivateDatabaseOptions): void {
  const unfinished = `${file}.new`;
  const tidy = (suffixes: readonly string[]): void => {
    for (const suffix of suffixes) rmSync(`${unfinished}${suffix}`, { force: true });
  };
  tidy(['', '-wal', '-shm', '-journal']);
  closeSync(openSync(unfinished, 'wx', 0o600));
  prepare(new DatabaseSync(unfinished), file, options).close();
  tidy(['-journal']); // TRUNCATE leaves an empty one
  renameSync(unfinished, file);
}

function prepare(database: DatabaseSync, file: string, options: PrivateDatabaseOptions): DatabaseSync {
  const { schema, version: known = 1, steps = {}, applicationId, journalMode = 'WAL' } = options;
  try {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > known) throw new Error(laterVersion(file, version));
    database.exec(`PRAGMA journal_mode = ${journalMode}; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON`);
    if (version > 0 && version < known) migrate(database, file, { from: version, to: known, steps });
    database.exec(schema);
    if (version !== known) database.exec(`PRAGMA user_version = ${known}`);
    if (applicationId !== undefined && version === 0) database.exec(`PRAGMA application_id = ${applicationId}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

export function laterVersion(file: string, version: number): string {
  return `opening ${basename(file)}: version ${version} of it is not known to this kortd`;
}
