import { describe, expect, it } from 'vitest';
import { basicConstraints, certificatePolicies, extendedKeyUsage, keyUsage } from '../../drivers/simulated/certificate.ts';
import type { TokenCertificate } from '../../apdu/token.ts';
import { readIdentity, type CardIdentity } from './identity.ts';
import {
  CARD_NUMBER,
  LOA2,
  LOA3,
  NOW,
  ecKey,
  issue,
  issuePersonal,
  makeAuthority,
  nameOf,
  settingsOf,
  type Issue,
  type Person,
} from './testing.ts';

const root = makeAuthority('Root');
const middle = makeAuthority('Middle', root);
const trusting = settingsOf([root], [middle]);
const nobody = settingsOf([]);
const EXPIRED: Issue = { notAfter: new Date('2025-01-01T00:00:00Z') };

function card(...ders: readonly Uint8Array[]): readonly TokenCertificate[] {
  return ders.map((der, index) => ({ keyReference: `4${index}`, der }));
}

function read(settings: typeof trusting, ...ders: readonly Uint8Array[]): CardIdentity | undefined {
  return readIdentity(card(...ders), settings, NOW);
}

function persons(...people: readonly Person[]): CardIdentity | undefined {
  return read(trusting, ...people.map((person) => issuePersonal(middle, person)));
}

