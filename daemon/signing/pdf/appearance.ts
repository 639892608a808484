/**
 * How a visible signature looks: lines of text, beside a picture if there is one (ISO 32000-2, clauses 8.10 and 12.5.5). The font is Helvetica, one of the
 * fourteen that every reader has (9.6.2.2), in WinAnsiEncoding: Swedish and the other western European languages.
 */
import { Encodings, Font } from '@cantoo/pdf-lib/standard-fonts';
import { ApiError } from '../../errors.ts';
import type { Picture } from './picture.ts';
import type { PdfUpdate } from './update.ts';
import { PdfDictionary, PdfName, type PdfReference } from './values.ts';

const LARGEST_FONT = 11;
const SMALLEST_FONT = 4;
const FONT_STEP = 0.5;
const LINE_HEIGHT = 1.2;
const PADDING = 2;
/** Of the width, when there is text beside the picture. */
const PICTURE_SHARE = 0.4;
/** Of Helvetica, below the base line, in parts of the font size. */
const DESCENT = 0.21;

export interface Appearance {
  readonly width: number;
  readonly height: number;
  /** By how much the page is turned to be shown: the appearance is turned back. */
  readonly rotation: number;
  readonly lines: readonly string[];
  readonly picture?: Picture;
}

interface Glyphs {
  readonly codes: Buffer;
  /** In thousandths of the font size. */
  readonly width: number;
}

/** Turned against the page (8.3.3). */
const TURNS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 0, 0, 1, 0, 0],
  90: [0, 1, -1, 0, 0, 0],
  180: [-1, 0, 0, -1, 0, 0],
  270: [0, -1, 1, 0, 0, 0],
};

/** Writes the form that shows it. Throws pdf_text_unsupported, pdf_rectangle_invalid when the text has no room. */
export function writeAppearance(update: PdfUpdate, appearance: Appearance): PdfReference {
  const { width, height, rotation, picture, lines } = appearance;
  const pictureWidth = picture ? (lines.length > 0 ? width * PICTURE_SHARE : width) : 0;
  const text = { left: pictureWidth + PADDING, width: width - pictureWidth - 2 * PADDING, height: height - 2 * PADDING };
  const content = [
    ...(picture ? [drawPicture(picture, pictureWidth, height)] : []),
    ...(lines.length > 0 ? [drawText(lines, text)] : []),
  ];
  const font = PdfDictionary.of({
    Type: new PdfName('Font'),
    Subtype: new PdfName('Type1'),
    BaseFont: new PdfName('Helvetica'),
    Encoding: new PdfName('WinAnsiEncoding'),
  });
  const resources = PdfDictionary.of({
    Font: PdfDictionary.of({ F1: font }),
    XObject: picture && PdfDictionary.of({ I1: picture.embed(update) }),
  });
  const form = PdfDictionary.of({
    Type: new PdfName('XObject'),
    Subtype: new PdfName('Form'),
    BBox: [0, 0, width, height],
    Matrix: TURNS[rotation] ?? [1, 0, 0, 1, 0, 0],
    Resources: resources,
  });
  return update.addStream(form, Buffer.from(content.join('\n'), 'latin1'));
}

/** As large as it goes without being stretched, in the middle. */
function drawPicture(picture: Picture, width: number, height: number): string {
  const room = { width: Math.max(1, width - 2 * PADDING), height: Math.max(1, height - 2 * PADDING) };
  const scale = Math.min(room.width / picture.width, room.height / picture.height);
  const size = [picture.width * scale, picture.height * scale] as const;
  const at = [(width - size[0]) / 2, (height - size[1]) / 2] as const;
  return `q ${decimal(size[0])} 0 0 ${decimal(size[1])} ${decimal(at[0])} ${decimal(at[1])} cm /I1 Do Q`;
}

function drawText(
  lines: readonly string[],
  room: { readonly left: number; readonly width: number; readonly height: number },
): string {
  const words = lines.map((line) => line.normalize('NFC').split(/\s+/).filter(Boolean).map(encode));
  for (let size = LARGEST_FONT; size >= SMALLEST_FONT; size -= FONT_STEP) {
    const wrapped = words.map((line) => wrap(line, (room.width * 1000) / size));
    if (wrapped.some((line) => line === undefined)) continue;
    const rows = wrapped.flatMap((line) => line ?? []);
    const leading = size * LINE_HEIGHT;
    if (rows.length * leading > room.height) continue;
    const first = room.height + PADDING - leading + size * DESCENT;
    const shows = rows.map((row) => `<${row.toString('hex')}> Tj T*`);
    return `BT /F1 ${size} Tf ${decimal(leading)} TL 0 g ${decimal(room.left)} ${decimal(first)} Td ${shows.join(' ')} ET`;
  }
  const problem = 'the text of the signature has no room in it';
  throw new ApiError('pdf_rectangle_invalid', `signing a PDF: ${problem}`, { problem });
}

/** Rows that are no wider than this, in thousandths of the font size; undefined when a word is wider. */
function wrap(words: readonly Glyphs[], width: number): readonly Buffer[] | undefined {
  const space = encode(' ');
  const rows: Buffer[] = [];
  let row: Glyphs = { codes: Buffer.alloc(0), width: 0 };
  for (const word of words) {
    if (word.width > width) return undefined;
    if (row.codes.length > 0 && row.width + space.width + word.width <= width) {
      row = { codes: Buffer.concat([row.codes, space.codes, word.codes]), width: row.width + space.width + word.width };
      continue;
    }
    if (row.codes.length > 0) rows.push(row.codes);
    row = word;
  }
  return row.codes.length > 0 ? [...rows, row.codes] : rows;
}

function encode(text: string): Glyphs {
  const font = Font.load('Helvetica');
  const codes: number[] = [];
  let width = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (!Encodings.WinAnsi.canEncodeUnicodeCodePoint(point)) {
      const codePoint = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
      throw new ApiError('pdf_text_unsupported', `signing a PDF: the font has no ${codePoint}`, { codePoint });
    }
    const { code, name } = Encodings.WinAnsi.encodeUnicodeCodePoint(point);
    codes.push(code);
    width += font.getWidthOfGlyph(name) ?? 0;
  }
  return { codes: Buffer.from(codes), width };
}

function decimal(value: number): string {
  return String(Number(value.toFixed(3)));
}
