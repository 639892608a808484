/** The people's certificates, read by Node's OpenSSL and by hand: what stands in them, and who issued them. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeTlv, requireTlv, type TlvObject } from '../../../../apdu/tlv/ber-tlv.ts';
import { formatHex, parseBase64 } from '../../bytes.ts';
import { PERSONA_NAMES, benchAuthorities, createEidCard, describePersonalCard } from '../eid.ts';
import { describePersona } from './personas.ts';
import { CardUnderTest, certificateOf, pinBlock } from './testing.ts';

const PEOPLE = ['anna', 'bjorn', 'cecilia', 'david'] as const;

/** The value of an extension, by the hexadecimal of its object identifier. */
function extensionOf(
  certificate: X509Certificate,
  oid: string,
): { readonly isCritical: boolean; readonly value: string } | undefined {
  const [signed] = decodeTlv(requireTlv(decodeTlv(new Uint8Array(certificate.raw)), 0x30));
  const fields = decodeTlv(signed?.value ?? new Uint8Array());
  const extensions = decodeTlv(requireTlv(decodeTlv(requireTlv(fields, 0xa3)), 0x30)).map(({ value }) => decodeTlv(value));
  const found = extensions.find((parts) => formatHex(requireTlv(parts, 0x06)) === oid);
  const has = (parts: readonly TlvObject[], tag: number): boolean => parts.some((part) => part.tag === tag);
  return found && { isCritical: has(found, 0x01), value: formatHex(requireTlv(found, 0x04)) };
}

const KEY_USAGE = '551d0f';
const POLICIES = '551d20';
const CARD_NUMBER = '2a8570220201';

describe('the certificates of a person', () => {
  it.each([
    [
      'anna',
      'C=SE\nO=BENCH Region\ntitle=ID-administratör\nSN=Lindqvist\nGN=Anna\nserialNumber=SE2321000016-BENCH1\nCN=Anna Lindqvist',
    ],
    [
      'cecilia',
      'C=SE\nO=BENCH Region\ntitle=Sjuksköterska\nSN=Öberg\nGN=Cecilia\nserialNumber=SE2321000016-BENCH3\nCN=Cecilia Öberg',
    ],
    ['david', 'C=SE\nSN=Ek\nGN=David\nserialNumber=198112189876\nCN=David Ek'],
  ])('say who %s is', (name, subject) => {
    expect(certificateOf(name, 'legitimering').subject).toBe(subject);
    expect(certificateOf(name, 'underskrift').subject).toBe(subject);
  });

  it.each([
    ['anna', '030205a0', '3009300706058837857003'],
    ['bjorn', '03020780', '3009300706058837857003'],
    ['cecilia', '030205a0', '3009300706058837857002'],
  ])('say what each key of %s is for, and the level of assurance', (name, usage, policies) => {
    const [authentication, signature] = [certificateOf(name, 'legitimering'), certificateOf(name, 'underskrift')];
    expect(extensionOf(authentication, KEY_USAGE)).toEqual({ isCritical: true, value: usage });
    expect(extensionOf(signature, KEY_USAGE)).toEqual({ isCritical: true, value: '03020640' });
    for (const certificate of [authentication, signature]) expect(extensionOf(certificate, POLICIES)?.value).toBe(policies);
  });

  it.each([...PEOPLE])('have the number of the card of %s, as TokenInfo has it', (name) => {
    const number = describePersona({ persona: name }).cardNumber ?? '';
    expect(number).toMatch(/^9752\d{15}$/);
    const value = `1313${Buffer.from(number).toString('hex')}`;
    for (const use of ['legitimering', 'underskrift'] as const)
      expect(extensionOf(certificateOf(name, use), CARD_NUMBER)).toEqual({ isCritical: false, value });
    expect(createEidCard({ persona: name }).state().serialNumber).toBe(`${number}f`);
  });

  it.each([...PEOPLE])('of %s belong to the keys, and lead to the root that is on the card', (name) => {
    const { keys, authorities } = describePersona({ persona: name });
    const [issuer, root] = (authorities ?? []).map(({ certificate }) => new X509Certificate(parseBase64(certificate)));
    if (!issuer || !root) throw new Error('the card has no authorities');
    for (const use of ['legitimering', 'underskrift'] as const) {
      const certificate = certificateOf(name, use);
      const privateKey = createPrivateKey({
        key: Buffer.from(parseBase64(keys?.[use]?.privateKey ?? '')),
        format: 'der',
        type: 'pkcs8',
      });
      expect(certificate.checkPrivateKey(privateKey)).toBe(true);
      expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true);
      expect(certificate.ca).toBe(false);
    }
    expect(issuer.checkIssued(root) && issuer.verify(root.publicKey) && issuer.ca).toBe(true);
    expect(root.verify(root.publicKey) && root.ca).toBe(true);
    expect([...benchAuthorities()].map((authority) => formatHex(authority.certificate))).toEqual(
      expect.arrayContaining([formatHex(new Uint8Array(issuer.raw)), formatHex(new Uint8Array(root.raw))]),
    );
  });

  it('are all there are, and two reserve cards: one with certificates and room for more, one blank', () => {
    expect(PERSONA_NAMES).toEqual([...PEOPLE, 'renewable', 'reserve']);
  });
});

