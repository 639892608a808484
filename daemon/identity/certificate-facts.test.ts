import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../apdu/bytes.ts';
import { encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { describePersona } from '../../drivers/simulated/cards/eid/personas.ts';
import { basicConstraints, extendedKeyUsage, keyUsage, sequence } from '../../drivers/simulated/certificate.ts';
import { describeCertificate, describeIdentity } from '../desk/describe.ts';
import { certificateFacts } from './certificate-facts.ts';
import { OID_GIVEN_NAME, OID_SERIAL_NUMBER, oneOf } from './distinguished-name.ts';
import { identityOf, judgeCertificates } from './identity.ts';
import {
  CARD_NUMBER,
  LOA3,
  NOW,
  cardNumberExtension,
  factsOf,
  issue,
  issuePersonal,
  makeAuthority,
  nameOf,
  pathLength,
  settingsOf,
} from './testing.ts';

const root = makeAuthority('Root');
const unread = { keyReference: '45', der: new Uint8Array(0), facts: undefined, report: undefined, assuranceLevels: [] };

describe('certificateFacts', () => {
  it('reads the card number from the bytes that are publicly known', () => {
    const der = issuePersonal(root, { cardNumber: CARD_NUMBER });
    expect(formatHex(der)).toContain('301F06062A8570220201041513133937353232373839303030303030303030' + '3030');
    expect(factsOf(der)).toMatchObject({ cardNumber: CARD_NUMBER, isCardNumberInvalid: false });
  });

  it.each([
    ['eighteen digits', cardNumberExtension('975227890000000000')],
    ['letters', cardNumberExtension('97522789000000000AB')],
    ['another type', cardNumberExtension(CARD_NUMBER, 0x0c)],
    ['no string at all', { oid: '1.2.752.34.2.1', value: parseHex('30') }],
  ])('gives no card number for %s, and finds nothing else wrong', (_, extension) => {
    const facts = factsOf(issue(root, { extensions: [extension] }));
    expect(facts).toMatchObject({ cardNumber: undefined, isCardNumberInvalid: true, malformed: [] });
  });

  it('reads those of a simulated card as they were issued', () => {
    const { keys = {} } = describePersona({ persona: 'bjorn' });
    const read = (text = '') => factsOf(new Uint8Array(Buffer.from(text, 'base64')));
    const [first, second] = [read(keys.legitimering?.certificate), read(keys.underskrift?.certificate)];
    expect([first.purpose, second.purpose]).toEqual(['authentication', 'signature']);
    for (const facts of [first, second]) {
      expect(facts).toMatchObject({ cardNumber: '9752000000000000029', policies: [LOA3], isAuthority: false, malformed: [] });
      expect(oneOf(facts.subject, OID_GIVEN_NAME)).toBe('Björn');
      expect(oneOf(facts.subject, OID_SERIAL_NUMBER)).toBe('SE2321000016-BENCH2');
      expect(facts.subjectText).toMatch(/^CN=Björn Åkesson,.*,C=SE$/);
    }
  });

  it.each([
    ['authentication', [keyUsage('digitalSignature')]],
    ['authentication', [keyUsage('digitalSignature', 'keyAgreement')]],
    ['signature', [keyUsage('nonRepudiation')]],
    ['signature', [keyUsage('digitalSignature', 'nonRepudiation')]],
    ['authority', [basicConstraints(true), keyUsage('keyCertSign', 'digitalSignature')]],
    ['other', [keyUsage('keyAgreement')]],
    ['other', [extendedKeyUsage('1.3.6.1.5.5.7.3.2')]],
    ['other', []],
  ] as const)('finds that it is for %s', (purpose, extensions) => {
    expect(factsOf(issue(root, { extensions })).purpose).toBe(purpose);
  });

  it('reads path length, key usage, policies and identifiers of keys', () => {
    const authority = makeAuthority('Middle', root, { extensions: [pathLength(3n), keyUsage('cRLSign')] });
    expect(authority.facts).toMatchObject({
      isAuthority: true,
      pathLength: 3,
      maySignCertificates: false,
      policies: undefined,
      authorityKeyId: root.facts.subjectKeyId,
      signatureAlgorithm: { oid: '1.2.840.10045.4.3.2' },
    });
    expect(makeAuthority('Silent', root, { extensions: [basicConstraints(true)] }).facts.maySignCertificates).toBe(true);
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['an empty sequence', parseHex('3000')],
    ['a sequence that claims more than there is', parseHex('3082FFFF')],
    ['PEM', new TextEncoder().encode(new X509Certificate(root.der).toString())],
    ['half a certificate', root.der.subarray(0, root.der.length / 2)],
  ])('gives nothing for %s', (_, bytes) => {
    expect(certificateFacts(bytes)).toBeUndefined();
  });

  it('never throws, whatever byte is another, nor does what is made of it', () => {
    const der = issuePersonal(root, { organisation: 'BENCH Region' });
    const settings = settingsOf([root]);
    let read = 0;
    let trusted = 0;
    for (const [index, byte] of der.entries()) {
      for (const other of [0x00, 0xff, byte ^ 0x20, byte + 1, byte - 1].filter((one) => (one & 0xff) !== byte)) {
        const changed = Uint8Array.from(der);
        changed[index] = other;
        const judged = judgeCertificates([{ keyReference: '45', der: changed }], settings, NOW);
        const identity = identityOf(judged);
        if (identity) JSON.stringify(describeIdentity(identity));
        const { parsed } = describeCertificate(judged[0] ?? unread, NOW);
        if (parsed) read++;
        if (parsed?.chain.status === 'trusted') trusted++;
      }
    }
    expect(read).toBeGreaterThan(der.length); // signature, key, text: most are a certificate still
    expect(trusted).toBe(0); // no byte is outside the signature
  });

  it('knows no certificate whose validity is no time', () => {
    const der = issuePersonal(root);
    const text = Buffer.from(der).toString('latin1');
    const at = text.indexOf('340101000000Z');
    expect(at).toBeGreaterThan(0);
    for (const wrong of ['349901000000Z', '34010100000xZ', '3401010000000', '..........00Z']) {
      const changed = Uint8Array.from(der);
      changed.set(Buffer.from(wrong, 'latin1'), at);
      expect(certificateFacts(changed), wrong).toBeUndefined();
    }
  });

  it('reads a certificate without a name', () => {
    expect(factsOf(issue(root, { subject: [] }))).toMatchObject({ subjectText: '', subject: { key: '[]' } });
  });

  it('reads certificates of one array once', () => {
    expect(certificateFacts(root.der)).toBe(certificateFacts(root.der));
    expect(certificateFacts(Uint8Array.from(root.der))).not.toBe(certificateFacts(root.der));
  });

  it('finds no single value where the name has two', () => {
    const subject = [...nameOf('One'), ['CN', 'Two'], ['serialNumber', 'SE2321000016-A']] as const;
    const facts = factsOf(issue(root, { subject }));
    expect(oneOf(facts.subject, '2.5.4.3')).toBeUndefined();
    expect(oneOf(facts.subject, OID_SERIAL_NUMBER)).toBe('SE2321000016-A');
  });

  it('names extensions that are there twice, or do not decode', () => {
    const twice = issue(root, { extensions: [keyUsage('nonRepudiation'), keyUsage('digitalSignature')] });
    expect(factsOf(twice)).toMatchObject({ malformed: ['2.5.29.15'], purpose: 'other' });
    const broken = { oid: '2.5.29.19', critical: true, value: encodeTlv(0x30, parseHex('0101')) };
    expect(factsOf(issue(root, { extensions: [broken] }))).toMatchObject({ malformed: ['2.5.29.19'], isAuthority: false });
    const padded = { oid: '2.5.29.32', value: sequence(parseHex('00'), sequence(parseHex('06022A03'))) };
    expect(factsOf(issue(root, { extensions: [padded] })).malformed).toEqual(['2.5.29.32']);
  });
});
