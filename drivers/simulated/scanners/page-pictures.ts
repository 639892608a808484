/**
 * Pictures of a page under each light, as PNG: drawn from what the page is, with its defects to be seen, and with a text chunk that tells a simulated service which
 * document it looks at. A picture from elsewhere has none, and is of a document that the service does not know.
 */
import { decode, encode } from 'fast-png';
import { SimulationFileError } from '../errors.ts';
import { printDocument, type PageDefect, type PageOrder, type PrintedDocument } from './printed-document.ts';

export const PICTURE_LIGHTS = ['axial', 'ir', 'uv', 'white'] as const;
export type PictureLight = (typeof PICTURE_LIGHTS)[number];

export interface PagePicture {
  readonly light: PictureLight;
  readonly png: Uint8Array;
}

/** What a picture says of itself. */
export interface PictureMark {
  readonly light: PictureLight;
  readonly page: PageOrder;
}

/** Keyword of the text chunk (PNG, third edition, section 11.3.3.2). */
const KEYWORD = 'kortd-page';
/** A page at some 50 points an inch: it is to be told apart by eye, not to be measured. */
const SIZES = { TD3: { width: 246, height: 172 }, TD1: { width: 168, height: 106 } } as const;
const MAX_PICTURE_PIXELS = 1_000_000;

type Colour = readonly [red: number, green: number, blue: number];

/** Background, print that stays in that light, print that does not. */
const COLOURS: Readonly<Record<PictureLight, { readonly paper: Colour; readonly carbon: Colour; readonly colour: Colour }>> = {
  axial: { paper: [176, 178, 180], carbon: [60, 60, 60], colour: [130, 132, 140] },
  ir: { paper: [226, 226, 226], carbon: [18, 18, 18], colour: [214, 214, 214] },
  uv: { paper: [14, 12, 48], carbon: [4, 4, 20], colour: [10, 10, 36] },
  white: { paper: [238, 226, 214], carbon: [24, 24, 24], colour: [150, 92, 110] },
};
const BRIGHT_PAPER: Colour = [150, 170, 250];
const FIBRE: Colour = [90, 240, 120];
const STAMP: Colour = [190, 20, 20];

export function takePictures(order: PageOrder, lights: readonly PictureLight[] = PICTURE_LIGHTS): readonly PagePicture[] {
  const document = printDocument(order);
  return lights.map((light) => ({ light, png: drawPage(document, { light, page: order }) }));
}

/** Undefined for a picture that tells nothing, or that is none. */
export function readMark(picture: Uint8Array): PictureMark | undefined {
  try {
    const text = decode(picture).text[KEYWORD];
    return text === undefined ? undefined : parseMark(JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function parseMark(mark: unknown): PictureMark | undefined {
  if (typeof mark !== 'object' || mark === null || !('light' in mark) || !('page' in mark)) return undefined;
  const light = PICTURE_LIGHTS.find((known) => known === mark.light);
  const { page } = mark;
  if (light === undefined || typeof page !== 'object' || page === null || !('persona' in page)) return undefined;
  if (typeof page.persona !== 'string') return undefined;
  const defects = 'defects' in page && Array.isArray(page.defects) ? (page.defects as readonly PageDefect[]) : [];
  return { light, page: { persona: page.persona, defects } };
}

function drawPage(document: PrintedDocument, mark: PictureMark): Uint8Array {
  const { width, height } = SIZES[document.format];
  if (width * height > MAX_PICTURE_PIXELS) throw new SimulationFileError('picture: it is too large');
  const canvas = new Canvas(width, height);
  const { defects } = document;
  const { paper, carbon, colour } = COLOURS[mark.light];
  const has = (defect: PageDefect): boolean => defects.has(defect);
  canvas.fill([0, 0, width, height], mark.light === 'uv' && has('bright paper') ? BRIGHT_PAPER : paper);
  const photo = [width * 0.05, height * 0.15, width * 0.3, height * 0.5] as const;
  canvas.fill(photo, colour);
  if (has('replaced photo') && mark.light !== 'white') canvas.fill([photo[0] + 4, photo[1] + 4, photo[2], photo[3]], carbon);
  for (let line = 0; line < 4; line++) canvas.fill([width * 0.42, height * (0.18 + line * 0.12), width * 0.5, 4], colour);
  const zoneInk = mark.light === 'ir' && has('no carbon ink') ? colour : carbon;
  for (const [line, text] of document.mrz.entries())
    drawLine(canvas, { text, top: height * 0.78 + line * 9, ink: zoneInk, width });
  if (mark.light === 'uv' && !has('no fibres')) for (const [x, y] of FIBRES) canvas.fill([width * x, height * y, 9, 1], FIBRE);
  if (mark.light === 'axial' && has('damaged laminate')) canvas.fill([width * 0.5, 0, 3, height], carbon);
  if (mark.light === 'white' && has('cancelled')) canvas.fill([width * 0.3, height * 0.4, width * 0.4, 6], STAMP);
  return encode({ width, height, data: canvas.data, channels: 3, depth: 8, text: { [KEYWORD]: JSON.stringify(mark) } });
}

/** Places of luminescent fibres, as parts of the page. */
const FIBRES = [
  [0.1, 0.1],
  [0.55, 0.08],
  [0.8, 0.3],
  [0.4, 0.62],
  [0.72, 0.68],
] as const;

/** A bar for each character that is no filler: no font is at hand, and none is read. */
function drawLine(
  canvas: Canvas,
  { text, top, ink, width }: { readonly text: string; readonly top: number; readonly ink: Colour; readonly width: number },
): void {
  const step = (width * 0.9) / text.length;
  for (let index = 0; index < text.length; index++)
    if (text.charAt(index) !== '<') canvas.fill([width * 0.05 + index * step, top, step * 0.6, 5], ink);
}

class Canvas {
  readonly data: Uint8Array;
  readonly #width: number;
  readonly #height: number;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.data = new Uint8Array(width * height * 3);
  }

  /** Left, top, width and height; what lies outside is left out. */
  fill([left, top, width, height]: readonly [number, number, number, number], colour: Colour): void {
    const right = Math.min(this.#width, Math.round(left + width));
    const bottom = Math.min(this.#height, Math.round(top + height));
    for (let y = Math.max(0, Math.round(top)); y < bottom; y++)
      for (let x = Math.max(0, Math.round(left)); x < right; x++) this.data.set(colour, (y * this.#width + x) * 3);
  }
}
