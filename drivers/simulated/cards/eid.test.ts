import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseAtr } from '../../../apdu/iso7816/atr.ts';
import { decodeTlv, encodeTlv, requireTlv } from '../../../apdu/tlv/ber-tlv.ts';
import { formatHex, parseHex } from '../bytes.ts';
import { SimulationFileError } from '../errors.ts';
import { loadScenario } from '../scenario.ts';
import { createEidCard, type EidCardOptions } from './eid.ts';
import { CardUnderTest, SELECT_APPLICATION, certificateOf, pinBlock } from './eid/testing.ts';

const VERIFY = `0020000108${pinBlock('123456')}`;
/** The plain card's PINs are specific to its DF. */
const VERIFY_PLAIN = `0020008108${pinBlock('123456')}`;

function ready(options: EidCardOptions = {}): CardUnderTest {
  return new CardUnderTest({ persona: 'anna', ...options }).select();
}

function plain(options: EidCardOptions = {}): CardUnderTest {
  return ready({ persona: 'cecilia', ...options });
}

describe('SELECT', () => {
  it('finds the application by its name or by how it starts', () => {
    const card = plain();
    for (const name of ['a000000063504b43532d3135', 'a000000063', 'a0'])
      expect(card.send(`00a4040c${formatHex(Uint8Array.of(name.length / 2))}${name}`)).toBe('9000');
    for (const command of ['00a4040c05a000000308', '00a4040e05a000000063', `00a4040c0da000000063504b43532d313500`])
      expect(card.send(command), command).toBe('6a82');
    for (const command of ['00a4040c', `00a4040c11${'a0'.repeat(17)}`]) expect(card.send(command), command).toBe('6a87');
  });

  it('finds it by another name where the card has one', () => {
    const card = new CardUnderTest({ profile: 'plain', applicationId: 'e828bd080fd27600' });
    expect(card.send('00a4040c05e828bd080f')).toBe('9000');
    expect(card.send(SELECT_APPLICATION)).toBe('6a82');
  });

  it('finds files by identifier: the MF, the DF, what is in it, what is beside it', () => {
    const card = plain();
    for (const fid of ['5031', '5015', '4331', '2f00', '3f00', '2f00', '5015', '4b01'])
      expect(card.send(`00a4000c02${fid}`), fid).toBe('9000');
    expect(card.send('00a4000c')).toBe('9000');
    for (const fid of ['5031', '4331', '3fff']) expect(card.send(`00a4000c02${fid}`), fid).toBe('6a82');
    expect(card.send('00a4000c0150')).toBe('6a87');
  });

  it('tells DFs from EFs where it is asked to', () => {
    const card = new CardUnderTest({ persona: 'cecilia' });
    expect(card.send('00a4010c022f00')).toBe('6a82');
    expect(card.send('00a4020c025015')).toBe('6a82');
    expect(card.send('00a4020c022f00')).toBe('9000');
    expect(card.send('00a4010c025015')).toBe('9000');
    expect(card.send('00a4020c025031')).toBe('9000');
    expect(card.send('00a4010c0150')).toBe('6a87');
  });

  it('goes to the parent, and not above the MF', () => {
    const card = plain();
    expect(card.send('00a4030c')).toBe('9000');
    expect(card.send('00a4020c022f00')).toBe('9000');
    expect(card.send('00a4030c')).toBe('6a82');
    expect(card.send('00a4030c023f00')).toBe('6a87');
  });

  it('follows paths from the MF and from the current DF, without where they start', () => {
    const card = new CardUnderTest({ persona: 'cecilia' });
    for (const path of ['08025015', '080450155031', '09025031', '08022f00', '090450154331'])
      expect(card.send(`00a4${path.slice(0, 2)}0c${path.slice(2)}`), path).toBe('9000');
    for (const command of ['00a4080c063f0050155031', '00a4080c0450155039', '00a4090c025015'])
      expect(card.send(command), command).toBe('6a82');
    for (const command of ['00a4080c', '00a4080c03501550', '00a4090c']) expect(card.send(command), command).toBe('6a87');
  });

  it('answers 6A86 to ways of selecting that there are not, and keeps the selection after every error', () => {
    const card = plain();
    card.send('00a4020c025032');
    for (const parameters of ['050c', '0a0c', '000d', '020e', '0010', '0080', 'ff0c'])
      expect(card.send(`00a4${parameters}025031`), parameters).toBe('6a86');
    card.send('00a4000c021234');
    expect(card.send('00b0000002')).toMatch(/^3082....$|^30..9000$/);
  });

  it('says what a file is: FCI, FCP, FMD or nothing', () => {
    const card = plain();
    const content = '80020300820101830250328801908a01058c0443ff1100';
    expect(card.send('00a4020002503200')).toBe(`6f17${content}9000`);
    expect(card.send('00a4020402503200')).toBe(`6217${content}9000`);
    expect(card.send('00a4020802503200')).toBe('64009000');
    expect(card.send('00a4020c025032')).toBe('9000');
    expect(card.send(`00a404000ca000000063504b43532d313500`)).toBe(
      '6f1e82013883025015840ca000000063504b43532d31358a01058c0443ff11119000',
    );
    expect(card.send('00a4040802a00000')).toBe('640e840ca000000063504b43532d31359000');
    expect(card.send('00a40200024b0100')).toBe('6f1082010983024b018a01058c0443ff11ff9000');
  });

  it('keeps what was verified, or forgets it where the card is told to', () => {
    const keeps = plain();
    keeps.sendAll(VERIFY_PLAIN, SELECT_APPLICATION);
    expect(keeps.send('00200081')).toBe('9000');
    const forgets = plain({ clearsOnSelect: true });
    forgets.sendAll(VERIFY_PLAIN, '00a4080c025015');
    expect(forgets.send('00200081')).toBe('9000');
    forgets.send(SELECT_APPLICATION);
    expect(forgets.send('00200081')).toBe('63c3');
  });
});

