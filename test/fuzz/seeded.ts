/** Random numbers that are the same again for the same seed, and rounds of tests that name the seed that failed. */

/** Rounds in a usual run; `KORTD_LONG=1` makes a hundred times as many. */
export const ROUNDS_FACTOR = process.env['KORTD_LONG'] === '1' ? 100 : 1;

/** For a test that runs rounds. */
export const FUZZ_TIMEOUT_MS = 30_000 * ROUNDS_FACTOR;

export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer, 0 to `limit` - 1 (mulberry32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }

  /** A valid input made wrong: cut, lengthened, some bits turned over, or a byte set to a value that means something in TLV. */
  damage(valid: Uint8Array): Uint8Array {
    const copy = valid.slice();
    switch (this.below(4)) {
      case 0:
        return copy.subarray(0, this.below(copy.length + 1));
      case 1:
        return new Uint8Array(Buffer.concat([copy, this.bytes(1 + this.below(8))]));
      case 2:
        for (let left = 1 + this.below(4); left > 0; left--) {
          const at = this.below(copy.length);
          copy[at] = (copy[at] ?? 0) ^ (1 << this.below(8));
        }
        return copy;
      default:
        copy[this.below(copy.length)] = this.pick([0x00, 0x1f, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x85, 0xff]);
        return copy;
    }
  }
}

/** Runs `round` for seeds `first`, `first` + 1, …; a failure names its seed. `KORTD_SEED` runs that one alone. */
export async function forSeeds(
  { first, rounds }: { readonly first: number; readonly rounds: number },
  round: (random: SeededRandom, seed: number) => Promise<void> | void,
): Promise<void> {
  const only = process.env['KORTD_SEED'];
  const seeds = only === undefined ? Array.from({ length: rounds * ROUNDS_FACTOR }, (_, index) => first + index) : [Number(only)];
  for (const seed of seeds) {
    try {
      await round(new SeededRandom(seed), seed);
    } catch (error) {
      throw new Error(`failed with KORTD_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}
