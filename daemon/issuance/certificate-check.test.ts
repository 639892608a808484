import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { benchAuthorities } from '../../drivers/simulated/cards/eid/personas.ts';
import {
  issueAuthorityCertificate,
  issuePersonalCertificate,
  type EidPerson,
} from '../../drivers/simulated/cards/eid/certificates.ts';
import { certificateFacts } from '../identity/certificate-facts.ts';
import type { IdentitySettings } from '../identity/identity.ts';
import { checkCertificates, type CertificateOrder } from './certificate-check.ts';
import type { KeyPlace } from './entry.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const CARD = '9752000000000000102';
const CECILIA: EidPerson = { givenName: 'Cecilia', surname: 'Öberg', identifier: 'SE2321000016-BENCH3' };
const ORDER: CertificateOrder = {
  cardNumber: CARD,
  hsaId: 'se2321000016-bench3',
  assuranceLevel: 'LoA3',
  validTo: new Date('2031-01-01'),
};

const pair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const root = pair();
const ROOT = { key: root.privateKey, name: [['CN', 'BENCH Root']] } as const;
const VALIDITY = { notBefore: new Date('2026-03-01T11:59:00Z'), notAfter: new Date('2030-01-01T00:00:00Z') };
const anchor = certificateFacts(
  issueAuthorityCertificate({ ...VALIDITY, name: ROOT.name, publicKey: root.publicKey, issuer: ROOT }),
);
if (!anchor) throw new Error('the root is a certificate');
const SETTINGS: IdentitySettings = { anchors: [anchor], intermediates: [], assuranceLevels: new Map([['2.999.752.3', 'LoA3']]) };

const keys = { authentication: pair(), signature: pair() };
const PLACES: readonly KeyPlace[] = [
  { keyReference: '45', usage: 'authentication', algorithm: 'P-256' },
  { keyReference: '46', usage: 'signature', algorithm: 'P-256' },
];
const spki = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }));
const PUBLIC_KEYS = new Map([
  ['45', spki(keys.authentication.publicKey)],
  ['46', spki(keys.signature.publicKey)],
]);

type Personal = Parameters<typeof issuePersonalCertificate>[0];
const issue = (use: Personal['use'], changes: Partial<Personal> = {}) =>
  issuePersonalCertificate({
    ...VALIDITY,
    ...{ person: CECILIA, use, cardNumber: CARD, policies: ['2.999.752.3'], authority: ROOT },
    publicKey: use === 'legitimering' ? keys.authentication.publicKey : keys.signature.publicKey,
    ...changes,
  });
const SIGNATURE = issue('underskrift');

function problemsOf(ders: readonly Uint8Array[], order: CertificateOrder = ORDER): string[] {
  const { findings } = checkCertificates(ders, PLACES, PUBLIC_KEYS, { order, settings: SETTINGS, now: NOW });
  return findings.map(({ keyReference, problem }) => `${keyReference ?? '-'} ${problem}`);
}

describe('certificates for a job', () => {
  it('may be from an authority whose clock is a few minutes ahead', () => {
    const ahead = (time: string) => issue('legitimering', { notBefore: new Date(time) });
    expect(problemsOf([ahead('2026-03-01T12:05:00Z'), SIGNATURE])).toEqual([]);
    expect(problemsOf([ahead('2026-03-01T12:05:01Z'), SIGNATURE])).toContain('45 not_yet_valid');
  });

  it('fit in any order, and are given in that of the keys', () => {
    const authentication = issue('legitimering');
    const { findings, fitting } = checkCertificates([SIGNATURE, authentication], PLACES, PUBLIC_KEYS, {
      order: ORDER,
      settings: SETTINGS,
      now: NOW,
    });
    expect(findings).toEqual([]);
    expect(fitting).toEqual([
      { keyReference: '45', der: authentication },
      { keyReference: '46', der: SIGNATURE },
    ]);
  });

  it.each([
    ['for another key', issue('legitimering', { publicKey: pair().publicKey }), ['45 missing', '- key_other']],
    ['for the other purpose', issue('underskrift', { publicKey: keys.authentication.publicKey }), ['45 usage_other']],
    ['for another card', issue('legitimering', { cardNumber: '9752000000000000111' }), ['45 card_number_other']],
    [
      'for another person',
      issue('legitimering', { person: { ...CECILIA, identifier: 'SE2321000016-BENCH1' } }),
      ['45 person_other'],
    ],
    [
      'by a number that was not ordered',
      issue('legitimering', { person: { ...CECILIA, identifier: '198112189876' } }),
      ['45 person_other'],
    ],
    ['for nobody', issue('legitimering', { person: { ...CECILIA, identifier: 'nobody' } }), ['45 person_other']],
    ['of another level', issue('legitimering', { policies: ['2.999.752.2'] }), ['45 assurance_level_missing']],
    [
      'that has expired',
      issue('legitimering', { notAfter: new Date('2026-03-01T11:59:59Z') }),
      ['45 expired', '45 untrusted', '45 assurance_level_missing'],
    ],
    [
      'that is not valid yet',
      issue('legitimering', { notBefore: new Date('2026-03-02') }),
      ['45 not_yet_valid', '45 untrusted', '45 assurance_level_missing'],
    ],
    ['valid for longer than ordered', issue('legitimering', { notAfter: new Date('2032-01-01') }), ['45 too_long_valid']],
    [
      'by an unknown issuer',
      issue('legitimering', { authority: { ...ROOT, key: pair().privateKey } }),
      ['45 untrusted', '45 assurance_level_missing'],
    ],
    ['that is none', new Uint8Array([0x30, 0x01]), ['- not_a_certificate', '45 missing']],
    [
      'of an authority',
      issueAuthorityCertificate({ ...VALIDITY, name: ROOT.name, publicKey: keys.authentication.publicKey, issuer: ROOT }),
      ['45 not_for_a_person', '45 usage_other', '45 card_number_other', '45 person_other', '45 assurance_level_missing'],
    ],
  ])('%s are refused, and why', (_, wrong, problems) => {
    expect(problemsOf([wrong, SIGNATURE]).sort()).toEqual([...problems].sort());
  });

  it('are refused when one is missing, or there are two for a key', () => {
    expect(problemsOf([SIGNATURE])).toEqual(['45 missing']);
    expect(problemsOf([issue('legitimering'), issue('legitimering'), SIGNATURE])).toEqual(['45 too_many']);
    expect(problemsOf([])).toEqual(['45 missing', '46 missing']);
  });

  it('of the bench’s own authorities are trusted only where the settings say so', () => {
    const [bench] = benchAuthorities();
    expect(bench && certificateFacts(bench.certificate)?.isAuthority).toBe(true);
    expect(problemsOf([bench?.certificate ?? new Uint8Array(), issue('legitimering'), SIGNATURE])).toEqual(['- key_other']);
  });
});
