/** The simulated passport by the worked examples of ICAO Doc 9303-11, and by its rules of access, spoken to byte for byte. */
import { describe, expect, it } from 'vitest';
import { parseAtr } from '../../../apdu/iso7816/atr.ts';
import { formatHex, parseHex } from '../bytes.ts';
import type { EmrtdCardOptions } from './emrtd.ts';
import { SELECT_APPLICATION, drawing, spokenChip, type SpokenChip } from './emrtd/testing.ts';
import { expandNonces } from './emrtd/integrated-mapping.ts';
import { SUITES, deriveKey } from './emrtd/cipher.ts';
import { groupOf } from './emrtd/groups.ts';
import { writeMrz } from './emrtd/mrz.ts';

const D_HOLDER = { surname: 'Stevenson', givenNames: 'Peter', birthDate: '1969-08-06', sex: 'M' } as const;
const D_DOCUMENT = {
  ...{ holder: D_HOLDER, documentNumber: 'L898902C', expiryDate: '1994-06-23', ldsVersion: '0106' },
  ...{ access: ['BAC'], dataGroups: [], chipAuthentication: 'none' },
} satisfies EmrtdCardOptions;
const D_QUESTION = '0082000028 72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F2 5F1448EEA8AD90A7 28';
const D_ANSWER = '46b9342a41396cd7386bf5803104d7cedc122b9132139baf2eedc94ee178534f2f2d235d074d7449';

/** Through BAC as appendix D.3 has it. */
function openedChip(): SpokenChip {
  const chip = spokenChip({ ...D_DOCUMENT, random: drawing('4608F91988702212', '0B4F80323EB3191CB04970CB4052790B') });
  expect(chip.send(SELECT_APPLICATION)).toBe('9000');
  expect(chip.send('0084000008')).toBe('4608f919887022129000');
  expect(chip.send(D_QUESTION)).toBe(`${D_ANSWER}9000`);
  return chip;
}

const SELECT_COM = '0CA4020C15 8709016375432908C044F6 8E08BF8B92D635FF24F8 00';
const SELECT_COM_ANSWER = '990290008e08fa855a5d4c50a8ed9000';

describe('basic access control', () => {
  it('goes as in appendix D.3, and secure messaging as in D.4', () => {
    const chip = openedChip();
    expect(chip.send(SELECT_COM)).toBe(SELECT_COM_ANSWER);
    expect(chip.send('0CB000000D 970104 8E08ED6705417E96BA55 00')).toBe('8709019ff0ec34f9922651990290008e08ad55cc17140b2ded9000');
    expect(chip.send('0CB000040D 970112 8E082EA28A70F3C7B535 00')).toBe(
      '871901fb9235f4e4037f2327dcc8964f1f9b8c30f42c8e2fff224a990290008e08c8b2787eaea07d749000',
    );
  });

  it.each([
    ['a wrong code', D_QUESTION.replace('90A7', '90A8')],
    ['another challenge', D_QUESTION.replace('72C2', '72C3')],
  ])('refuses %s, and takes one try for a challenge', (_, question) => {
    const chip = spokenChip({ ...D_DOCUMENT, random: drawing('4608F91988702212') });
    chip.send(SELECT_APPLICATION);
    chip.send('0084000008');
    expect(chip.send(question)).toBe('6300');
    expect(chip.send(D_QUESTION)).toBe('6985');
  });

  it('is not begun under the master file, nor where a document opens by PACE alone', () => {
    expect(spokenChip(D_DOCUMENT).send('0084000008')).toBe('6985');
    const chip = spokenChip({ access: ['PACE'] });
    expect(chip.send(SELECT_APPLICATION)).toBe('6982');
    expect(chip.send('0084000008')).toBe('6d00');
  });
});

