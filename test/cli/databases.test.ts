/** Databases that were damaged on the disk, locked, or are of another version: what the built program makes of them when it starts. */
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
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
import { KNOWN_DATABASES } from '../../daemon/databases/known.ts';
import { searchProgram } from '../evidence/evidence.ts';
import { Program, build, runProgram, type Ended } from './program.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let home = '';
/** Of a daemon that has run and ended: every database is there. */
let whole = '';
let data = '';
let folders = 0;

beforeAll(async () => {
  build();
  home = mkdtempSync(join(tmpdir(), 'kortd-databases-'));
  whole = join(home, 'whole');
  data = whole;
  await using daemon = await serve();
  await run('issuance.start', { routine: ROUTINE });
  await run('reader.assignRole', { role: 'kiosk', reader: await anyReader() });
  await run('card.list');
  await run('certificate.list', { card: { role: 'operator' } });
  await daemon.stop();
  for (const { file } of KNOWN_DATABASES) expect(existsSync(join(whole, file)), file).toBe(true);
}, 120_000);
afterAll(() => {
  try {
    searchProgram(home, {});
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
beforeEach(() => {
  data = join(home, `data-${++folders}`);
  cpSync(whole, data, { recursive: true });
});

const ROUTINE = 'reserve-card-loa3';
const OPTIONS = ['--simulate', 'office', '--port', '0', '--log-level', 'warn'];

const start = (): Promise<Ended> => runProgram(home, ['serve', ...OPTIONS, '--data-dir', data]);

async function serve(): Promise<Program> {
  const program = new Program(home, ['serve', ...OPTIONS, '--data-dir', data]);
  await program.said(/^kortd ready .*\n/m);
  return program;
}

/** The result, or the error's code. */
async function run(method: string, params: object = {}): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await runProgram(home, ['call', method, JSON.stringify(params), '--data-dir', data]);
  return JSON.parse(stdout === '' ? stderr : stdout) as Record<string, unknown>;
}

async function anyReader(): Promise<string> {
  const { readers } = (await run('reader.list')) as { readers: { id: string; name: string }[] };
  return readers.find(({ name }) => name.includes('Contactless'))?.id ?? '';
}

const DAMAGES: readonly (readonly [string, (file: string) => void])[] = [
  ['empty', (file) => truncateSync(file, 0)],
  ['ended in the middle', (file) => truncateSync(file, Math.floor(statSync(file).size / 2) + 7)],
  [
    'wrong in its header',
    (file) => {
      const bytes = readFileSync(file);
      randomBytes(84).copy(bytes, 16);
      bytes[20] = 0xee;
      writeFileSync(file, bytes);
    },
  ],
  [
    'wrong in each page but the header',
    (file) => {
      const bytes = readFileSync(file);
      for (let page = 100; page < bytes.length; page += 4_096) randomBytes(512).copy(bytes, page);
      writeFileSync(file, bytes);
    },
  ],
  [
    "another program's",
    (file) => {
      using database = new DatabaseSync(file);
      database.exec('PRAGMA application_id = 1');
    },
  ],
  ['a text', (file) => writeFileSync(file, 'this is no database\n'.repeat(100))],
];

describe('databases that are damaged', () => {
  it.each([[0], [2]] as const)(
    'each in a way of its own (%i), are moved aside byte for byte and named; the daemon runs, and begins no ceremony until the loss is acknowledged',
    async (turn) => {
      const damaged = new Map<string, Buffer>();
      for (const [index, { file }] of KNOWN_DATABASES.entries()) {
        const [, damage] = DAMAGES[(index + turn) % DAMAGES.length] ?? ['', () => undefined];
        damage(join(data, file));
        damaged.set(file, readFileSync(join(data, file)));
      }
      await using daemon = await serve();
      const { status, problems } = (await run('system.health')) as { status: string; problems: { code: string; file: string }[] };
      expect(status).toBe('degraded');
      expect(problems.map(({ code, file }) => `${code} ${file}`).sort()).toEqual([
        'database_discarded cards.sqlite',
        'database_replaced access.sqlite',
        'database_replaced audit.sqlite',
        'database_replaced issuance.sqlite',
        'database_replaced roles.sqlite',
        'database_replaced wrong-pins.sqlite',
        'issuance_read_only issuance.sqlite',
      ]);
      for (const [file, bytes] of damaged) {
        const aside = readdirSync(data).filter(
          (name) => name.startsWith(`${file}.damaged-`) && !/-(wal|shm|journal)$/.test(name),
        );
        expect(aside, file).toHaveLength(file === 'cards.sqlite' ? 0 : 1);
        if (aside[0] !== undefined) expect(readFileSync(join(data, aside[0])).equals(bytes), file).toBe(true);
        expect(daemon.stderr).toContain(file);
      }
      expect(await run('issuance.start', { routine: ROUTINE })).toMatchObject({ error: { code: 'journal_lost' } });
      expect(await run('audit.verify')).toMatchObject({ ok: true });
      const { records } = (await run('audit.list')) as { records: { sequence: number; method: string; purpose?: string }[] };
      const breaks = records.filter(({ method }) => method === 'database.replaced');
      expect(breaks.map(({ purpose }) => purpose?.split(' ')[0]).sort()).toEqual(
        [...damaged.keys()].filter((file) => file !== 'cards.sqlite'),
      );
      expect(records.find(({ sequence }) => sequence === 1)?.method).toBe('database.replaced');
      await daemon.stop();

      await using again = await serve();
      expect(await run('issuance.start', { routine: ROUTINE })).toMatchObject({ error: { code: 'journal_lost' } });
      const list = await runProgram(home, ['database', 'list', '--data-dir', data]);
      expect(list.stdout).toContain('kortd database acknowledge issuance.sqlite');
      for (const file of ['issuance.sqlite', 'access.sqlite', 'audit.sqlite', 'roles.sqlite', 'wrong-pins.sqlite'])
        expect(await runProgram(home, ['database', 'acknowledge', file, '--data-dir', data])).toMatchObject({ status: 0 });
      expect(await run('issuance.start', { routine: ROUTINE })).toMatchObject({ state: 'open' });
      expect(await run('system.health')).toMatchObject({ status: 'ok', problems: [] });
      await again.stop();
    },
    60_000,
  );

  it('a second time, lie beside those of the first', async () => {
    for (const round of [1, 2]) {
      writeFileSync(join(data, 'roles.sqlite'), `round ${round}`);
      await using daemon = await serve();
      await daemon.stop();
    }
    const aside = readdirSync(data).filter((name) => name.startsWith('roles.sqlite.damaged-'));
    expect(aside.map((name) => readFileSync(join(data, name), 'utf8')).sort()).toEqual(['round 1', 'round 2']);
  });

  it('and left a write-ahead log behind: it goes with its database, and is not taken for the new one’s', async () => {
    const file = join(data, 'issuance.sqlite');
    {
      using database = new DatabaseSync(file);
      database.exec("CREATE TABLE later (x); INSERT INTO later VALUES ('in the log')");
      copyFileSync(`${file}-wal`, join(home, 'wal'));
    }
    writeFileSync(file, 'this is no database\n');
    copyFileSync(join(home, 'wal'), `${file}-wal`);
    await using daemon = await serve();
    const aside = readdirSync(data).filter((name) => name.startsWith('issuance.sqlite.damaged-'));
    expect(aside.filter((name) => name.endsWith('-wal'))).toHaveLength(1);
    expect(await run('issuance.list')).toEqual({ ceremonies: [] });
    await daemon.stop();
    using database = new DatabaseSync(file, { readOnly: true });
    expect(database.prepare("SELECT name FROM sqlite_schema WHERE name = 'later'").all()).toEqual([]);
  });
});

describe('a database that is not damaged', () => {
  const bytesOf = (file: string): Buffer => readFileSync(join(data, file));

  it('but locked by another program, keeps kortd from starting, and stays as it is', async () => {
    {
      using other = new DatabaseSync(join(data, 'issuance.sqlite'));
      other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE theirs (x)');
      const ended = await start();
      expect(ended).toMatchObject({ status: 1, stdout: '' });
      expect(ended.stderr).toMatch(/^kortd: cannot use issuance\.sqlite .*locked.*Another program has it open/);
      other.exec('ROLLBACK');
    }
    expect(readdirSync(data).filter((name) => name.includes('damaged'))).toEqual([]);
    await using daemon = await serve();
    expect(await run('system.health')).toMatchObject({ problems: [] });
    expect(await run('issuance.list')).toMatchObject({ ceremonies: [{ state: 'open' }] });
    await daemon.stop();
  });

  it('but of a later version, is refused with the reason and left alone, as are the others', async () => {
    {
      using database = new DatabaseSync(join(data, 'access.sqlite'));
      database.exec('PRAGMA user_version = 9');
    }
    writeFileSync(join(data, 'roles.sqlite'), 'damaged');
    const before = bytesOf('access.sqlite');
    const ended = await start();
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toContain('version 9 of it is not known to this kortd');
    expect(bytesOf('access.sqlite').equals(before)).toBe(true);
    expect(bytesOf('roles.sqlite').toString()).toBe('damaged');
  });

  it('but on a disk that takes no writing, or no file at all, keeps kortd from starting, and says what to do', async () => {
    const file = join(data, 'issuance.sqlite');
    rmSync(file);
    cpSync(join(home, 'whole'), file, { recursive: true });
    const ended = await start();
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^kortd: cannot use issuance\.sqlite .*It was left as it is/);
    expect(statSync(file).isDirectory()).toBe(true);
  });

  it('but of a former version, is taken further, with the former one kept beside', async () => {
    for (const file of ['access.sqlite', 'roles.sqlite', 'wrong-pins.sqlite']) {
      using database = new DatabaseSync(join(data, file));
      database.exec('PRAGMA user_version = 1; PRAGMA application_id = 0');
    }
    await using daemon = await serve();
    expect(await run('system.health')).toMatchObject({ status: 'ok', problems: [] });
    const { roles } = (await run('reader.listRoles')) as { roles: { role: string }[] };
    expect(roles.map(({ role }) => role)).toContain('kiosk');
    await daemon.stop();
    for (const file of ['access.sqlite', 'roles.sqlite', 'wrong-pins.sqlite']) {
      using now = new DatabaseSync(join(data, file), { readOnly: true });
      using former = new DatabaseSync(join(data, `${file}.v1`), { readOnly: true });
      expect(now.prepare('PRAGMA user_version').get()).toEqual({ user_version: 2 });
      expect(former.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
      expect(statSync(join(data, `${file}.v1`)).mode & 0o777).toBe(0o600);
    }
  });
});
