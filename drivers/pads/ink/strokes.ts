/** Samples as what was written: strokes, smoothed and as wide as the pen was pressed. Millimetres, y downwards. */
import type { PenSample } from '../driver.ts';

export type Stroke = readonly PenSample[];

/** What lies between two times that the pen was up. */
export function strokesOf(samples: readonly PenSample[]): readonly Stroke[] {
  const strokes: PenSample[][] = [];
  let wasDown = false;
  for (const sample of samples) {
    if (sample.isDown && !wasDown) strokes.push([]);
    if (sample.isDown) strokes.at(-1)?.push(sample);
    wasDown = sample.isDown;
  }
  return strokes;
}

export interface InkPoint {
  readonly x: number;
  readonly y: number;
}

/** A piece of a stroke: a cubic curve (Bézier) of one width. */
export interface InkPiece {
  readonly from: InkPoint;
  readonly controls: readonly [InkPoint, InkPoint];
  readonly to: InkPoint;
  readonly widthMm: number;
}

/** Of a fine pen, from no pressure to full. */
const WIDTH_MM = { least: 0.25, more: 0.55 };
/** Catmull-Rom as Bézier: a sixth of the way between the neighbours. */
const TENSION = 6;
/** Nearer points are one: noise of a pen that stands still. */
const NEAR_MM = 0.02;

export function smooth(stroke: Stroke): readonly InkPiece[] {
  const points = thin(stroke);
  const [first] = points;
  if (!first) return [];
  if (points.length === 1) return [pieceBetween(first, first, first, first)];
  return points.slice(1).map((to, index) => {
    const from = points[index] ?? first;
    return pieceBetween(points[index - 1] ?? from, from, to, points[index + 2] ?? to);
  });
}

function pieceBetween(before: PenSample, from: PenSample, to: PenSample, after: PenSample): InkPiece {
  const control = (at: PenSample, a: PenSample, b: PenSample, sign: number): InkPoint => ({
    x: at.xMm + (sign * (b.xMm - a.xMm)) / TENSION,
    y: at.yMm + (sign * (b.yMm - a.yMm)) / TENSION,
  });
  return {
    from: { x: from.xMm, y: from.yMm },
    controls: [control(from, before, to, 1), control(to, from, after, -1)],
    to: { x: to.xMm, y: to.yMm },
    widthMm: WIDTH_MM.least + (WIDTH_MM.more * (from.pressure + to.pressure)) / 2,
  };
}

function thin(stroke: Stroke): Stroke {
  const kept: PenSample[] = [];
  for (const sample of stroke) {
    const last = kept.at(-1);
    if (!last || Math.hypot(sample.xMm - last.xMm, sample.yMm - last.yMm) >= NEAR_MM) kept.push(sample);
  }
  return kept;
}

export interface InkBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const MARGIN_MM = 1;

/** Around all that was written, with a margin. Of no ink: of nothing. */
export function boxOf(strokes: readonly Stroke[]): InkBox {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const stroke of strokes) {
    for (const { xMm, yMm } of stroke) {
      left = Math.min(left, xMm);
      right = Math.max(right, xMm);
      top = Math.min(top, yMm);
      bottom = Math.max(bottom, yMm);
    }
  }
  if (left > right) return { left: 0, top: 0, width: 0, height: 0 };
  return {
    left: left - MARGIN_MM,
    top: top - MARGIN_MM,
    width: right - left + 2 * MARGIN_MM,
    height: bottom - top + 2 * MARGIN_MM,
  };
}