describe('a card for somebody else', () => {
  it('is made from who they are, by an authority of the bench', () => {
    const [root, authority] = benchAuthorities();
    if (!authority || !root) throw new Error('there are no authorities');
    const issuer = new X509Certificate(authority.certificate);
    const key = createPrivateKey({ key: Buffer.from(authority.privateKey), format: 'der', type: 'pkcs8' });
    const name = [
      ['C', 'SE'],
      ['O', 'BENCH kortd'],
      ['CN', authority.name],
    ] as const;
    const description = describePersonalCard({
      person: { givenName: 'Eva', surname: 'Nord', identifier: 'SE2321000016-BENCH9' },
      cardNumber: '9752000000000000094',
      policies: ['2.999.752.3', '2.999.752.9'],
      authority: { name, key },
      authorityCertificates: [],
      algorithms: { legitimering: 'P-384', underskrift: 'P-256' },
      notBefore: new Date('2025-01-01T00:00:00Z'),
      notAfter: new Date('2027-01-01T00:00:00Z'),
      card: { profile: 'plain', label: 'Kort för Eva' },
    });
    const certificate = new X509Certificate(parseBase64(description.keys?.legitimering?.certificate ?? ''));
    expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.validToDate).toEqual(new Date('2027-01-01T00:00:00Z'));
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'secp384r1' });
    expect(extensionOf(certificate, POLICIES)?.value).toBe('3012300706058837857003300706058837857009');
    const card = new CardUnderTest(description).select();
    expect(card.send('00b0920000')).toContain(Buffer.from('Kort för Eva').toString('hex'));
  });
});

describe('the reserve card', () => {
  it('has places for keys, PINs that everybody knows, and nothing else', () => {
    const card = new CardUnderTest({ persona: 'reserve', profile: 'plain' }).select();
    const contentOf = (fid: string): string => {
      card.send(`00a4020c02${fid}`);
      return card.send('00b00000000000').replace(/(ff)*9000$/, '');
    };
    expect(contentOf('4404')).toBe('');
    expect(contentOf('4403')).toMatch(/^30..30.*3f0050154d01.*3f0050154d02/);
    expect(contentOf('4d01')).toBe('');
    expect(contentOf('4405')).toBe('');
    expect(contentOf('4331')).toBe('');
    expect(contentOf('4402')).toMatch(/^30..30.*3f0050154b01.*3f0050154b02/);
    expect(contentOf('5033')).toBe('3014300f04063f0050154331020100800208000401013014300f04063f005015433202010080020800040101');
    expect(card.send(`0020008108${pinBlock('123456')}`)).toBe('9000');
    expect(card.send(`0020008208${pinBlock('654321')}`)).toBe('9000');
  });

  it('lists no keys where none are prepared', () => {
    const card = new CardUnderTest({ profile: 'plain' }).select();
    card.send('00a4020c024402');
    expect(card.send('00b0000000')).toMatch(/^(ff)+9000$/);
  });
});
