/** Every way to tamper with a log that was thought of, each on the database, on an export, or both. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLE_AUDIT_EXPORT, EXAMPLE_AUDIT_FINGERPRINT } from '../../api-spec/generate/example-audit.ts';
import { silentLog } from '../log.ts';
import { anchorsOf, AuditFileError, openAuditFile } from './audit-file.ts';
import { AUDIT_FILE, AUDIT_KEY_FILE, AuditLog } from './audit-log.ts';
import { encodePublicKey, fingerprintOf, signCheckpoint, type Checkpoint } from './checkpoint.ts';
import { hashRecord, type AuditRecord, type ChainPoint } from './record.ts';
import { verifyChain, type Verification } from './verify.ts';

let folder: string;
let exported: string;
let earlier: string;

async function fill(log: AuditLog, count: number): Promise<void> {
  for (let index = 0; index < count; index++)
    await log.append({ callerKind: 'native', caller: `program ${index}`, method: 'pin.verify', cardSerial: '1', outcome: 'ok' });
}

function exportAll(log: AuditLog): string {
  let text = '';
  for (let page = log.exportPage({}); ; page = log.exportPage(page.next)) {
    text += page.text;
    if (!page.next) return text;
  }
}

/** Forty records in two runs; an export after the first run, and one at the end. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-audit-'));
  {
    await using log = AuditLog.open({ folder, log: silentLog });
    await fill(log, 20);
    earlier = exportAll(log);
  }
  await using log = AuditLog.open({ folder, log: silentLog });
  await fill(log, 20);
  exported = exportAll(log);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function verifyFile(path: string, anchors: readonly ChainPoint[] = []): Promise<Verification> {
  using file = await openAuditFile(path);
  return await verifyChain({ ...file, anchors });
}

/** A copy of the database, tampered with, and verified as `kortd audit verify` does. */
async function verifyDatabase(
  tamper: (database: DatabaseSync) => void,
  anchors: readonly ChainPoint[] = [],
): Promise<Verification> {
  const path = join(folder, `copy-${Math.random().toString(16).slice(2)}.sqlite`);
  copyFileSync(join(folder, AUDIT_FILE), path);
  const database = new DatabaseSync(path);
  tamper(database);
  database.close();
  return await verifyFile(path, anchors);
}

async function verifyText(text: string, anchors: readonly ChainPoint[] = []): Promise<Verification> {
  const path = join(folder, `copy-${Math.random().toString(16).slice(2)}.jsonl`);
  writeFileSync(path, text);
  return await verifyFile(path, anchors);
}

type Line = Record<string, unknown> & { type: string };

