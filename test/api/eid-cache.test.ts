/** What kortd keeps of eID cards over insertions and restarts: how few questions a known card is asked, and that no change of a card is missed. */
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { CARD_CACHE_FILE } from '../../daemon/desk/card-cache.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import type { Fault } from '../../drivers/simulated/faults.ts';
import { openDesk, stateOf, type EidDesk } from './eid-desk.ts';
import {
  certificateFor,
  INS,
  openBench,
  outcomeOf,
  PIN,
  resultOf,
  WatchedCard,
  watchedPivCard,
  writePolicy,
  type Bench,
} from './support.ts';

const CARDS = ['anna', 'bjorn', 'cecilia', 'david'] as const;
/** SELECT and EF.CIAInfo; where that does not fit an answer, the rest of it. */
const KNOWN: Readonly<Record<(typeof CARDS)[number], number>> = { anna: 3, bjorn: 3, cecilia: 2, david: 2 };

/** Takes the card out and puts it in again; resolves with what it was asked then. */
async function reinsert(bench: Bench, desk: EidDesk): Promise<{ readonly desk: EidDesk; readonly exchanges: number }> {
  bench.reader().remove();
  desk.card.forget();
  const id = await bench.insert(desk.card);
  return { desk: { ...desk, id }, exchanges: desk.card.exchanges };
}

async function readAll({ api, id }: EidDesk): Promise<object> {
  const { pins, keys, certificates } = resultOf(await api.call('card.read', { card: id }));
  return { pins, keys, certificates };
}

async function writeCertificate(desk: EidDesk, name: string): Promise<string> {
  const { api, id, pins } = desk;
  const { keys } = resultOf(await api.call('card.read', { card: id }));
  const publicKey = createPublicKey({ key: Buffer.from(keys[0]?.publicKey ?? '', 'base64'), format: 'der', type: 'spki' });
  const certificate = certificateFor(publicKey, { name });
  const [pin] = Object.values(pins);
  resultOf(await api.call('certificate.write', { card: id, keyReference: '45', certificate, pin }));
  return certificate;
}

/** Of the key for legitimering. */
async function certificateOf({ api, id }: EidDesk): Promise<string | undefined> {
  const { certificates } = resultOf(await api.call('certificate.list', { card: id }));
  return certificates.find(({ keyReference }) => keyReference === '45')?.certificate;
}

describe.each(CARDS)('the eID card of %s', (persona) => {
  it('is told from its marker when it is put in again, and everything about it is known', async () => {
    await using bench = await openBench();
    const desk = await openDesk(bench, persona);
    const before = await readAll(desk);
    const again = await reinsert(bench, desk);
    expect(again.exchanges, desk.card.commands.join('\n')).toBe(KNOWN[persona]);
    expect(await readAll(again.desk)).toEqual(before);
    expect(desk.card.commands.filter((command) => command.startsWith('00B0') && !command.startsWith('00B092'))).toEqual([]);
  });

  it('is known after a restart of the daemon', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'kortd-cache-'));
    try {
      let before: object;
      {
        await using bench = await openBench({ dataFolder });
        before = await readAll(await openDesk(bench, persona));
      }
      await using bench = await openBench({ dataFolder });
      const card = new WatchedCard(createEidCard({ persona }));
      const id = await bench.insert(card);
      expect(card.exchanges).toBe(KNOWN[persona]);
      expect(await readAll({ api: await bench.socket(), card, id, pins: {}, puk: '' })).toEqual(before);
      expect(statSync(join(dataFolder, CARD_CACHE_FILE)).mode & 0o777).toBe(0o600);
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });

  it('that kortd wrote to is read anew, and its marker says so to other workstations too', async () => {
    await using here = await openBench();
    const desk = await openDesk(here, persona);
    await using elsewhere = await openBench();
    const other = { ...desk, api: await elsewhere.socket() };
    here.reader().remove();
    const firstSeen = { ...other, id: await elsewhere.insert(desk.card) };
    await readAll(firstSeen);
    elsewhere.reader().remove();

    const back = { ...desk, id: await here.insert(desk.card) };
    const certificate = await writeCertificate(back, 'New');
    expect(await certificateOf(back)).toBe(certificate);
    here.reader().remove();
    const seenAgain = { ...other, id: await elsewhere.insert(desk.card) };
    expect(await certificateOf(seenAgain)).toBe(certificate);
  });
});

