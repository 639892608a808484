/**
 * Wacom's STU pads, one row each: what they do not tell of themselves. Sizes, ranges and encodings are read from the pad (reports 08 and 09), never taken from here
 * when it says them. Sources: Wacom's STU SDK (Protocol.hpp, getUsbDevices.hpp) and its data sheets; rows marked so rest on one other source.
 */
import type { PadSize, ScreenColour } from '../driver.ts';

/** USB vendor identifier of Wacom. */
export const WACOM = 0x056a;

export interface StuModel {
  readonly productId: number;
  readonly model: string;
  readonly areaMm: PadSize;
  readonly colour: ScreenColour;
  /** Of the line: Diffie-Hellman with AES-128, RSA with AES, or none that is public. */
  readonly encryption: 'dh' | 'rsa' | 'none';
  /** Report 32: 3 time and sequence, 1 time, 0 neither. */
  readonly optionMode: 0 | 1 | 3;
  /** It has a serial number of its factory (report 0B). */
  readonly hasFactorySerial: boolean;
}

/** Sorted by productId. */
export const STU_MODELS: readonly StuModel[] = [
  {
    productId: 0xa1,
    model: 'STU-500',
    areaMm: { width: 102, height: 76 },
    colour: 'mono',
    encryption: 'dh',
    optionMode: 0,
    hasFactorySerial: false,
  },
  {
    productId: 0xa2,
    model: 'STU-300',
    areaMm: { width: 99, height: 25 },
    colour: 'mono',
    encryption: 'dh',
    optionMode: 0,
    hasFactorySerial: false,
  },
  {
    productId: 0xa3,
    model: 'STU-520A',
    areaMm: { width: 104, height: 60 },
    colour: 'rgb565',
    encryption: 'dh',
    optionMode: 1,
    hasFactorySerial: false,
  },
  {
    productId: 0xa4,
    model: 'STU-430',
    areaMm: { width: 96, height: 60 },
    colour: 'mono',
    encryption: 'rsa',
    optionMode: 3,
    hasFactorySerial: true,
  },
  {
    productId: 0xa5,
    model: 'STU-530',
    areaMm: { width: 108, height: 65 },
    colour: 'rgb888',
    encryption: 'rsa',
    optionMode: 3,
    hasFactorySerial: true,
  },
  {
    productId: 0xa6,
    model: 'STU-430V',
    areaMm: { width: 96, height: 60 },
    colour: 'mono',
    encryption: 'rsa',
    optionMode: 3,
    hasFactorySerial: true,
  },
  // Disputed: one source calls it STU-540 (InkPlatform, STU540.cs). What it is, it says itself.
  {
    productId: 0xa7,
    model: 'STU',
    areaMm: { width: 108, height: 65 },
    colour: 'mono',
    encryption: 'none',
    optionMode: 0,
    hasFactorySerial: false,
  },
  {
    productId: 0xa8,
    model: 'STU-540',
    areaMm: { width: 108, height: 65 },
    colour: 'rgb888',
    encryption: 'rsa',
    optionMode: 3,
    hasFactorySerial: true,
  },
  // Its encryption is like TLS and not public: it is used in clear.
  {
    productId: 0xa9,
    model: 'STU-541',
    areaMm: { width: 108, height: 65 },
    colour: 'rgb888',
    encryption: 'none',
    optionMode: 3,
    hasFactorySerial: true,
  },
];

export function modelOf(productId: number): StuModel | undefined {
  return STU_MODELS.find((model) => model.productId === productId);
}