describe('readIdentity', () => {
  it('gives everything that both certificates of a card say', () => {
    const person = { organisation: 'BENCH Region', givenName: 'Björn', surname: 'Åkesson' };
    expect(persons({ ...person, use: 'authentication' }, { ...person, use: 'signature' })).toEqual({
      name: 'Björn Åkesson',
      givenName: 'Björn',
      surname: 'Åkesson',
      hsaId: 'SE2321000016-BENCH1',
      cardNumber: CARD_NUMBER,
      organisation: 'BENCH Region',
      organisationNumber: '2321000016',
      assuranceLevel: 'LoA3',
      policies: [LOA3],
      isTrusted: true,
      problems: [],
    });
  });

  it('joins what certificates with an HSA-id and with a personal identity number say', () => {
    const identity = persons({ identifiers: ['SE2321000016-BENCH1'] }, { identifiers: ['198112189876'] });
    expect(identity).toMatchObject({ hsaId: 'SE2321000016-BENCH1', personalIdentityNumber: '198112189876', problems: [] });
  });

  it('tells a coordination number from a personal identity number', () => {
    const identity = persons({ identifiers: ['197010632391'] });
    expect(identity).toMatchObject({ coordinationNumber: '197010632391' });
    expect(identity).not.toHaveProperty('personalIdentityNumber');
    expect(identity).not.toHaveProperty('hsaId');
    expect(identity).not.toHaveProperty('organisationNumber');
  });

  it('is nothing for a card without a certificate of a person', () => {
    expect(read(trusting)).toBeUndefined();
    expect(read(trusting, root.der, middle.der)).toBeUndefined();
    expect(read(trusting, Uint8Array.of(0x30, 0x00), new Uint8Array(0), new Uint8Array(2_000).fill(0x30))).toBeUndefined();
    const ofCard = issue(middle, {
      subject: nameOf('00000000000040008000000000000001'),
      extensions: [basicConstraints(false), keyUsage('digitalSignature'), extendedKeyUsage('2.16.840.1.101.3.6.8')],
    });
    expect(read(trusting, ofCard)).toBeUndefined();
  });

  it('leaves out what no certificate says', () => {
    const identity = read(trusting, issue(middle, { subject: [['C', 'SE']], extensions: [] }));
    expect(identity).toEqual({ policies: [], isTrusted: true, problems: [] });
  });

  it('says nothing of trust, and no level, without an anchor', () => {
    const identity = read(nobody, issuePersonal(middle));
    expect(identity).toMatchObject({ hsaId: 'SE2321000016-BENCH1', policies: [LOA3], problems: [] });
    expect(identity).not.toHaveProperty('isTrusted');
    expect(identity).not.toHaveProperty('assuranceLevel');
  });

  it('is not trusted, and has no level, when no chain leads to an anchor', () => {
    const stranger = makeAuthority('Stranger');
    const identity = read(trusting, issuePersonal(stranger));
    expect(identity).toMatchObject({
      hsaId: 'SE2321000016-BENCH1',
      isTrusted: false,
      problems: [{ code: 'certificate_untrusted', keyReference: '40' }],
    });
    expect(identity).not.toHaveProperty('assuranceLevel');
  });

  it('builds chains of authorities on the card, which vouch for nothing by themselves', () => {
    const own = makeAuthority('Own', root);
    expect(read(trusting, issuePersonal(own), own.der)).toMatchObject({ isTrusted: true });
    expect(read(trusting, issuePersonal(own))).toMatchObject({ isTrusted: false });
    const stranger = makeAuthority('Stranger');
    expect(read(trusting, issuePersonal(stranger), stranger.der)).toMatchObject({ isTrusted: false });
  });

  it('takes no word of a certificate that is not trusted beside one that is', () => {
    const forged = issuePersonal(makeAuthority('Middle'), { identifiers: ['198112189876'], organisation: 'Elsewhere' });
    const identity = read(trusting, issuePersonal(middle), forged);
    expect(identity).toMatchObject({
      hsaId: 'SE2321000016-BENCH1',
      isTrusted: true,
      problems: [{ code: 'certificate_untrusted', keyReference: '41' }],
    });
    expect(identity).not.toHaveProperty('personalIdentityNumber');
    expect(identity).not.toHaveProperty('organisation');
  });

  it('takes an expired certificate that says the same for what it is', () => {
    expect(read(trusting, issuePersonal(middle, {}, EXPIRED), issuePersonal(middle))).toMatchObject({
      isTrusted: true,
      problems: [{ code: 'certificate_untrusted', keyReference: '40' }],
    });
    expect(read(trusting, issuePersonal(middle, {}, EXPIRED))).toMatchObject({ isTrusted: false, name: 'Anna Lindqvist' });
    const later = { notBefore: new Date('2027-01-01T00:00:00Z') };
    expect(read(trusting, issuePersonal(middle, {}, later))).toMatchObject({ isTrusted: false });
  });

  it.each([
    ['hsaId', { identifiers: ['SE2321000016-BENCH1'] }, { identifiers: ['SE2321000016-BENCH2'] }],
    ['cardNumber', {}, { cardNumber: '9752278900000000001' }],
    ['name', {}, { surname: 'Lindkvist' }],
    ['organisation', { organisation: 'One' }, { organisation: 'Another' }],
    ['assuranceLevel', { policies: [LOA2] }, { policies: [LOA3] }],
    ['personalIdentityNumber', { identifiers: ['198112189876'] }, { identifiers: ['196408233234'] }],
    ['personalIdentityNumber', { identifiers: ['198112189876'] }, { identifiers: ['197010632391'] }],
    ['coordinationNumber', { identifiers: ['198112189876'] }, { identifiers: ['197010632391'] }],
  ] satisfies (readonly [string, Person, Person])[])('does not choose between two of %s', (field, one, other) => {
    const identity = persons(one, other);
    expect(identity).not.toHaveProperty(field);
    expect(identity?.problems).toContainEqual({ code: 'contradictory', field });
  });

  it('does not choose between two HSA-ids even when one is not trusted', () => {
    const forged = issuePersonal(makeAuthority('Middle'), { identifiers: ['SE2321000016-OTHER'] });
    const identity = read(trusting, issuePersonal(middle), forged);
    expect(identity).not.toHaveProperty('hsaId');
    expect(identity).not.toHaveProperty('organisationNumber');
    expect(identity?.problems).toContainEqual({ code: 'contradictory', field: 'hsaId' });
  });

  it('does not choose between two levels or two HSA-ids of one certificate', () => {
    const identity = persons({ policies: [LOA2, LOA3], identifiers: ['SE2321000016-BENCH1', 'SE2321000016-BENCH2'] });
    expect(identity).not.toHaveProperty('assuranceLevel');
    expect(identity).not.toHaveProperty('hsaId');
    expect(identity?.problems).toEqual([
      { code: 'contradictory', field: 'hsaId' },
      { code: 'contradictory', field: 'assuranceLevel' },
    ]);
  });

  it('sees the same HSA-id in two cases of letters', () => {
    const identity = persons({ identifiers: ['SE2321000016-bench1'] }, { identifiers: ['SE2321000016-BENCH1'] });
    expect(identity).toMatchObject({ hsaId: 'SE2321000016-bench1', problems: [] });
  });

  it.each([
    ['personal_number_invalid', { identifiers: ['198112189875'] }],
    ['hsa_id_invalid', { identifiers: ['SE2321000016'] }],
    ['card_number_invalid', { cardNumber: '123' }],
  ] satisfies (readonly [string, Person])[])('says %s', (code, person) => {
    const identity = persons(person);
    expect(identity).toMatchObject({ isTrusted: true, problems: [{ code, keyReference: '40' }] });
    for (const field of ['personalIdentityNumber', 'coordinationNumber']) expect(identity).not.toHaveProperty(field);
  });

  it('gives an HSA-id whose digits are no organisation number, and no organisation number', () => {
    const identity = persons({ identifiers: ['SE2321000017-BENCH1'] });
    expect(identity).toMatchObject({ hsaId: 'SE2321000017-BENCH1', problems: [{ code: 'organisation_number_invalid' }] });
    expect(identity).not.toHaveProperty('organisationNumber');
  });

  it('says which certificate is none, beside one that is', () => {
    expect(read(trusting, Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x00), issuePersonal(middle))).toMatchObject({
      isTrusted: true,
      problems: [{ code: 'certificate_unreadable', keyReference: '40' }],
    });
  });

  it('leaves out names that would mislead whoever reads them', () => {
    expect(persons({ givenName: 'An\u202Ena', surname: 'Lindqvist' })).not.toHaveProperty('givenName');
    expect(persons({ givenName: 'A\u0000', surname: 'x'.repeat(300) })).not.toHaveProperty('surname');
  });

  it('gives a level only under an authority that may issue under its policy', () => {
    const extensions = [basicConstraints(true), keyUsage('keyCertSign'), certificatePolicies(LOA2)];
    const two = makeAuthority('Two', root, { extensions });
    const identity = read(settingsOf([root], [two]), issuePersonal(two, { policies: [LOA3] }));
    expect(identity).toMatchObject({ isTrusted: true, policies: [LOA3] });
    expect(identity).not.toHaveProperty('assuranceLevel');
  });
});

