/**
 * What is measured of a portrait, and what the office wants of it where no policy says otherwise. A print has 35 by 45 mm, and from the line of the pupils to the chin it
 * has 14 to 17 mm: the office's own rule, on which all else is measured, for a picture tells its size in nothing but itself. Values without a source are kortd's.
 */

/** In the order in which they are told. */
export const PORTRAIT_RULES = [
  'resolution',
  'aspectRatio',
  'eyesToChin',
  'eyeDistance',
  'tilt',
  'centre',
  'eyeHeight',
  'backgroundWhiteness',
  'backgroundColour',
  'backgroundEvenness',
  'sharpness',
  'lightDifference',
  'overexposed',
  'underexposed',
] as const;
export type PortraitRule = (typeof PORTRAIT_RULES)[number];

export const PRINT_WIDTH_MM = 35;
export const PRINT_HEIGHT_MM = 45;

export interface Limit {
  readonly min?: number;
  readonly max?: number;
}
export type PortraitLimits = Readonly<Record<PortraitRule, Limit>>;

export const DEFAULT_PORTRAIT_LIMITS: PortraitLimits = {
  /** Pixels an inch of the print: what photographs are printed with. */
  resolution: { min: 300 },
  /** Width by height: 35 by 45 mm is 0.778. */
  aspectRatio: { min: 0.76, max: 0.8 },
  /** Millimetres on the print. */
  eyesToChin: { min: 14, max: 17 },
  /** Pixels: where the score of BSI OFIQ turns (InterEyeDistance.cpp, ISO/IEC 29794-5). */
  eyeDistance: { min: 70 },
  /** Degrees of roll (ISO/IEC 19794-5, full frontal). */
  tilt: { max: 8 },
  /** Percent of the width, off its middle (ISO/IEC 19794-5: 45 to 55 % of the width). */
  centre: { max: 5 },
  /** Percent of the height, from below (ISO/IEC 19794-5). */
  eyeHeight: { min: 50, max: 70 },
  /** Of 255: the median of the background. */
  backgroundWhiteness: { min: 215 },
  /** Of 255: how far its strongest colour is from its weakest. */
  backgroundColour: { max: 20 },
  /** Percent of the background that is darker or lighter than the rest. */
  backgroundEvenness: { max: 10 },
  /** Variance of the Laplacian of a face that has 100 pixels from eyes to chin. */
  sharpness: { min: 60 },
  /** Percent by which one half of the face is lighter. */
  lightDifference: { max: 20 },
  /** Percent of the face without any drawing left in the light, and in the dark. */
  overexposed: { max: 1 },
  underexposed: { max: 5 },
};

export const UNITS: Readonly<Record<PortraitRule, string>> = {
  resolution: 'dpi',
  aspectRatio: 'ratio',
  eyesToChin: 'mm',
  eyeDistance: 'px',
  tilt: 'degrees',
  centre: '%',
  eyeHeight: '%',
  backgroundWhiteness: 'of 255',
  backgroundColour: 'of 255',
  backgroundEvenness: '%',
  sharpness: 'variance',
  lightDifference: '%',
  overexposed: '%',
  underexposed: '%',
};
