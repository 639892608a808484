/** A journal as it is after years: ceremonies in great number, written past the daemon in one transaction, each with a chain of entries that is whole. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CeremonyEntry } from '../../daemon/issuance/entry.ts';
import { Journal } from '../../daemon/issuance/journal.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../daemon/issuance/open-issuance.ts';

export interface ManyCeremonies {
  readonly count: number;
  readonly state: 'open' | 'finished';
  readonly entries: readonly CeremonyEntry[];
  /** Of the first; each after it a minute later. */
  readonly since: Date;
}

const ROUTINE = 'reserve-card-loa3';
const FAMILY_NAMES = ['Öberg', 'Lindqvist', 'Sandström', 'Åkesson', 'Ek', 'Nyström', 'Zetterlund'];

export function writeMany(dataFolder: string, groups: readonly ManyCeremonies[]): void {
  const file = join(dataFolder, ISSUANCE_JOURNAL_FILE);
  new Journal(file)[Symbol.dispose]();
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA synchronous = OFF; BEGIN IMMEDIATE');
    for (const group of groups) writeGroup(database, group);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

function writeGroup(database: DatabaseSync, { count, state, entries, since }: ManyCeremonies): void {
  const addEntry = database.prepare('INSERT INTO entries (ceremony, number, time, body, hash) VALUES (?, ?, ?, ?, ?)');
  const addCeremony = database.prepare(
    'INSERT INTO ceremonies (id, routine, state, startedAt, updatedAt, isProtected, search) VALUES (?, ?, ?, ?, ?, 0, ?)',
  );
  const begun = { type: 'ceremony.begun', routine: { id: ROUTINE, version: 1 }, isProtected: false };
  const bodies = [begun, ...entries].map((entry) => JSON.stringify(entry));
  for (let index = 0; index < count; index++) {
    const time = new Date(since.getTime() + index * 60_000).toISOString();
    const id = `ceremony-${state}-${String(index).padStart(8, '0')}`;
    let previous = '0'.repeat(64);
    for (const [before, body] of bodies.entries()) {
      previous = hashOf([id, before + 1, time, body, previous]);
      addEntry.run(id, before + 1, time, body, previous);
    }
    addCeremony.run(id, ROUTINE, state, time, time, wordsOf(index));
  }
}

/** As daemon/issuance/journal.ts has it, written a second time. */
function hashOf(fields: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify(['kortd-issuance-entry-1', ...fields]))
    .digest('hex');
}

function wordsOf(index: number): string {
  const name = `Cecilia ${FAMILY_NAMES[index % FAMILY_NAMES.length] ?? ''}`;
  return ` ${name} 1981${String(index).padStart(8, '0')} SE2321000016-${index} 97520000000${String(index).padStart(8, '0')}`.toLowerCase();
}
