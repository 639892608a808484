/**
 * Issuance: what the journal costs beside a bare insert into SQLite, how often the LoA3 routine talks to the new card, and lists, searches and the start with years of
 * ceremonies: `node test/bench/issuance.ts`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../api-spec/client/client.ts';
import type { Params } from '../../api-spec/methods/index.ts';
import { startDaemon, type Daemon } from '../../daemon/daemon.ts';
import { Ceremonies } from '../../daemon/issuance/ceremonies.ts';
import type { CeremonyEntry } from '../../daemon/issuance/entry.ts';
import { Journal } from '../../daemon/issuance/journal.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../daemon/issuance/open-issuance.ts';
import { standardRoutines } from '../../daemon/issuance/routines.ts';
import { silentLog } from '../../daemon/log.ts';
import { openPrivateDatabase } from '../../daemon/private-database.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { ON_EID, job, ordered } from '../api/issuance-ceremonies.ts';
import { resultOf } from '../api/answers.ts';
import { writeMany } from '../issuance/many-ceremonies.ts';
import { PINS, downloadReserveCard, openOffice, orderReserveCard } from '../issuance/office.ts';
import { atMost, format, median, type Figure } from './figure.ts';

const STEPS = 200;
const ROUNDS = 5;
const OPEN = 200;
const ARCHIVED = 100_000;
const LISTS = 15;

export async function measureIssuance(): Promise<readonly Figure[]> {
  return [measureJournal(), await countExchanges(), ...(await measureYears())];
}

function inFolder<R>(work: (folder: string) => R): R {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-issuance-bench-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A step on a card has an entry before it and one after; each is on the disk when it is noted. */
function measureJournal(): Figure {
  return inFolder((folder) => {
    using journal = new Journal(join(folder, ISSUANCE_JOURNAL_FILE));
    const options = { journal, routines: standardRoutines(), isAdministrator: () => true, onChange: () => undefined };
    const ceremonies = new Ceremonies({ ...options, now: () => new Date(), monotonicMs: () => performance.now() });
    const { id } = ceremonies.start('reserve-card-loa3', { isProtected: false });
    const note = (entry: CeremonyEntry): unknown => ceremonies.note(ceremonies.get(id), entry);
    for (const entry of [...ordered(), ...job(ON_EID, 'making')]) note(entry);
    const [before, after] = job(ON_EID, 'generated').slice(-2);
    if (!before || !after) throw new Error('a key is made in two entries');
    const file = join(folder, 'bare.sqlite');
    using bare = openPrivateDatabase(file, { schema: 'CREATE TABLE IF NOT EXISTS entries (body TEXT NOT NULL) STRICT' });
    const insert = bare.prepare('INSERT INTO entries (body) VALUES (?)');
    const bodies = [before, after].map((entry) => JSON.stringify(entry));
    // They take turns: the disk is shared with others.
    const times = Array.from({ length: STEPS }, () => ({
      noted: timeOf(() => [before, after].forEach(note)),
      inserted: timeOf(() => bodies.forEach((body) => insert.run(body))),
    }));
    const pairs = times.map(({ noted }) => noted);
    const inserts = times.map(({ inserted }) => inserted);
    const measured = { name: 'issuance: journal of a step on a card, p50', value: median(pairs), unit: 'ms' };
    return atMost(3, measured, { peer: 'two inserts into SQLite', peerValue: median(inserts) });
  });
}

function timeOf(work: () => void): number {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}

/** From the keys to the confirmed card, the receipt included. */
async function countExchanges(): Promise<Figure> {
  await using office = await openOffice();
  const view = await orderReserveCard(office);
  const { reserve } = office.cards;
  reserve.forget();
  const { ceremony } = await downloadReserveCard(office, view);
  const sign = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift } as const;
  resultOf(await office.api.call('issuance.sign', sign));
  resultOf(await office.api.call('issuance.confirm', { ceremony }));
  return atMost(60, { name: 'issuance: the LoA3 routine on the new card', value: reserve.exchanges, unit: 'exchanges' });
}

async function measureYears(): Promise<readonly Figure[]> {
  const [empty, full] = [mkdtempSync(join(tmpdir(), 'kortd-empty-')), mkdtempSync(join(tmpdir(), 'kortd-years-'))];
  try {
    const now = Date.now();
    writeMany(full, [
      { count: ARCHIVED, state: 'finished', entries: ordered().slice(0, 1), since: new Date(now - 10 * 365 * 86_400_000) },
      { count: OPEN, state: 'open', entries: ordered(), since: new Date(now - 86_400_000) },
    ]);
    return [...(await measureLists(full)), await measureStart(empty, full)];
  } finally {
    for (const folder of [empty, full]) rmSync(folder, { recursive: true, force: true });
  }
}

const LIST_CASES: readonly (readonly [string, Params<'issuance.list'>])[] = [
  ['the open ones', { state: 'open', limit: 200 }],
  ['the latest of all', { limit: 200 }],
  ['by a number', { search: '198100077777' }],
  ['by two names', { search: 'cecilia zett', limit: 50 }],
  ['by what nobody has', { search: 'nobody nowhere' }],
];

async function measureLists(dataFolder: string): Promise<readonly Figure[]> {
  await using daemon = await start(dataFolder);
  const client = await connect(daemon);
  const figures: Figure[] = [];
  for (const [what, params] of LIST_CASES) {
    const times: number[] = [];
    for (let round = 0; round < LISTS; round++) {
      const begin = performance.now();
      await client.call('issuance.list', params);
      times.push(performance.now() - begin);
    }
    const name = `issuance.list, ${OPEN} open and ${ARCHIVED} archived: ${what}`;
    figures.push(atMost(50, { name, value: median(times), unit: 'ms' }));
  }
  client.close();
  return figures;
}

/** What open ceremonies add to the start; empty and full take turns. */
async function measureStart(empty: string, full: string): Promise<Figure> {
  const times: { readonly empty: number; readonly full: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push({ empty: await startTime(empty), full: await startTime(full) });
  const peerValue = median(times.map((time) => time.empty));
  const value = peerValue + median(times.map((time) => time.full - time.empty));
  const name = `start of the daemon with ${OPEN} open ceremonies`;
  const figure = atMost(peerValue + 25, { name, value, unit: 'ms' }, { peer: 'with none', peerValue });
  return { ...figure, target: 'at most 25 ms more' };
}

async function startTime(dataFolder: string): Promise<number> {
  const begin = performance.now();
  await using daemon = await start(dataFolder);
  const client = await connect(daemon);
  await client.call('issuance.list', { limit: 1 });
  const time = performance.now() - begin;
  client.close();
  return time;
}

function start(dataFolder: string): Promise<Daemon> {
  return startDaemon({ dataFolder, port: 0, simulated: true, log: silentLog, sources: [createSimulatedSource([])] });
}

if (import.meta.main) process.stdout.write(`${format(await measureIssuance(), false)}\n`);
