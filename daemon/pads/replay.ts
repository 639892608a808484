/**
 * Whether a signature was written before: nobody writes their name twice the same. What is remembered is how the latest captures went, in memory alone: it is
 * biometric, and goes with the process. Told are an exact repeat (sample for sample) and a near one: the same line, moved, at another pace or with some noise.
 */
import { createHash } from 'node:crypto';
import type { PenSample } from '../../drivers/pads/driver.ts';

export interface ReplayVerdict {
  readonly verdict: 'new' | 'near' | 'exact';
  /** The capture that it repeats. */
  readonly of?: string;
}

const REMEMBERED = 512;
/** Places along a signature that are compared, evenly along its line. */
const PLACES = 64;
/** Mean distance of the places. Two signatures of one hand are several times further apart. */
const NEAR_MM = 0.3;
const NEAR_LENGTH = 0.05;
/** Of less nothing can be said: everybody's dots are alike. */
const LEAST_MM = 10;

interface Movement {
  readonly id: string;
  readonly exact: string;
  readonly lengthMm: number;
  readonly places: Float32Array;
}

export class Replays {
  readonly #known: Movement[] = [];

  /** Of samples in their order; remembers them as those of capture `id`. */
  check(id: string, samples: readonly PenSample[]): ReplayVerdict {
    const movement = movementOf(
      id,
      samples.filter(({ isDown }) => isDown),
    );
    if (!movement) return { verdict: 'new' };
    const same = this.#known.find(({ exact }) => exact === movement.exact);
    const near = same ?? this.#known.find((other) => isNear(movement, other));
    this.#known.push(movement);
    if (this.#known.length > REMEMBERED) this.#known.shift();
    return near ? { verdict: same ? 'exact' : 'near', of: near.id } : { verdict: 'new' };
  }
}

function movementOf(id: string, samples: readonly PenSample[]): Movement | undefined {
  const lengths = lengthsOf(samples);
  const lengthMm = lengths.at(-1) ?? 0;
  if (lengthMm < LEAST_MM) return undefined;
  const digest = createHash('sha256');
  for (const { xMm, yMm, pressure } of samples) digest.update(`${xMm.toFixed(3)} ${yMm.toFixed(3)} ${pressure.toFixed(4)}\n`);
  return { id, exact: digest.digest('hex'), lengthMm, places: placesOf(samples, lengths, lengthMm) };
}

/** Up to each sample, of the line through all of them. */
function lengthsOf(samples: readonly PenSample[]): readonly number[] {
  let length = 0;
  return samples.map(({ xMm, yMm }, index) => {
    const before = samples[index - 1];
    if (before) length += Math.hypot(xMm - before.xMm, yMm - before.yMm);
    return length;
  });
}

/** Around their middle, so that one that was moved is the same. */
function placesOf(samples: readonly PenSample[], lengths: readonly number[], lengthMm: number): Float32Array {
  const places = new Float32Array(2 * PLACES);
  let index = 0;
  for (let place = 0; place < PLACES; place++) {
    const wanted = (lengthMm * place) / (PLACES - 1);
    while (index < samples.length - 1 && (lengths[index] ?? 0) < wanted) index++;
    const after = samples[index];
    const before = samples[Math.max(index - 1, 0)];
    if (!after || !before) continue;
    const start = lengths[Math.max(index - 1, 0)] ?? 0;
    const span = (lengths[index] ?? 0) - start;
    const part = span === 0 ? 1 : Math.min(Math.max((wanted - start) / span, 0), 1);
    places[2 * place] = before.xMm + (after.xMm - before.xMm) * part;
    places[2 * place + 1] = before.yMm + (after.yMm - before.yMm) * part;
  }
  for (const axis of [0, 1]) {
    const mean = places.reduce((sum, value, at) => (at % 2 === axis ? sum + value : sum), 0) / PLACES;
    for (let at = axis; at < places.length; at += 2) places[at] = (places[at] ?? 0) - mean;
  }
  return places;
}

function isNear(one: Movement, other: Movement): boolean {
  if (Math.abs(one.lengthMm - other.lengthMm) > NEAR_LENGTH * Math.max(one.lengthMm, other.lengthMm)) return false;
  let sum = 0;
  for (let at = 0; at < one.places.length; at += 2)
    sum += Math.hypot((one.places[at] ?? 0) - (other.places[at] ?? 0), (one.places[at + 1] ?? 0) - (other.places[at + 1] ?? 0));
  return sum / PLACES < NEAR_MM;
}