describe('READ BINARY', () => {
  it('reads from an offset, as many bytes as Le says', () => {
    const card = plain();
    card.send('00a4080c022f00');
    const whole = card.send('00b0000000').slice(0, -4);
    expect(whole).toMatch(/^61..4f0ca000000063504b43532d313550/);
    expect(card.send('00b0000204')).toBe(`${whole.slice(4, 12)}9000`);
    expect(card.send('00b0000000').slice(0, -4)).toBe(whole);
    const left = formatHex(Uint8Array.of(whole.length / 2 - 2));
    expect(card.send(`00b00002${left}`)).toBe(`${whole.slice(4)}9000`);
  });

  it('reads by short identifier, and makes that file current', () => {
    const card = plain();
    const odf = card.send('00b0910000');
    expect(odf).toMatch(/^a80a300804063f0050154401.*9000$/);
    expect(card.send('00b0000000')).toBe(odf);
    expect(card.send('00b0910204')).toBe('300804069000');
    expect(card.send('00b0940000')).toBe('6a82');
    for (const command of ['00b0800000', '00b09f0000', '00b0b10000', '00b0d10000']) expect(card.send(command)).toBe('6b00');
  });

  it('answers 6282 with what is left before Le bytes, 6B00 at the end and after it', () => {
    const card = plain();
    card.send('00a4080c022f00');
    const length = card.send('00b0000000').length / 2 - 2;
    const last = formatHex(Uint8Array.of(length - 2));
    expect(card.send(`00b000${last}10`)).toMatch(/^.{4}6282$/);
    expect(card.send(`00b000${formatHex(Uint8Array.of(length))}01`)).toBe('6b00');
    expect(card.send('00b07fff01')).toBe('6b00');
  });

  it('answers 6CXX on a card with T=0, which wants Le exact', () => {
    const card = ready();
    card.send('00a4080c022f00');
    const first = card.send('00b0000000');
    expect(first).toMatch(/^6c..$/);
    expect(card.send(`00b00000${first.slice(2)}`)).toMatch(/^61.*9000$/);
    expect(card.send('00b0000004')).toMatch(/^.{8}9000$/);
  });

  it('carries a whole certificate in one extended answer, filled up with FF', () => {
    const card = plain();
    card.send('00a4020c024331');
    const answer = card.send('00b00000000800');
    const certificate = formatHex(new Uint8Array(certificateOf('cecilia', 'legitimering').raw));
    expect(answer).toBe(`${certificate.padEnd(4096, 'f')}9000`);
    expect(card.send('00b00000000000')).toBe(answer);
  });

  it('answers 6986 without a current EF, 6981 to a key, 6700 to data', () => {
    const card = plain();
    expect(card.send('00b0000010')).toBe('6986');
    card.send('00a4020c024b01');
    expect(card.send('00b0000010')).toBe('6981');
    card.send('00a4020c025031');
    expect(card.send('00b000000101')).toBe('6700');
  });
});

