import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../log.ts';
import { openPrivateDatabase, type PrivateDatabaseOptions } from '../private-database.ts';
import { ISSUANCE_JOURNAL_FILE, Journal } from '../issuance/journal.ts';
import { examineLater } from './background.ts';
import { Databases } from './databases.ts';
import { examineDatabase } from './examine.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-database-'));
  file = join(folder, 'things.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const V1: PrivateDatabaseOptions = { schema: 'CREATE TABLE IF NOT EXISTS things (name TEXT NOT NULL) STRICT', applicationId: 7 };
const V3: PrivateDatabaseOptions = {
  schema: 'CREATE TABLE IF NOT EXISTS things (name TEXT NOT NULL, size INTEGER, colour TEXT) STRICT',
  version: 3,
  applicationId: 7,
  steps: { 1: 'ALTER TABLE things ADD COLUMN size INTEGER', 2: 'ALTER TABLE things ADD COLUMN colour TEXT' },
};

function fill(count: number): void {
  using database = openPrivateDatabase(file, V1);
  for (let index = 0; index < count; index++) database.prepare('INSERT INTO things VALUES (?)').run(`thing ${index}`.repeat(20));
}

const rows = (): number => {
  using database = new DatabaseSync(file, { readOnly: true });
  return Number(database.prepare('SELECT count(*) AS count FROM things').get()?.['count']);
};

describe('a database that is examined', () => {
  it('is missing, or sound, and left without a trace', () => {
    expect(examineDatabase(file, V1)).toEqual({ state: 'missing' });
    fill(100);
    const before = readFileSync(file);
    expect(examineDatabase(file, V1)).toEqual({ state: 'sound' });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('is found damaged wherever it was cut off', () => {
    fill(100);
    const whole = readFileSync(file);
    for (let size = 0; size < whole.length; size += 1_021) {
      writeFileSync(file, whole.subarray(0, size));
      expect(examineDatabase(file, V1), `${size} bytes`).toMatchObject({ state: 'damaged' });
    }
    truncateSync(file, 4_096 * Math.floor(whole.length / 8_192));
    expect(examineDatabase(file, V1)).toMatchObject({ state: 'damaged' });
  });

  it('is found damaged, or of another version, or sound, whatever byte of its header is another: nothing else is thrown', () => {
    fill(100);
    const whole = readFileSync(file);
    const states = Array.from({ length: 100 }, (_, at) => {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ 0x5a;
      writeFileSync(file, bytes);
      try {
        return examineDatabase(file, V1).state;
      } catch (error) {
        return error instanceof Error && error.name === 'DataFolderError' ? 'refused' : String(error);
      }
    });
    expect(new Set(states)).toEqual(new Set(['damaged', 'refused', 'sound']));
    // The four bytes of the schema's version.
    expect(states.flatMap((state, at) => (state === 'refused' ? [at] : []))).toEqual([60, 61, 62, 63]);
    expect(states.filter((state) => state === 'damaged').length).toBeGreaterThan(60);
  });

  it('is found damaged when a table is otherwise than it should be', () => {
    {
      using other = new DatabaseSync(file);
      other.exec('CREATE TABLE things (other TEXT); PRAGMA user_version = 1');
    }
    expect(examineDatabase(file, V1)).toEqual({ state: 'damaged', reason: 'the table things has no column name' });
  });
});

describe('a database of a former version', () => {
  it('is taken further step by step, with the former one beside', () => {
    fill(3);
    openPrivateDatabase(file, V3).close();
    using now = new DatabaseSync(file, { readOnly: true });
    expect(now.prepare('SELECT count(*) AS count, max(colour) AS colour FROM things').get()).toEqual({ count: 3, colour: null });
    using former = new DatabaseSync(`${file}.v1`, { readOnly: true });
    expect(former.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
    expect(former.prepare('PRAGMA application_id').get()).toEqual({ application_id: 7 });
  });

  it('stays what it was when a step fails, or leads nowhere', () => {
    fill(3);
    const broken = { ...V3, steps: { ...V3.steps, 2: 'ALTER TABLE elsewhere ADD COLUMN colour TEXT' } };
    expect(() => openPrivateDatabase(file, broken)).toThrow('taking things.sqlite from version 1 to 3: no such table: elsewhere');
    expect(() => openPrivateDatabase(file, { ...V3, steps: {} })).toThrow('nothing leads from version 1');
    openPrivateDatabase(file, V1).close();
    expect(rows()).toBe(3);
    openPrivateDatabase(file, V3).close();
  });

  it('stays what it was when the process is killed in the middle, and is taken further by the next', async () => {
    fill(3);
    const { applicationId, schema } = V3;
    // The second step goes on until it is killed.
    const endless = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) INSERT INTO things SELECT x, 1 FROM n';
    const options = JSON.stringify({ schema, applicationId, version: 3, steps: { ...V3.steps, 2: endless } });
    const code = `import('./daemon/private-database.ts').then((m) => m.openPrivateDatabase(${JSON.stringify(file)}, ${options}))`;
    const child = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const isWriting = (): boolean => (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 1_000_000;
    await expect.poll(isWriting, { timeout: 20_000 }).toBe(true);
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(existsSync(`${file}.v1`)).toBe(true);
    openPrivateDatabase(file, V1).close();
    expect(rows()).toBe(3);
    openPrivateDatabase(file, V3).close();
    expect(rows()).toBe(3);
  });
});

describe('databases that are replaced', () => {
  it('keep the name of the first and the second of one moment apart', () => {
    const now = (): Date => new Date(0);
    for (const text of ['first', 'second']) {
      writeFileSync(join(folder, ISSUANCE_JOURNAL_FILE), text);
      Databases.mend({ folder, log: silentLog, now });
    }
    const names = readdirSync(folder).filter((name) => name.includes('damaged'));
    expect(names).toEqual([
      `${ISSUANCE_JOURNAL_FILE}.damaged-1970-01-01T00-00-00-000Z`,
      `${ISSUANCE_JOURNAL_FILE}.damaged-1970-01-01T00-00-00-000Z-2`,
    ]);
    expect(names.map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(['first', 'second']);
  });

  it('are not forgotten when what says so cannot be read any more', () => {
    writeFileSync(join(folder, 'replaced-databases.json'), '[{');
    expect(Databases.mend({ folder, log: silentLog }).isJournalLost).toBe(true);
  });

  it('take a write-ahead log along whose database is gone', () => {
    const journal = join(folder, ISSUANCE_JOURNAL_FILE);
    {
      using first = new Journal(journal);
      using writer = new DatabaseSync(journal);
      writer.exec('CREATE TABLE more (x)');
      copyFileSync(`${journal}-wal`, join(folder, 'kept'));
      first[Symbol.dispose]();
    }
    rmSync(journal);
    copyFileSync(join(folder, 'kept'), `${journal}-wal`);
    Databases.mend({ folder, log: silentLog });
    expect(existsSync(`${journal}-wal`)).toBe(false);
  });
});

describe('a database that is too large for the start', () => {
  /** Seventeen MiB with a page in its middle that is no page any more. */
  function makeLarge(isDamaged: boolean): void {
    file = join(folder, ISSUANCE_JOURNAL_FILE);
    new Journal(file)[Symbol.dispose]();
    const database = new DatabaseSync(file);
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; CREATE TABLE ballast (x BLOB)');
    database.exec(
      'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 18000) INSERT INTO ballast SELECT zeroblob(1000) FROM n',
    );
    database.close();
    if (!isDamaged) return;
    const bytes = readFileSync(file);
    bytes.fill(0xff, 2_000 * 4_096, 2_010 * 4_096);
    writeFileSync(file, bytes);
  }

  it('is looked at after it, told when it is damaged inside, and moved aside at the next start', async () => {
    makeLarge(true);
    const databases = Databases.mend({ folder, log: silentLog });
    expect(databases.problems).toEqual([]);
    await using examining = databases.examineLater(0);
    expect(examining).toBeDefined();
    const codes = (): readonly string[] => databases.problems.map(({ code }) => code);
    await expect.poll(codes, { timeout: 20_000 }).toEqual(['database_damaged']);
    expect(databases.problems[0]).toMatchObject({ file: ISSUANCE_JOURNAL_FILE });
    expect(databases.isJournalLost).toBe(false);
    const next = Databases.mend({ folder, log: silentLog });
    expect(next.isJournalLost).toBe(true);
    expect(readdirSync(folder).some((name) => name.startsWith(`${ISSUANCE_JOURNAL_FILE}.damaged-`))).toBe(true);
    expect(existsSync(join(folder, 'damaged-databases.json'))).toBe(false);
  });

  it('is left alone when it is sound, and when the daemon ends before', async () => {
    makeLarge(false);
    const told: unknown[] = [];
    const tell = (...said: unknown[]): void => void told.push(said);
    const { promise: done, resolve: onDone } = Promise.withResolvers<undefined>();
    {
      await using examining = examineLater({
        folder,
        delayMs: 0,
        onDamage: tell,
        onProblem: tell,
        onDone: () => onDone(undefined),
      });
      expect(examining).toBeDefined();
      await done;
    }
    await examineLater({ folder, delayMs: 0, onDamage: tell, onProblem: tell })[Symbol.asyncDispose]();
    expect(told).toEqual([]);
  });
});