function linesOf(text: string): Line[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** The export with its lines changed. */
function edited(edit: (lines: Line[]) => Line[]): string {
  return edit(linesOf(exported))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
}

const recordLine = (lines: readonly Line[], sequence: number): number =>
  lines.findIndex((line) => line.type === 'record' && line['sequence'] === sequence);

/** Records from this number on, rehashed so that they fit each other. */
function rechain(records: readonly AuditRecord[], from: number): AuditRecord[] {
  let previousHash = records[from - 2]?.hash ?? '0'.repeat(64);
  return records.map((record, index) => {
    if (index + 1 < from) return record;
    const next = { ...record, sequence: index + 1, previousHash };
    previousHash = hashRecord(next);
    return { ...next, hash: previousHash };
  });
}

const COLUMNS =
  'time, callerKind, caller, origin, method, cardSerial, cardApplication, reader, outcome, purpose, previousHash, hash';

function swapRows(database: DatabaseSync, one: number, other: number): void {
  database.exec(`UPDATE records SET sequence = -1 WHERE sequence = ${one};
    UPDATE records SET sequence = ${one} WHERE sequence = ${other}; UPDATE records SET sequence = ${other} WHERE sequence = -1`);
}

describe('a log as it was written', () => {
  it('is whole: the database, the export, and the export against the earlier one', async () => {
    expect(await verifyDatabase(() => undefined)).toMatchObject({ ok: true, records: 40, head: { sequence: 40 } });
    using first = await openEarlier();
    expect(await verifyText(exported, anchorsOf(first))).toMatchObject({ ok: true, records: 40, head: { sequence: 40 } });
  });

  it('is whole in the example of the documents', async () => {
    expect(await verifyText(EXAMPLE_AUDIT_EXPORT)).toMatchObject({
      ok: true,
      records: 1,
      fingerprint: EXAMPLE_AUDIT_FINGERPRINT,
    });
  });
});

async function openEarlier(): ReturnType<typeof openAuditFile> {
  const path = join(folder, 'earlier.jsonl');
  writeFileSync(path, earlier);
  return await openAuditFile(path);
}

describe('in the database,', () => {
  it.each(['time', 'callerKind', 'caller', 'origin', 'method', 'cardSerial', 'cardApplication', 'reader', 'outcome', 'purpose'])(
    'a changed %s is found',
    async (column) => {
      for (const sequence of [1, 17, 40]) {
        const { problem } = await verifyDatabase((database) =>
          database.exec(`UPDATE records SET ${column} = 'x' WHERE sequence = ${sequence}`),
        );
        expect(problem).toMatchObject({ kind: 'changed', sequence });
      }
    },
  );

  it.each([
    ['a dropped first record', 'DELETE FROM records WHERE sequence = 1', { kind: 'dropped', sequence: 1 }],
    ['a dropped record', 'DELETE FROM records WHERE sequence = 17', { kind: 'dropped', sequence: 17 }],
    ['several dropped records', 'DELETE FROM records WHERE sequence BETWEEN 5 AND 8', { kind: 'dropped', sequence: 5, until: 8 }],
    ['a dropped end', 'DELETE FROM records WHERE sequence > 35', { kind: 'dropped', sequence: 36, until: 40 }],
    ['an empty log', 'DELETE FROM records', { kind: 'dropped', sequence: 1, until: 40 }],
    [
      'a record dropped and the rest renumbered',
      'DELETE FROM records WHERE sequence = 17; UPDATE records SET sequence = -sequence + 1 WHERE sequence > 17; UPDATE records SET sequence = -sequence WHERE sequence < 0',
      { kind: 'dropped', sequence: 17 },
    ],
    [
      'a record added before the others',
      `INSERT INTO records SELECT 0, ${COLUMNS} FROM records WHERE sequence = 3`,
      { kind: 'added', sequence: 0 },
    ],
  ])('%s is found', async (_, sql, problem) => {
    expect((await verifyDatabase((database) => database.exec(sql))).problem).toMatchObject(problem);
  });

  it('two swapped records are found, neighbours or not', async () => {
    expect((await verifyDatabase((database) => swapRows(database, 17, 18))).problem).toMatchObject({
      kind: 'reordered',
      sequence: 17,
    });
    expect((await verifyDatabase((database) => swapRows(database, 3, 38))).problem).toMatchObject({
      kind: 'reordered',
      sequence: 3,
    });
  });

  it('a record changed together with its hash is found by the record after it, and by a checkpoint', async () => {
    for (const [sequence, expected] of [
      [17, { kind: 'changed', sequence: 17 }],
      [40, { kind: 'changed', until: 40 }],
    ] as const) {
      const { problem } = await verifyDatabase((database) => {
        rewrite(database, (records) =>
          records.map((record) => {
            if (record.sequence !== sequence) return record;
            const changed = { ...record, outcome: 'pin_rejected' };
            return { ...changed, hash: hashRecord(changed) };
          }),
        );
      });
      expect(problem).toMatchObject(expected);
    }
  });

  it('a rewritten rest is found by the next checkpoint, which says from where', async () => {
    const { problem } = await verifyDatabase((database) => {
      rewrite(database, (records) =>
        rechain(
          records.map((record) => (record.sequence === 25 ? { ...record, caller: 'nobody' } : record)),
          25,
        ),
      );
    });
    expect(problem).toMatchObject({ kind: 'changed', sequence: 21, until: 40 });
  });

  it('a record added while no daemon ran is found, though it fits the chain', async () => {
    const { problem } = await verifyDatabase((database) => {
      rewrite(database, (records) => rechain([...records, { ...records[0], caller: 'nobody' } as AuditRecord], 41));
    });
    expect(problem).toMatchObject({ kind: 'added', sequence: 41 });
  });

  it.each([
    ['a forged signature', "UPDATE checkpoints SET signature = 'AAAA' WHERE number = 2", { sequence: 20 }],
    ['a checkpoint moved to another record', 'UPDATE checkpoints SET sequence = 19 WHERE number = 2', { sequence: 19 }],
    ['a dropped checkpoint', 'DELETE FROM checkpoints WHERE number = 2', { sequence: 20 }],
    ['a dropped first checkpoint', 'DELETE FROM checkpoints WHERE number = 1', { sequence: 20 }],
  ])('%s is found', async (_, sql, problem) => {
    expect((await verifyDatabase((database) => database.exec(sql))).problem).toMatchObject({
      kind: 'bad_checkpoint',
      ...problem,
    });
  });

  it('a forged mark of pruning does not hide dropped records', async () => {
    const { problem } = await verifyDatabase((database) => {
      const { hash } = database.prepare('SELECT hash FROM records WHERE sequence = 10').get() ?? {};
      database.exec('DELETE FROM records WHERE sequence <= 10');
      insertCheckpoint(database, foreignCheckpoint({ number: 6, kind: 'prune', sequence: 10, hash: String(hash) }));
    });
    expect(problem).toMatchObject({ kind: 'bad_checkpoint', sequence: 10 });
  });

  it('a key put in place of the log’s own is found by the signatures', async () => {
    const { problem } = await verifyDatabase((database) => {
      const spki = encodePublicKey(foreign.publicKey).toString('base64');
      database.prepare('UPDATE publicKey SET spki = ?').run(spki);
    });
    expect(problem).toMatchObject({ kind: 'bad_checkpoint' });
    expect(problem?.message).toContain('another key');
  });

  it('an end that was dropped with its checkpoints is found against an earlier export', async () => {
    using later = await openExported();
    const cut = (database: DatabaseSync): void =>
      database.exec('DELETE FROM records WHERE sequence > 20; DELETE FROM checkpoints WHERE sequence > 20');
    expect((await verifyDatabase(cut)).ok).toBe(true);
    expect((await verifyDatabase(cut, anchorsOf(later))).problem).toMatchObject({ kind: 'dropped', sequence: 21, until: 40 });
  });
});

const foreignPair = generateKeyPairSync('ed25519');
const foreign = { ...foreignPair, fingerprint: fingerprintOf(foreignPair.publicKey) };

function foreignCheckpoint(fields: Pick<Checkpoint, 'number' | 'kind' | 'sequence' | 'hash'>): Checkpoint {
  return signCheckpoint({ ...fields, time: '2026-01-01T00:00:00.000Z' }, foreign);
}

function insertCheckpoint(database: DatabaseSync, { number, kind, sequence, hash, time, key, signature }: Checkpoint): void {
  database
    .prepare(
      'INSERT OR REPLACE INTO checkpoints (number, kind, sequence, hash, time, key, signature) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(number, kind, sequence, hash, time, key, signature);
}

function rewrite(database: DatabaseSync, edit: (records: readonly AuditRecord[]) => readonly AuditRecord[]): void {
  const rows = database.prepare('SELECT * FROM records ORDER BY sequence').all();
  const records = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)));
  database.exec('DELETE FROM records');
  const insert = database.prepare(
    `INSERT INTO records (sequence, ${COLUMNS}) VALUES (?${', ?'.repeat(COLUMNS.split(',').length)})`,
  );
  for (const record of edit(records as unknown as AuditRecord[])) {
    const values = record as unknown as Record<string, string | number | undefined>;
    insert.run(...['sequence', ...COLUMNS.split(', ')].map((column) => values[column] ?? null));
  }
}

