/** What the routine of the highest level refuses: holders it is not for, one person in two parts, a card that is another, a receipt that comes too late. */
import { describe, expect, it } from 'vitest';
import { errorOf, resultOf } from '../api/support.ts';
import { fingerprintsOn, startRoutine } from './cards.ts';
import { GIVEN, PINS, downloadReserveCard, openOffice, orderFields, orderReserveCard, stepOf, type Office } from './office.ts';

async function refusedOrder(office: Office, changes: Readonly<Record<string, string>>): Promise<string> {
  const { ceremony } = await startRoutine(office, 'reserve-card-loa3');
  const fields = { ...orderFields(office.clock.now), ...changes };
  const error = errorOf(await office.api.call('issuance.record', { ceremony, step: 'order', fields }));
  expect(error.code).toBe('fields_invalid');
  return error.message;
}

describe('an order at level 3', () => {
  it('is not for holders with a coordination number', async () => {
    await using office = await openOffice();
    expect(await refusedOrder(office, { personalNumber: '197010632391' })).toContain(
      'not for holders with a coordination number',
    );
  });

  it('is not for holders who are registered by passport', async () => {
    await using office = await openOffice();
    expect(await refusedOrder(office, { passportNumber: 'X1234567' })).toContain('passportNumber: the step has no such field');
    expect(await refusedOrder(office, { personalNumber: 'X1234567' })).toContain('it is no personal identity number');
  });

  it('is for holders of eighteen and more', async () => {
    await using office = await openOffice();
    office.clock.now = new Date('1999-12-17T12:00:00Z'); // the day before the holder's eighteenth birthday
    expect(await refusedOrder(office, {})).toContain('the holder must be 18 at least');
  });

  it('is not signed by the person whom it is for', async () => {
    await using office = await openOffice();
    const { ceremony } = await startRoutine(office, 'reserve-card-loa3');
    const fields = { ...orderFields(office.clock.now), hsaId: 'SE2321000016-BENCH1' };
    resultOf(await office.api.call('issuance.record', { ceremony, step: 'order', fields }));
    const sign = { ceremony, step: 'ordered', language: 'sv', pin: PINS.underskrift } as const;
    const error = errorOf(await office.api.call('issuance.sign', sign));
    expect(error).toMatchObject({ code: 'participant_refused', details: { reason: 'same_person' } });
  });

  it('is not reviewed by the person who signed it', async () => {
    await using office = await openOffice();
    const { api, clock } = office;
    const { ceremony } = await startRoutine(office, 'reserve-card-loa3');
    resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: orderFields(clock.now) }));
    const sign = { ceremony, language: 'sv', pin: PINS.underskrift } as const;
    resultOf(await api.call('issuance.sign', { ...sign, step: 'ordered' }));
    const error = errorOf(await api.call('issuance.sign', { ...sign, step: 'reviewed', card: { role: 'operator' } }));
    expect(error).toMatchObject({
      code: 'participant_refused',
      details: { participant: 'secondOperator', reason: 'same_person' },
    });
  });
});

describe('a receipt', () => {
  it('that is not signed within 15 minutes has the certificates taken off the card and reported for revocation', async () => {
    await using office = await openOffice();
    const { api, clock } = office;
    const before = await fingerprintsOn(office);
    const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
    expect((await fingerprintsOn(office)).size).toBe(2);
    clock.now = new Date(clock.now.getTime() + 15 * 60_000 + 1_000);
    const get = async () => resultOf(await api.call('issuance.get', { ceremony }));
    await expect.poll(get, { timeout: 8_000 }).toMatchObject({ reports: ['revocation'], nextCall: 'issuance.resume' });
    resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.legitimering }));
    const resumed = resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
    expect(resumed).toMatchObject({ state: 'cancelled', reports: ['revocation'] });
    expect(stepOf(resumed, 'download').job?.phase).toBe('undone');
    expect(await fingerprintsOn(office)).toEqual(before);
  });

  it('is signed with the new card alone', async () => {
    await using office = await openOffice();
    const { api } = office;
    const { ceremony } = await downloadReserveCard(office, await orderReserveCard(office));
    office.take('secondOperator');
    await office.put(office.cards.cecilia, 'secondOperator');
    const sign = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift, card: { role: 'secondOperator' } } as const;
    const error = errorOf(await api.call('issuance.sign', sign));
    expect(error.code).toBe('card_other');
  });
});
