/**
 * Documents of a simulated scanner, written from ICAO Doc 9303-4, -5 and -6 a second time: zones with their check digits, and a picture for each light. The
 * issuing state is UTO, which is none (9303-3, section 5).
 */
import { crc32, deflateSync } from 'node:zlib';
import type { DriverImage, DriverScan } from '../../scanners/driver.ts';

export interface SimulatedDocument {
  readonly report: DriverScan['report'];
  readonly images: readonly DriverImage[];
}

/** What a scenario says of a document. */
export interface DocumentRow {
  readonly form: 'TD1' | 'TD3';
  readonly surname: string;
  readonly givenNames: string;
  readonly number: string;
  /** YYMMDD. */
  readonly birthDate: string;
  readonly expiryDate: string;
  readonly sex: 'F' | 'M';
  readonly optional?: string;
  /** What is wrong with it. */
  readonly defect?: 'checkDigit' | 'uvBright' | 'irVisible' | 'misread' | 'shortLine';
}

export function makeDocument(row: DocumentRow): SimulatedDocument {
  const { surname, givenNames, defect, form } = row;
  const lines = spoil(form === 'TD3' ? td3(row) : td1(row), defect);
  let drawn: readonly DriverImage[] | undefined;
  const checks = [
    {
      id: 'optical.uv-dull',
      group: 'optical' as const,
      light: 'uv' as const,
      verdict: verdictOf(defect !== 'uvBright'),
      tr03135: ['UV', 'BR', 'FU'],
      image: 'page-uv',
      by: 'device',
    },
    {
      id: 'optical.ir-b900',
      group: 'optical' as const,
      light: 'ir' as const,
      verdict: verdictOf(defect !== 'irVisible'),
      tr03135: ['IR', 'AB', 'MR'],
      image: 'page-ir',
      by: 'device',
    },
  ];
  return {
    report: {
      outcome: 'complete',
      driverVersion: '1.0',
      document: {
        type: form === 'TD3' ? 'passport' : 'identityCard',
        size: form === 'TD3' ? 'ID-3' : 'ID-1',
        issuingState: 'UTO',
        model: { state: 'UTO', type: form === 'TD3' ? 'P' : 'I', name: 'Utopia', probability: 0.98 },
      },
      mrz: { lines, source: 'optical' },
      fields: [
        { name: 'surname', value: surname, values: [{ source: 'viz', value: surname, confidence: 0.97 }] },
        { name: 'givenNames', value: givenNames, values: [{ source: 'viz', value: givenNames, confidence: 0.96 }] },
      ],
      checks,
      comparisons: [{ a: 'mrz', b: 'viz', verdict: 'passed' }],
    },
    // Drawn when the document is first scanned: a desk that scans nothing starts as fast without.
    get images() {
      return (drawn ??= draw(form));
    },
  };
}

function draw(form: DocumentRow['form']): readonly DriverImage[] {
  return (['white', 'ir', 'uv'] as const).map((light) => {
    return { id: `page-${light}`, kind: 'page', page: 0, light, dpi: 50, bytes: picture(light, form) };
  });
}

function verdictOf(isGood: boolean): 'failed' | 'passed' {
  return isGood ? 'passed' : 'failed';
}

/** 9303-4, section 4.2: two lines of 44. */
function td3({ surname, givenNames, number, birthDate, sex, expiryDate, optional = '' }: DocumentRow): readonly string[] {
  const first = fill(`P<UTO${written(surname)}<<${written(givenNames)}`, 44);
  const [id, birth, expiry, more] = [
    withDigit(fill(number, 9)),
    withDigit(birthDate),
    withDigit(expiryDate),
    withDigit(fill(optional, 14)),
  ];
  return [first, `${id}UTO${birth}${sex}${expiry}${more}${digit(id + birth + expiry + more)}`];
}

/** 9303-5, section 4.2: three lines of 30. */
function td1({ surname, givenNames, number, birthDate, sex, expiryDate, optional = '' }: DocumentRow): readonly string[] {
  const first = fill(`I<UTO${withDigit(fill(number, 9))}${optional}`, 30);
  const [birth, expiry, more] = [withDigit(birthDate), withDigit(expiryDate), fill('', 11)];
  const composite = digit(first.slice(5) + birth + expiry + more);
  return [first, `${birth}${sex}${expiry}UTO${more}${composite}`, fill(`${written(surname)}<<${written(givenNames)}`, 30)];
}

/** 9303-3, section 6: what has no letter in the zone is spelled out; the rest becomes fillers. */
function written(name: string): string {
  const spelled: Readonly<Record<string, string>> = { Å: 'AA', Ä: 'AE', Ö: 'OE', É: 'E' };
  return Array.from(name.toUpperCase(), (letter) => spelled[letter] ?? letter)
    .join('')
    .replaceAll(/[^A-Z]+/g, '<');
}

function fill(text: string, length: number): string {
  return text.slice(0, length).padEnd(length, '<');
}

function withDigit(text: string): string {
  return text + digit(text);
}

/** 9303-3, section 4.9: weights 7, 3, 1; the remainder by ten. */
function digit(text: string): string {
  const value = (character: string): number => (character === '<' ? 0 : Number.parseInt(character, 36));
  return String(Array.from(text).reduce((sum, character, index) => sum + value(character) * ([7, 3, 1][index % 3] ?? 0), 0) % 10);
}

function spoil(lines: readonly string[], defect: DocumentRow['defect']): string[] {
  const [first = '', second = '', ...rest] = lines;
  if (defect === 'shortLine') return [first, second.slice(0, -3), ...rest];
  const last = second.slice(-1);
  if (defect === 'checkDigit') return [first, second.slice(0, -1) + String((Number(last) + 5) % 10), ...rest];
  // The second digit of the date of birth in TD1, of the check digit's neighbours in TD3: a nought is read as the letter.
  if (defect === 'misread') return [first, second.replace(/0(?=[^0]*$)/, 'O'), ...rest];
  return [first, second, ...rest];
}

const COLOURS = { white: [236, 232, 214], ir: [120, 120, 120], uv: [30, 18, 70] } as const;

/** A page of one colour with darker lines where a zone would be: PNG (W3C PNG, sections 5 and 11). */
function picture(light: keyof typeof COLOURS, form: DocumentRow['form']): Uint8Array {
  const [width, height] = form === 'TD3' ? [246, 173] : [169, 106];
  const rows = Array.from({ length: height }, (_, y) => {
    const isLine = y > height * 0.8 && y % 8 < 3;
    return [0, ...Array.from({ length: width }, () => COLOURS[light].map((value) => (isLine ? value >> 1 : value))).flat()];
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const data = deflateSync(Uint8Array.from(rows.flat()));
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return new Uint8Array(Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', new Uint8Array())]));
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