describe('UPDATE BINARY', () => {
  it('needs the PIN of the file, and writes within it', () => {
    const card = plain();
    card.send('00a4020c024406');
    expect(card.send('00d6000002abcd')).toBe('6982');
    expect(card.sendAll(VERIFY_PLAIN, '00d6000002abcd', '00b0000003')).toBe('abcdff9000');
    expect(card.sendAll('00d6000101ee', '00b0000003')).toBe('abeeff9000');
    expect(card.send('00d602ff021122')).toBe('6a84');
    expect(card.send('00d602ff0111')).toBe('9000');
    expect(card.send('00d603000111')).toBe('6b00');
    expect(card.send('00d60000')).toBe('6700');
  });

  it('does not change what may never be changed', () => {
    const card = plain();
    for (const fid of ['5031', '4401']) {
      expect(card.sendAll(VERIFY_PLAIN, `00a4020c02${fid}`, '00d600000100')).toBe('6982');
      expect(card.send('00b0000001')).toMatch(/^(a8|30)9000$/);
    }
  });
});

/** CREATE FILE with file control parameters in hexadecimal, by tag. */
function create(parameters: Readonly<Record<string, string>>, template = 0x62): string {
  const objects = Object.entries(parameters).map(([tag, value]) => encodeTlv(parseInt(tag, 16), parseHex(value)));
  const data = encodeTlv(template, ...objects);
  return `00e00000${formatHex(Uint8Array.of(data.length))}${formatHex(data)}`;
}

const FCP = { '80': '0010', '82': '01', '83': '4370' };