describe('secure messaging', () => {
  it.each([
    ['a wrong code', SELECT_COM.replace('24F8', '24F9'), '6988'],
    ['no code', '0CA4020C0B 8709016375432908C044F6 00', '6987'],
    ['a command of the counter after next', '0CB000000D 970104 8E08ED6705417E96BA55 00', '6988'],
  ])('is over after %s', (_, command, statusWord) => {
    const chip = openedChip();
    expect(chip.send(command)).toBe(statusWord);
    expect(chip.send(SELECT_COM)).toBe('6988');
    expect(chip.send('00b09e0004')).toBe('6982');
  });

  it.each(['00b09e0004', '00b0', '80ca0000', '0088000008000000000000000000'])('is over after the plain command %s', (command) => {
    const chip = openedChip();
    expect(chip.send(SELECT_COM)).toBe(SELECT_COM_ANSWER);
    chip.send(command);
    expect(chip.send('0CB000000D 970104 8E08ED6705417E96BA55 00')).toBe('6988');
  });

  it('is not there before keys are agreed on', () => {
    expect(spokenChip().send(SELECT_COM)).toBe('6988');
  });

  it('ends with a reset', () => {
    const chip = openedChip();
    chip.card.reset();
    expect(chip.send(SELECT_COM)).toBe('6988');
    expect(chip.send('0084000008')).toBe('6985');
  });
});

const G = {
  nonce: '3F00C4D39D153F2B2A214A078D899B22',
  mapping: '498FF49756F2DC1587840041839A85982BE7761D14715FB091EFA7BCE9058560',
  key: '107CF58696EF6155053340FD633392BA81909DF7B9706F226F32086C7AFF974A',
} as const;
const G_DOCUMENT = {
  holder: { ...D_HOLDER, birthDate: '1964-08-12' },
  ...{ documentNumber: 'T22000129', expiryDate: '2010-10-31' },
} as const;
const G_DIALOGUE: readonly (readonly [string, string])[] = [
  ['0022C1A412 800A04007F00070202040202 830101 84010D', '9000'],
  ['10860000027C0000', '7c12801095a3a016522ee98d01e76cb6b98b42c39000'],
  [
    '10860000457C438141047ACF3EFC982EC45565A4B155129EFBC74650DCBFA6362D896FC70262E0C2CC5E544552DCB6725218799115B55C9BAA6D9F6BC3A9618E70C25AF71777A9C4922D00',
    '7c43824104824fba91c9cbe26bef53a0ebe7342a3bf178cea9f45de0b70aa601651fba3f5730d8c879aaa9c9f73991e61b58f4d52eb87a0a0c709a49dc63719363ccd13c549000',
  ],
  [
    '10860000457C438341042DB7A64C0355044EC9DF190514C625CBA2CEA48754887122F3A5EF0D5EDD301C3556F3B3B186DF10B857B58F6A7EB80F20BA5DC7BE1D43D9BF850149FBB3646200',
    '7c438441049e880f842905b8b3181f7af7caa9f0efb743847f44a306d2d28c1d9ec65df6db7764b22277a2eddc3c265a9f018f9cb852e111b768b326904b59a0193776f0949000',
  ],
  ['008600000C7C0A8508C2B0BD78D94BA86600', '7c0a86083abb9674bce93c089000'],
];

/** Up to the step before `until`. */
function inPace(until: number): SpokenChip {
  const chip = spokenChip({ ...G_DOCUMENT, random: drawing(G.nonce, G.mapping, G.key) });
  for (const [command, answer] of G_DIALOGUE.slice(0, until)) expect(chip.send(command)).toBe(answer);
  return chip;
}

