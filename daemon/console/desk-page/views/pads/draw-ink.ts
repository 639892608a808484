/** Ink on a canvas: a line with round ends whose width is the pressure. Only what is new is drawn, so that a frame costs what came since the last. */
import type { Ink } from './ink.ts';

/** What a ball pen leaves without and with all pressure, mm. A pad that measures none tells 1 or 0.5 throughout. */
const THIN_MM = 0.25;
const THICK_MM = 0.9;

/** What of a canvas is used here. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  'arc' | 'beginPath' | 'fill' | 'fillStyle' | 'lineCap' | 'lineTo' | 'lineWidth' | 'moveTo' | 'stroke' | 'strokeStyle'
>;

export interface InkScale {
  readonly pixelsPerMm: number;
  readonly colour: string;
}

export function widthMmOf(pressure: number): number {
  return THIN_MM + (THICK_MM - THIN_MM) * Math.min(1, Math.max(0, pressure));
}

/** Draws the samples from this one on; gives the first that is not drawn yet. */
export function drawInk(pen: Pen, ink: Ink, { from, scale }: { readonly from: number; readonly scale: InkScale }): number {
  const { pixelsPerMm, colour } = scale;
  pen.lineCap = 'round';
  pen.strokeStyle = colour;
  pen.fillStyle = colour;
  for (let index = from; index < ink.length; index++) {
    if (!ink.writesAt(index)) continue;
    const [x, y, pressure] = ink.at(index);
    const width = widthMmOf(pressure) * pixelsPerMm;
    pen.beginPath();
    if (ink.joinsAt(index)) {
      const [beforeX, beforeY, before] = ink.at(index - 1);
      pen.lineWidth = (width + widthMmOf(before) * pixelsPerMm) / 2;
      pen.moveTo(beforeX * pixelsPerMm, beforeY * pixelsPerMm);
      pen.lineTo(x * pixelsPerMm, y * pixelsPerMm);
      pen.stroke();
    } else {
      pen.arc(x * pixelsPerMm, y * pixelsPerMm, width / 2, 0, 2 * Math.PI);
      pen.fill();
    }
  }
  return ink.length;
}

/** CSS pixels of a pad of this size in so much width: never higher than `maxHeight`. */
export function canvasSize(
  areaMm: { readonly width: number; readonly height: number },
  room: { readonly width: number; readonly maxHeight: number },
): { readonly width: number; readonly height: number } {
  const ratio = areaMm.height > 0 && areaMm.width > 0 ? areaMm.height / areaMm.width : 0.5;
  const width = Math.max(1, Math.min(room.width, room.maxHeight / ratio));
  return { width: Math.round(width), height: Math.max(1, Math.round(width * ratio)) };
}
