/** Portraits with a known geometry, drawn: a white ground, shoulders, an oval head with eyes, nose and mouth. */
import type { Raster } from '../../drivers/images/image.ts';
import type { FacePoints } from '../../daemon/documents/portrait/geometry.ts';

export interface PortraitOptions {
  readonly height?: number;
  readonly width?: number;
  /** From the pupils to the chin, in millimetres on a print that is 45 high. */
  readonly eyesToChinMm?: number;
  /** Degrees, clockwise. */
  readonly tilt?: number;
  /** The middle of the eyes, as parts of width and height. */
  readonly eyesAt?: { readonly x: number; readonly y: number };
  readonly ground?: readonly [number, number, number];
  /** Of the right half of the ground: a shadow. */
  readonly groundRight?: readonly [number, number, number];
  readonly skin?: readonly [number, number, number];
  /** How much lighter the right half of the face is: 1.2 is a fifth. */
  readonly rightLight?: number;
}

type Colour = readonly [number, number, number];

export interface DrawnPortrait {
  readonly raster: Raster;
  readonly points: FacePoints;
}

const DARK: Colour = [40, 30, 25];

export function drawPortrait(options: PortraitOptions = {}): DrawnPortrait {
  const {
    height = 540,
    width = Math.round((height * 35) / 45),
    eyesToChinMm = 15.5,
    tilt = 0,
    eyesAt = { x: 0.5, y: 0.4 },
  } = options;
  const { ground = [240, 240, 240], groundRight = ground, skin = [190, 150, 130], rightLight = 1 } = options;
  const unit = (eyesToChinMm * height) / 45;
  const [sin, cos] = [Math.sin((tilt * Math.PI) / 180), Math.cos((tilt * Math.PI) / 180)];
  const eyes = { x: eyesAt.x * width, y: eyesAt.y * height };
  const at = (across: number, down: number) => ({
    x: eyes.x + (across * cos - down * sin) * unit,
    y: eyes.y + (across * sin + down * cos) * unit,
  });
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [(x - eyes.x) / unit, (y - eyes.y) / unit];
      const [across, down] = [dx * cos + dy * sin, dy * cos - dx * sin];
      data.set(colourAt(across, down, x < width / 2 ? ground : groundRight, skin, rightLight), (y * width + x) * 3);
    }
  const points = { leftEye: at(-0.28, 0), rightEye: at(0.28, 0), chin: at(0, 1) };
  return { raster: { width, height, channels: 3, data }, points };
}

function colourAt(across: number, down: number, ground: Colour, skin: Colour, rightLight: number): Colour {
  if (Math.hypot((Math.abs(across) - 0.28) / 0.08, down / 0.05) < 1) return DARK;
  if (Math.hypot(across / 0.25, (down - 0.6) / 0.05) < 1) return [150, 70, 70];
  if (Math.abs(across) < 0.03 && down > 0.1 && down < 0.35) return [150, 115, 100];
  if (Math.hypot(across / 0.72, down / 1) < 1 && down > -0.55) return across > 0 ? lit(skin, rightLight) : skin;
  if (Math.hypot(across / 0.76, down / 1.05) < 1) return DARK;
  return down > 1 + across * across * 0.3 ? [60, 60, 90] : ground;
}

function lit([red, green, blue]: Colour, by: number): Colour {
  return [Math.min(255, red * by), Math.min(255, green * by), Math.min(255, blue * by)];
}

/** Each pixel the mean of those around it: out of focus. */
export function blurred({ width, height, channels, data }: Raster, radius: number): Raster {
  let from = data;
  for (const step of [channels, width * channels]) {
    const to = new Uint8Array(data.length);
    for (let index = 0; index < data.length; index++) {
      let [sum, count] = [0, 0];
      for (let away = -radius; away <= radius; away++) {
        const value = from[index + away * step];
        if (value === undefined) continue;
        sum += value;
        count++;
      }
      to[index] = sum / count;
    }
    from = to;
  }
  return { width, height, channels, data: from };
}
