import { X509Certificate, createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../apdu/bytes.ts';
import { encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { describePersona } from '../../drivers/simulated/cards/eid/personas.ts';
import {
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  sequence,
  signCertificate,
  type CertificateExtension,
} from '../../drivers/simulated/certificate.ts';
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

/** ITU-T X.667, section 7: a UUID as an object identifier. */
const UUID = '329800735698586629295641978511506172918';
const UUID_OID = '6983F09DA7EBCFDEE0C7A1A7B2C0948CC8F9D776';
/** [1] of an AuthorityKeyIdentifier: a directoryName, CN=Root. */
const ISSUER_NAME = 'A113A411300F310D300B06035504030C04526F6F74';

/** Without identifiers of keys, which `issue` adds: each extension is there once. */
function signedWith(extensions: readonly CertificateExtension[]): Uint8Array {
  const publicKey = new Uint8Array(createPublicKey(root.key).export({ format: 'der', type: 'spki' }));
  const [notBefore, notAfter] = [new Date('2024-01-01T00:00:00Z'), new Date('2034-01-01T00:00:00Z')];
  const names = { subject: nameOf('Somebody'), issuer: root.name };
  return signCertificate({ serialNumber: 1n, ...names, notBefore, notAfter, publicKey, extensions }, root.key);
}

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

  it.each([
    ['TRUE that is not FF', '2.5.29.19', '3003010101'],
    ['TRUE in two bytes', '2.5.29.19', '30040102FFFF'],
    ['a length in two bytes that fits in one', '2.5.29.19', '3081030101FF'],
    ['a length in three bytes that fits in two', '2.5.29.14', `04820080${'00'.repeat(128)}`],
    ['an indefinite length', '2.5.29.19', '30800101FF0000'],
    ['bytes behind it', '2.5.29.19', '30030101FF00'],
    ['a part that reaches beyond its end', '2.5.29.19', '30020101FF'],
    ['a length beyond the end', '2.5.29.19', '30040101FF'],
    ['nothing', '2.5.29.19', ''],
    ['another type', '2.5.29.19', '31030101FF'],
    ['a part too many', '2.5.29.19', '30090101FF020100020101'],
    ['a negative path length', '2.5.29.19', '30060101FF0201FF'],
    ['a path length without a byte', '2.5.29.19', '30050101FF0200'],
    ['a path length beyond all', '2.5.29.19', '300A0101FF02050100000000'],
    ['bits without a byte', '2.5.29.15', '0300'],
    ['eight unused bits', '2.5.29.15', '03020880'],
    ['unused bits that are not 0', '2.5.29.15', '03020740'],
    ['a tag of its own', '2.5.29.19', 'A0030101FF'],
    ['unused bits of nothing', '2.5.29.15', '030107'],
    ['more bits than there are usages', '2.5.29.15', '0306000102030405'],
    ['an identifier without a byte', '2.5.29.32', '300430020600'],
    ['an identifier with a padded number', '2.5.29.32', '3007300506032A8001'],
    ['an identifier that begins with padding', '2.5.29.32', '300630040602802A'],
    ['an identifier that ends early', '2.5.29.32', '3006300406022A80'],
    ['a policy that is no identifier', '2.5.29.32', '30053003020101'],
    ['parts out of order', '2.5.29.36', '3006810100800100'],
    ['a string in pieces', '2.5.29.14', '2403040101'],
    ['a usage that ends early', '2.5.29.37', '300406022A80'],
    ['a key identifier of another type', '2.5.29.35', '30030C0101'],
  ])('refuses an extension of %s', (_, oid, hex) => {
    const facts = factsOf(signedWith([{ oid, value: parseHex(hex) }]));
    expect(facts).toMatchObject({ malformed: [oid], isAuthority: false, purpose: 'other' });
  });

  it.each([
    ['FALSE that is the default', '2.5.29.19', '3003010100', { isAuthority: false, pathLength: undefined }],
    ['a path length of two bytes', '2.5.29.19', '30070101FF02020100', { isAuthority: true, pathLength: 256 }],
    ['a path length of four bytes', '2.5.29.19', '30090101FF02047FFFFFFF', { isAuthority: true, pathLength: 0x7fff_ffff }],
    ['no usage', '2.5.29.15', '030100', { purpose: 'other', maySignCertificates: false }],
    ['usages in two bytes', '2.5.29.15', '0303070680', { purpose: 'other', maySignCertificates: true }],
    ['a policy of a UUID', '2.5.29.32', `301830160614${UUID_OID}`, { policies: [`2.25.${UUID}`] }],
    ['policies with qualifiers', '2.5.29.32', '3017301506022A03300F300D06082B06010505070201160161', { policies: ['1.2.3'] }],
    ['a policy required', '2.5.29.36', '3003800100', { requiresPolicy: true }],
    ['policies not mapped', '2.5.29.36', '3003810100', { requiresPolicy: false }],
    ['name and number of an issuer', '2.5.29.35', `3018${ISSUER_NAME}820101`, { authorityKeyId: '' }],
    ['all three of an issuer', '2.5.29.35', `301C8002ABCD${ISSUER_NAME}820101`, { authorityKeyId: 'abcd' }],
  ])('reads an extension of %s', (_, oid, hex, expected) => {
    expect(factsOf(signedWith([{ oid, value: parseHex(hex) }]))).toMatchObject({ ...expected, malformed: [] });
  });

  it.each([
    ['491231235959Z', '2049-12-31T23:59:59.000Z'],
    ['500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['000229000000Z', '2000-02-29T00:00:00.000Z'],
    ['340101000000z', undefined],
    ['3401010000+01', undefined],
    ['341301000000Z', undefined],
    ['340230000000Z', undefined],
    ['340101240000Z', undefined],
    ['20500101000000Z', '2050-01-01T00:00:00.000Z'],
    ['99991231235959Z', '9999-12-31T23:59:59.000Z'],
    ['205001010000.5Z', undefined],
    ['20500101000.50Z', undefined],
    ['20500101000000z', undefined],
    ['20500230000000Z', undefined],
    ['205001010000+01', undefined],
    ['999912312359590', undefined],
  ])('of the time %s makes %s', (text, iso) => {
    const isShort = text.length === 13;
    const der = issuePersonal(root, {}, isShort ? {} : { notAfter: new Date('2051-01-01T00:00:00Z') });
    const at = Buffer.from(der)
      .toString('latin1')
      .indexOf(isShort ? '340101000000Z' : '20510101000000Z');
    expect(at).toBeGreaterThan(0);
    const changed = Uint8Array.from(der);
    changed.set(Buffer.from(text, 'latin1'), at);
    expect(certificateFacts(changed)?.notAfter.toISOString()).toBe(iso);
  });

  it('knows no certificate with a name that is no UTF-8', () => {
    const der = issuePersonal(root);
    const at = Buffer.from(der).toString('latin1').indexOf('Lindqvist');
    expect(certificateFacts(Uint8Array.from(der, (byte, index) => (index === at ? 0xc5 : byte)))).toBeUndefined();
  });

  it('compares values of names that are no text by their bytes', () => {
    const der = issuePersonal(root);
    const at = Buffer.from(der).toString('latin1').indexOf('Lindqvist') - 2; // the tag of the surname
    const subjects = [0x0c, 0x09].map(
      (tag) => factsOf(Uint8Array.from(der, (byte, index) => (index === at ? tag : byte))).subject,
    );
    expect(subjects.map((subject) => oneOf(subject, '2.5.4.4'))).toEqual(['Lindqvist', undefined]);
    expect(subjects[1]?.key).toContain('"2.5.4.4#09094C696E647176697374"');
  });
});
