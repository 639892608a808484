import { describe, expect, it } from 'vitest';
import { hasCheckDigit, parsePersonalNumber } from './personal-number.ts';

describe('parsePersonalNumber', () => {
  it.each([
    ['196408233234', 'personal identity number'],
    ['198112189876', 'personal identity number'],
    ['189001019802', 'personal identity number'],
    [withCheckDigit('20000229238'), 'personal identity number'],
    ['197010632391', 'coordination number'],
  ])('knows %s as a %s', (text, kind) => {
    expect(parsePersonalNumber(text)).toEqual({ kind, number: text });
  });

  it.each([
    ['another check digit', '198112189875'],
    ['a wrong date with a right check digit', withCheckDigit('19810229987')],
    ['the last day of February in a year without one', withCheckDigit('19000229238')],
    ['month 13', withCheckDigit('19811318987')],
    ['month 00', withCheckDigit('19810018987')],
    ['day 00', withCheckDigit('19811200987')],
    ['day 32', withCheckDigit('19811232987')],
    ['day 45, of a local reserve number', '198108320014'],
    ['a reserve number of Region Stockholm', '991981000010'],
    ['a reserve number of Västra Götaland', '19810829M071'],
    ['birth number 000', withCheckDigit('19811218000')],
    ['ten digits', '8112189876'],
    ['ten digits with a hyphen', '811218-9876'],
    ['a hyphen', '19811218-9876'],
    ['thirteen digits', '1981121898760'],
    ['other digits than ASCII', '١٩٨١١٢١٨٩٨٧٦'],
    ['nothing', ''],
  ])('does not take %s', (_, text) => {
    expect(parsePersonalNumber(text)).toBeUndefined();
  });

  it.each([
    ['month 00', '19700063239', true],
    ['day 00, which is 60', '19701060239', true],
    ['neither known', '19700060239', true],
    ['day 91 in a month of 31 days', '19701091239', true],
    ['day 91 in a month of 30 days', '19700991239', false],
    ['day 92', '19701092239', false],
    ['day 91 in no month', '19700091239', true],
    ['day 92 in no month', '19700092239', false],
  ])('of coordination numbers takes %s: %s, %s', (_, text, isTaken) => {
    const number = withCheckDigit(text);
    expect(parsePersonalNumber(number)).toEqual(isTaken ? { kind: 'coordination number', number } : undefined);
  });

  it('takes one of the ten check digits for each number', () => {
    for (const text of ['19811218987', '20120630001', '19991231999']) {
      const taken = Array.from({ length: 10 }, (_, digit) => `${text}${digit}`).filter((one) => parsePersonalNumber(one));
      expect(taken).toHaveLength(1);
    }
  });
});

describe('hasCheckDigit', () => {
  it.each(['2321000016', '5565594230', '2321000131'])('holds for %s', (digits) => {
    expect(hasCheckDigit(digits)).toBe(true);
    expect(hasCheckDigit(`${digits.slice(0, 9)}${(Number(digits.at(-1)) + 1) % 10}`)).toBe(false);
  });
});

/** The check digit as Skatteverket words it: weights 2, 1, 2, ... from the left of nine digits, 10 less the sum of digits. */
function withCheckDigit(eleven: string): string {
  const sum = Array.from(eleven.slice(2)).reduce((total, digit, index) => {
    const product = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + Math.floor(product / 10) + (product % 10);
  }, 0);
  return `${eleven}${(10 - (sum % 10)) % 10}`;
}
