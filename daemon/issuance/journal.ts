/**
 * The journal of issuance: what was done and what is about to be done, one entry after the other, each on the disk before the next step is taken. Entries are
 * never changed; each carries the hash of the one before, so that what is exported or archived shows whether it is whole. Of a ceremony that is over its time all of
 * them go at once. SQLite through `node:sqlite`.
 */
import type { DatabaseSync } from 'node:sqlite';
import { ApiError } from '../errors.ts';
import { openPrivateDatabase, type PrivateDatabaseOptions } from '../private-database.ts';
import { CHAIN_START, brokenLink, hashOf, type JournalEntry } from './entry-chain.ts';
import type { Entry } from './entry.ts';

export type { JournalEntry } from './entry-chain.ts';

const SCHEMA_VERSION = 1;
/** "kiss": tells this journal from other SQLite files (PRAGMA application_id). */
const APPLICATION_ID = 0x6b_69_73_73;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (
    ceremony TEXT NOT NULL, number INTEGER NOT NULL, time TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL,
    PRIMARY KEY (ceremony, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ceremonies (
    id TEXT PRIMARY KEY, routine TEXT NOT NULL, state TEXT NOT NULL, startedAt TEXT NOT NULL, updatedAt TEXT NOT NULL,
    isProtected INTEGER NOT NULL, search TEXT NOT NULL, once TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS ceremoniesByState ON ceremonies (state, startedAt);
  CREATE INDEX IF NOT EXISTS ceremoniesByStart ON ceremonies (startedAt);
  CREATE INDEX IF NOT EXISTS ceremoniesBySearch ON ceremonies (startedAt, state, routine, isProtected, search);
  CREATE INDEX IF NOT EXISTS ceremoniesByOnce ON ceremonies (once) WHERE once IS NOT NULL;
`;

export const ISSUANCE_JOURNAL_FILE = 'issuance.sqlite';
export const JOURNAL_DATABASE: PrivateDatabaseOptions = {
  schema: SCHEMA,
  version: SCHEMA_VERSION,
  applicationId: APPLICATION_ID,
};

/** What lists and searches show of a ceremony. */
export interface CeremonySummary {
  readonly id: string;
  readonly routine: string;
  readonly state: 'open' | 'finished' | 'cancelled';
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly isProtected: boolean;
  /** Words to be found by: card number, names; empty for protected personal data. */
  readonly search: string;
  /** Hash of what its routine allows once only. */
  readonly once?: string;
}

export interface SummaryFilter {
  readonly state?: CeremonySummary['state'];
  readonly routine?: string;
  /** Each of these words must begin one of the words of `search`. */
  readonly words?: readonly string[];
  readonly includesProtected: boolean;
  readonly limit: number;
  /** Those started before this one. */
  readonly before?: string;
}

/** Opens the database of a journal; the journal closes it. */
export type OpenDatabase = (file: string, options: PrivateDatabaseOptions) => DatabaseSync;

export class Journal implements Disposable {
  readonly #database: DatabaseSync;

  /** Opens, or makes, the file; only its owner can read it. */
  constructor(file: string, open: OpenDatabase = openPrivateDatabase) {
    this.#database = open(file, JOURNAL_DATABASE);
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /** On the disk when it returns. `summary` as it is after the entry. Throws journal_unavailable; nothing was written then. */
  append(ceremony: string, at: { readonly entry: Entry; readonly time: Date; readonly summary: CeremonySummary }): JournalEntry {
    const [written] = this.appendAll(ceremony, { ...at, entries: [at.entry] });
    if (!written) throw new Error(`writing to the journal of ${ceremony}: nothing was written`);
    return written;
  }

  /** Those that belong together: all of them or none. `summary` as it is after the last. Throws journal_unavailable. */
  appendAll(
    ceremony: string,
    at: { readonly entries: readonly Entry[]; readonly time: Date; readonly summary: CeremonySummary },
  ): readonly JournalEntry[] {
    const last = this.#database
      .prepare('SELECT number, hash FROM entries WHERE ceremony = ? ORDER BY number DESC LIMIT 1')
      .get(ceremony);
    const time = at.time.toISOString();
    let [number, previous] = [Number(last?.['number'] ?? 0), String(last?.['hash'] ?? CHAIN_START)];
    const rows = at.entries.map((entry) => {
      number++;
      const body = JSON.stringify(entry);
      previous = hashOf({ ceremony, number, time, body, previous });
      return { number, time, body, entry, hash: previous };
    });
    this.#transaction(() => {
      const insert = this.#database.prepare('INSERT INTO entries (ceremony, number, time, body, hash) VALUES (?, ?, ?, ?, ?)');
      for (const row of rows) insert.run(ceremony, row.number, time, row.body, row.hash);
      this.#putSummary(at.summary);
    });
    return rows.map(({ body, ...written }) => written);
  }

  /** Entries from another journal, behind those that are here, with the times and hashes that they have; all of them or none. Throws when they do not follow. */
  takeOver(ceremony: string, given: { readonly entries: readonly JournalEntry[]; readonly summary: CeremonySummary }): void {
    const all = [...this.entriesOf(ceremony), ...given.entries];
    const broken = brokenLink(ceremony, all);
    if (broken !== undefined) throw new Error(`taking over ${ceremony}: entry ${broken} does not follow from the one before`);
    this.#transaction(() => {
      const insert = this.#database.prepare('INSERT INTO entries (ceremony, number, time, body, hash) VALUES (?, ?, ?, ?, ?)');
      for (const { number, time, entry, hash } of given.entries) insert.run(ceremony, number, time, JSON.stringify(entry), hash);
      this.#putSummary(given.summary);
    });
  }

  /** Ended ceremonies, all of them or none; the disk has nothing of them afterwards. An open one stays. Throws journal_unavailable. */
  forget(ceremonies: readonly string[]): void {
    this.#transaction(() => {
      const summary = this.#database.prepare("DELETE FROM ceremonies WHERE id = ? AND state <> 'open'");
      const entries = this.#database.prepare('DELETE FROM entries WHERE ceremony = ?');
      for (const ceremony of ceremonies) if (summary.run(ceremony).changes === 1) entries.run(ceremony);
    });
  }

  /** In their order; none for a ceremony that there is not. Throws when the chain is broken. */
  entriesOf(ceremony: string): readonly JournalEntry[] {
    const rows = this.#database
      .prepare('SELECT number, time, body, hash FROM entries WHERE ceremony = ? ORDER BY number')
      .all(ceremony);
    let previous = CHAIN_START;
    return rows.map((row, index) => {
      const [number, time, body, hash] = [Number(row['number']), String(row['time']), String(row['body']), String(row['hash'])];
      if (number !== index + 1 || hash !== hashOf({ ceremony, number, time, body, previous }))
        throw new Error(`reading the journal of ${ceremony}: entry ${index + 1} is not the one that was written`);
      previous = hash;
      return { number, time, entry: JSON.parse(body) as Entry, hash };
    });
  }

  /** Another ceremony with this hash is finished. */
  hasFinished(once: string, except: string): boolean {
    const sql = "SELECT 1 FROM ceremonies WHERE once = ? AND state = 'finished' AND id <> ? LIMIT 1";
    return this.#database.prepare(sql).get(once, except) !== undefined;
  }

  summaryOf(ceremony: string): CeremonySummary | undefined {
    const row = this.#database.prepare('SELECT * FROM ceremonies WHERE id = ?').get(ceremony);
    return row && summaryFrom(row);
  }

  /** The latest first. */
  list(filter: SummaryFilter): readonly CeremonySummary[] {
    const conditions = ['(? OR isProtected = 0)'];
    const values: (string | number)[] = [filter.includesProtected ? 1 : 0];
    const where = (condition: string, value: string | undefined): void => {
      if (value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    where('state = ?', filter.state);
    where('routine = ?', filter.routine);
    where('startedAt < ?', filter.before);
    const words = filter.words ?? [];
    for (const word of words) where('instr(search, ?) > 0', ` ${normalise(word)}`);
    const found = conditions.join(' AND ');
    // Words are looked for in the index, which has a tenth of the table's pages.
    const sql =
      words.length === 0
        ? `SELECT * FROM ceremonies WHERE ${found} ORDER BY startedAt DESC, id LIMIT ?`
        : `SELECT * FROM ceremonies WHERE rowid IN
           (SELECT rowid FROM ceremonies INDEXED BY ceremoniesBySearch WHERE ${found} ORDER BY startedAt DESC LIMIT ?)
           ORDER BY startedAt DESC, id`;
    return this.#database
      .prepare(sql)
      .all(...values, filter.limit)
      .map(summaryFrom);
  }

  /** Mostly only the time changes: then no index is written. */
  #putSummary(summary: CeremonySummary): void {
    const { id, routine, state, startedAt, updatedAt, once = null } = summary;
    const isProtected = summary.isProtected ? 1 : 0;
    // Each word begins behind a space.
    const search = ` ${normalise(summary.search)}`;
    const touched = this.#database
      .prepare('UPDATE ceremonies SET updatedAt = ? WHERE id = ? AND state = ? AND isProtected = ? AND search = ? AND once IS ?')
      .run(updatedAt, id, state, isProtected, search, once);
    if (touched.changes === 1) return;
    this.#database
      .prepare(
        `INSERT INTO ceremonies (id, routine, state, startedAt, updatedAt, isProtected, search, once) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, updatedAt = excluded.updatedAt, isProtected = excluded.isProtected,
           search = excluded.search, once = excluded.once`,
      )
      .run(id, routine, state, startedAt, updatedAt, isProtected, search, once);
  }

  #transaction(work: () => void): void {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw new ApiError('journal_unavailable', 'writing to the journal: the disk did not take it', {}, { cause: error });
    }
  }
}

function normalise(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

function summaryFrom(row: Readonly<Record<string, unknown>>): CeremonySummary {
  return {
    id: String(row['id']),
    routine: String(row['routine']),
    state: row['state'] as CeremonySummary['state'],
    startedAt: String(row['startedAt']),
    updatedAt: String(row['updatedAt']),
    isProtected: row['isProtected'] === 1,
    search: String(row['search']).trimStart(),
    ...(typeof row['once'] === 'string' ? { once: row['once'] } : {}),
  };
}
