/** The worked examples of ICAO Doc 9303-11, appendices G.1 and H. */
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../apdu/bytes.ts';
import { DocumentAccessError, NotSupportedByCardError, SecureMessagingError } from '../../apdu/errors.ts';
import { standardizedGroup, toBytes, toInteger } from '../../apdu/icao9303/agreement-group.ts';
import { CURVES, GROUPS } from '../../apdu/icao9303/domain-parameters.ts';
import { pseudoRandom } from '../../apdu/icao9303/integrated-mapping.ts';
import { performPace } from '../../apdu/icao9303/pace.ts';
import { paceInfosOf, parseSecurityInfos, type PaceInfo } from '../../apdu/icao9303/security-infos.ts';
import { CIPHER_SUITES } from '../../apdu/secure-messaging/cipher-suite.ts';
import { drawing, workedCard } from './worked-card.ts';

const CARD_ACCESS = '31143012060A04007F0007020204020202010202010D';
const PASSWORD = { kind: 'mrz', information: 'T22000129364081251010318' } as const;
const G1 = {
  nonce: '95A3A016522EE98D01E76CB6B98B42C3',
  readerMapping: '7F4EF07B9EA82FD78AD689B38D0BC78CF21F249D953BC46F4C6E19259C010F99',
  readerMappingKey:
    '047ACF3EFC982EC45565A4B155129EFBC74650DCBFA6362D896FC70262E0C2CC5E544552DCB6725218799115B55C9BAA6D9F6BC3A9618E70C25AF71777A9C4922D',
  cardMappingKey:
    '04824FBA91C9CBE26BEF53A0EBE7342A3BF178CEA9F45DE0B70AA601651FBA3F5730D8C879AAA9C9F73991E61B58F4D52EB87A0A0C709A49DC63719363CCD13C54',
  reader: 'A73FB703AC1436A18E0CFA5ABB3F7BEC7A070E7A6788486BEE230C4A22762595',
  readerKey:
    '042DB7A64C0355044EC9DF190514C625CBA2CEA48754887122F3A5EF0D5EDD301C3556F3B3B186DF10B857B58F6A7EB80F20BA5DC7BE1D43D9BF850149FBB36462',
  cardKey:
    '049E880F842905B8B3181F7AF7CAA9F0EFB743847F44A306D2D28C1D9EC65DF6DB7764B22277A2EDDC3C265A9F018F9CB852E111B768B326904B59A0193776F094',
  readerToken: 'C2B0BD78D94BA866',
  cardToken: '3ABB9674BCE93C08',
} as const;
const drawn = (): ((length: number) => Uint8Array) => drawing(G1.readerMapping, G1.reader);

type Turn = readonly [command: string, response: string];

function dialogue(last: string = `7C0A8608${G1.cardToken} 9000`): readonly Turn[] {
  return [
    ['0022C1A412 800A04007F00070202040202 830101 84010D', '9000'],
    ['10860000027C0000', `7C128010${G1.nonce}9000`],
    [`10860000457C438141${G1.readerMappingKey}00`, `7C438241${G1.cardMappingKey}9000`],
    [`10860000457C438341${G1.readerKey}00`, `7C438441${G1.cardKey}9000`],
    [`008600000C7C0A8508${G1.readerToken}00`, last],
  ];
}

function infoOf(hex: string): PaceInfo {
  const [info] = paceInfosOf(parseSecurityInfos(parseHex(hex)));
  if (!info) throw new Error('it names no PACE');
  return info;
}

describe('EF.CardAccess', () => {
  it('names protocol and parameters', () => {
    expect(infoOf(CARD_ACCESS)).toMatchObject({ agreement: 'ECDH', mapping: 'generic', suite: 'AES-128', parameterId: 13 });
  });
});

