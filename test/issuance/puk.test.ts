/** The PUK of a card: ordered for its holder, and used at the desk to set a new PIN. */
import { describe, expect, it } from 'vitest';
import { outcomeOf, resultOf } from '../api/support.ts';
import { startRoutine } from './cards.ts';
import { PINS, openOffice, orderFields, stepOf, type Office } from './office.ts';

const WRONG_PIN = '999999';
const NEW_PIN = '818283';

async function begin(office: Office): Promise<string> {
  const { api, clock } = office;
  office.take('holder');
  await office.put(office.cards.cecilia, 'holder');
  const { ceremony } = await startRoutine(office, 'puk-used');
  resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
  const { holderName = '', documentKind = '', documentNumber = '', documentValidTo = '' } = orderFields(clock.now);
  const fields = { holderName, documentKind, documentNumber, documentValidTo };
  resultOf(await api.call('issuance.record', { ceremony, step: 'document', fields }));
  return ceremony;
}

/** Every try of the PIN for underskrift. */
async function block({ api }: Office): Promise<string> {
  const { pins } = resultOf(await api.call('card.read', { card: { role: 'holder' } }));
  const pinReference = pins.find(({ label }) => label === 'Underskrift')?.reference ?? '';
  const wrong = { card: { role: 'holder' }, pinReference, pin: WRONG_PIN, allowLastTry: true } as const;
  for (let tries = 0; tries < 3; tries++) await api.call('pin.verify', wrong);
  expect(outcomeOf(await api.call('pin.verify', wrong))).toBe('pin_blocked');
  return pinReference;
}

describe('a PUK', () => {
  it('is ordered by an administrator, and those concerned are told', async () => {
    await using office = await openOffice();
    const { api } = office;
    const { ceremony } = await startRoutine(office, 'puk-ordered');
    const { validTo: _, ...order } = orderFields(office.clock.now);
    const fields = { ...order, cardProduct: 'series7', sentTo: 'issuingOffice' };
    const refused = await api.call('issuance.record', { ceremony, step: 'order', fields: { ...fields, cardProduct: 'reserve' } });
    expect(outcomeOf(refused)).toBe('fields_invalid');
    const recorded = resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields }));
    expect(stepOf(recorded, 'order').notice?.sv).toMatch(/reservkort/);
    const sign = { ceremony, step: 'ordered', language: 'sv', pin: PINS.underskrift } as const;
    const done = resultOf(await api.call('issuance.sign', sign));
    expect(done.state).toBe('finished');
    expect(stepOf(done, 'told').messages?.map(({ to, sv }) => [to, sv])).toEqual([
      ['holder', 'PUK till ditt kort 9752000000000000102 är beställd och skickas till kortkontoret.'],
      ['cardProducer', 'PUK-brev till kortet 9752000000000000102, till kortkontoret. Beställt av Anna Lindqvist.'],
    ]);
  });

  it('sets the blocked PIN anew, both typed in kortd’s own prompt', async () => {
    await using office = await openOffice();
    const { api, station } = office;
    const ceremony = await begin(office);
    const pinReference = await block(office);
    const answer = api.call('issuance.unblockPin', { ceremony, step: 'unblocked' });
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'pin', action: 'unblock' });
    station.type(id, { puk: PINS.puk, newPin: NEW_PIN });
    const unblocked = resultOf(await answer);
    expect(stepOf(unblocked, 'unblocked').facts).toMatchObject({ pin: 'Underskrift', name: 'Cecilia Öberg' });
    const verified = await api.call('pin.verify', { card: { role: 'holder' }, pinReference, pin: NEW_PIN });
    expect(outcomeOf(verified)).toBe('ok');
    const sign = { ceremony, step: 'witnessed', language: 'sv', pin: PINS.underskrift } as const;
    const done = resultOf(await api.call('issuance.sign', sign));
    expect(done.state).toBe('finished');
    expect(stepOf(done, 'witnessed').statement).toMatch(/valt en ny PIN-kod \(Underskrift\) på kortet 9752000000000000037/);
  });

  it('that is wrong leaves the step to be taken, and the PIN blocked', async () => {
    await using office = await openOffice();
    const { api } = office;
    const ceremony = await begin(office);
    await block(office);
    const wrong = { ceremony, step: 'unblocked', puk: '00000000', newPin: NEW_PIN };
    expect(outcomeOf(await api.call('issuance.unblockPin', wrong))).toBe('pin_rejected');
    expect(resultOf(await api.call('issuance.get', { ceremony }))).toMatchObject({ nextStep: 'unblocked' });
    const right = { ceremony, step: 'unblocked', puk: PINS.puk, newPin: NEW_PIN };
    expect(outcomeOf(await api.call('issuance.unblockPin', right))).toBe('ok');
  });

  it('is not used on another card than the one that was read', async () => {
    await using office = await openOffice();
    const { api, cards } = office;
    const ceremony = await begin(office);
    office.take('secondOperator');
    office.take('holder');
    await office.put(cards.bjorn, 'holder');
    const right = { ceremony, step: 'unblocked', puk: PINS.puk, newPin: NEW_PIN };
    expect(outcomeOf(await api.call('issuance.unblockPin', right))).toBe('participant_refused');
    expect(cards.bjorn.inner.state().pins.puk.attemptsRemaining).toBe(10);
  });
});
