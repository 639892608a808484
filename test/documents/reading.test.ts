/** passport.read on its way: access, what takes how many exchanges, cards that go, calls that are given up, and what leaves no trace. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorOf, openBench, resultOf, within } from '../api/support.ts';
import { layDown, readWhole } from './desk.ts';

describe('a document', () => {
  it('is listed as what it is, and opens by its zone, its three dates and numbers, or the number on its front', async () => {
    await using bench = await openBench();
    const { api, id, card } = await layDown(bench, { persona: 'bjorn' });
    const { cards } = resultOf(await api.call('card.list'));
    expect(cards).toMatchObject([{ id, status: 'ready', application: { id: 'emrtd' } }]);
    const { can = '', mrz } = card.inner.printed;
    for (const access of [
      { can },
      { mrz: mrz.join('') },
      { documentNumber: 'YB3400022', birthDate: '1979-11-03', expiryDate: '280912' },
    ]) {
      const reading = resultOf(await api.call('passport.read', { card: id, access, dataGroups: ['DG1'], provesChip: false }));
      expect(reading.access).toEqual({ protocol: 'PACE', repairs: [] });
      expect(reading.mrz?.lines).toEqual(mrz);
    }
  });

  it('opens by a zone that was misread where its check digits prove what it is, and says what was repaired', async () => {
    await using bench = await openBench();
    const { api, id, card } = await layDown(bench);
    const [first = '', second = ''] = card.inner.printed.mrz;
    const mrz = `${first}\n${second.replace('850214', '85O214')}`;
    const reading = resultOf(await api.call('passport.read', { card: id, access: { mrz }, dataGroups: ['DG1'] }));
    expect(reading.access.repairs).toEqual([{ position: 44 + 15, from: 'O', to: '0' }]);
  });

  it('that does not open says so, and so does a zone that is none, with nothing of what was given', async () => {
    await using bench = await openBench();
    const { api, id, card } = await layDown(bench, { persona: 'bjorn' });
    const wrong = errorOf(await api.call('passport.read', { card: id, access: { can: '918273' } }));
    expect(wrong).toMatchObject({ code: 'document_access_refused', retry: 'after_user_action' });
    const [first = '', second = '', third = ''] = card.inner.printed.mrz;
    const zone = [first, second.replace('791103', '791104'), third].join('\n');
    const refused = errorOf(await api.call('passport.read', { card: id, access: { mrz: zone } }));
    expect(refused).toMatchObject({ code: 'mrz_invalid', details: { problem: 'the check digit of birthDate is wrong' } });
    expect(JSON.stringify([wrong, refused])).not.toMatch(/918273|791104|YB3400022/);
  });
});

describe('the exchanges', () => {
  it.each([
    ['with extended length are at most 60', true, 60],
    ['with short lengths are as many as the bytes want, and 40', false, undefined],
  ] as const)('for a portrait of 20 kB %s', async (_, extendedLength, most) => {
    await using bench = await openBench();
    const desk = await layDown(bench, { portraitBytes: 20_000, extendedLength });
    desk.card.forget();
    const reading = await readWhole(desk, { includesFiles: true });
    const bytes = (reading.files ?? []).reduce((sum, { data }) => sum + Buffer.from(data, 'base64').length, 0);
    expect(bytes).toBeGreaterThan(22_000);
    expect(reading.exchanges).toBe(desk.card.exchanges);
    expect(reading.exchanges).toBeLessThanOrEqual(most ?? Math.ceil(bytes / 223) + 40);
  });

  it('that find out what a card is are spared to cards of other kinds', async () => {
    const { createPivCard } = await import('../../drivers/simulated/cards/piv.ts');
    const { WatchedCard } = await import('../api/support.ts');
    await using bench = await openBench();
    const card = new WatchedCard(createPivCard());
    await bench.insert(card);
    expect(card.commands.filter((command) => command.includes('A0000002471001'))).toEqual([]);
  });
});

describe('progress', () => {
  it('is told by sizes alone, and never goes back', async () => {
    await using bench = await openBench();
    const desk = await layDown(bench, { extendedLength: false, portraitBytes: 9_000 });
    resultOf(await desk.api.call('event.subscribe', { events: ['passport.progress'] }));
    await readWhole(desk);
    const events = desk.api.notices('event').map(({ params }) => (params as { readonly data: Progress }).data);
    expect(events.length).toBeGreaterThan(1);
    const fractions = events.map(({ fraction }) => fraction);
    expect(fractions).toEqual(fractions.toSorted((one, other) => one - other));
    expect(Object.keys(events[0] ?? {}).toSorted()).toEqual(['card', 'file', 'fraction', 'readBytes', 'reader', 'totalBytes']);
  });
});

interface Progress {
  readonly fraction: number;
}

describe('a reading that does not come to its end', () => {
  it.each([3, 12, 20, 28])('for the card is taken away at exchange %i, says so, and the next one is whole', async (at) => {
    await using bench = await openBench();
    const desk = await layDown(bench);
    bench.reader().arm([{ kind: 'pull', at }]);
    const error = errorOf(await desk.api.call('passport.read', { card: desk.id, access: desk.access }));
    expect(error.code).toBe('card_removed');
    bench.reader().disarm();
    const id = await bench.insert(desk.card);
    expect((await readWhole({ ...desk, id })).verdicts).toEqual({ passive: 'passed', chip: 'passed' });
  });

  it('by its deadline, or by the caller, ends between two exchanges', async () => {
    await using bench = await openBench();
    const desk = await layDown(bench);
    const held = Promise.withResolvers<undefined>();
    desk.card.hold = held.promise;
    const late = desk.api.call('passport.read', { card: desk.id, access: desk.access }, { timeoutMs: 100 });
    expect(errorOf(await within(late, 'giving up')).code).toBe('deadline_exceeded');
    const giveUp = new AbortController();
    const cancelled = desk.api.call('passport.read', { card: desk.id, access: desk.access }, { signal: giveUp.signal });
    giveUp.abort();
    expect(errorOf(await within(cancelled, 'cancelling')).code).toBe('call_cancelled');
    const before = desk.card.exchanges;
    desk.card.hold = undefined;
    held.resolve(undefined);
    expect((await readWhole(desk)).verdicts.passive).toBe('passed');
    expect(desk.card.exchanges - before).toBeLessThan(40);
  });
});

const NOBODYS = { documentNumber: '918273000', expiryDate: '340301' };

describe('nothing of a person', () => {
  it('is in the audit log, in events, or in what the daemon writes', async () => {
    await using bench = await openBench();
    const desk = await layDown(bench);
    const { api } = desk;
    resultOf(await api.call('event.subscribe', {}));
    const reading = await readWhole(desk);
    errorOf(await api.call('passport.read', { card: desk.id, access: { ...NOBODYS, birthDate: '850214' } }));
    const { records } = resultOf(await api.call('audit.list', { method: 'passport.read' }));
    expect(records.map(({ outcome }) => outcome).toSorted()).toEqual(['document_access_refused', 'ok']);
    const secret = new RegExp(
      [
        'LINDQVIST',
        'Lindqvist',
        'XA1200011',
        '198502149801',
        '850214',
        '918273000',
        'Uppsala',
        desk.access.mrz.slice(0, 44),
      ].join('|'),
    );
    expect(JSON.stringify(reading)).toMatch(secret);
    expect(JSON.stringify([records, api.notices('event')])).not.toMatch(secret);
    for (const name of await readdir(bench.dataFolder)) {
      const content = await readFile(join(bench.dataFolder, name)).catch(() => Buffer.alloc(0));
      expect(content.toString('latin1'), name).not.toMatch(secret);
    }
  });
});
