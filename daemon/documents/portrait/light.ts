/** Lightness and colour of the parts of a portrait: the ground behind the head, and the face. */
import type { Raster } from '../../../drivers/images/image.ts';
import type { Face } from './geometry.ts';

/** Rec. ITU-R BT.601-7, section 2.5.1, in 256ths. */
const LUMA = [77, 150, 29] as const;
const LEVELS = 256;
/** From here on there is no drawing left. */
const WHITE_OUT = 250;
const BLACK_OUT = 5;
/** So far from the rest is another light. */
const OTHER_LIGHT = 20;
/** Half the width and height of a head with its hair, by the way from eyes to chin: a head is about twice as high as that, and three quarters as wide as high. */
const HEAD = { across: 0.95, up: 1.35 };
/** Cheeks, nose and mouth: half their width, and how far down they go. */
const FACE = { across: 0.6, up: -0.15, down: 0.9 };
/** Between the halves of the face. */
const MIDDLE = 0.05;
/** Of a picture without points: its upper corners. */
const CORNER = 0.2;
/** Fewer pixels say nothing. */
const MIN_PIXELS = 50;

export function lumaOf({ width, height, channels, data }: Raster): Uint8Array {
  if (channels === 1) return data;
  const luma = new Uint8Array(width * height);
  for (let pixel = 0, at = 0; pixel < luma.length; pixel++, at += channels)
    luma[pixel] = ((data[at] ?? 0) * LUMA[0] + (data[at + 1] ?? 0) * LUMA[1] + (data[at + 2] ?? 0) * LUMA[2]) >> 8;
  return luma;
}

export interface Background {
  readonly whiteness: number;
  readonly colour: number;
  /** Percent. */
  readonly otherLight: number;
}

/** Above the line of the eyes and beside the head. Undefined when nothing of it is seen. */
export function measureBackground(raster: Raster, luma: Uint8Array, face: Face | undefined): Background | undefined {
  const { width, height, channels, data } = raster;
  const levels = new Uint32Array(LEVELS);
  const colours = new Uint32Array(LEVELS);
  for (let y = 0; y < Math.ceil(face?.eyes.y ?? height * CORNER); y++)
    for (let x = 0; x < width; x++) {
      if (!isBackground(x, y, width, face)) continue;
      const pixel = y * width + x;
      tally(levels, luma[pixel] ?? 0);
      tally(colours, channels === 1 ? 0 : spreadAt(data, pixel * channels));
    }
  const total = sum(levels);
  if (total < MIN_PIXELS) return undefined;
  const whiteness = medianOf(levels, total);
  const near = sum(levels.subarray(Math.max(0, whiteness - OTHER_LIGHT), whiteness + OTHER_LIGHT + 1));
  return { whiteness, colour: medianOf(colours, total), otherLight: (100 * (total - near)) / total };
}

function isBackground(x: number, y: number, width: number, face: Face | undefined): boolean {
  if (!face) return x < width * CORNER || x >= width * (1 - CORNER);
  const { across, down } = face.place(x, y);
  return down < 0 && Math.hypot(across / HEAD.across, down / HEAD.up) > 1;
}

export interface FaceLight {
  /** Percent of the mean. */
  readonly difference: number;
  readonly overexposed: number;
  readonly underexposed: number;
}

/** Skin of any colour is as light as it is: only what has no drawing left, and one half against the other, says something of the light. */
export function measureFaceLight({ width, height }: Raster, luma: Uint8Array, face: Face): FaceLight | undefined {
  const one = { sum: 0, count: 0 };
  const other = { sum: 0, count: 0 };
  let [white, black] = [0, 0];
  const { left, right, top, bottom } = boxOf(face, width, height);
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const { across, down } = face.place(x, y);
      const half = across < 0 ? one : other;
      if (!isFace(across, down) || Math.abs(across) < MIDDLE) continue;
      const light = luma[y * width + x] ?? 0;
      half.sum += light;
      half.count++;
      if (light >= WHITE_OUT) white++;
      if (light <= BLACK_OUT) black++;
    }
  const count = one.count + other.count;
  if (one.count < MIN_PIXELS || other.count < MIN_PIXELS) return undefined;
  const [a, b] = [one.sum / one.count, other.sum / other.count];
  const difference = a + b === 0 ? 0 : (100 * Math.abs(a - b)) / ((a + b) / 2);
  return { difference, overexposed: (100 * white) / count, underexposed: (100 * black) / count };
}

/** An ellipse. */
function isFace(across: number, down: number): boolean {
  const middle = (FACE.up + FACE.down) / 2;
  return Math.hypot(across / FACE.across, (down - middle) / (FACE.down - middle)) <= 1;
}

/** Pixels that the face, however it is turned, does not go beyond. */
export function boxOf({ eyes, eyesToChinPx }: Face, width: number, height: number) {
  return {
    left: Math.max(0, Math.floor(eyes.x - eyesToChinPx)),
    right: Math.min(width, Math.ceil(eyes.x + eyesToChinPx)),
    top: Math.max(0, Math.floor(eyes.y - eyesToChinPx)),
    bottom: Math.min(height, Math.ceil(eyes.y + eyesToChinPx)),
  };
}

/** How far the strongest of red, green and blue is from the weakest. */
function spreadAt(data: Uint8Array, at: number): number {
  const [red, green, blue] = [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
  return Math.max(red, green, blue) - Math.min(red, green, blue);
}

function tally(levels: Uint32Array, level: number): void {
  levels[level] = (levels[level] ?? 0) + 1;
}

function sum(levels: Uint32Array): number {
  return levels.reduce((total, count) => total + count, 0);
}

function medianOf(levels: Uint32Array, total: number): number {
  let seen = 0;
  for (const [level, count] of levels.entries()) {
    seen += count;
    if (seen * 2 >= total) return level;
  }
  return 0;
}