describe('a card in the reader', () => {
  it('that another workstation’s program changed, and reset, is read anew', async () => {
    await using bench = await openBench();
    const desk = await openDesk(bench, 'cecilia');
    await using elsewhere = await openBench();
    const changed = createEidCard({ state: stateOf(desk.card) });
    const there = { ...desk, card: new WatchedCard(changed), id: await elsewhere.insert(changed), api: await elsewhere.socket() };
    const certificate = await writeCertificate(there, 'From elsewhere');
    // The same card, as it is now; nothing tells kortd but its marker.
    Object.assign(desk.card, { inner: createEidCard({ state: changed.state() }) });
    desk.card.reset();
    expect(await certificateOf(desk)).toBe(certificate);
  });

  it('is read from the card again with refresh', async () => {
    await using bench = await openBench();
    const desk = await openDesk(bench, 'cecilia');
    await readAll(desk);
    desk.card.forget();
    resultOf(await desk.api.call('card.read', { card: desk.id }));
    const known = desk.card.exchanges;
    desk.card.forget();
    resultOf(await desk.api.call('card.read', { card: desk.id, refresh: true }));
    expect(known).toBeLessThanOrEqual(4);
    expect(desk.card.exchanges).toBeGreaterThan(12);
  });

  it('that raw commands went to is forgotten, and no other', async () => {
    await using bench = await openBench({ readers: [{}, {}] });
    const desk = await openDesk(bench, 'cecilia');
    const other = new WatchedCard(createEidCard({ persona: 'david' }));
    await bench.insert(other, 1);
    const commands = ['00A4040C0CA000000063504B43532D3135'];
    resultOf(await desk.api.call('card.transmit', { card: desk.id, commands }));
    expect((await reinsert(bench, desk)).exchanges).toBeGreaterThan(12);
    bench.reader(1).remove();
    other.forget();
    await bench.insert(other, 1);
    expect(other.exchanges).toBe(2);
  });

  it('whose change breaks off is read anew, wherever that was', async () => {
    await using bench = await openBench();
    const state = stateOf(new WatchedCard(createEidCard({ persona: 'cecilia' })));
    const desk = { ...(await openDesk(bench, 'cecilia')), id: { reader: bench.readerId() } };
    for (let at = 1; ; at++) {
      bench.reader().remove();
      const card = new WatchedCard(createEidCard({ state }));
      await bench.insert(card);
      const faults: readonly Fault[] = [{ kind: 'pull', at, phase: 'after' }];
      const { keys } = resultOf(await desk.api.call('card.read', { card: desk.id }));
      const publicKey = createPublicKey({ key: Buffer.from(keys[0]?.publicKey ?? '', 'base64'), format: 'der', type: 'spki' });
      const certificate = certificateFor(publicKey, { name: 'New' });
      const params = { card: desk.id, keyReference: '45', certificate, pin: Object.values(desk.pins)[0] };
      bench.reader().arm(faults);
      const outcome = outcomeOf(await desk.api.call('certificate.write', params));
      bench.reader().disarm();
      const isPulled = outcome !== 'ok';
      if (isPulled) await bench.insert(card);
      const { id } = desk;
      const known = resultOf(await desk.api.call('certificate.list', { card: id })).certificates;
      const { certificates } = resultOf(await desk.api.call('card.read', { card: id, refresh: true }));
      expect(known, `exchange ${at}`).toEqual(certificates);
      if (!isPulled) return;
      expect(outcome).toBe('card_removed');
    }
  });

  it('without a change marker is read at every insertion: PIV, and eID cards that keep none', async () => {
    await using bench = await openBench();
    for (const card of [watchedPivCard(), new WatchedCard(createEidCard({ pins: { legitimering: PIN } }))]) {
      await bench.insert(card);
      const first = card.exchanges;
      bench.reader().remove();
      card.forget();
      await bench.insert(card);
      expect(card.exchanges).toBe(first);
      bench.reader().remove();
    }
  });

  it('by which the PIN was used is signed with in four commands', async () => {
    await using bench = await openBench();
    const desk = await openDesk(bench, 'cecilia');
    const { keys } = resultOf(await desk.api.call('card.read', { card: desk.id }));
    const again = await reinsert(bench, desk);
    const [key] = keys;
    const digest = Buffer.alloc(32, 9).toString('base64');
    const params = {
      card: again.desk.id,
      keyReference: key?.keyReference,
      algorithm: 'RS256',
      digest,
      pin: desk.pins[key?.pin ?? ''],
    };
    resultOf(await desk.api.call('sign.digest', params));
    desk.card.forget();
    resultOf(await desk.api.call('sign.digest', params));
    expect(desk.card.count(INS.verify, 'with data')).toBe(1);
    expect(desk.card.exchanges).toBe(4);
  });
});

