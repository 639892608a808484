/**
 * Topaz pads, a row each. Line, dots per inch and the window of coordinates are those of the README of github.com/l1n/topaz-dext ("Supported Models",
 * "Model Calibration Parameters"; the window of the 5x7 is in its lib/topaz.js). Every line has odd parity ("Serial Parameters").
 * Left out is the SignatureGem LCD 1x5, whose seven-bit packets are described in two ways.
 */
import type { SerialSettings } from '../../ports/serial-line.ts';

export interface TopazModel {
  /** In the configuration. */
  readonly id: string;
  readonly name: string;
  readonly baudRate: number;
  readonly dotsPerInch: number;
  /** Of coordinates on what the pen can write on. */
  readonly window: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
  /** It shows ink, and takes the control bytes of a screen. */
  readonly hasScreen: boolean;
}

/** A row each, their ids in order of the alphabet. */
export const TOPAZ_MODELS: readonly TopazModel[] = [
  model('clipgem', 'ClipGem', { baudRate: 9600, dotsPerInch: 275, window: [485, 2800, 170, 3200] }),
  model('siggem-1x5', 'SignatureGem 1x5', { baudRate: 19200, window: [400, 2400, 350, 950] }),
  model('siggem-4x5', 'SignatureGem 4x5', { baudRate: 19200, window: [500, 2650, 700, 2100] }),
  model('siggem-color-5x7', 'SignatureGem Color 5x7', { baudRate: 115200, window: [300, 2370, 350, 1950], hasScreen: true }),
  model('siglite-1x5', 'SigLite 1x5', { baudRate: 19200, window: [500, 2650, 700, 2100] }),
  model('siglite-lcd-1x5', 'SigLite LCD 1x5', { baudRate: 19200, window: [400, 2400, 350, 1050], hasScreen: true }),
  model('siglite-lcd-4x5', 'SigLite LCD 4x5', { baudRate: 38400, window: [500, 2600, 500, 2100], hasScreen: true }),
];

/** FT232R, the converter of the pads that come with a USB plug ("BSB"; README of github.com/l1n/topaz-dext, "Physical Layer"). */
export const VENDOR_FTDI = '0403';
export const PRODUCT_FT232 = '6001';

/** The one that the source was tried with: T-LBK462-BSB-R. */
export const DEFAULT_MODEL = 'siglite-1x5';

const MM_PER_INCH = 25.4;
/** Start, eight data, parity and stop bit. */
const BITS_PER_BYTE = 11;
const BYTES_PER_PACKET = 5;

export function lineSettings({ baudRate }: TopazModel): SerialSettings {
  return { baudRate, dataBits: 8, parity: 'odd', stopBits: 1 };
}

/** Samples a second of the sensor: unconfirmed, no public document gives it. The configuration of a port may say better. */
const SENSOR_RATE_HZ = 377;

/** What the sensor takes and the line carries: 174 a second at 9600 baud, 349 at 19200. */
export function rateHz({ baudRate }: TopazModel): number {
  return Math.min(SENSOR_RATE_HZ, Math.floor(baudRate / BITS_PER_BYTE / BYTES_PER_PACKET));
}

export function areaMm({ window, dotsPerInch }: TopazModel): { readonly width: number; readonly height: number } {
  return {
    width: ((window.right - window.left) / dotsPerInch) * MM_PER_INCH,
    height: ((window.bottom - window.top) / dotsPerInch) * MM_PER_INCH,
  };
}

/** Of a point, from the corner of the window. Outside of it the pad is not calibrated: such a point is put on the edge, as the vendor's software does. */
export function pointMm(topaz: TopazModel, x: number, y: number): { readonly xMm: number; readonly yMm: number } {
  const { left, right, top, bottom } = topaz.window;
  const mm = (value: number, from: number, to: number): number =>
    ((Math.min(to, Math.max(from, value)) - from) / topaz.dotsPerInch) * MM_PER_INCH;
  return { xMm: mm(x, left, right), yMm: mm(y, top, bottom) };
}

interface ModelRow {
  readonly baudRate: number;
  readonly dotsPerInch?: number;
  /** Left, right, top, bottom. */
  readonly window: readonly [number, number, number, number];
  readonly hasScreen?: boolean;
}

function model(id: string, name: string, row: ModelRow): TopazModel {
  const { baudRate, dotsPerInch = 410, window, hasScreen = false } = row;
  const [left, right, top, bottom] = window;
  return { id, name, baudRate, dotsPerInch, window: { left, right, top, bottom }, hasScreen };
}
