/**
 * How large pictures are kept, so that a scan with many of them, each of forty megapixels, takes no more memory than a window can do with. They are
 * made smaller while they are decoded.
 */

/** Of all pictures of a scan: 96 MB as the browser keeps them, four bytes each. */
export const BUDGET_PIXELS = 24_000_000;
/** No picture needs more: 4 pixels for each of a canvas that is as wide as a large screen. */
const MAX_PIXELS = 8_000_000;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What this picture is decoded to, among so many others. Never larger than it is. */
export function keptSize({ width, height }: Size, pictures: number): Size {
  const share = Math.min(MAX_PIXELS, BUDGET_PIXELS / Math.max(1, pictures));
  const scale = Math.min(1, Math.sqrt(share / (width * height)));
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}
