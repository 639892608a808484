/** A reserve card renewed by its holder alone: in time, once, for as many days, with the signature PIN given twice, and the old certificates kept until the end. */
import { describe, expect, it } from 'vitest';
import { errorOf, outcomeOf, resultOf } from '../api/support.ts';
import { DAY_MS, fingerprintsOn, heldCard, startRoutine } from './cards.ts';
import { GIVEN, PINS, RESERVE_NUMBER, issueAll, openOffice, stepOf, type Office } from './office.ts';

const DAYS = 365;
const RENEWABLE = heldCard({ days: DAYS, spareKeys: 'P-256' });

/** As far as the requests. */
async function request(office: Office): Promise<string> {
  const { api } = office;
  const { ceremony } = await startRoutine(office, 'renewal');
  const read = resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
  expect(stepOf(read, 'card').facts).toMatchObject({ validDays: String(DAYS), assuranceLevel: 'LoA3' });
  resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
  resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
  resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
  return ceremony;
}

async function certificatesFor(office: Office, ceremony: string, days: number): Promise<string[]> {
  const now = office.clock.now;
  const validTo = new Date(now.getTime() + days * DAY_MS);
  const view = resultOf(await office.api.call('issuance.get', { ceremony }));
  return [...issueAll(view, 'download', { now, validTo })];
}

async function renew(office: Office): Promise<string> {
  const { api } = office;
  const ceremony = await request(office);
  const certificates = await certificatesFor(office, ceremony, DAYS);
  resultOf(await api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.underskrift }));
  resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.legitimering }));
  resultOf(await api.call('issuance.confirm', { ceremony, pin: PINS.legitimering }));
  expect(resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift })).state).toBe('finished');
  return ceremony;
}

describe('a renewal', () => {
  it('puts new certificates beside the old ones, which go when it is confirmed', async () => {
    await using office = await openOffice({ reserve: RENEWABLE });
    const { api } = office;
    const old = await fingerprintsOn(office);
    expect([...old.keys()].toSorted()).toEqual(['45', '46']);
    const ceremony = await request(office);
    const certificates = await certificatesFor(office, ceremony, DAYS);
    resultOf(await api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.underskrift }));
    const written = resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.legitimering }));
    expect(written).toMatchObject({ state: 'open', nextCall: 'issuance.confirm' });
    const both = await fingerprintsOn(office);
    expect([...both.keys()].toSorted()).toEqual(['45', '46', '55', '56']);
    expect(
      stepOf(written, 'download')
        .job?.removes?.map(({ fingerprint }) => fingerprint)
        .toSorted(),
    ).toEqual([...old.values()].toSorted());
    resultOf(await api.call('issuance.confirm', { ceremony, pin: PINS.legitimering }));
    const confirmed = resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
    expect(confirmed).toMatchObject({ state: 'finished', reports: [] });
    const after = await fingerprintsOn(office);
    expect([...after.keys()].toSorted()).toEqual(['55', '56']);
    for (const [keyReference, fingerprint] of after) expect(fingerprint).toBe(both.get(keyReference));
  });

  it('of the card that comes with the simulator has its places too', async () => {
    await using office = await openOffice({ reserve: { persona: 'renewable', cardNumber: '9752000000000000110' } });
    const { api } = office;
    const { ceremony } = await startRoutine(office, 'renewal');
    resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
    const begun = resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
    expect(stepOf(begun, 'download').job?.keys.map(({ keyReference }) => keyReference)).toEqual(['55', '56']);
    const ended = resultOf(await api.call('issuance.cancel', { ceremony, reason: 'test', pin: PINS.legitimering }));
    expect(ended.state).toBe('cancelled');
    expect([...(await fingerprintsOn(office)).keys()].toSorted()).toEqual(['45', '46']);
  });

  it('asks for the signature PIN at the request and again at the writing, in the prompt', async () => {
    await using office = await openOffice({ reserve: RENEWABLE });
    const { api, station } = office;
    const asked: string[] = [];
    const withPin = async <R>(answer: Promise<R>, pin: string): Promise<R> => {
      const { id, prompt } = await station.prompt();
      asked.push(prompt.kind);
      station.type(id, { pin });
      return await answer;
    };
    const { ceremony } = await startRoutine(office, 'renewal');
    resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
    resultOf(await withPin(api.call('issuance.enrol', { ceremony, step: 'download' }), PINS.legitimering));
    const atRequest = withPin(api.call('issuance.resume', { ceremony }), PINS.underskrift);
    expect(resultOf(await atRequest).nextCall).toBe('issuance.writeCertificates');
    const certificates = await certificatesFor(office, ceremony, DAYS);
    const refused = await withPin(api.call('issuance.writeCertificates', { ceremony, certificates }), PINS.legitimering);
    expect(outcomeOf(refused)).toBe('pin_rejected');
    expect((await fingerprintsOn(office)).size).toBe(2);
    const atWriting = withPin(api.call('issuance.resume', { ceremony }), PINS.underskrift);
    expect(resultOf(await atWriting).nextCall).toBe('issuance.resume');
    resultOf(await withPin(api.call('issuance.resume', { ceremony }), PINS.legitimering));
    resultOf(await withPin(api.call('issuance.confirm', { ceremony }), PINS.legitimering));
    const confirmed = await withPin(api.call('issuance.resume', { ceremony }), PINS.underskrift);
    expect(resultOf(confirmed).state).toBe('finished');
    expect(asked).toHaveLength(7);
  });

  it.each([
    ['longer', DAYS + 1, /too_long_valid/],
    ['shorter', DAYS - 2, /too_short_valid/],
  ])('takes no certificate for %s than the old ones were valid', async (_, days, problem) => {
    await using office = await openOffice({ reserve: RENEWABLE });
    const ceremony = await request(office);
    const certificates = await certificatesFor(office, ceremony, days);
    const answer = await office.api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.underskrift });
    expect(errorOf(answer)).toMatchObject({ code: 'certificates_refused' });
    expect(errorOf(answer).message).toMatch(problem);
    expect((await fingerprintsOn(office)).size).toBe(2);
  });
});

