/** Text as outlines: Latin letters of DejaVu Sans (`glyphs.json`), broken into lines. What the font has not is drawn as its replacement sign, never left out. */
import type { Canvas, Outline, Point } from '../raster.ts';
import font from './glyphs.json' with { type: 'json' };

/** Units an em in glyphs.json. */
const EM = 1_000;
const REPLACEMENT = '�';
/** Pieces that a curve becomes: enough for letters of a hundred pixels. */
const CURVE_PIECES = 6;
const LINE_HEIGHT = 1.2;

type Glyph = readonly [advance: number, path: string];
const GLYPHS: ReadonlyMap<string, Glyph> = new Map(
  Object.entries(font.glyphs).map(([sign, [advance, path]]) => [sign, [Number(advance), String(path)]]),
);

export interface TextLines {
  readonly lines: readonly string[];
  readonly widthPx: number;
  readonly heightPx: number;
}

/** At this size in pixels; a word longer than a line is broken anywhere. */
export function breakLines(text: string, sizePx: number, widthPx: number): TextLines {
  const lines = text
    .normalize('NFC')
    .split(/\r?\n/)
    .flatMap((paragraph) => breakParagraph(paragraph, sizePx, widthPx));
  const width = lines.reduce((most, line) => Math.max(most, lineWidth(line, sizePx)), 0);
  return { lines, widthPx: width, heightPx: lines.length * sizePx * LINE_HEIGHT };
}

export function lineWidth(line: string, sizePx: number): number {
  return (signsOf(line).reduce((sum, [advance]) => sum + advance, 0) * sizePx) / EM;
}

/** `y`: upper edge of the first line. */
export function drawLines(canvas: Canvas, lines: readonly string[], at: Point & { readonly sizePx: number }): void {
  for (const [index, line] of lines.entries()) {
    const baseline = at.y + at.sizePx * (index * LINE_HEIGHT + font.ascent / EM);
    drawLine(canvas, line, { ...at, y: baseline });
  }
}

function drawLine(canvas: Canvas, line: string, { x, y, sizePx }: Point & { readonly sizePx: number }): void {
  let left = x;
  for (const [advance, path] of signsOf(line)) {
    for (const outline of outlinesOf(path))
      canvas.fill(outline.map((point) => ({ x: left + (point.x * sizePx) / EM, y: y + (point.y * sizePx) / EM })));
    left += (advance * sizePx) / EM;
  }
}

function breakParagraph(paragraph: string, sizePx: number, widthPx: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (lineWidth(longer, sizePx) <= widthPx) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = breakWord(word, sizePx, widthPx);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? '';
  }
  return [...lines, line];
}

function breakWord(word: string, sizePx: number, widthPx: number): readonly string[] {
  const pieces = [''];
  for (const sign of word) {
    const last = pieces.at(-1) ?? '';
    if (last === '' || lineWidth(last + sign, sizePx) <= widthPx) pieces.splice(-1, 1, last + sign);
    else pieces.push(sign);
  }
  return pieces;
}

function signsOf(line: string): readonly Glyph[] {
  const unknown: Glyph = GLYPHS.get(REPLACEMENT) ?? [EM, ''];
  return [...line].map((sign) => GLYPHS.get(sign) ?? unknown);
}

/** Path commands M, L, Q and Z, as SVG has them (section 9.3). */
function outlinesOf(path: string): readonly Outline[] {
  const outlines: Point[][] = [];
  for (const [, command, rest = ''] of path.matchAll(/([MLQZ])([-\d ]*)/g)) {
    const [a = 0, b = 0, c = 0, d = 0] = rest.split(' ').map(Number);
    const outline = outlines.at(-1);
    if (command === 'M') outlines.push([{ x: a, y: b }]);
    else if (command === 'L') outline?.push({ x: a, y: b });
    else if (command === 'Q') outline?.push(...curve(outline.at(-1), { x: a, y: b }, { x: c, y: d }));
  }
  return outlines;
}

function curve(from: Point | undefined, control: Point, to: Point): readonly Point[] {
  if (!from) return [];
  return Array.from({ length: CURVE_PIECES }, (_, index) => {
    const t = (index + 1) / CURVE_PIECES;
    const along = (a: number, b: number, c: number): number => (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t ** 2 * c;
    return { x: along(from.x, control.x, to.x), y: along(from.y, control.y, to.y) };
  });
}