describe('PACE', () => {
  it('goes as in appendix G.1, and AES after it', () => {
    const chip = inPace(G_DIALOGUE.length);
    expect(chip.send('0CA4040C1D 871101752F676B09FAC86A87D632749A49C7CC 8E08C18BA1FCE707BD9F 00')).toBe(
      '990290008e08bea7b381c494a0799000',
    );
  });

  it('has one try for a password, and begins anew after it', () => {
    const chip = inPace(4);
    expect(chip.send('008600000C7C0A8508C2B0BD78D94BA86700')).toBe('6300');
    expect(chip.send('008600000C7C0A8508C2B0BD78D94BA86600')).toBe('6985');
  });

  it.each([
    [
      'a step left out',
      2,
      '10860000457C438341042DB7A64C0355044EC9DF190514C625CBA2CEA48754887122F3A5EF0D5EDD301C3556F3B3B186DF10B857B58F6A7EB80F20BA5DC7BE1D43D9BF850149FBB3646200',
      '6a80',
    ],
    ['a last step that goes on', 4, '108600000C7C0A8508C2B0BD78D94BA86600', '6985'],
    ['an early end', 1, '00860000027C0000', '6985'],
    ['a point beside the curve', 2, `10860000457C43814104${'11'.repeat(64)}00`, '6a80'],
    ['the point at infinity', 2, '10860000057C0381010000', '6a80'],
    ['two objects at once', 1, '10860000067C048000810000', '6a80'],
    ['another frame', 1, '10860000027D0000', '6a80'],
    ['cut data', 2, '10860000057C43814104', '6a80'],
    ['a frame longer than its data', 2, '10860000047C43814100', '6a80'],
  ])('ends with %s', (_, until, command, statusWord) => {
    const chip = inPace(until);
    expect(chip.send(command)).toBe(statusWord);
    const [next = ['', '']] = G_DIALOGUE.slice(until);
    expect(chip.send(next[0])).toBe('6985');
  });

  it('ends with any command between its steps', () => {
    const chip = inPace(2);
    expect(chip.send('00b09c0000')).toMatch(/9000$/);
    expect(chip.send(G_DIALOGUE[2]?.[0] ?? '')).toBe('6985');
  });

  it.each([
    ['an unknown protocol', '0022C1A412 800A04007F00070202040203 830101 84010D', '6a80'],
    ['other parameters', '0022C1A412 800A04007F00070202040202 830101 84010C', '6a88'],
    ['a number that is on no book', '0022C1A412 800A04007F00070202040202 830102 84010D', '6a88'],
    ['a PIN', '0022C1A412 800A04007F00070202040202 830103 84010D', '6a88'],
    ['no password', '0022C1A40F 800A04007F00070202040202 84010D', '6a80'],
    ['other purposes', '0022C1B612 800A04007F00070202040202 830101 84010D', '6a86'],
  ])('is not chosen with %s', (_, command, statusWord) => {
    expect(spokenChip().send(command)).toBe(statusWord);
  });

  it('maps nonces to a point as in appendix H', () => {
    const nonce = parseHex('2923BE84E16CD6AE529049F1F1BBE9EB');
    const readerNonce = parseHex('5DD4CBFC96F5453B130D890A1CDBAE32');
    const group = groupOf(13);
    const pseudoRandom = expandNonces(SUITES['AES-128'], { nonce, readerNonce, fieldBits: group.fieldBits });
    expect(formatHex(group.mapToElement?.(pseudoRandom) ?? new Uint8Array())).toBe(
      '048e82d31559ed0fde92a4d0498add3c23baba94fb77691e31e90aea77fb17d4274c1ae14bd0c3dbac0c871b7f3608169364437ca30ac243a089d3f266c1e60fad',
    );
  });

  it('encrypts its nonce as in appendix H', () => {
    const key = parseHex('591468CDA83D65219CCCB8560233600F');
    const nonce = parseHex('2923BE84E16CD6AE529049F1F1BBE9EB');
    expect(formatHex(SUITES['AES-128'].encrypt(key, nonce))).toBe('143dc40c08c8e891fbed7dedb92b64ad');
  });

  it('blocks a card number that has no tries left, and only that', () => {
    const chip = spokenChip({ persona: 'bjorn', pace: [{ mapping: 'generic', suite: 'AES-128', parameters: 13 }], canTries: 2 });
    const choose = '0022C1A412 800A04007F00070202040202 830102 84010D';
    expect(chip.send(choose)).toBe('9000');
    expect(failPace(chip)).toBe('63c1');
    chip.card.reset();
    expect(chip.send(choose)).toBe('63c1');
    expect(failPace(chip)).toBe('63c0');
    expect(chip.send(choose)).toBe('6983');
    expect(chip.send(choose.replace('830102', '830101'))).toBe('9000');
  });
});

/** With a token that is wrong. */
function failPace(chip: SpokenChip): string {
  chip.send('10860000027C0000');
  chip.send(G_DIALOGUE[2]?.[0] ?? '');
  chip.send(G_DIALOGUE[3]?.[0] ?? '');
  return chip.send('008600000C7C0A8508000000000000000000');
}

