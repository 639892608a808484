/** Simulated STU pads by name: what each says of itself, after Wacom's STU SDK (Protocol.hpp, getUsbDevices.hpp). */

export interface SimulatedStuModel {
  readonly productId: number;
  readonly max: { readonly x: number; readonly y: number; readonly pressure: number };
  readonly screen: { readonly width: number; readonly height: number };
  /** Bits of pixels that it takes. */
  readonly depths: readonly (1 | 16 | 24)[];
  /** 1: Diffie-Hellman; 2: RSA; 0: none that is public. */
  readonly cryptoGeneration: 0 | 1 | 2;
  /** It tells rate, resolution and encodings. */
  readonly tellsRate: boolean;
  readonly optionModes: readonly number[];
  readonly hasUid2: boolean;
}

const OLD = { cryptoGeneration: 1, hasUid2: false } as const;
const NEW = { cryptoGeneration: 2, hasUid2: true, tellsRate: true, optionModes: [0, 2, 3] } as const;
const LARGE = {
  max: { x: 10_800, y: 6_480, pressure: 1_023 },
  screen: { width: 800, height: 480 },
  depths: [1, 16, 24],
} as const;
const SMALL = { max: { x: 9_600, y: 6_000, pressure: 1_023 }, screen: { width: 320, height: 200 }, depths: [1] } as const;

/** Sorted by name. */
export const SIMULATED_STU_MODELS: Readonly<Record<string, SimulatedStuModel>> = {
  'STU-300': {
    ...OLD,
    productId: 0x00a2,
    max: { x: 9_900, y: 2_500, pressure: 511 },
    screen: { width: 396, height: 100 },
    depths: [1],
    tellsRate: false,
    optionModes: [0],
  },
  'STU-430': { ...NEW, ...SMALL, productId: 0x00a4 },
  'STU-500': {
    ...OLD,
    productId: 0x00a1,
    max: { x: 10_200, y: 7_600, pressure: 511 },
    screen: { width: 640, height: 480 },
    depths: [1],
    tellsRate: false,
    optionModes: [0],
  },
  'STU-520A': {
    ...OLD,
    productId: 0x00a3,
    max: { x: 10_400, y: 6_048, pressure: 511 },
    screen: { width: 800, height: 480 },
    depths: [1, 16],
    tellsRate: true,
    optionModes: [0, 1],
  },
  'STU-530': { ...NEW, ...LARGE, productId: 0x00a5 },
  'STU-540': { ...NEW, ...LARGE, productId: 0x00a8 },
  'STU-541': { ...NEW, ...LARGE, productId: 0x00a9, cryptoGeneration: 0 },
};
