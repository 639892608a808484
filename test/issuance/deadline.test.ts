/** The fifteen minutes of the receipt run out: while the daemon runs, while it is down, and among thousands of other ceremonies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Ceremony } from '../../api-spec/issuance.ts';
import { errorOf, eventually, resultOf } from '../api/support.ts';
import { ordered } from '../api/issuance-ceremonies.ts';
import { journalOf } from './disturbed.ts';
import { writeMany } from './many-ceremonies.ts';
import { GIVEN, PINS, downloadReserveCard, openOffice, orderReserveCard, stepOf, type Office } from './office.ts';

const MINUTE_MS = 60_000;
const pass = (office: Office, minutes: number): void => {
  office.clock.now = new Date(office.clock.now.getTime() + minutes * MINUTE_MS);
};

/** By the watch over times alone: the journal is read beside the daemon. */
async function lateOf(office: Office, ceremony: string): Promise<void> {
  const isLate = (): boolean => journalOf(office, ceremony).some(({ entry }) => entry.type === 'step.late');
  await eventually('the time to be said to have run out', isLate);
}

async function expectTakenOff(office: Office, ceremony: string): Promise<void> {
  const { api } = office;
  const late = resultOf(await api.call('issuance.get', { ceremony }));
  expect(late).toMatchObject({ state: 'open', reports: ['revocation'], nextCall: 'issuance.resume' });
  expect(stepOf(late, 'download').job).toMatchObject({ phase: 'undoing' });
  const sign = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift } as const;
  expect(errorOf(await api.call('issuance.sign', sign))).toMatchObject({ code: 'ceremony_late' });
  let view: Ceremony = late;
  // One PIN a call.
  for (const given of [GIVEN.legitimering, GIVEN.underskrift, GIVEN.legitimering])
    if (view.state === 'open') view = resultOf(await api.call('issuance.resume', { ceremony, ...given }));
  expect(view).toMatchObject({ state: 'cancelled', reason: 'late', reports: ['revocation'] });
  const { certificates } = resultOf(await api.call('certificate.list', { card: { role: 'holder' } }));
  expect(certificates.filter(({ keyReference }) => ['45', '46'].includes(keyReference))).toEqual([]);
}

it('the certificates go off the card and are reported for revocation', async () => {
  await using office = await openOffice();
  const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
  pass(office, 14);
  expect(stepOf(resultOf(await office.api.call('issuance.get', { ceremony })), 'receipt').remainingMs).toBeGreaterThan(0);
  pass(office, 2);
  await lateOf(office, ceremony);
  await expectTakenOff(office, ceremony);
});

it('a receipt that comes a moment too late is refused, though nobody had looked at the clock', async () => {
  await using office = await openOffice();
  const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
  pass(office, 16);
  const sign = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift } as const;
  expect(errorOf(await office.api.call('issuance.sign', sign)).code).toBe('ceremony_late');
  await expectTakenOff(office, ceremony);
});

it('a receipt whose PIN was typed too late is refused, though it was asked for in time', async () => {
  await using office = await openOffice();
  const { api, station } = office;
  const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
  const signed = api.call('issuance.sign', { ceremony, step: 'receipt', language: 'sv' });
  const { id } = await station.prompt();
  pass(office, 16);
  await lateOf(office, ceremony);
  station.type(id, { pin: PINS.underskrift });
  expect(errorOf(await signed).code).toBe('ceremony_late');
  await expectTakenOff(office, ceremony);
});

it.each([4, 60])('a clock that is set back by %i minutes makes the time no longer', async (minutes) => {
  await using office = await openOffice();
  const { api, clock } = office;
  const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
  const view = async (): Promise<Ceremony> => resultOf(await api.call('issuance.get', { ceremony }));
  clock.monotonicMs += 14 * MINUTE_MS;
  pass(office, 14 - minutes);
  expect(stepOf(await view(), 'receipt').remainingMs).toBe(MINUTE_MS);
  clock.monotonicMs += 2 * MINUTE_MS;
  pass(office, 2);
  await lateOf(office, ceremony);
  clock.now = new Date(clock.now.getTime() + minutes * MINUTE_MS);
  await expectTakenOff(office, ceremony);
});

it('a receipt in time stays good, whatever the clock says after', async () => {
  await using office = await openOffice();
  const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
  pass(office, 14);
  const sign = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift } as const;
  resultOf(await office.api.call('issuance.sign', sign));
  pass(office, 24 * 60);
  expect(resultOf(await office.api.call('issuance.confirm', { ceremony }))).toMatchObject({ state: 'finished', reports: [] });
});

it('the time runs while the daemon is down, and among ten thousand other ceremonies', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'kortd-deadline-'));
  using undo = new DisposableStack();
  undo.defer(() => rmSync(dataFolder, { recursive: true, force: true }));
  let ceremony = '';
  let card;
  {
    await using office = await openOffice({ dataFolder });
    ({ ceremony } = await downloadReserveCard(office, await orderReserveCard(office)));
    card = office.cards.reserve;
  }
  writeMany(dataFolder, [{ count: 10_000, state: 'open', entries: ordered(), since: new Date(Date.now() - 30 * 86_400_000) }]);
  await using office = await openOffice({ dataFolder });
  await office.put(card, 'holder');
  pass(office, 16);
  const begin = performance.now();
  expect(resultOf(await office.api.call('issuance.list', { state: 'open' })).ceremonies).toHaveLength(50);
  expect(performance.now() - begin).toBeLessThan(1_000);
  await lateOf(office, ceremony);
  await expectTakenOff(office, ceremony);
}, 60_000);