describe('files', () => {
  it.each([
    ['EF.CardAccess by short identifier', '00b09c0000', /^31143012060a04007f0007020204020202010202010d9000$/],
    ['EF.CardAccess by odd instruction', '00b1011c03540100 00', /^5316 ?31143012.*9000$/],
    ['EF.ATR/INFO', '00b0810000', /9000$/],
    ['EF.DIR', '00b09e0000', /^61094f07a00000024710019000$/],
    ['EF.CardSecurity, which it does not have', '00b09d0000', /^6a82$/],
    ['a file that is not there', '00b0820000', /^6a82$/],
    ['a short identifier that is none', '00b09f0000', /^6a86$/],
    ['nothing selected', '00b0000000', /^6986$/],
    ['without Le', '00b09c00', /^6700$/],
    ['behind the end', '00b09cff00', /^6b00$/],
    ['over the end', '00b09c10ff', /^.{12}6282$/],
  ])('of the master file: %s', (_, command, answer) => {
    expect(spokenChip().send(command)).toMatch(answer);
  });

  it.each([
    '00b09e0000',
    '00b0810000',
    '00b0830000',
    '00b0900000',
    '00a4020c020101',
    '00b1010103540100 00',
    '0088000008 0000000000000000 00',
  ])('of the application are closed before access, present or not: %s', (command) => {
    const chip = spokenChip({ activeAuthentication: { key: 'P-256', hash: 'SHA-256' } });
    expect(chip.send(SELECT_APPLICATION)).toBe('9000');
    expect(chip.send(command)).toBe('6982');
  });

  it('are selected by identifier, and tell of themselves when asked', () => {
    const chip = spokenChip();
    expect(chip.send('00a4020c02011c')).toBe('9000');
    expect(chip.send('00b0000002')).toBe('31149000');
    expect(chip.send('00a4020402011c00')).toBe('620880020016' + '8302011c9000');
    expect(chip.send('00a4000c023f00')).toBe('9000');
    expect(chip.send('00b0000002')).toBe('6986');
    expect(chip.send('00a4040007a000000247100100')).toBe('6f098407a00000024710019000');
    expect(chip.send('00a4040c07a0000002471002')).toBe('6a82');
  });

  it('of a chip with short lengths are not read with long ones', () => {
    expect(spokenChip({ extendedLength: false }).send('00b09c00000400')).toBe('6700');
    expect(spokenChip().send('00b09c00000400')).toMatch(/9000$|6282$/);
  });
});

describe('the machine-readable zone', () => {
  it('has the check digits of the specimens of 9303-4 and 9303-5', () => {
    const holder = { surname: 'Eriksson', givenNames: 'Anna Maria', birthDate: '1974-08-12', sex: 'F' } as const;
    const book = { format: 'TD3', documentNumber: 'L898902C3', optionalData: 'ZE184226B' } as const;
    const card = { format: 'TD1', documentNumber: 'D23145890', optionalData: '' } as const;
    const rest = { issuer: 'UTO', nationality: 'UTO', expiryDate: '2012-04-15', holder };
    expect(writeMrz({ ...rest, ...book }).lines).toEqual([
      'P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<',
      'L898902C36UTO7408122F1204159ZE184226B<<<<<10',
    ]);
    expect(writeMrz({ ...rest, ...card }).lines).toEqual([
      'I<UTOD231458907<<<<<<<<<<<<<<<',
      '7408122F1204159UTO<<<<<<<<<<<6',
      'ERIKSSON<<ANNA<MARIA<<<<<<<<<<',
    ]);
  });
});

it('derives keys as in appendix D.2', () => {
  const seed = parseHex('239AB9CB282DAF66231DC5A4DF6BFBAE');
  expect(formatHex(deriveKey(SUITES['3DES'], seed, 1))).toBe('ab94fdecf2674fdfb9b391f85d7f76f2');
  expect(formatHex(deriveKey(SUITES['3DES'], seed, 2))).toBe('7962d9ece03d1acd4c76089dce131543');
});

it('answers as a contactless card whose historical bytes tell of extended length', () => {
  expect(parseAtr(spokenChip().card.atr)).toMatchObject({ checksumValid: true, capabilities: { extendedLength: true } });
  const { atr } = spokenChip({ extendedLength: false }).card;
  expect(parseAtr(atr)).toMatchObject({ checksumValid: true, capabilities: { extendedLength: false } });
  expect(formatHex(atr)).toMatch(/^3b858001/);
});
