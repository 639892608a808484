/**
 * What the audit log adds to a call: `node test/audit/cost.ts [FOLDER]`. The peer, in the same run and on the same disk: SQLite alone, which commits each
 * record by itself at synchronous = FULL, and blocks the event loop meanwhile.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AuditLog } from '../../daemon/audit/audit-log.ts';
import { silentLog } from '../../daemon/log.ts';
import { atMost, median, type Figure } from '../bench/figure.ts';

const SECONDS = 5;
const WARM_UP_SECONDS = 1;
const RATE = 1_000;

type Append = () => Promise<void> | void;

/** Begins calls at this rate whether or not earlier ones are done; resolves with the milliseconds that each took, sorted. */
async function measure(append: Append, perSecond: number, seconds: number): Promise<readonly number[]> {
  const times: number[] = [];
  const calls: Promise<void>[] = [];
  const startedAt = performance.now();
  const timed = async (): Promise<void> => {
    const before = performance.now();
    await append();
    times.push(performance.now() - before);
  };
  while (calls.length < perSecond * seconds) {
    const due = ((performance.now() - startedAt) * perSecond) / 1_000;
    while (calls.length < Math.min(due, perSecond * seconds)) calls.push(timed());
    await new Promise(setImmediate);
  }
  await Promise.all(calls);
  return times.sort((one, other) => one - other);
}

function row(name: string, times: readonly number[]): string {
  const at = (share: number): string => `${(times[Math.floor(times.length * share)] ?? 0).toFixed(3)} ms`.padStart(11);
  return `${name.padEnd(34)} p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)}`;
}

interface Cost {
  readonly log: readonly number[];
  readonly sqlite: readonly number[];
}

/** On the disk of this folder. */
export async function measureAudit(parent: string): Promise<Cost> {
  const folder = mkdtempSync(join(parent, 'kortd-audit-'));
  try {
    await using log = AuditLog.open({ folder, log: silentLog });
    const act = {
      callerKind: 'native',
      caller: 'program 5f0c2a71',
      method: 'sign.digest',
      cardSerial: '10000001',
      cardApplication: 'piv',
      reader: 'Reader 00 00',
      outcome: 'ok',
    } as const;
    const append = (): Promise<void> => log.append(act);
    using database = new DatabaseSync(join(folder, 'peer.sqlite'));
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE records (number INTEGER PRIMARY KEY, text TEXT)',
    );
    const insert = database.prepare('INSERT INTO records (text) VALUES (?)');
    const text = JSON.stringify(act).padEnd(300);
    const peer = (): void => void insert.run(text);
    for (const one of [append, peer]) await measure(one, RATE, WARM_UP_SECONDS);
    return { log: await measure(append, RATE, SECONDS), sqlite: await measure(peer, RATE, SECONDS) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** For `npm run bench`. */
export async function auditFigure(): Promise<Figure> {
  const { log, sqlite } = await measureAudit(tmpdir());
  return atMost(
    1,
    { name: `audit record durable before the answer, p50 at ${RATE.toLocaleString('en')}/s`, value: median(log), unit: 'ms' },
    { peer: 'SQLite alone, FULL', peerValue: median(sqlite) },
  );
}

if (import.meta.main) {
  const { log, sqlite } = await measureAudit(process.argv[2] ?? tmpdir());
  process.stdout.write(`${row(`audit record, ${RATE}/s`, log)}\n${row(`SQLite alone, FULL, ${RATE}/s`, sqlite)}\n`);
}
