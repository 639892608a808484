/** Additional certificates on a card: beside those that are there, from the same organisation or another one; and off it again, but not silently the last of the first. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Ceremony } from '../../api-spec/issuance.ts';
import { errorOf, outcomeOf, resultOf } from '../api/support.ts';
import { DAY_MS, fingerprintsOn, heldCard, startRoutine } from './cards.ts';
import { journalOf } from './disturbed.ts';
import { GIVEN, PINS, issueAll, issueTo, openOffice, stepOf, type Office } from './office.ts';

const OWN = 'SE2321000016-BENCH9';
/** Of an organisation with another number. */
const OTHER = 'SE5565594230-X1';
const CARD = heldCard({ spareKeys: 'P-256' });
const SPARE = ['55', '56'];

function orderFields(office: Office, hsaId: string): Record<string, string> {
  const validTo = new Date(office.clock.now.getTime() + 60 * DAY_MS).toISOString().slice(0, 10);
  return { hsaId, validTo, ...(hsaId === OTHER ? { firstStays: 'yes' } : {}) };
}

async function order(office: Office, routine: string, hsaId: string): Promise<string> {
  const { api } = office;
  const { ceremony } = await startRoutine(office, routine);
  resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
  resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: orderFields(office, hsaId) }));
  resultOf(await api.call('issuance.sign', { ceremony, step: 'ordered', language: 'sv', pin: PINS.underskrift }));
  return ceremony;
}

async function add(office: Office, routine: string, hsaId: string): Promise<string> {
  const { api } = office;
  const ceremony = await order(office, routine, hsaId);
  resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
  const requested = resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
  const certificates = [...issueAll(requested, 'download', { now: office.clock.now, hsaId })];
  resultOf(await api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.legitimering }));
  const receipt = { ceremony, step: 'receipt', language: 'sv', pin: PINS.underskrift } as const;
  resultOf(await api.call('issuance.sign', receipt));
  expect(resultOf(await api.call('issuance.confirm', { ceremony })).state).toBe('finished');
  return ceremony;
}

describe('an additional certificate', () => {
  it.each([
    ['the same organisation', 'additional-certificate', OWN],
    ['another organisation', 'additional-certificate-other-organisation', OTHER],
  ])('of %s comes beside those that are there', async (_, routine, hsaId) => {
    await using office = await openOffice({ reserve: CARD });
    const before = await fingerprintsOn(office);
    await add(office, routine, hsaId);
    const after = await fingerprintsOn(office);
    for (const [keyReference, fingerprint] of before) expect(after.get(keyReference)).toBe(fingerprint);
    expect([...after.keys()].filter((one) => !before.has(one)).toSorted()).toEqual(SPARE);
  });

  it('from another organisation comes with the warning that those of the first should stay', async () => {
    await using office = await openOffice({ reserve: CARD });
    const { api } = office;
    const { ceremony } = await startRoutine(office, 'additional-certificate-other-organisation');
    const read = resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
    const { notice } = stepOf(read, 'order');
    expect(notice?.en).toMatch(/issued for first should stay on the card/);
    expect(notice?.sv).toMatch(/bör vara kvar på kortet/);
    const { firstStays: _, ...unaware } = orderFields(office, OTHER);
    const refused = await api.call('issuance.record', { ceremony, step: 'order', fields: unaware });
    expect(errorOf(refused).message).toMatch(/firstStays: it is missing/);
  });

  it.each([
    ['additional-certificate', OTHER, 'it is of another organisation'],
    ['additional-certificate-other-organisation', OWN, 'it is of the same organisation'],
  ])('is ordered by the routine that it belongs to: %s not for %s', async (routine, hsaId, problem) => {
    await using office = await openOffice({ reserve: CARD });
    const { ceremony } = await startRoutine(office, routine);
    resultOf(await office.api.call('issuance.readCard', { ceremony, step: 'card' }));
    const fields = { ...orderFields(office, hsaId), ...(routine.endsWith('organisation') ? { firstStays: 'yes' } : {}) };
    if (!routine.endsWith('organisation')) delete fields['firstStays'];
    const error = errorOf(await office.api.call('issuance.record', { ceremony, step: 'order', fields }));
    expect(error.message).toContain(problem);
  });

  it('does not go onto a card without a free place, which stays as it is', async () => {
    await using office = await openOffice({ reserve: heldCard() });
    const ceremony = await order(office, 'additional-certificate', OWN);
    const before = office.cards.reserve.inner.state();
    const answer = await office.api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering });
    expect(outcomeOf(answer)).toBe('no_free_key_container');
    expect(office.cards.reserve.inner.state()).toEqual(before);
  });
});

/** A removal as far as the choice. */
async function choose(office: Office): Promise<string> {
  const { api } = office;
  const { ceremony } = await startRoutine(office, 'additional-certificate-removed');
  resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
  resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: { reason: 'assignmentEnded' } }));
  return ceremony;
}

/** What is left of each key is forgotten under its own PIN. */
async function confirmRemoval({ api }: Office, ceremony: string): Promise<Ceremony> {
  resultOf(await api.call('issuance.confirm', { ceremony, pin: PINS.legitimering }));
  return resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
}