describe('the first read of a card with two certificates', () => {
  // The first one asks whether it is a PIV card. In commands of short length a certificate of a thousand bytes takes five.
  it.each([
    ['anna', 28],
    ['bjorn', 25],
    ['cecilia', 18],
    ['david', 18],
  ] as const)('of %s takes %i commands', async (persona, most) => {
    await using bench = await openBench();
    const card = new WatchedCard(createEidCard({ persona, authorities: [] }));
    await bench.insert(card);
    expect(card.exchanges).toBe(most);
  });
});

describe('the file of what is known of cards', () => {
  it.each([
    ['is no database', (file: string) => writeFileSync(file, 'rubbish '.repeat(1000))],
    ['was cut short', (file: string) => writeFileSync(file, readFileSync(file).subarray(0, 5_000))],
    [
      'was changed',
      (file: string) => {
        using database = new DatabaseSync(file);
        database.exec(`UPDATE cards SET body = replace(body, 'Legitimering', 'Legitimerinh')`);
      },
    ],
    [
      'is of another version',
      (file: string) => {
        using database = new DatabaseSync(file);
        database.exec('DROP TABLE cards; CREATE TABLE cards (other TEXT); PRAGMA user_version = 99');
      },
    ],
  ])('that %s is begun anew, and the card is read as ever', async (_, damage) => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'kortd-cache-'));
    const file = join(dataFolder, CARD_CACHE_FILE);
    try {
      let before: object;
      {
        await using bench = await openBench({ dataFolder });
        before = await readAll(await openDesk(bench, 'cecilia'));
      }
      damage(file);
      await using bench = await openBench({ dataFolder });
      const desk = await openDesk(bench, 'cecilia');
      expect(await readAll(desk)).toEqual(before);
      expect((await reinsert(bench, desk)).exchanges).toBe(2);
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });

  it('is not there where the policy says so, and goes when the policy is changed', async () => {
    await using bench = await openBench();
    const desk = await openDesk(bench, 'cecilia');
    const file = join(bench.dataFolder, CARD_CACHE_FILE);
    expect(readFileSync(file).includes('Legitimering')).toBe(true);
    writePolicy(join(bench.dataFolder, 'policy.d'), { cards: { keepContents: false } });
    expect(resultOf(await desk.api.call('system.reload', {})).problems).toEqual([]);
    expect(() => statSync(file)).toThrow('ENOENT');
    expect((await reinsert(bench, desk)).exchanges).toBeGreaterThan(12);
    expect(() => statSync(file)).toThrow('ENOENT');
  });
});