async function openExported(): ReturnType<typeof openAuditFile> {
  const path = join(folder, 'exported.jsonl');
  writeFileSync(path, exported);
  return await openAuditFile(path);
}

describe('in an export,', () => {
  it.each<[string, (lines: Line[]) => Line[], object]>([
    [
      'a changed field',
      (lines) => lines.with(recordLine(lines, 9), { ...linesAt(lines, 9), outcome: 'x' }),
      { kind: 'changed', sequence: 9 },
    ],
    ['a dropped line', (lines) => lines.toSpliced(recordLine(lines, 9), 1), { kind: 'dropped', sequence: 9 }],
    ['a repeated line', (lines) => lines.toSpliced(recordLine(lines, 9), 0, linesAt(lines, 9)), { kind: 'added', sequence: 9 }],
    [
      'two swapped lines',
      (lines) => lines.with(recordLine(lines, 9), linesAt(lines, 10)).with(recordLine(lines, 10), linesAt(lines, 9)),
      { kind: 'reordered', sequence: 9 },
    ],
    ['a cut end', (lines) => lines.slice(0, -1), { kind: 'dropped', sequence: 41 }],
    ['a cut end, with records', (lines) => lines.slice(0, recordLine(lines, 30)), { kind: 'dropped', sequence: 30 }],
    ['a dropped record at the end', (lines) => lines.toSpliced(recordLine(lines, 40), 1), { kind: 'dropped', sequence: 40 }],
    [
      'a checkpoint of another key',
      (lines) => [
        ...lines.slice(0, -1),
        { type: 'checkpoint', ...foreignCheckpoint({ ...(lines.at(-1) as unknown as Checkpoint) }) },
      ],
      { kind: 'bad_checkpoint', sequence: 40 },
    ],
  ])('%s is found', async (_, edit, problem) => {
    expect((await verifyText(edited(edit))).problem).toMatchObject(problem);
  });

  it('an end cut back to an earlier export is found by comparing with a later one', async () => {
    using later = await openExported();
    expect((await verifyText(earlier)).ok).toBe(true);
    expect((await verifyText(earlier, anchorsOf(later))).problem).toMatchObject({ kind: 'dropped', sequence: 21, until: 40 });
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'hello\n'],
    ['no header', '{"type":"record"}\n'],
    ['another format', '{"type":"header","format":"other"}\n'],
    ['no key', '{"type":"header","format":"kortd-audit-1","publicKey":"AAAA"}\n'],
  ])('%s is refused with the reason', async (_, text) => {
    await expect(verifyText(text)).rejects.toThrow(AuditFileError);
  });

  it('a field too many or too few is named with its line', async () => {
    for (const change of [{ extra: 1 }, { hash: undefined }, { sequence: 'x' }])
      await expect(verifyText(edited((lines) => lines.with(5, { ...(lines[5] as Line), ...change })))).rejects.toThrow(/line 6/);
  });
});

