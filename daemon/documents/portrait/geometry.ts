/** Where a face is in a picture, from its pupils and its chin: its own axes, and its size on the print. Pixels from the upper left corner. */
import { PRINT_HEIGHT_MM } from './limits.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Left and right as one looks at the picture. */
export interface FacePoints {
  readonly leftEye: Point;
  readonly rightEye: Point;
  readonly chin: Point;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Face {
  readonly eyes: Point;
  /** From the middle between the pupils to the chin. */
  readonly eyesToChinPx: number;
  readonly eyeDistancePx: number;
  /** Degrees; clockwise is positive. */
  readonly tilt: number;
  /** How far down the face and across it a point lies, both by `eyesToChinPx`. */
  readonly place: (x: number, y: number) => { readonly down: number; readonly across: number };
}

/** Undefined for points that no upright face has: outside of the picture, the eyes in one place or the wrong way round, the chin beside or above them. */
export function faceOf({ leftEye, rightEye, chin }: FacePoints, { width, height }: Size): Face | undefined {
  const isInside = [leftEye, rightEye, chin].every(({ x, y }) => x >= 0 && x < width && y >= 0 && y < height);
  if (!isInside || rightEye.x - leftEye.x < 1) return undefined;
  const eyes = { x: (leftEye.x + rightEye.x) / 2, y: (leftEye.y + rightEye.y) / 2 };
  const [dx, dy] = [rightEye.x - leftEye.x, rightEye.y - leftEye.y];
  const eyeDistancePx = Math.hypot(dx, dy);
  const across = { x: dx / eyeDistancePx, y: dy / eyeDistancePx };
  const toChin = { x: chin.x - eyes.x, y: chin.y - eyes.y };
  const eyesToChinPx = Math.hypot(toChin.x, toChin.y);
  const downward = toChin.y * across.x - toChin.x * across.y;
  if (eyesToChinPx < 1 || downward < eyesToChinPx / 2) return undefined;
  return {
    eyes,
    eyesToChinPx,
    eyeDistancePx,
    tilt: (Math.atan2(dy, dx) * 180) / Math.PI,
    place: (x, y) => ({
      across: ((x - eyes.x) * across.x + (y - eyes.y) * across.y) / eyesToChinPx,
      down: ((y - eyes.y) * across.x - (x - eyes.x) * across.y) / eyesToChinPx,
    }),
  };
}

/** By the height of the picture: what a file says of its resolution is not asked. */
export function millimetres(pixels: number, { height }: Size): number {
  return (pixels * PRINT_HEIGHT_MM) / height;
}
