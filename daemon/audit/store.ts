/** The audit log on disk: SQLite through `node:sqlite`, one table of records and one of checkpoints. It knows nothing of hashes and signatures. */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import type { Checkpoint } from './checkpoint.ts';
import { openPrivateDatabase, type PrivateDatabaseOptions } from '../private-database.ts';
import { RECORD_FIELDS, type AuditRecord } from './record.ts';

const SCHEMA_VERSION = 1;
/** "kort": tells an audit log from other SQLite files (PRAGMA application_id). */
const APPLICATION_ID = 0x6b_6f_72_74;
/** Records read between two turns of the event loop: about a millisecond of hashing. */
const BATCH = 250;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (
    sequence INTEGER PRIMARY KEY, time TEXT NOT NULL, callerKind TEXT NOT NULL, caller TEXT NOT NULL, origin TEXT,
    method TEXT NOT NULL, cardSerial TEXT, cardApplication TEXT, reader TEXT, outcome TEXT NOT NULL, purpose TEXT,
    previousHash TEXT NOT NULL, hash TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS checkpoints (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, sequence INTEGER NOT NULL, hash TEXT NOT NULL, time TEXT NOT NULL,
    key TEXT NOT NULL, signature TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS publicKey (spki TEXT NOT NULL) STRICT;
`;
export const AUDIT_DATABASE: PrivateDatabaseOptions = {
  schema: SCHEMA,
  version: SCHEMA_VERSION,
  applicationId: APPLICATION_ID,
};
const COLUMNS = [...RECORD_FIELDS, 'hash'] as const;
const CHECKPOINT_COLUMNS = ['number', 'kind', 'sequence', 'hash', 'time', 'key', 'signature'] as const;

export interface RecordFilter {
  readonly since: number;
  readonly limit: number;
  readonly method?: string;
  readonly origin?: string;
  readonly outcome?: string;
}

export class AuditStore implements Disposable {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** For writing; made when it is missing, readable by its owner alone. */
  static open(file: string): AuditStore {
    return new AuditStore(openPrivateDatabase(file, AUDIT_DATABASE));
  }

  /** A log that another process may be writing, or that was copied. Throws when the file is none. */
  static openForReading(file: string): AuditStore {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 2_000 });
    try {
      const id = Number(database.prepare('PRAGMA application_id').get()?.['application_id']);
      if (id !== APPLICATION_ID) throw new Error('it is a database, but no audit log');
      return new AuditStore(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /**
   * FULL: a commit returns when its bytes are on the disk, and nothing else runs meanwhile. NORMAL: a commit writes them, whoever commits has to have the
   * write-ahead log synchronised (https://www.sqlite.org/pragma.html#pragma_synchronous).
   */
  setSynchronous(mode: 'FULL' | 'NORMAL'): void {
    this.#database.exec(`PRAGMA synchronous = ${mode}`);
  }

  /** All of it or nothing. */
  transaction<R>(work: () => R): R {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  insert(record: AuditRecord): void {
    this.#insertRecord.run(...COLUMNS.map((column) => record[column] ?? null));
  }

  insertCheckpoint(checkpoint: Checkpoint): void {
    this.#insertCheckpoint.run(...CHECKPOINT_COLUMNS.map((column) => checkpoint[column]));
  }

  list(filter: RecordFilter): readonly AuditRecord[] {
    const { since, limit, method = null, origin = null, outcome = null } = filter;
    return this.#select.all({ since, limit, method, origin, outcome }).map(toRecord);
  }

  /** Every record in the order of its numbers, some at a time; others get their turn in between. */
  async *batches(): AsyncGenerator<readonly AuditRecord[]> {
    let since = -1;
    for (;;) {
      const records = this.list({ since, limit: BATCH });
      if (records.length > 0) yield records;
      if (records.length < BATCH) return;
      since = records.at(-1)?.sequence ?? since;
      await turn();
    }
  }

  first(): number | undefined {
    return numberOf(this.#one('SELECT sequence AS value FROM records ORDER BY sequence LIMIT 1'));
  }

  last(): AuditRecord | undefined {
    const row = this.#one('SELECT * FROM records ORDER BY sequence DESC LIMIT 1');
    return row && toRecord(row);
  }

  /** The first record that is not older; undefined when all are. */
  firstSince(time: string): number | undefined {
    return numberOf(this.#one('SELECT sequence AS value FROM records WHERE time >= ? ORDER BY sequence LIMIT 1', time));
  }

  hashOf(sequence: number): string | undefined {
    const row = this.#one('SELECT hash FROM records WHERE sequence = ?', sequence);
    return row && String(row['hash']);
  }

  /** By number. */
  checkpoints(since = 0, limit = -1): readonly Checkpoint[] {
    return this.#database
      .prepare('SELECT * FROM checkpoints WHERE number > ? ORDER BY number LIMIT ?')
      .all(since, limit)
      .map((row) => ({ ...row }) as unknown as Checkpoint);
  }

  lastCheckpoint(): Checkpoint | undefined {
    const row = this.#one('SELECT * FROM checkpoints ORDER BY number DESC LIMIT 1');
    return row && ({ ...row } as unknown as Checkpoint);
  }

  /** The checkpoint that is farthest along the chain. */
  farthestCheckpoint(): Checkpoint | undefined {
    const row = this.#one('SELECT * FROM checkpoints ORDER BY sequence DESC, number DESC LIMIT 1');
    return row && ({ ...row } as unknown as Checkpoint);
  }

  /** Records up to this one, and the checkpoints that stand for nothing else. */
  deleteUpTo(sequence: number): void {
    this.#database.prepare('DELETE FROM records WHERE sequence <= ?').run(sequence);
    this.#database
      .prepare('DELETE FROM checkpoints WHERE number < coalesce((SELECT min(number) FROM checkpoints WHERE sequence >= ?), 0)')
      .run(sequence);
  }

  /** SubjectPublicKeyInfo in base64: what a copy of this file is verified with. */
  get publicKey(): string | undefined {
    const row = this.#one('SELECT spki FROM publicKey');
    return row && String(row['spki']);
  }

  setPublicKey(spki: string): void {
    this.transaction(() => {
      this.#database.exec('DELETE FROM publicKey');
      this.#database.prepare('INSERT INTO publicKey VALUES (?)').run(spki);
    });
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #one(sql: string, ...values: readonly SQLInputValue[]): Readonly<Record<string, unknown>> | undefined {
    return this.#database.prepare(sql).get(...values);
  }

  get #insertRecord(): ReturnType<DatabaseSync['prepare']> {
    return (this.#statements.record ??= this.#database.prepare(
      `INSERT INTO records (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`,
    ));
  }

  get #insertCheckpoint(): ReturnType<DatabaseSync['prepare']> {
    return (this.#statements.checkpoint ??= this.#database.prepare(
      `INSERT INTO checkpoints (${CHECKPOINT_COLUMNS.join(', ')}) VALUES (${CHECKPOINT_COLUMNS.map(() => '?').join(', ')})`,
    ));
  }

  get #select(): ReturnType<DatabaseSync['prepare']> {
    return (this.#statements.select ??= this.#database.prepare(
      `SELECT * FROM records WHERE sequence > $since AND ($method IS NULL OR method = $method)
       AND ($origin IS NULL OR origin = $origin) AND ($outcome IS NULL OR outcome = $outcome)
       ORDER BY sequence LIMIT $limit`,
    ));
  }

  readonly #statements: Partial<Record<'record' | 'checkpoint' | 'select', ReturnType<DatabaseSync['prepare']>>> = {};
}

/** Without the fields that are absent. */
function toRecord(row: Readonly<Record<string, unknown>>): AuditRecord {
  const present = COLUMNS.flatMap((column) => (row[column] === null ? [] : [[column, row[column]]]));
  return Object.fromEntries(present) as AuditRecord;
}

function numberOf(row: Readonly<Record<string, unknown>> | undefined): number | undefined {
  return row && Number(row['value']);
}
