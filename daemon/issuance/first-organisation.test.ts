import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { issuePersonalCertificate } from '../../drivers/simulated/cards/eid/certificates.ts';
import type { StoredCertificate } from './entry.ts';
import { firstLeftWithout } from './first-organisation.ts';

const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const FIRST = 'SE2321000016-A';
const SECOND = 'SE5565594230-A';

function certificate(identifier: string, use: 'legitimering' | 'underskrift', year: number): StoredCertificate {
  const der = issuePersonalCertificate({
    ...{ person: { givenName: 'A', surname: 'B', identifier }, use, publicKey, cardNumber: '9752000000000000102', policies: [] },
    authority: { name: [['CN', 'BENCH']], key },
    notBefore: new Date(Date.UTC(year, 0, 1)),
    notAfter: new Date(Date.UTC(year + 5, 0, 1)),
  });
  return { keyReference: `${identifier}${use}${year}`, der: Buffer.from(der).toString('base64') };
}

const oldLogin = certificate(FIRST, 'legitimering', 2024);
const oldSignature = certificate(FIRST, 'underskrift', 2024);
const newLogin = certificate(FIRST, 'legitimering', 2026);
const otherLogin = certificate(SECOND, 'legitimering', 2025);
const otherSignature = certificate(SECOND, 'underskrift', 2025);
const all = [otherLogin, otherSignature, oldLogin, oldSignature, newLogin];

describe('the first organisation on a card', () => {
  it.each([
    ['nothing of its own goes', [otherLogin, otherSignature], undefined],
    ['one of two for the same purpose goes', [oldLogin], undefined],
    ['both for one purpose go', [oldLogin, newLogin], '2321000016'],
    ['its only one for signatures goes', [oldSignature], '2321000016'],
    ['everything goes', all, '2321000016'],
  ])('when %s', (_, chosen, organisation) => {
    expect(firstLeftWithout(all, chosen)).toBe(organisation);
  });

  it('is none on a card that knows its holder by personal number alone', () => {
    const one = certificate('198112189876', 'legitimering', 2024);
    expect(firstLeftWithout([one], [one])).toBeUndefined();
  });
});
