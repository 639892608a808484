/** The routine of a reserve card at the highest level, over the API: from the order to the confirmed card. */
import { expect, it } from 'vitest';
import { resultOf } from '../api/support.ts';
import { PINS, downloadReserveCard, openOffice, orderReserveCard, stepOf } from './office.ts';

it('issues a reserve card from the order to the confirmed card', async () => {
  await using office = await openOffice();
  const { api } = office;
  const ordered = await orderReserveCard(office);
  expect(ordered).toMatchObject({ state: 'open', nextStep: 'download', nextCall: 'issuance.enrol' });
  const downloaded = await downloadReserveCard(office, ordered);
  expect(downloaded).toMatchObject({ nextStep: 'receipt', nextCall: 'issuance.sign' });
  expect(stepOf(downloaded, 'download').job).toMatchObject({ phase: 'finished' });
  expect(stepOf(downloaded, 'receipt').remainingMs).toBeGreaterThan(14 * 60_000);
  const { ceremony } = downloaded;
  const signed = resultOf(await api.call('issuance.sign', { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift }));
  expect(signed).toMatchObject({ nextCall: 'issuance.confirm' });
  const confirmed = resultOf(await api.call('issuance.confirm', { ceremony }));
  expect(confirmed).toMatchObject({ state: 'finished', reports: [] });
  expect(stepOf(confirmed, 'receipt').person).toMatchObject({ name: 'Cecilia Öberg', cardNumber: '9752000000000000102' });
});
