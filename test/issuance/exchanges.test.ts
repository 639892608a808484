/** How often a card is spoken to in a whole job: from its first key to the signed receipt. */
import { expect, it } from 'vitest';
import type { EidCardDescription } from '../../drivers/simulated/cards/eid.ts';
import { resultOf } from '../api/support.ts';
import { PINS, downloadReserveCard, openOffice, orderReserveCard } from './office.ts';

it.each<readonly [string, EidCardDescription, number]>([
  ['plain', { profile: 'plain' }, 59],
  ['MyEID', { profile: 'myeid' }, 71],
  ['Swedish NIDEL', { profile: 'nidel', preparedKeys: 'RSA-2048' }, 79],
])('a whole job on a %s card takes no more exchanges than this', async (_, reserve, most) => {
  await using office = await openOffice({ reserve });
  const { api, cards } = office;
  const ordered = await orderReserveCard(office);
  cards.reserve.forget();
  const { ceremony } = await downloadReserveCard(office, ordered);
  resultOf(await api.call('issuance.sign', { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift }));
  resultOf(await api.call('issuance.confirm', { ceremony }));
  expect(cards.reserve.exchanges).toBeLessThanOrEqual(most);
});