describe('the worked example of generic mapping', () => {
  it('is spoken byte for byte, and ends in its keys', async () => {
    const { session } = await performPace(workedCard(...dialogue()), infoOf(CARD_ACCESS), PASSWORD, drawn());
    expect(formatHex(session.encryptionKey)).toBe('F5F0E35C0D7161EE6724EE513A0D9A7F');
    expect(formatHex(session.macKey)).toBe('FE251C7858B356B24514B3BD5F4297D1');
    expect(session.sequenceCounter).toEqual(new Uint8Array(16));
  });

  it.each(['6300', '63C1', '6982'])('says that the password is another one when the card answers %s', async (statusWord) => {
    const outcome = performPace(workedCard(...dialogue(statusWord)), infoOf(CARD_ACCESS), PASSWORD, drawn());
    await expect(outcome).rejects.toThrow(DocumentAccessError);
  });

  it.each([
    ['a wrong token', `7C0A8608${G1.readerToken} 9000`],
    ['no token', '7C00 9000'],
  ])('does not take %s', async (_, answer) => {
    const outcome = performPace(workedCard(...dialogue(answer)), infoOf(CARD_ACCESS), PASSWORD, drawn());
    await expect(outcome).rejects.toThrow(SecureMessagingError);
  });

  it.each([
    ['our own key sent back', 3, `7C438441${G1.readerKey}9000`],
    ['a key beside the curve', 3, `7C438441${G1.cardKey.slice(0, -2)}959000`],
    ['our own mapping key sent back', 2, `7C438241${G1.readerMappingKey}9000`],
    ['a nonce of no whole blocks', 1, '7C0580030102039000'],
    ['what does not parse', 3, '7CFF9000'],
  ])('does not take %s', async (_, at, answer) => {
    const turns = dialogue().map((turn, index): Turn => (index === at ? [turn[0], answer] : turn));
    await expect(performPace(workedCard(...turns), infoOf(CARD_ACCESS), PASSWORD, drawn())).rejects.toThrow(
      expect.objectContaining({ name: expect.stringMatching(/^(SecureMessaging|CardData)Error$/) as string }) as Error,
    );
  });

  it('is not begun with parameters that are reserved', async () => {
    const outcome = performPace(workedCard(), infoOf(CARD_ACCESS.replace(/0D$/, '07')), PASSWORD, drawn());
    await expect(outcome).rejects.toThrow(NotSupportedByCardError);
  });
});

describe('the worked example of integrated mapping', () => {
  it('comes to its point', () => {
    const nonce = parseHex('2923BE84E16CD6AE529049F1F1BBE9EB');
    const stream = toInteger(pseudoRandom(CIPHER_SUITES['AES-128'], nonce, parseHex('5DD4CBFC96F5453B130D890A1CDBAE32'), 256));
    const curve = CURVES.find(({ name }) => name === 'brainpoolP256r1');
    expect(formatHex(toBytes(stream % (curve?.p ?? 1n), 32))).toBe(
      'A2F8FF2DF50E52C6599F386ADCB595D229F6A167ADE2BE5F2C3296ADD5B7430E',
    );
    expect(formatHex(standardizedGroup(13)?.integratedMapping(stream) ?? new Uint8Array(0))).toBe(
      '048E82D31559ED0FDE92A4D0498ADD3C23BABA94FB77691E31E90AEA77FB17D4274C1AE14BD0C3DBAC0C871B7F3608169364437CA30AC243A089D3F266C1E60FAD',
    );
  });
});

describe('every group', () => {
  it.each([...CURVES, ...GROUPS].map(({ id, name }) => [name, id] as const))('%s: both sides come to one secret', (_, id) => {
    const group = standardizedGroup(id);
    if (!group) throw new Error(`there is no group ${id}`);
    const [one, other] = [0x1234567n, 0x89abcdefn];
    const secret = group.power(group.power(group.generator, one), other);
    expect(group.power(group.power(group.generator, other), one)).toEqual(secret);
    const sum = group.combine(group.power(group.generator, one), group.power(group.generator, other));
    expect(sum).toEqual(group.power(group.generator, one + other));
    expect(() =>
      group.power(
        group.generator.map((byte, index) => (index === 0 ? byte : byte ^ 0x55)),
        one,
      ),
    ).toThrow(SecureMessagingError);
  });
});
