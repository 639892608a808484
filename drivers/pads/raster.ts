/**
 * Filled outlines as pixels, with soft edges: text for screens, ink for pictures. Each pixel gets the part of it that the outlines cover, summed by their
 * direction (signed area), so that a hole is an outline that runs the other way, and what lies twice is no darker.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A closed outline, in pixels. */
export type Outline = readonly Point[];

/** Coverage of an area, from which `coverage` makes 0 (none) to 255 (whole) a pixel. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  /** Row by row, what changes at each pixel: the sum of a row up to a pixel is its coverage. One column more than there are pixels. */
  readonly #changes: Float32Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#changes = new Float32Array((width + 1) * height);
  }

  fill(outline: Outline): void {
    for (const [index, from] of outline.entries()) {
      const to = outline[(index + 1) % outline.length];
      if (to) this.#edge(from, to);
    }
  }

  coverage(): Uint8Array<ArrayBuffer> {
    const result = new Uint8Array(this.width * this.height);
    for (let row = 0; row < this.height; row++) {
      let sum = 0;
      for (let column = 0; column < this.width; column++) {
        sum += this.#changes[row * (this.width + 1) + column] ?? 0;
        result[row * this.width + column] = Math.round(Math.min(Math.abs(sum), 1) * 255);
      }
    }
    return result;
  }

  /** One edge, row by row; what lies above, below or to the right of the canvas changes nothing, what lies to the left counts at its edge. */
  #edge(from: Point, to: Point): void {
    if (from.y === to.y) return;
    const direction = from.y < to.y ? 1 : -1;
    const [top, bottom] = from.y < to.y ? [from, to] : [to, from];
    const slope = (bottom.x - top.x) / (bottom.y - top.y);
    const end = Math.min(bottom.y, this.height);
    for (let row = Math.max(Math.floor(top.y), 0); row < end; row++) {
      const upper = Math.max(top.y, row);
      const lower = Math.min(bottom.y, row + 1);
      if (lower <= upper) continue;
      const x = [top.x + (upper - top.y) * slope, top.x + (lower - top.y) * slope].map((at) => this.#clamp(at));
      this.#span(row, Math.min(...x), Math.max(...x), direction * (lower - upper));
    }
  }

  #clamp(x: number): number {
    return Math.min(Math.max(x, 0), this.width);
  }

  /** An edge within one row that runs from `left` to `right` and is `height` high. */
  #span(row: number, left: number, right: number, height: number): void {
    const start = row * (this.width + 1);
    const first = Math.floor(left);
    const last = Math.max(Math.ceil(right), first + 1);
    let before = 0;
    for (let column = first; column < last && column <= this.width; column++) {
      const covered = height * coveredPart(left, right, column + 1);
      this.#add(start + column, covered - before);
      before = covered;
    }
    if (last <= this.width) this.#add(start + last, height - before);
  }

  #add(at: number, change: number): void {
    this.#changes[at] = (this.#changes[at] ?? 0) + change;
  }
}

/** How much of the pixel that ends at `end` lies to the right of an edge from `left` to `right`: its mean over the height of the edge. */
function coveredPart(left: number, right: number, end: number): number {
  const begin = end - 1;
  if (right - left < 1e-6) return Math.min(Math.max(end - left, 0), 1);
  const area = (x: number): number => {
    const clamped = Math.min(Math.max(x, left), right);
    const inside = ((clamped - left) * (clamped - left)) / (2 * (right - left));
    return inside + Math.max(x - right, 0);
  };
  return area(end) - area(begin);
}
