/** Reserve cards of level 2: on site, through a deliverer, by registered post, and for foreign documents; from the order to the confirmed card. */
import { describe, expect, it } from 'vitest';
import type { Ceremony } from '../../api-spec/issuance.ts';
import { errorOf, resultOf } from '../api/support.ts';
import { DAY_MS, startRoutine } from './cards.ts';
import { GIVEN, HOLDER, PINS, RESERVE_NUMBER, issueAll, openOffice, orderFields, stepOf, type Office } from './office.ts';

const LOA2 = { authority: 'BENCH e-id Person HSA-id 2 CA v1', policies: ['2.999.752.2'] };

function day(office: Office, days: number): string {
  return new Date(office.clock.now.getTime() + days * DAY_MS).toISOString().slice(0, 10);
}

/** What each way asks for besides what all do. */
function orderOf(office: Office, way: string): Record<string, string> {
  const { documentKind = '', documentNumber = '', documentValidTo = '', ...common } = orderFields(office.clock.now);
  switch (way) {
    case 'deliverer':
      return { ...common, delivererName: 'Disa Bud' };
    case 'registered-post':
      return { ...common, consignment: 'RR123456785SE' };
    case 'foreign-document':
      return {
        ...{ ...common, documentKind: 'passport', documentNumber, documentValidTo },
        ...{ assignmentEndsOn: day(office, 90), checkedBy: 'pradoAndUv' },
      };
    default:
      return { ...common, documentKind, documentNumber, documentValidTo };
  }
}

async function record(office: Office, ceremony: string, step: string, fields: Record<string, string>): Promise<Ceremony> {
  return resultOf(await office.api.call('issuance.record', { ceremony, step, fields }));
}

/** Until the paper receipt is in: then the card counts as received, and its holder may download. */
async function handOut(office: Office, way: string): Promise<string> {
  const { ceremony } = await startRoutine(office, `reserve-card-loa2-${way}`);
  await record(office, ceremony, 'order', orderOf(office, way));
  if (way === 'deliverer') {
    const document = { documentKind: 'passport', documentNumber: 'AA1', documentValidTo: day(office, 100) };
    await record(office, ceremony, 'delivery', { deliveredOn: day(office, 0), ...document });
  }
  const sign = { ceremony, step: 'handedOut', language: 'sv', pin: PINS.underskrift } as const;
  resultOf(await office.api.call('issuance.sign', sign));
  await record(office, ceremony, 'receipt', { signedOn: day(office, 0), archiveReference: 'Pärm 3' });
  return ceremony;
}

async function download(office: Office, ceremony: string): Promise<Ceremony> {
  const { api } = office;
  await record(office, ceremony, 'terms', { accepted: 'yes' });
  resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
  const requested = resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
  const certificates = [...issueAll(requested, 'download', { now: office.clock.now, ...LOA2 })];
  resultOf(await api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.legitimering }));
  return resultOf(await api.call('issuance.confirm', { ceremony }));
}

async function refused(office: Office, way: string, changes: Record<string, string>): Promise<string> {
  const { ceremony } = await startRoutine(office, `reserve-card-loa2-${way}`);
  const given = Object.entries({ ...orderOf(office, way), ...changes }).filter(([, value]) => value !== '');
  const fields = Object.fromEntries(given);
  const error = errorOf(await office.api.call('issuance.record', { ceremony, step: 'order', fields }));
  expect(error.code).toBe('fields_invalid');
  return error.message;
}

