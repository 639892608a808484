/** Machine-readable zones of passports (TD3) and cards (TD1), written from a description (ICAO Doc 9303-3, section 4; 9303-4, section 4.2; 9303-5, section 4.2). */

export interface MrzHolder {
  readonly surname: string;
  readonly givenNames: string;
  /** YYYY-MM-DD. */
  readonly birthDate: string;
  readonly sex: 'F' | 'M' | 'X';
}

export interface MrzDocument {
  readonly format: 'TD1' | 'TD3';
  readonly issuer: string;
  readonly nationality: string;
  /** Up to nine letters and digits. */
  readonly documentNumber: string;
  readonly expiryDate: string;
  readonly optionalData: string;
  readonly holder: MrzHolder;
}

export interface WrittenMrz {
  readonly lines: readonly string[];
  /** Number, birth and expiry, each with its check digit (9303-11, section 9.7.2). */
  readonly information: string;
}

const WEIGHTS = [7, 3, 1] as const;
/** 9303-3, section 6: the recommended spellings of letters that Swedish names have. */
const SPELLINGS: Readonly<Record<string, string>> = { Å: 'AA', Ä: 'AE', Ö: 'OE', Ü: 'UE', Ø: 'OE', Æ: 'AE', É: 'E' };

export function writeMrz(document: MrzDocument): WrittenMrz {
  const number = withCheckDigit(fill(document.documentNumber, 9));
  const birth = withCheckDigit(shortDate(document.holder.birthDate));
  const expiry = withCheckDigit(shortDate(document.expiryDate));
  const fields = { number, birth, expiry, sex: document.holder.sex === 'X' ? '<' : document.holder.sex };
  const lines = document.format === 'TD3' ? passportLines(document, fields) : cardLines(document, fields);
  return { lines, information: number + birth + expiry };
}

interface Fields {
  readonly number: string;
  readonly birth: string;
  readonly expiry: string;
  readonly sex: string;
}

function passportLines({ issuer, nationality, optionalData, holder }: MrzDocument, fields: Fields): readonly string[] {
  const { number, birth, expiry, sex } = fields;
  const optional = withCheckDigit(fill(optionalData, 14));
  const composite = checkDigit(number + birth + expiry + optional);
  return [
    `P<${fill(issuer, 3)}${nameOf(holder, 39)}`,
    number + fill(nationality, 3) + birth + sex + expiry + optional + composite,
  ];
}

function cardLines({ issuer, nationality, optionalData, holder }: MrzDocument, fields: Fields): readonly string[] {
  const { number, birth, expiry, sex } = fields;
  const [first, second] = [fill(optionalData, 15), fill('', 11)];
  const composite = checkDigit(number + first + birth + expiry + second);
  return [
    `I<${fill(issuer, 3)}${number}${first}`,
    birth + sex + expiry + fill(nationality, 3) + second + composite,
    nameOf(holder, 30),
  ];
}

function nameOf({ surname, givenNames }: MrzHolder, length: number): string {
  return fill(`${spell(surname)}<<${spell(givenNames)}`, length).slice(0, length);
}

function spell(name: string): string {
  const letters = name.toUpperCase().replaceAll(/\P{ASCII}/gu, (letter) => SPELLINGS[letter] ?? '');
  return letters.replaceAll("'", '').replaceAll(/[^A-Z]+/g, '<');
}

function fill(text: string, length: number): string {
  return text.toUpperCase().padEnd(length, '<');
}

/** YYMMDD of YYYY-MM-DD. */
function shortDate(date: string): string {
  return date.replaceAll('-', '').slice(2);
}

function withCheckDigit(field: string): string {
  return field + checkDigit(field);
}

function checkDigit(field: string): string {
  let sum = 0;
  for (let index = 0; index < field.length; index++) sum += valueOf(field.charAt(index)) * (WEIGHTS[index % 3] ?? 0);
  return String(sum % 10);
}

/** Digits as they are, A to Z from 10 on, fillers nought. */
function valueOf(character: string): number {
  return character === '<' ? 0 : parseInt(character, 36);
}
