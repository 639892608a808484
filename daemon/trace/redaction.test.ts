import { describe, expect, it } from 'vitest';
import { parseHex } from '../../apdu/bytes.ts';
import { describeReaderName, maskAtr } from './labels.ts';
import { formatPieces, toPieces } from './notation.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { Redaction, type SeenExchange } from './redaction.ts';

type Row = readonly [command: string, response: string, options?: Partial<SeenExchange>];

function redact(...rows: readonly Row[]): readonly (readonly [string, string])[] {
  const told: (readonly [string, string])[] = [];
  const pseudonyms = new Pseudonyms((length) => new Uint8Array(length));
  const redaction = new Redaction({
    ...{ contents: 'redacted', isPiv: false },
    nameOf: (text) => pseudonyms.of(text),
    onExchange: ({ command, response }) => told.push([formatPieces(command), formatPieces(response ?? [])]),
  });
  for (const [command, response, options = {}] of rows)
    redaction.add({ command: parseHex(command), response: parseHex(response), durationMs: 0, isSensitive: false, ...options });
  redaction.flush();
  return told;
}

const PIN_BLOCK = '313233343536FFFF';

describe('of a command with a PIN', () => {
  it.each([
    ['VERIFY', '0020008008', PIN_BLOCK],
    ['VERIFY, odd', '0021008008', PIN_BLOCK],
    ['VERIFY, a PIN of six digits', '0020008006', '313233343536'],
    ['VERIFY, ISO 9564-1 format 2', '0020000108', '26123456FFFFFFFF'],
    ['CHANGE REFERENCE DATA', '0024008010', PIN_BLOCK + PIN_BLOCK],
    ['RESET RETRY COUNTER', '002C008010', PIN_BLOCK + PIN_BLOCK],
    ['DISABLE VERIFICATION REQUIREMENT', '0026008008', PIN_BLOCK],
    ['ENABLE VERIFICATION REQUIREMENT', '0028008008', PIN_BLOCK],
    ['VERIFY in a chain', '1020008008', PIN_BLOCK],
    ['VERIFY, extended length', '00200080000008', PIN_BLOCK],
  ])('%s: the header stays, and not even the length', (_, start, data) => {
    expect(redact([start + data, '9000'])).toEqual([[`${start.slice(0, 8)}{*}`, '9000']]);
  });

  it('without data: it asks for the tries, and stays', () => {
    expect(redact(['00200080', '63C3'])).toEqual([['00200080', '63C3']]);
  });

  it('by an instruction of the card’s own: class and instruction stay', () => {
    expect(redact([`8020008008${PIN_BLOCK}`, '9000'], [`005512340431323334`, '41429000'])).toEqual([
      ['8020{*}', '9000'],
      ['0055{*}', '{*:2}9000'],
    ]);
  });

  it('that is no command at all: nothing stays', () => {
    expect(redact(['31323334', '6700'], ['00200080FF31', '6700'])).toEqual([
      ['3132{*}', '6700'],
      ['{*}', '6700'],
    ]);
  });
});

describe('of other commands', () => {
  it('nothing secret has a pseudonym: nobody sees that two are the same', () => {
    const sensitive = { isSensitive: true };
    const command = '00870A9B0A7C088006AABBCCDDEEFF';
    expect(redact([command, '7C028200' + '9000', sensitive], [command, 'AABB9000', sensitive])).toEqual([
      ['00870A9B0A7C088006{*:6}', '7C0282009000'],
      ['00870A9B0A7C088006{*:6}', '{*:2}9000'],
    ]);
  });

  it('secure messaging leaves lengths, the protected Le and status word', () => {
    expect(redact(['0CB09E000D9701068E08112233445566778800', '870901AABBCCDDEEFF1122990290008E0811223344556677889000'])).toEqual([
      ['0CB09E000D9701068E08{*:8}00', '8709{*:9}990290008E08{*:8}9000'],
    ]);
  });

  it('names of applications stay when everybody’s cards have them', () => {
    expect(redact(['00A4040009A00000030800001000', '9000'], ['00A4040010D2760001240103040006123456780000', '6A82'])).toEqual([
      ['00A4040009A00000030800001000', '9000'],
      ['00A4040010{1:16}', '6A82'],
    ]);
  });

  it('text in a file is hidden whole, though it may look like an object', () => {
    for (const text of ['01'.padEnd(51, '2'), '19850214-9801', 'Anna Lindqvist', '0'.repeat(300), '1'.repeat(59)]) {
      const hex = Buffer.from(text).toString('hex').toUpperCase();
      const [[, answer] = []] = redact(['00B0000000', `${hex}9000`]);
      expect(answer, text).toBe(`{1:${text.length}}9000`);
    }
  });

  it('a file that is read in parts and out of turn is looked at as a whole', () => {
    const name = Buffer.from('Cecilia Öberg').toString('hex').toUpperCase();
    const file = `30120201010C0D${name.slice(0, 26)}`;
    expect(
      redact(['00B0920009', `${file.slice(0, 18)}9000`], ['00200001', '63C3'], ['00B0920900', `${file.slice(18)}9000`]),
    ).toEqual([
      ['00B0920009', '30120201010C0D{1:2}9000'],
      ['00200001', '63C3'],
      ['00B0920900', '{1+2:11}9000'],
    ]);
  });

  it('an answer in parts keeps its structure', () => {
    const certificate = `300E0201010C09${Buffer.from('Lindqvist').toString('hex').toUpperCase()}`;
    const object = `53157010${certificate}710100`;
    expect(redact(['00CB3FFF055C035FC10500', `${object.slice(0, 20)}610D`], ['00C000000D', `${object.slice(20)}9000`])).toEqual([
      ['00CB3FFF055C035FC10500', '53157010300E0201010C610D'],
      ['00C000000D', '09{1:9}7101009000'],
    ]);
  });

  it('serial numbers of certificates are hidden, however short', () => {
    const [[, answer] = []] = redact(['00B0000000', '3009A003020102020212679000']);
    expect(answer).toBe('3009A0030201020202{1:2}9000');
  });
});

describe('names', () => {
  it.each([
    ['Gemalto PC Twin Reader (0123456789) 00 00', 'Gemalto PC Twin Reader (…) 00 00'],
    ['Cherry SmartBoard 00A1B2C3D4 01 00', 'Cherry SmartBoard … 01 00'],
    ['Yubico YubiKey OTP+FIDO+CCID 00 00', 'Yubico YubiKey OTP+FIDO+CCID 00 00'],
    ['a "quoted"\nname', 'a  quoted  name'],
  ])('of reader %j: %j', (name, told) => {
    expect(describeReaderName(name)).toBe(told);
  });

  it('of ATRs lose what the issuer wrote into them, and keep the product’s', () => {
    const told = (atr: string): string => formatPieces(toPieces(parseHex(atr), maskAtr(parseHex(atr)), () => 1));
    expect(told('3BFD1300008131FE158073C021C057597562694B657940')).toBe('3BFD1300008131FE158073C021C057597562694B657940');
    expect(told('3B87800180' + '6412345678' + '31' + '00' + '00')).toBe('3B8780018064{1:4}310000');
    expect(told('FFFF')).toBe('FFFF');
  });
});