describe('a card of 200 certificates', () => {
  const people = Array.from({ length: 100 }, () => issuePersonal(middle));
  const authorities = Array.from({ length: 100 }, () => makeAuthority('Middle', { name: nameOf('Middle'), key: ecKey() }).der);

  it('is read, and a known one in no time', () => {
    const certificates = card(...people, ...people.map((der) => Uint8Array.from(der)));
    expect(readIdentity(certificates, trusting, NOW)).toMatchObject({ isTrusted: true, problems: [] });
    const before = performance.now();
    for (let turn = 0; turn < 10; turn++) readIdentity(certificates, trusting, NOW);
    expect((performance.now() - before) / 10).toBeLessThan(200);
  });

  it('of which half are authorities of one name is read within a bound', () => {
    const before = performance.now();
    const identity = readIdentity(card(...people, ...authorities), trusting, NOW);
    expect(identity).toMatchObject({ hsaId: 'SE2321000016-BENCH1', isTrusted: true });
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  it('more than are looked at says so', () => {
    const many = card(...Array.from({ length: 257 }, () => people[0] ?? new Uint8Array()));
    const { problems = [] } = readIdentity(many, trusting, NOW) ?? {};
    expect(problems).toEqual([{ code: 'too_many_certificates' }]);
  });
});
