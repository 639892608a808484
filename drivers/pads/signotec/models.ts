/**
 * signotec's pads, a row each. The types are those of the vendor's example page (STPadServer.html 3.3.2, `padTypes`). Screens and areas are nominal and
 * unconfirmed: they describe a pad that is not open; an open one tells its own (OPEN_PAD).
 */
import type { PadSize, ScreenColour } from '../driver.ts';

export interface SignotecModel {
  readonly family: string;
  /** TOKEN_PARAM_PAD_TYPE: its USB, serial and network variants. */
  readonly types: readonly number[];
  readonly screen: { readonly widthPx: number; readonly heightPx: number; readonly colour: ScreenColour };
  readonly areaMm: PadSize;
}

const MODELS: readonly SignotecModel[] = [
  { family: 'Sigma', types: [1, 2], screen: { widthPx: 320, heightPx: 160, colour: 'mono' }, areaMm: { width: 95, height: 47 } },
  { family: 'Zeta', types: [5, 6], screen: { widthPx: 320, heightPx: 200, colour: 'mono' }, areaMm: { width: 95, height: 60 } },
  {
    family: 'Omega',
    types: [11, 12],
    screen: { widthPx: 640, heightPx: 480, colour: 'rgb565' },
    areaMm: { width: 111, height: 83 },
  },
  {
    family: 'Gamma',
    types: [15, 16],
    screen: { widthPx: 800, heightPx: 480, colour: 'rgb565' },
    areaMm: { width: 108, height: 65 },
  },
  {
    family: 'Delta',
    types: [21, 22, 23],
    screen: { widthPx: 1280, heightPx: 800, colour: 'rgb565' },
    areaMm: { width: 217, height: 136 },
  },
  {
    family: 'Alpha',
    types: [31, 32, 33],
    screen: { widthPx: 2048, heightPx: 1536, colour: 'rgb565' },
    areaMm: { width: 196, height: 147 },
  },
];

/** A type that is in no row is taken for the smallest: its real size is told when it is open. */
export function modelOf(type: number | undefined): SignotecModel {
  const known = MODELS.find(({ types }) => type !== undefined && types.includes(type));
  return (
    known ?? {
      family: `type ${type ?? 'unknown'}`,
      types: [],
      screen: { widthPx: 320, heightPx: 160, colour: 'mono' },
      areaMm: { width: 95, height: 47 },
    }
  );
}

/** TOKEN_PARAM_PAD_CAPABILITIES (`deviceCapabilities` of the example page). */
export const SUPPORTS_RSA = 0x40;
export const SUPPORTS_CONTENT_SIGNING = 0x80;
export const CAN_STORE_ENCRYPT_KEY = 0x800;

/** Steps of TOKEN_PARAM_POINT.p: unconfirmed, no source gives the end of its scale. */
export const PRESSURE_LEVELS = 1023;
/** The slowest of its sampling modes (`SampleRateMode` of the client), for a pad that does not tell. */
export const SLOWEST_RATE_HZ = 125;
