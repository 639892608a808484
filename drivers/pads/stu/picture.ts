/** A screen's pixels as a STU pad takes them (STU SDK, ProtocolHelper: flattening of images): one, sixteen or twenty-four bits each. */
import type { ScreenColour } from '../driver.ts';

/** Bits of the capability's encoding flag, and what reports 24 and 25 call it. */
const ENCODINGS = {
  mono: { flag: 0x02, mode: 0x00 },
  rgb565: { flag: 0x04, mode: 0x02 },
  rgb888: { flag: 0x08, mode: 0x04 },
} as const satisfies Record<ScreenColour, { readonly flag: number; readonly mode: number }>;

export interface EncodedPicture {
  /** First byte of report 25. */
  readonly mode: number;
  readonly bytes: Uint8Array;
}

/** `wanted`, or what the pad says it takes instead. A pad that says nothing (flag 0) takes one bit. */
export function chooseEncoding(wanted: ScreenColour, flags: number): ScreenColour {
  const order: readonly ScreenColour[] = [wanted, 'rgb888', 'rgb565', 'mono'];
  return order.find((colour) => (ENCODINGS[colour].flag & flags) !== 0) ?? 'mono';
}

export function encodePicture(rgb: Uint8Array, widthPx: number, colour: ScreenColour): EncodedPicture {
  const { mode } = ENCODINGS[colour];
  if (colour === 'mono') return { mode, bytes: oneBit(rgb, widthPx) };
  return { mode, bytes: colour === 'rgb565' ? sixteenBits(rgb) : twentyFourBits(rgb) };
}

/** Leftmost pixel in the highest bit, 1 is white, rows end with a whole byte, filled with white. */
function oneBit(rgb: Uint8Array, widthPx: number): Uint8Array {
  const rowBytes = Math.ceil(widthPx / 8);
  const rows = rgb.length / 3 / widthPx;
  const bytes = new Uint8Array(rowBytes * rows).fill(0xff);
  for (let pixel = 0; pixel < rows * widthPx; pixel++) {
    const [red = 0, green = 0, blue = 0] = rgb.subarray(3 * pixel, 3 * pixel + 3);
    if (red * 299 + green * 587 + blue * 114 >= 128_000) continue;
    const at = Math.floor(pixel / widthPx) * rowBytes + ((pixel % widthPx) >> 3);
    bytes[at] = (bytes[at] ?? 0) & ~(0x80 >> ((pixel % widthPx) % 8));
  }
  return bytes;
}

/** Five bits red, six green, five blue; big endian. */
function sixteenBits(rgb: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((rgb.length / 3) * 2);
  for (let pixel = 0; pixel < rgb.length / 3; pixel++) {
    const [red = 0, green = 0, blue = 0] = rgb.subarray(3 * pixel, 3 * pixel + 3);
    bytes[2 * pixel] = (red & 0xf8) | (green >> 5);
    bytes[2 * pixel + 1] = ((green << 3) & 0xe0) | (blue >> 3);
  }
  return bytes;
}

/** Blue, green, red. */
function twentyFourBits(rgb: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(rgb.length);
  for (let at = 0; at + 2 < rgb.length; at += 3) bytes.set([rgb[at + 2] ?? 0, rgb[at + 1] ?? 0, rgb[at] ?? 0], at);
  return bytes;
}
