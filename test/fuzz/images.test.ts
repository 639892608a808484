/** Pictures made wrong: each is decoded, or refused with a typed error, in a bounded size. */
import { expect, it } from 'vitest';
import { decode, encodePng } from '../../drivers/images/codecs.ts';
import { ImageError } from '../../drivers/images/image.ts';
import { portraitImage } from '../../drivers/simulated/cards/emrtd/portraits.ts';
import { FUZZ_TIMEOUT_MS, forSeeds } from './seeded.ts';

const MAX_PIXELS = 1_000_000;
const ROUNDS = 60;
const FIRST_SEED = 1;

it.each(['JPEG', 'JPEG 2000', 'PNG'] as const)(
  'a %s with some bytes changed is a picture or none',
  async (kind) => {
    const original =
      kind === 'PNG' ? encodePng(await decode(portraitImage('JPEG', 0).bytes, MAX_PIXELS)) : portraitImage(kind, 0).bytes;
    let refused = 0;
    await forSeeds({ first: FIRST_SEED, rounds: ROUNDS }, async (random) => {
      const bytes = original.slice(0, random.below(4) === 0 ? random.below(original.length) : undefined);
      for (let change = 0; change <= random.below(6); change++) bytes[random.below(bytes.length)] = random.below(256);
      try {
        const { width, height, channels, data } = await decode(bytes, MAX_PIXELS);
        expect(width * height).toBeLessThanOrEqual(MAX_PIXELS);
        expect(data.length).toBe(width * height * channels);
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError);
        refused++;
      }
    });
    expect(refused).toBeGreaterThan(0);
  },
  FUZZ_TIMEOUT_MS,
);
