/** Ink as pixels, black on white or on nothing, as large as it was written. */
import { Canvas, type Outline } from '../raster.ts';
import { boxOf, smooth, type InkPiece, type InkPoint, type Stroke } from './strokes.ts';

/** Grey and transparent: what `encodePng` of drivers/images takes. */
export interface InkPicture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 4;
  readonly data: Uint8Array<ArrayBuffer>;
}

const MM_PER_INCH = 25.4;
/** Pieces of a curve, and corners of the round end of a pen. */
const CURVE_PIECES = 4;
const CORNERS = 8;

export interface InkPictureOptions {
  readonly dpi: number;
  readonly ground: 'transparent' | 'white';
}

export function inkPicture(strokes: readonly Stroke[], { dpi, ground }: InkPictureOptions): InkPicture {
  const box = boxOf(strokes);
  const scale = dpi / MM_PER_INCH;
  const width = Math.max(Math.ceil(box.width * scale), 1);
  const height = Math.max(Math.ceil(box.height * scale), 1);
  const canvas = new Canvas(width, height);
  const place = ({ x, y }: InkPoint): InkPoint => ({ x: (x - box.left) * scale, y: (y - box.top) * scale });
  for (const stroke of strokes) for (const piece of smooth(stroke)) draw(canvas, piece, place, (piece.widthMm * scale) / 2);
  const ink = canvas.coverage();
  if (ground === 'white') return { width, height, channels: 1, data: ink.map((covered) => 255 - covered) };
  const data = new Uint8Array(width * height * 4);
  for (const [pixel, covered] of ink.entries()) data[4 * pixel + 3] = covered;
  return { width, height, channels: 4, data };
}

function draw(canvas: Canvas, { from, controls, to }: InkPiece, place: (point: InkPoint) => InkPoint, radius: number): void {
  const [a, b] = controls;
  const along = (t: number, axis: 'x' | 'y'): number =>
    (1 - t) ** 3 * from[axis] + 3 * t * (1 - t) ** 2 * a[axis] + 3 * t ** 2 * (1 - t) * b[axis] + t ** 3 * to[axis];
  const points = Array.from({ length: CURVE_PIECES + 1 }, (_, index) => {
    const t = index / CURVE_PIECES;
    return place({ x: along(t, 'x'), y: along(t, 'y') });
  });
  for (const [index, point] of points.slice(1).entries()) canvas.fill(capsule(points[index] ?? point, point, radius));
}

/** A line with round ends, always in the same direction: what lies twice is black once. */
function capsule(from: InkPoint, to: InkPoint, radius: number): Outline {
  const direction = Math.atan2(to.y - from.y, to.x - from.x);
  const end = (centre: InkPoint, start: number): Outline =>
    Array.from({ length: CORNERS + 1 }, (_, index) => {
      const angle = start + (index * Math.PI) / CORNERS;
      return { x: centre.x + radius * Math.cos(angle), y: centre.y + radius * Math.sin(angle) };
    });
  return [...end(to, direction - Math.PI / 2), ...end(from, direction + Math.PI / 2)];
}