function linesAt(lines: readonly Line[], sequence: number): Line {
  return lines[recordLine(lines, sequence)] as Line;
}

describe('pages of an export', () => {
  it('make a whole file, whatever is written and started between them', async () => {
    const own = mkdtempSync(join(tmpdir(), 'kortd-audit-'));
    try {
      let log = AuditLog.open({ folder: own, log: silentLog });
      await Promise.all(Array.from({ length: 2_000 }, () => fill(log, 1)));
      let text = '';
      let pages = 0;
      for (let page = log.exportPage({}); ; page = log.exportPage(page.next)) {
        text += page.text;
        pages++;
        expect(Buffer.byteLength(page.text)).toBeLessThan(262_144);
        if (!page.next) break;
        await fill(log, 3);
        if (pages !== 2) continue;
        await log[Symbol.asyncDispose]();
        log = AuditLog.open({ folder: own, log: silentLog });
        exportAll(log);
      }
      await log[Symbol.asyncDispose]();
      expect(pages).toBeGreaterThan(3);
      expect(await verifyText(text)).toMatchObject({ ok: true, records: log.head.sequence });
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });
});

describe('a daemon that is started again', () => {
  it('does not hide records that were dropped meanwhile, nor a key that was', async () => {
    const own = mkdtempSync(join(tmpdir(), 'kortd-audit-'));
    try {
      for (const file of [AUDIT_FILE, AUDIT_KEY_FILE]) writeFileSync(join(own, file), readFileSync(join(folder, file)));
      const database = new DatabaseSync(join(own, AUDIT_FILE));
      database.exec('DELETE FROM records WHERE sequence > 35');
      database.close();
      {
        await using log = AuditLog.open({ folder: own, log: silentLog });
        await fill(log, 3);
        expect(await log.verify()).toMatchObject({ ok: false, problem: { kind: 'dropped', sequence: 36, until: 40 } });
      }
      rmSync(join(own, AUDIT_KEY_FILE));
      const warnings: unknown[] = [];
      const log = { ...silentLog, warn: (fields: object) => void warnings.push(fields) };
      await using again = AuditLog.open({ folder: own, log });
      expect(warnings).toHaveLength(1);
      expect(await again.verify()).toMatchObject({ ok: false, problem: { kind: 'bad_checkpoint' } });
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });

  it('notices records that vanish under its hands', async () => {
    const own = mkdtempSync(join(tmpdir(), 'kortd-audit-'));
    try {
      await using log = AuditLog.open({ folder: own, log: silentLog });
      await fill(log, 10);
      const database = new DatabaseSync(join(own, AUDIT_FILE));
      database.exec('DELETE FROM records WHERE sequence > 8');
      database.close();
      expect(await log.verify()).toMatchObject({ ok: false, problem: { kind: 'dropped', sequence: 9, until: 10 } });
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });
});
