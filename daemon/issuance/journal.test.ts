import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from './entry.ts';
import { Journal, type CeremonySummary } from './journal.ts';

const START = new Date('2026-03-01T08:00:00Z');
const BEGUN: Entry = { type: 'ceremony.begun', routine: { id: 'reserve-card-loa3', version: 1 }, isProtected: false };
const FINISHED: Entry = { type: 'ceremony.finished' };

let folder = '';
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-journal-'));
  journal = new Journal(join(folder, 'issuance.sqlite'));
});
afterEach(() => {
  journal[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

function summary(id: string, options: Partial<CeremonySummary> = {}): CeremonySummary {
  const at = START.toISOString();
  return {
    id,
    routine: 'reserve-card-loa3',
    state: 'open',
    startedAt: at,
    updatedAt: at,
    isProtected: false,
    search: '',
    ...options,
  };
}

function append(id: string, entry: Entry, options: Partial<CeremonySummary> = {}): void {
  journal.append(id, { entry, time: START, summary: summary(id, options) });
}

const ids = (found: readonly CeremonySummary[]): readonly string[] => found.map(({ id }) => id);

describe('the journal', () => {
  it('gives back what was written, in its order, from a file that its owner alone can read', () => {
    append('a', BEGUN);
    append('b', BEGUN);
    append('a', FINISHED, { state: 'finished' });
    journal[Symbol.dispose]();
    journal = new Journal(join(folder, 'issuance.sqlite'));
    expect(journal.entriesOf('a').map(({ number, entry }) => [number, entry])).toEqual([
      [1, BEGUN],
      [2, FINISHED],
    ]);
    expect(journal.summaryOf('a')).toMatchObject({ state: 'finished' });
    expect(journal.entriesOf('none')).toEqual([]);
    expect(journal.summaryOf('none')).toBeUndefined();
    expect(statSync(join(folder, 'issuance.sqlite')).mode & 0o777).toBe(0o600);
  });

  it('forgets what has ended, to the last byte on the disk, and nothing that is open', () => {
    const file = join(folder, 'issuance.sqlite');
    const cancelled: Entry = { type: 'ceremony.cancelled', reason: 'Zebedaios' };
    append('a', BEGUN);
    append('a', cancelled, { state: 'cancelled', search: 'Melchisedek' });
    append('b', BEGUN);
    journal[Symbol.dispose]();
    expect(readFileSync(file, 'latin1')).toMatch(/Zebedaios[^]*melchisedek|melchisedek[^]*Zebedaios/);
    journal = new Journal(file);
    journal.forget(['a', 'b', 'none']);
    expect([journal.entriesOf('a'), journal.summaryOf('a')]).toEqual([[], undefined]);
    expect(journal.entriesOf('b')).toHaveLength(1);
    journal[Symbol.dispose]();
    expect(readFileSync(file, 'latin1')).not.toMatch(/Zebedaios|melchisedek/i);
    journal = new Journal(file);
    expect(ids(journal.list({ includesProtected: true, limit: 9 }))).toEqual(['b']);
  });

  it.each([
    ['changed', `UPDATE entries SET body = replace(body, '"version":1', '"version":2') WHERE number = 1`],
    ['missing', 'DELETE FROM entries WHERE number = 1'],
    ['of another time', `UPDATE entries SET time = '2020-01-01T00:00:00.000Z' WHERE number = 1`],
  ])('tells an entry that was %s', (_, sql) => {
    append('a', BEGUN);
    append('a', FINISHED);
    const database = new DatabaseSync(join(folder, 'issuance.sqlite'));
    database.exec(sql);
    database.close();
    expect(() => journal.entriesOf('a')).toThrow(/entry 1 is not the one that was written/);
  });

  it('of a later version is not opened', () => {
    journal[Symbol.dispose]();
    const database = new DatabaseSync(join(folder, 'issuance.sqlite'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => new Journal(join(folder, 'issuance.sqlite'))).toThrow(/version 99/);
    journal = new Journal(join(folder, 'other.sqlite'));
  });
});

describe('ceremonies are found', () => {
  beforeEach(() => {
    append('anna', BEGUN, { search: 'Anna Lindqvist 9752000000000000011', startedAt: '2026-03-01T08:00:00.000Z' });
    append('bjorn', BEGUN, {
      search: 'Björn ÅKESSON 9752000000000000029',
      startedAt: '2026-03-02T08:00:00.000Z',
      state: 'finished',
    });
    append('hidden', BEGUN, { search: 'Anna Dold', startedAt: '2026-03-03T08:00:00.000Z', isProtected: true });
  });
  const all = { includesProtected: false, limit: 10 } as const;

  it('the latest first, those with protected personal data only for who may see them', () => {
    expect(ids(journal.list(all))).toEqual(['bjorn', 'anna']);
    expect(ids(journal.list({ ...all, includesProtected: true }))).toEqual(['hidden', 'bjorn', 'anna']);
    expect(ids(journal.list({ ...all, limit: 1 }))).toEqual(['bjorn']);
    expect(ids(journal.list({ ...all, before: '2026-03-02T08:00:00.000Z' }))).toEqual(['anna']);
  });

  it('by state, by routine, and by how words begin', () => {
    expect(ids(journal.list({ ...all, state: 'finished' }))).toEqual(['bjorn']);
    expect(ids(journal.list({ ...all, routine: 'other' }))).toEqual([]);
    expect(ids(journal.list({ ...all, words: ['åke', 'BJ'] }))).toEqual(['bjorn']);
    expect(ids(journal.list({ ...all, words: ['97520000000000000'] }))).toEqual(['bjorn', 'anna']);
    expect(ids(journal.list({ ...all, words: ['qvist'] }))).toEqual([]);
    expect(ids(journal.list({ ...all, words: ['%'] }))).toEqual([]);
    expect(ids(journal.list({ ...all, words: ["' OR 1=1 --"] }))).toEqual([]);
  });
});
