/**
 * What a pad's screen shows, as pixels: text or a picture above, a line to write on, and buttons in equal columns along the lower edge, in the order given. Text is
 * drawn as large as it fits; when it does not fit at the smallest size that can be read, that is an error: nobody signs what they could not see.
 */
import { DeviceError } from '../../errors.ts';
import type { ButtonId, PadImage, PadScreen } from '../driver.ts';
import { Canvas } from '../raster.ts';
import { breakLines, drawLines, lineWidth } from './text.ts';

/** Grey, one byte a pixel: 0 black, 255 white. Colour screens show it as it is, but for a picture in colour. */
export interface ScreenPicture {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Red, green and blue of each pixel, rows from the top. */
  readonly rgb: Uint8Array<ArrayBuffer>;
  readonly buttons: readonly ButtonArea[];
}

export interface ButtonArea {
  readonly id: ButtonId;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What was asked to be shown cannot be. */
export class ScreenUnfitError extends DeviceError {
  override readonly name = 'ScreenUnfitError';
}

/** Parts of the screen's height: what is shown, and the buttons; between them there is room to write. */
const CONTENT_PART = 0.45;
const BUTTON_PART = 0.18;
/** Letters that can be read at arm's length on pads of 100 pixels and more. */
const SMALLEST_PX = 11;
const LARGEST_PART = 0.09;
const WHITE = 255;

export function composeScreen(screen: PadScreen, size: { readonly widthPx: number; readonly heightPx: number }): ScreenPicture {
  const { widthPx, heightPx } = size;
  const canvas = new Canvas(widthPx, heightPx);
  const margin = Math.round(widthPx * 0.02);
  if (screen.text !== undefined && screen.text.trim() !== '') drawText(canvas, screen.text, margin);
  const buttons = areasOf(screen, size, margin);
  for (const [index, area] of buttons.entries()) drawButton(canvas, area, screen.buttons[index]?.label ?? '');
  const coverage = canvas.coverage();
  const rgb = new Uint8Array(widthPx * heightPx * 3);
  for (const [pixel, covered] of coverage.entries()) rgb.fill(WHITE - covered, 3 * pixel, 3 * pixel + 3);
  if (screen.image) drawImage(rgb, screen.image, { widthPx, heightPx: Math.floor(heightPx * CONTENT_PART) });
  return { widthPx, heightPx, rgb, buttons };
}

function drawText(canvas: Canvas, text: string, margin: number): void {
  const room = { width: canvas.width - 2 * margin, height: canvas.height * CONTENT_PART - margin };
  const largest = Math.max(Math.round(canvas.height * LARGEST_PART), SMALLEST_PX);
  for (let sizePx = largest; sizePx >= SMALLEST_PX; sizePx--) {
    const { lines, heightPx } = breakLines(text, sizePx, room.width);
    if (heightPx > room.height) continue;
    drawLines(canvas, lines, { x: margin, y: margin, sizePx });
    return;
  }
  throw new ScreenUnfitError('showing a text on the pad: it is too long for the screen');
}

function areasOf(
  { buttons }: PadScreen,
  { widthPx, heightPx }: { readonly widthPx: number; readonly heightPx: number },
  margin: number,
): readonly ButtonArea[] {
  const column = widthPx / Math.max(buttons.length, 1);
  const top = Math.round(heightPx * (1 - BUTTON_PART));
  return buttons.map(({ id }, index) => ({
    id,
    left: Math.round(index * column) + margin,
    right: Math.round((index + 1) * column) - margin,
    top,
    bottom: heightPx - Math.ceil(margin / 2),
  }));
}

/** A frame two pixels wide with its label in the middle. */
function drawButton(canvas: Canvas, { left, top, right, bottom }: ButtonArea, label: string): void {
  canvas.fill(rectangle({ left, top, right, bottom }));
  canvas.fill([...rectangle({ left: left + 2, top: top + 2, right: right - 2, bottom: bottom - 2 })].reverse());
  const room = right - left - 8;
  const wanted = Math.max(Math.round((bottom - top) * 0.5), SMALLEST_PX);
  const sizePx = Math.max(Math.min(wanted, Math.floor((wanted * room) / Math.max(lineWidth(label, wanted), 1))), 1);
  const x = (left + right - lineWidth(label, sizePx)) / 2;
  drawLines(canvas, [label], { x, y: (top + bottom - sizePx * 1.16) / 2, sizePx });
}

function rectangle({ left, top, right, bottom }: Omit<ButtonArea, 'id'>): readonly { readonly x: number; readonly y: number }[] {
  return [
    { x: left, y: top },
    { x: right, y: top },
    { x: right, y: bottom },
    { x: left, y: bottom },
  ];
}

/** In the middle, as large as it fits, on white where it is transparent; each pixel is the mean of those that it stands for. */
function drawImage(rgb: Uint8Array, image: PadImage, room: { readonly widthPx: number; readonly heightPx: number }): void {
  const scale = Math.min(room.widthPx / image.width, room.heightPx / image.height);
  const width = Math.max(Math.floor(image.width * scale), 1);
  const height = Math.max(Math.floor(image.height * scale), 1);
  const left = Math.floor((room.widthPx - width) / 2);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const area = { left: x / scale, right: (x + 1) / scale, top: y / scale, bottom: (y + 1) / scale };
      rgb.set(meanColour(image, area), 3 * (y * room.widthPx + left + x));
    }
  }
}

function meanColour({ width, height, channels, data }: PadImage, area: Omit<ButtonArea, 'id'>): readonly number[] {
  const sums = [0, 0, 0];
  let count = 0;
  const endRow = Math.min(Math.max(Math.ceil(area.bottom), Math.floor(area.top) + 1), height);
  const endColumn = Math.min(Math.max(Math.ceil(area.right), Math.floor(area.left) + 1), width);
  for (let row = Math.floor(area.top); row < endRow; row++) {
    for (let column = Math.floor(area.left); column < endColumn; column++) {
      const at = (row * width + column) * channels;
      const alpha = channels === 2 || channels === 4 ? (data[at + channels - 1] ?? WHITE) / WHITE : 1;
      for (const index of [0, 1, 2]) {
        const value = data[at + (channels > 2 ? index : 0)] ?? WHITE;
        sums[index] = (sums[index] ?? 0) + value * alpha + WHITE * (1 - alpha);
      }
      count++;
    }
  }
  return sums.map((sum) => Math.round(sum / Math.max(count, 1)));
}