describe('the removal of certificates', () => {
  it('takes the chosen ones off when it is confirmed, and leaves the others', async () => {
    await using office = await openOffice({ reserve: CARD });
    const { api } = office;
    const first = await fingerprintsOn(office);
    await add(office, 'additional-certificate-other-organisation', OTHER);
    const all = await fingerprintsOn(office);
    const fingerprints = SPARE.map((keyReference) => all.get(keyReference) ?? '');
    const ceremony = await choose(office);
    const chosen = resultOf(await api.call('issuance.removeCertificates', { ceremony, step: 'removed', fingerprints }));
    expect(stepOf(chosen, 'removed').job?.removes?.map(({ fingerprint }) => fingerprint)).toEqual(fingerprints);
    expect(await fingerprintsOn(office)).toEqual(all);
    const signed = await api.call('issuance.sign', { ceremony, step: 'signed', language: 'sv', pin: PINS.underskrift });
    expect(resultOf(signed).nextCall).toBe('issuance.confirm');
    expect((await confirmRemoval(office, ceremony)).state).toBe('finished');
    expect(await fingerprintsOn(office)).toEqual(first);
  });

  it('changes nothing when it is cancelled', async () => {
    await using office = await openOffice({ reserve: CARD });
    const { api } = office;
    await add(office, 'additional-certificate', OWN);
    const before = office.cards.reserve.inner.state();
    const fingerprint = (await fingerprintsOn(office)).get('55') ?? '';
    const ceremony = await choose(office);
    resultOf(await api.call('issuance.removeCertificates', { ceremony, step: 'removed', fingerprints: [fingerprint] }));
    const ended = resultOf(await api.call('issuance.cancel', { ceremony, reason: 'changed their mind' }));
    expect(ended).toMatchObject({ state: 'cancelled', reports: [] });
    expect(office.cards.reserve.inner.state()).toEqual(before);
  });

  it('goes on after the card was pulled in the middle', async () => {
    await using office = await openOffice({ reserve: CARD });
    const { api, bench } = office;
    const first = await fingerprintsOn(office);
    await add(office, 'additional-certificate', OWN);
    const all = await fingerprintsOn(office);
    const fingerprints = SPARE.map((keyReference) => all.get(keyReference) ?? '');
    const ceremony = await choose(office);
    resultOf(await api.call('issuance.removeCertificates', { ceremony, step: 'removed', fingerprints }));
    resultOf(await api.call('issuance.sign', { ceremony, step: 'signed', language: 'sv', pin: PINS.underskrift }));
    bench.reader(2).arm([{ kind: 'pull', at: 12 }]);
    expect(outcomeOf(await api.call('issuance.confirm', { ceremony, pin: PINS.legitimering }))).toBe('card_removed');
    bench.reader(2).disarm();
    await office.put(office.cards.reserve, 'holder');
    resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.legitimering }));
    const done = resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
    expect(done.state).toBe('finished');
    expect(await fingerprintsOn(office)).toEqual(first);
  });

  it('takes one of two certificates of a key, and leaves the key and the other', async () => {
    await using office = await openOffice({ reserve: CARD });
    const { api } = office;
    const card = { role: 'holder' };
    const first = (await fingerprintsOn(office)).get('45') ?? '';
    const { certificates } = resultOf(await api.call('card.read', { card }));
    const own = certificates.find(({ keyReference }) => keyReference === '45');
    const { publicKey } = new X509Certificate(Buffer.from(own?.certificate ?? '', 'base64'));
    const second = new X509Certificate(issueTo(publicKey, 'authentication', { validTo: new Date(Date.now() + DAY_MS) }));
    const write = { card, keyReference: '45', certificate: second.toString(), add: true, pin: PINS.legitimering };
    resultOf(await api.call('certificate.write', write));
    const ceremony = await choose(office);
    const fingerprints = [second.fingerprint256.replaceAll(':', '')];
    resultOf(await api.call('issuance.removeCertificates', { ceremony, step: 'removed', fingerprints }));
    resultOf(await api.call('issuance.sign', { ceremony, step: 'signed', language: 'sv', pin: PINS.underskrift }));
    expect(resultOf(await api.call('issuance.confirm', { ceremony, pin: PINS.legitimering })).state).toBe('finished');
    expect((await fingerprintsOn(office)).get('45')).toBe(first);
    const types = journalOf(office, ceremony).map(({ entry }) => (entry.type === 'step.card' ? entry.entry.type : entry.type));
    expect(types).toContain('certificate.removed');
    expect(types).not.toContain('key.removing');
  });

  it('takes the last ones of the first organisation only when that is said', async () => {
    await using office = await openOffice({ reserve: CARD });
    const { api } = office;
    await add(office, 'additional-certificate-other-organisation', OTHER);
    const fingerprint = (await fingerprintsOn(office)).get('46') ?? '';
    const ceremony = await choose(office);
    const call = { ceremony, step: 'removed', fingerprints: [fingerprint] };
    const error = errorOf(await api.call('issuance.removeCertificates', call));
    expect(error).toMatchObject({ code: 'first_certificates_stay', details: { organisation: '2321000016' } });
    expect(resultOf(await api.call('issuance.get', { ceremony })).nextStep).toBe('removed');
    expect(outcomeOf(await api.call('issuance.removeCertificates', { ...call, removesFirst: true }))).toBe('ok');
  });

  it('knows only certificates that are on the card', async () => {
    await using office = await openOffice({ reserve: CARD });
    const ceremony = await choose(office);
    const call = { ceremony, step: 'removed', fingerprints: ['A'.repeat(64)] };
    expect(outcomeOf(await office.api.call('issuance.removeCertificates', call))).toBe('object_not_found');
  });
});
