/**
 * The databases of one workstation (`node:sqlite`): readable by their owner alone from the first byte, on the disk when a commit returns, what is deleted wiped. One
 * that a later kortd made is left alone.
 */
import { chmodSync, closeSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface PrivateDatabaseOptions {
  /** CREATE TABLE IF NOT EXISTS … */
  readonly schema: string;
  /** Of the schema. Default: 1. */
  readonly version?: number;
  /** Tells the file from other SQLite files (PRAGMA application_id). */
  readonly applicationId?: number;
  /** TRUNCATE leaves one file alone between two writes. Default: WAL. */
  readonly journalMode?: 'TRUNCATE' | 'WAL';
}

/** Another program may be reading the file. */
const BUSY_MS = 2_000;

/** Opens the file, or makes it; the caller closes. Throws when it is no database, or of a later version. */
export function openPrivateDatabase(file: string, options: PrivateDatabaseOptions): DatabaseSync {
  const { schema, version: known = 1, applicationId, journalMode = 'WAL' } = options;
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new DatabaseSync(file, { timeout: BUSY_MS });
  try {
    database.exec(`PRAGMA journal_mode = ${journalMode}; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON`);
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > known) throw new Error(`opening ${basename(file)}: version ${version} of it is not known to this kortd`);
    database.exec(`${schema}; PRAGMA user_version = ${known}`);
    if (applicationId !== undefined) database.exec(`PRAGMA application_id = ${applicationId}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
