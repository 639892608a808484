/**
 * Which part of a page is shown: as shares of it, so that pictures of the same page in different lights show the same place, whatever their sizes.
 * Zoomed in steps, never beyond the edges.
 */
import type { Box } from './marks.ts';

export interface Viewport {
  /** 1: all of it. */
  readonly zoom: number;
  /** What is in the middle, 0 to 1 from left and top. */
  readonly x: number;
  readonly y: number;
}

export const WHOLE: Viewport = { zoom: 1, x: 0.5, y: 0.5 };
export const ZOOMS: readonly number[] = [1, 1.5, 2, 3, 4, 6, 8];
/** Of what is seen: one press of an arrow. */
const STEP = 0.25;

/** One step in (1) or out (-1). */
export function zoomed(view: Viewport, steps: -1 | 1): Viewport {
  const index = ZOOMS.findIndex((zoom) => zoom >= view.zoom);
  const zoom = ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, index + steps))] ?? 1;
  return kept({ ...view, zoom });
}

/** By shares of what is seen. */
export function moved(view: Viewport, [x, y]: readonly [number, number]): Viewport {
  return kept({ ...view, x: view.x + x / view.zoom, y: view.y + y / view.zoom });
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

/** Undefined for a key that means nothing here. */
export function afterKey(view: Viewport, key: string): Viewport | undefined {
  if (key === '+' || key === '=') return zoomed(view, 1);
  if (key === '-') return zoomed(view, -1);
  if (key === '0' || key === 'Home') return WHOLE;
  const by = ARROWS[key];
  return by && view.zoom > 1 ? moved(view, by) : undefined;
}

/** The part that is seen, in the pixels of a picture of this size. */
export function seenPart({ zoom, x, y }: Viewport, { width, height }: { readonly width: number; readonly height: number }): Box {
  const [w, h] = [width / zoom, height / zoom];
  const [left, top] = [x * width - w / 2, y * height - h / 2];
  return { left, top, right: left + w, bottom: top + h };
}

/** A box of the picture, where it stands on a canvas of this size. */
export function onCanvas(box: Box, seen: Box, canvas: { readonly width: number; readonly height: number }): Box {
  const across = canvas.width / (seen.right - seen.left);
  const down = canvas.height / (seen.bottom - seen.top);
  return {
    left: (box.left - seen.left) * across,
    top: (box.top - seen.top) * down,
    right: (box.right - seen.left) * across,
    bottom: (box.bottom - seen.top) * down,
  };
}

/** Never beyond the edges. */
function kept({ zoom, x, y }: Viewport): Viewport {
  const half = 0.5 / zoom;
  const within = (value: number): number => Math.min(1 - half, Math.max(half, value));
  return { zoom, x: within(x), y: within(y) };
}