describe('CREATE FILE and DELETE FILE', () => {
  const CREATE = create({ ...FCP, '88': '08' });

  it('make room for a certificate, under the PIN', () => {
    const card = plain();
    expect(card.send(CREATE)).toBe('6982');
    expect(card.sendAll(VERIFY_PLAIN, CREATE, '00d6000002abcd', '00b0000010')).toBe(`abcd${'ff'.repeat(14)}9000`);
    expect(card.send(CREATE)).toBe('6a89');
    expect(card.send('00a4020002437000')).toBe('6f1780020010820101830243708801088a01058c04431111009000');
    expect(card.send('00b0810002')).toBe('abcd9000');
    expect(card.send('00e40000')).toBe('9000');
    expect(card.send('00b0000002')).toBe('6986');
    expect(card.send('00a4020c024370')).toBe('6a82');
  });

  it('keep the rules that are given with the file', () => {
    const card = plain();
    expect(card.sendAll(VERIFY_PLAIN, create({ ...FCP, '8c': '43ff1112' }), '00d6000001ab')).toBe('9000');
    expect(card.send('00b0000001')).toBe('6982');
    expect(card.send('00e40000')).toBe('6982');
    expect(card.sendAll(`0020008208${pinBlock('654321')}`, '00b0000001')).toBe('ab9000');
  });

  it.each<[string, Record<string, string>, string]>([
    ['6a80', { ...FCP, '83': '3f00' }, 'a reserved identifier'],
    ['6a80', { ...FCP, '83': '43' }, 'half an identifier'],
    ['6a80', { ...FCP, '80': '0000' }, 'no size'],
    ['6a80', { ...FCP, '80': '8001' }, 'more than offsets can reach'],
    ['6a80', { '82': '01', '83': '4370' }, 'the size missing'],
    ['6a80', { ...FCP, '85': 'ff' }, 'an unknown tag'],
    ['6a80', { ...FCP, '88': '07' }, 'a short identifier that is none'],
    ['6a80', { ...FCP, '8c': '01' }, 'attributes that end early'],
    ['6a80', { ...FCP, '8c': '0115' }, 'a PIN that there is not'],
    ['6a80', { ...FCP, '8c': '010000' }, 'attributes that go on'],
    ['6a81', { ...FCP, '82': '38' }, 'a DF'],
    ['6a81', { ...FCP, '82': '09' }, 'a key'],
    ['6a89', { ...FCP, '88': '88' }, 'a short identifier that is taken'],
  ])('are refused with %s: %j, %s', (statusWord, parameters) => {
    const card = plain();
    expect(card.sendAll(VERIFY_PLAIN, create(parameters))).toBe(statusWord);
    expect(card.send('00a4020c024370')).toBe('6a82');
  });

  it('are refused with 6A80 for another template, and for what is no template', () => {
    expect(plain().sendAll(VERIFY_PLAIN, create(FCP, 0x64))).toBe('6a80');
    expect(plain().sendAll(VERIFY_PLAIN, '00e00000026280')).toBe('6a80');
    expect(plain().sendAll(VERIFY_PLAIN, '00e00000')).toBe('6a80');
  });

  it('answer 6A84 when the card is full, and 6A86 to parameters', () => {
    const card = plain({ capacityBytes: 10_000 });
    const large = create({ ...FCP, '80': '2800' });
    expect(card.sendAll(VERIFY_PLAIN, large)).toBe('6a84');
    expect(card.send(CREATE.replace('e00000', 'e00001'))).toBe('6a86');
    expect(card.send('00e40100')).toBe('6a86');
  });

  it('delete by identifier, and nothing that the card needs', () => {
    const card = plain();
    expect(card.send('00e40000')).toBe('6986');
    expect(card.sendAll(VERIFY_PLAIN, CREATE, '00e40000024370')).toBe('9000');
    for (const fid of ['5031', '4404', '4331', '4b01']) expect(card.send(`00e4000002${fid}`), fid).toBe('6982');
    expect(card.send('00e40000024370')).toBe('6a82');
    expect(card.send('00e4000001aa')).toBe('6a80');
    expect(card.sendAll('00a4000c', CREATE)).toBe('6982');
  });
});

