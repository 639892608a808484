/** An ordinary card handed out: its number is that of the order, its holder the one who was ordered for, and the receipt is signed with it. */
import { describe, expect, it } from 'vitest';
import { errorOf, outcomeOf, resultOf } from '../api/support.ts';
import { startRoutine } from './cards.ts';
import { HOLDER, PINS, openOffice, orderFields, stepOf, type Office } from './office.ts';

/** Of the card that Cecilia has. */
const CARD_NUMBER = '9752000000000000037';
const DOCUMENT_NUMBER = orderFields(new Date())['documentNumber'];

function fieldsOf(office: Office, fields: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const { documentKind: _, documentNumber: __, documentValidTo: ___, validTo: ____, ...order } = orderFields(office.clock.now);
  return { ...order, orderNumber: 'B-1', cardNumber: CARD_NUMBER, ...fields };
}

async function begin(office: Office, fields: Readonly<Record<string, string>> = {}): Promise<string> {
  office.take('holder');
  await office.put(office.cards.cecilia, 'holder');
  const { ceremony } = await startRoutine(office, 'ordinary-card-handed-out');
  resultOf(await office.api.call('issuance.record', { ceremony, step: 'order', fields: fieldsOf(office, fields) }));
  return ceremony;
}

async function handOut(office: Office, ceremony: string): Promise<void> {
  const { api, clock } = office;
  resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
  const { documentKind = '', documentNumber = '', documentValidTo = '' } = orderFields(clock.now);
  const fields = { documentKind, documentNumber, documentValidTo };
  resultOf(await api.call('issuance.record', { ceremony, step: 'document', fields }));
  resultOf(await api.call('issuance.sign', { ceremony, step: 'handedOut', language: 'en', pin: PINS.underskrift }));
}

describe('an ordinary card', () => {
  it('is handed out from the order to the receipt that is signed with it', async () => {
    await using office = await openOffice();
    const ceremony = await begin(office);
    await handOut(office, ceremony);
    const sign = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift } as const;
    const done = resultOf(await office.api.call('issuance.sign', sign));
    expect(done).toMatchObject({ state: 'finished', reports: [] });
    expect(stepOf(done, 'handedOut')).toMatchObject({
      statement: `I have checked the identity of Cecilia Öberg (${HOLDER.personalNumber}) by Driving licence ${DOCUMENT_NUMBER} and handed out the card ${CARD_NUMBER} of the order B-1.`,
      person: { name: 'Anna Lindqvist' },
    });
    expect(stepOf(done, 'receipt').person).toMatchObject({ name: 'Cecilia Öberg', cardNumber: CARD_NUMBER });
  });

  it('with another number than the order’s is refused', async () => {
    await using office = await openOffice();
    const ceremony = await begin(office, { cardNumber: '9752000000000000045' });
    const error = errorOf(await office.api.call('issuance.readCard', { ceremony, step: 'card' }));
    expect(error).toMatchObject({ code: 'card_other', details: { expected: '9752000000000000045' } });
  });

  it('of somebody else than was ordered for is refused', async () => {
    await using office = await openOffice();
    const ceremony = await begin(office, { hsaId: 'SE2321000016-OTHER' });
    const error = errorOf(await office.api.call('issuance.readCard', { ceremony, step: 'card' }));
    expect(error).toMatchObject({ code: 'participant_refused', details: { reason: 'not_holder' } });
  });

  it('has its receipt signed by no other card', async () => {
    await using office = await openOffice();
    const ceremony = await begin(office);
    await handOut(office, ceremony);
    const receipt = {
      ceremony,
      step: 'receipt',
      language: 'sv',
      pin: PINS.underskrift,
      card: { role: 'secondOperator' },
    } as const;
    expect(outcomeOf(await office.api.call('issuance.sign', receipt))).toBe('participant_refused');
    expect(resultOf(await office.api.call('issuance.get', { ceremony })).nextStep).toBe('receipt');
  });

  it('is not handed out by its own holder', async () => {
    await using office = await openOffice();
    const ceremony = await begin(office, { hsaId: 'SE2321000016-BENCH1' });
    office.take('holder');
    const error = errorOf(await office.api.call('issuance.readCard', { ceremony, step: 'card', card: { role: 'operator' } }));
    expect(error.code).toBe('card_other');
  });
});
