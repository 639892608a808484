/** A person at a simulated pad: writes a name as far as a script says, and taps where a button is. What they write is drawn by arithmetic; it is nobody's hand. */
import { setTimeout as pause } from 'node:timers/promises';
import type { PenState, SimulatedStu } from './stu.ts';

/** Samples of all STU pads (data sheets): 200 a second. */
const PERIOD_MS = 5;

export interface WriteOptions {
  /** Another one for each number, the same for the same. */
  readonly seed: number;
  readonly samples: number;
  readonly signal: AbortSignal;
  /** 0: as fast as it can. */
  readonly periodMs?: number;
}

/** Loops from left to right in three strokes, within the middle of the pad. */
export function signatureOf(
  pad: Pick<SimulatedStu, 'model'>,
  { seed, samples }: Pick<WriteOptions, 'seed' | 'samples'>,
): readonly PenState[] {
  const { max } = pad.model;
  const strokeEnds = [0.4, 0.75, 1].map((part) => Math.floor(samples * part));
  return Array.from({ length: samples }, (_, index) => {
    const t = index / samples;
    const turn = t * 40 + seed;
    const isPause = strokeEnds.some((end) => index < end && index >= end - Math.max(Math.floor(samples / 40), 2));
    return {
      x: Math.round(max.x * (0.15 + 0.65 * t + 0.04 * Math.sin(turn * 1.3 + seed))),
      y: Math.round(max.y * (0.6 + 0.1 * Math.sin(turn) * Math.cos(t * (3 + (seed % 5))))),
      pressure: isPause ? 0 : Math.round(max.pressure * (0.45 + 0.25 * Math.sin(t * 17 + seed))),
      isNear: true,
    };
  });
}

export async function write(pad: SimulatedStu, options: WriteOptions): Promise<void> {
  const { signal, periodMs = PERIOD_MS } = options;
  const start = performance.now();
  for (const [index, state] of signatureOf(pad, options).entries()) {
    const wait = start + index * periodMs - performance.now();
    if (periodMs > 0 && wait > 1) await pause(wait, undefined, { signal });
    signal.throwIfAborted();
    pad.pen(state);
  }
  lift(pad);
}

/** At a place of the screen: 0 to 1 from the left and from the top. */
export async function tap(
  pad: SimulatedStu,
  place: { readonly x: number; readonly y: number },
  signal: AbortSignal,
): Promise<void> {
  const { max } = pad.model;
  const at = { x: Math.round(max.x * place.x), y: Math.round(max.y * place.y), isNear: true };
  for (const pressure of [0, max.pressure >> 1, max.pressure >> 1, 0]) {
    signal.throwIfAborted();
    pad.pen({ ...at, pressure });
    await pause(PERIOD_MS, undefined, { signal });
  }
  lift(pad);
}

/** Twice, for pads that send two samples in one report. */
function lift(pad: SimulatedStu): void {
  const away = { x: 0, y: 0, pressure: 0, isNear: false };
  pad.pen(away);
  pad.pen(away);
}