describe('a renewal is refused', () => {
  it('a second time for the same card', async () => {
    await using office = await openOffice({ reserve: RENEWABLE });
    await renew(office);
    const { ceremony } = await startRoutine(office, 'renewal');
    expect(outcomeOf(await office.api.call('issuance.readCard', { ceremony, step: 'card' }))).toBe('card_already_renewed');
  });

  it('on its way, when another one of the same card was faster', async () => {
    await using office = await openOffice({ reserve: RENEWABLE });
    const { api } = office;
    const { ceremony: slow } = await startRoutine(office, 'renewal');
    resultOf(await api.call('issuance.readCard', { ceremony: slow, step: 'card' }));
    await renew(office);
    const answer = await api.call('issuance.record', { ceremony: slow, step: 'terms', fields: { accepted: 'yes' } });
    expect(outcomeOf(answer)).toBe('card_already_renewed');
  });

  it('when the certificates have expired', async () => {
    await using office = await openOffice({ reserve: RENEWABLE });
    const { api, clock } = office;
    const { ceremony } = await startRoutine(office, 'renewal');
    resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
    clock.now = new Date(clock.now.getTime() + DAYS * DAY_MS);
    const late = errorOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
    expect(late).toMatchObject({ code: 'participant_refused', details: { reason: 'untrusted' } });
    const { ceremony: other } = await startRoutine(office, 'renewal');
    const answer = errorOf(await api.call('issuance.readCard', { ceremony: other, step: 'card' }));
    expect(answer).toMatchObject({ code: 'participant_refused', details: { reason: 'untrusted' } });
  });

  it('with another card, of the same person or of somebody else', async () => {
    await using office = await openOffice({ reserve: RENEWABLE });
    const { api, cards } = office;
    const { ceremony } = await startRoutine(office, 'renewal');
    resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
    for (const card of [cards.cecilia, cards.bjorn]) {
      office.take('holder');
      office.take('secondOperator');
      await office.put(card, 'holder');
      const answer = errorOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
      expect(answer).toMatchObject({ code: 'card_other', details: { expected: RESERVE_NUMBER } });
    }
  });

  it('on a card with no free place, which stays as it is', async () => {
    await using office = await openOffice({ reserve: heldCard({ days: DAYS }) });
    const { api, cards } = office;
    const { ceremony } = await startRoutine(office, 'renewal');
    resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
    const before = cards.reserve.inner.state();
    const answer = await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering });
    expect(outcomeOf(answer)).toBe('no_free_key_container');
    expect(cards.reserve.inner.state()).toEqual(before);
    expect(resultOf(await api.call('issuance.get', { ceremony })).nextCall).toBe('issuance.enrol');
  });
});
