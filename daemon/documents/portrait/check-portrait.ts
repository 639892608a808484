/**
 * A portrait measured against the office's rules: of each rule a number, what it may be, and a verdict. Where eyes and chin are is told by whoever asks; without that,
 * what hangs on them is not measured. Whether it is the right person, looks ahead or has its eyes open is not said here.
 */
import type { Raster } from '../../../drivers/images/image.ts';
import { worstVerdict, type Verdict } from '../check.ts';
import { millimetres, type Face } from './geometry.ts';
import { boxOf, lumaOf, measureBackground, measureFaceLight } from './light.ts';
import { PORTRAIT_RULES, PRINT_HEIGHT_MM, UNITS, type Limit, type PortraitLimits, type PortraitRule } from './limits.ts';
import { measureSharpness, type Window } from './sharpness.ts';
import { TITLES } from './titles.ts';

const MM_PER_INCH = 25.4;
/** Of a picture without points: where a face would be, and how large. */
const USUAL_FACE = { left: 0.25, right: 0.75, top: 0.25, bottom: 0.75, eyesToChin: 15.5 / PRINT_HEIGHT_MM };
const DECIMALS = 1_000;

export interface PortraitCheck {
  readonly id: string;
  readonly group: 'quality';
  readonly verdict: Verdict;
  readonly reason: 'not_measured' | 'points_missing' | 'too_high' | 'too_low' | 'within_limits';
  readonly text: { readonly en: string; readonly sv: string };
  readonly value?: number;
  readonly unit: string;
  readonly min?: number;
  readonly max?: number;
}

export interface PortraitReport {
  readonly overall: Verdict;
  readonly checks: readonly PortraitCheck[];
}

export interface PortraitRules {
  readonly limits: PortraitLimits;
  /** Told, and of no weight. */
  readonly informative: readonly PortraitRule[];
}

/** Rules that hang on where eyes and chin are. */
const BY_POINTS: readonly PortraitRule[] = [
  'eyesToChin',
  'eyeDistance',
  'tilt',
  'centre',
  'eyeHeight',
  'lightDifference',
  'overexposed',
  'underexposed',
];

export function checkPortrait(raster: Raster, face: Face | undefined, { limits, informative }: PortraitRules): PortraitReport {
  const measured = measure(raster, face);
  const checks = PORTRAIT_RULES.map((rule) => judge(rule, measured[rule], limits[rule], face !== undefined));
  const weighed = checks.filter((_, index) => !informative.some((rule) => rule === PORTRAIT_RULES[index]));
  return { overall: worstVerdict(weighed.map(({ verdict }) => verdict)), checks };
}

function measure(raster: Raster, face: Face | undefined): Partial<Readonly<Record<PortraitRule, number | undefined>>> {
  const { width, height } = raster;
  const luma = lumaOf(raster);
  const background = measureBackground(raster, luma, face);
  return {
    resolution: (height * MM_PER_INCH) / PRINT_HEIGHT_MM,
    aspectRatio: width / height,
    backgroundWhiteness: background?.whiteness,
    backgroundColour: background?.colour,
    backgroundEvenness: background?.otherLight,
    sharpness: measureSharpness(luma, width, windowOf(raster, face), face?.eyesToChinPx ?? height * USUAL_FACE.eyesToChin),
    ...(face ? measureFace(raster, luma, face) : {}),
  };
}

function measureFace(raster: Raster, luma: Uint8Array, face: Face): Partial<Record<PortraitRule, number | undefined>> {
  const { width, height } = raster;
  const light = measureFaceLight(raster, luma, face);
  return {
    eyesToChin: millimetres(face.eyesToChinPx, raster),
    eyeDistance: face.eyeDistancePx,
    tilt: Math.abs(face.tilt),
    centre: (100 * Math.abs(face.eyes.x - width / 2)) / width,
    eyeHeight: (100 * (height - face.eyes.y)) / height,
    lightDifference: light?.difference,
    overexposed: light?.overexposed,
    underexposed: light?.underexposed,
  };
}

/** Eyes, nose and mouth. */
function windowOf({ width, height }: Raster, face: Face | undefined): Window {
  if (face) {
    const { left, right, bottom } = boxOf(face, width, height);
    const quarter = Math.floor(face.eyesToChinPx / 4);
    return { left: left + quarter, right: right - quarter, top: Math.max(0, Math.floor(face.eyes.y) - quarter), bottom };
  }
  const { left, right, top, bottom } = USUAL_FACE;
  return {
    left: Math.floor(width * left),
    right: Math.floor(width * right),
    top: Math.floor(height * top),
    bottom: Math.floor(height * bottom),
  };
}

function judge(rule: PortraitRule, measured: number | undefined, limit: Limit, hasPoints: boolean): PortraitCheck {
  const { min, max } = limit;
  const value = measured === undefined ? undefined : Math.round(measured * DECIMALS) / DECIMALS;
  const common = { id: `portrait.${rule}`, group: 'quality', unit: UNITS[rule], ...limit } as const;
  const [en, sv] = TITLES[rule];
  if (value === undefined) {
    const isMissing = !hasPoints && BY_POINTS.includes(rule);
    const text = isMissing
      ? { en: `${en}: not measured without the places of eyes and chin.`, sv: `${sv}: mäts inte utan ögonens och hakans läge.` }
      : { en: `${en}: too little of it is seen to measure.`, sv: `${sv}: för lite av det syns för att mätas.` };
    return {
      ...common,
      verdict: isMissing ? 'notPerformed' : 'undetermined',
      reason: isMissing ? 'points_missing' : 'not_measured',
      text,
    };
  }
  const reason = min !== undefined && value < min ? 'too_low' : max !== undefined && value > max ? 'too_high' : 'within_limits';
  const text = { en: `${en}: ${value}; ${rangeText(limit, 'en')}.`, sv: `${sv}: ${value}; ${rangeText(limit, 'sv')}.` };
  return { ...common, value, verdict: reason === 'within_limits' ? 'passed' : 'failed', reason, text };
}

function rangeText({ min, max }: Limit, language: 'en' | 'sv'): string {
  const [atLeast, atMost, to] = language === 'en' ? ['at least', 'at most', 'to'] : ['minst', 'högst', 'till'];
  if (min !== undefined && max !== undefined) return `${min} ${to} ${max}`;
  return min === undefined ? `${atMost} ${max ?? ''}` : `${atLeast} ${min}`;
}