describe('the card', () => {
  it('answers 6D00 to instructions that it has not, 6E00 and 68XX to classes', () => {
    const card = plain();
    for (const ins of ['00', '0e', '86', '88', 'b1', 'b2', 'ca', 'cb', 'd7', 'da', 'dc', 'f8'])
      expect(card.send(`00${ins}0000`), ins).toBe('6d00');
    expect(card.send('80a40000')).toBe('6e00');
    expect(card.send('01a40000')).toBe('6881');
    expect(card.send('0ca40000')).toBe('6882');
    expect(card.send('10b0000000')).toBe('6884');
    expect(card.send('00a4040c05a0')).toBe('6700');
  });

  it.each([
    ['nidel', '3b9f94801fc30068104405014649534531c807900018', false],
    ['myeid', '3bf51800008131fe454d794549449a', false],
    ['plain', '3b8d018073f421c0574549442d53494d0f', true],
  ] as const)('of profile %s has the ATR %s', (profile, atr, carriesExtendedLength) => {
    const card = createEidCard({ profile });
    expect(formatHex(card.atr)).toBe(atr);
    expect(parseAtr(card.atr).protocols).toContain(profile === 'nidel' ? 0 : 1);
    const response = card.process(parseHex('00a4040c00000ca000000063504b43532d3135'));
    expect(formatHex(response as Uint8Array)).toBe(carriesExtendedLength ? '9000' : '6700');
  });

  it('tells a MyEID driver its version and how long its keys are, and nobody else', () => {
    const card = ready({ persona: 'bjorn' });
    expect(card.send('00ca01a014')).toBe('00000000000400019752000000000000029f00009000');
    expect(card.send('00ca01aa0b')).toBe('01000908000000000001809000');
    expect(card.send('00ca01ab00')).toBe('6a88');
    expect(plain().send('00ca01a014')).toBe('6d00');
  });

  it('with T=0 gives data that answer data by GET RESPONSE, and at once where Le came along', () => {
    const card = ready();
    expect(card.send('00a40200025031')).toMatch(/^61..$/);
    expect(card.send('00c0000004')).toMatch(/^6f..8002.*61..$/);
    expect(card.send('00c0000000')).toMatch(/9000$/);
    expect(card.send('00c0000000')).toBe('6985');
    expect(card.send('00a4020002503100')).toMatch(/^6f.*9000$/);
    expect(card.send('00a40200025031')).toMatch(/^61..$/);
    card.card.reset();
    expect(card.send('00c0000000')).toBe('6985');
  });

  it('forgets everything at a reset', () => {
    const card = ready();
    card.sendAll(VERIFY, '00a4020c025031');
    card.card.reset();
    expect(card.send('00b0000001')).toBe('6986');
    expect(card.select().send('00200001')).toBe('63c3');
  });

  it('has a directory of directories, all of which are there', () => {
    const card = plain();
    const odf = decodeTlv(parseHex(card.send('00b0910000').slice(0, -4)));
    const paths = odf.map(({ value }) => formatHex(requireTlv(decodeTlv(requireTlv(decodeTlv(value), 0x30)), 0x04)));
    expect(paths).toHaveLength(6);
    for (const path of paths) expect(card.send(`00a4080c04${path.slice(4)}`), path).toBe('9000');
  });

  it.each([
    [{ persona: 'nobody' }, 'persona'],
    [{ keys: { legitimering: { privateKey: 'AAAA' } } }, 'keys.legitimering.privateKey'],
    [{ pins: { puk: '1' } }, 'pins.puk'],
    [{ cardNumber: 'x' }, 'cardNumber'],
    [{ lastUpdate: 'tomorrow' }, 'lastUpdate'],
  ])('cannot be made of %j', (options, field) => {
    const make = (): unknown => createEidCard(options);
    expect(make).toThrow(SimulationFileError);
    expect(make).toThrow(expect.objectContaining({ field }));
  });

  it('of profile nidel has no keys on curves', () => {
    expect(() => createEidCard({ persona: 'bjorn', profile: 'nidel' })).toThrow(/has no P-256 keys/);
  });
});

describe('the office', () => {
  it('has e-ID cards of its people and a blank one, none in a reader, with the authorities that issued them', async () => {
    await using office = await loadScenario('office');
    const cards = [...office.cards.values()].filter(({ card }) => card.kind === 'eid');
    expect(cards.map(({ name, persona }) => [name, persona?.name])).toEqual([
      ['operatorEid', 'Anna Lindqvist'],
      ['secondOperatorEid', 'Björn Åkesson'],
      ['holderEid', 'Cecilia Öberg'],
      ['citizenEid', 'David Ek'],
      ['reserveEid', undefined],
    ]);
    for (const { card } of cards) expect(office.readers.some(({ reader }) => reader.card === card)).toBe(false);
    const issuers = office.authorities.map(({ certificate }) => new X509Certificate(certificate));
    for (const persona of ['anna', 'bjorn', 'cecilia', 'david'])
      expect(issuers.some((issuer) => certificateOf(persona, 'legitimering').checkIssued(issuer))).toBe(true);
  });
});
