/**
 * What a pen wrote on a pad, as far as it was told: samples in the order in which they came, and where the line is broken. A number that was left
 * out is a gap, whoever lost it: nothing is drawn across it. It only ever grows, to no more than a capture can have.
 */
import type { EventData } from '../../../../../api-spec/events.ts';

type PenEvent = EventData<'pad.pen'>;

/** A capture has at most 60,000 samples (daemon/pads/capture.ts): 1 MB here. */
export const INK_SAMPLES = 60_000;
const FIRST_ROOM = 1_024;

export class Ink {
  readonly capture: string;
  /** Samples so far. */
  length = 0;
  strokes = 0;
  /** Places where something was lost: on the way from the pad, or to this page. */
  gaps = 0;
  isPenDown = false;
  #x = new Float32Array(FIRST_ROOM);
  #y = new Float32Array(FIRST_ROOM);
  #pressure = new Float32Array(FIRST_ROOM);
  /** 1: a line leads here from the sample before. 2: a stroke begins here. 0: the pen does not write. */
  #joins = new Uint8Array(FIRST_ROOM);
  #lastNumber: number | undefined;

  constructor(capture: string) {
    this.capture = capture;
  }

  add({ samples, cleared }: Pick<PenEvent, 'cleared' | 'samples'>): void {
    if (cleared === true) this.clear();
    for (const [number, x, y, , pressure, writes] of samples) {
      if (this.length === INK_SAMPLES) return;
      const follows = this.#lastNumber === undefined || number === this.#lastNumber + 1;
      if (!follows) this.gaps++;
      this.#lastNumber = number;
      this.#push([x, y, pressure], writes === 1, follows);
    }
  }

  at(index: number): readonly [x: number, y: number, pressure: number] {
    return [this.#x[index] ?? 0, this.#y[index] ?? 0, this.#pressure[index] ?? 0];
  }

  /** Whether the pen wrote at this sample. */
  writesAt(index: number): boolean {
    return this.#joins[index] !== 0;
  }

  /** Whether a line leads here from the sample before. */
  joinsAt(index: number): boolean {
    return this.#joins[index] === 1;
  }

  #push([x, y, pressure]: readonly [number, number, number], isDown: boolean, follows: boolean): void {
    if (this.length === this.#x.length) this.#grow();
    const begins = isDown && !(this.isPenDown && follows);
    if (begins) this.strokes++;
    this.#x[this.length] = x;
    this.#y[this.length] = y;
    this.#pressure[this.length] = pressure;
    this.#joins[this.length] = !isDown ? 0 : begins ? 2 : 1;
    this.isPenDown = isDown;
    this.length++;
  }

  #grow(): void {
    const room = Math.min(INK_SAMPLES, this.#x.length * 2);
    const grown = (old: Float32Array): Float32Array<ArrayBuffer> => {
      const more = new Float32Array(room);
      more.set(old);
      return more;
    };
    const joins = new Uint8Array(room);
    joins.set(this.#joins);
    [this.#x, this.#y, this.#pressure, this.#joins] = [grown(this.#x), grown(this.#y), grown(this.#pressure), joins];
  }

  clear(): void {
    this.length = 0;
    for (const numbers of [this.#x, this.#y, this.#pressure, this.#joins]) numbers.fill(0);
    this.strokes = 0;
    this.gaps = 0;
    this.isPenDown = false;
  }
}