describe('a reserve card of level 2', () => {
  it.each(['on-site', 'deliverer', 'registered-post', 'foreign-document'])(
    '%s: one administrator, a paper receipt, and then the certificates',
    async (way) => {
      await using office = await openOffice();
      const ceremony = await handOut(office, way);
      const done = await download(office, ceremony);
      expect(done).toMatchObject({ state: 'finished', reports: [] });
      expect(stepOf(done, 'handedOut').statement).toContain(RESERVE_NUMBER);
      expect(stepOf(done, 'handedOut').person).toMatchObject({ name: 'Anna Lindqvist' });
      const { identity } = resultOf(await office.api.call('card.read', { card: { role: 'holder' }, refresh: true }));
      expect(identity).toMatchObject({ hsaId: HOLDER.hsaId, cardNumber: RESERVE_NUMBER, assuranceLevel: 'LoA2' });
    },
  );

  it('is not for its own administrator', async () => {
    await using office = await openOffice();
    const { ceremony } = await startRoutine(office, 'reserve-card-loa2-on-site');
    await record(office, ceremony, 'order', { ...orderOf(office, 'on-site'), hsaId: 'SE2321000016-BENCH1' });
    const sign = { ceremony, step: 'handedOut', language: 'sv', pin: PINS.underskrift } as const;
    const error = errorOf(await office.api.call('issuance.sign', sign));
    expect(error).toMatchObject({ code: 'participant_refused', details: { reason: 'same_person' } });
  });

  it('is for holders of fifteen and more', async () => {
    await using office = await openOffice();
    office.clock.now = new Date('1996-12-17T12:00:00Z'); // the holder's fifteenth birthday is on the next day
    expect(await refused(office, 'on-site', {})).toContain('personalNumber: the holder must be 15 at least');
    office.clock.now = new Date('1996-12-18T12:00:00Z');
    const { ceremony } = await startRoutine(office, 'reserve-card-loa2-on-site');
    expect((await record(office, ceremony, 'order', orderOf(office, 'on-site'))).nextStep).toBe('handedOut');
  });

  it('is for holders with a coordination number or registered by passport too, if they are of age', async () => {
    await using office = await openOffice();
    const { ceremony } = await startRoutine(office, 'reserve-card-loa2-on-site');
    const { personalNumber: _, ...order } = orderOf(office, 'on-site');
    await record(office, ceremony, 'order', { ...order, passportNumber: 'X1234567', birthDate: '1990-05-01' });
    const sign = { ceremony, step: 'handedOut', language: 'en', pin: PINS.underskrift } as const;
    const signed = resultOf(await office.api.call('issuance.sign', sign));
    expect(stepOf(signed, 'handedOut').statement).toContain('Cecilia Öberg (X1234567)');
    const other = await startRoutine(office, 'reserve-card-loa2-on-site');
    const coordination = { ...orderOf(office, 'on-site'), personalNumber: '197010632391' };
    expect((await record(office, other.ceremony, 'order', coordination)).nextStep).toBe('handedOut');
    const young = { personalNumber: '', passportNumber: 'X1234567', birthDate: day(office, -14 * 365) };
    expect(await refused(office, 'on-site', young)).toContain('birthDate: the holder must be 15 at least');
    const both = { passportNumber: 'X1234567', birthDate: '1990-05-01' };
    expect(await refused(office, 'on-site', both)).toContain('exactly one is filled in');
    expect(await refused(office, 'on-site', { personalNumber: '' })).toContain('exactly one is filled in');
  });
});

describe('with a foreign document', () => {
  it('a card is valid no longer than the assignment', async () => {
    await using office = await openOffice();
    const changes = { validTo: day(office, 91) };
    expect(await refused(office, 'foreign-document', changes)).toMatch(/validTo: it is after /);
  });

  it.each(['scanner', 'databaseAndUv', 'pradoAndUv'])('it is checked by %s', async (checkedBy) => {
    await using office = await openOffice();
    const { ceremony } = await startRoutine(office, 'reserve-card-loa2-foreign-document');
    const recorded = await record(office, ceremony, 'order', { ...orderOf(office, 'foreign-document'), checkedBy });
    expect(recorded.nextStep).toBe('handedOut');
  });

  it('looking at it alone is not enough', async () => {
    await using office = await openOffice();
    expect(await refused(office, 'foreign-document', { checkedBy: 'eye' })).toContain('checkedBy: it is none of the choices');
  });
});
