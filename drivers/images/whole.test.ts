import { expect, it } from 'vitest';
import { portraitImage } from '../simulated/cards/emrtd/portraits.ts';
import { encodePng } from './convert.ts';
import { describeImage } from './describe.ts';

const { bytes: jpeg } = portraitImage('JPEG', 0);
/** A small picture lies within a segment (ITU-T T.81, section B.2.4.6), as cameras put it there. */
const EXIF = Uint8Array.of(0xff, 0xe1, 0x00, 0x08, 0xff, 0xd8, 0xff, 0xda, 0xff, 0xd9);

async function pictures(): Promise<readonly (readonly [string, Uint8Array])[]> {
  const raster = { width: 40, height: 30, channels: 1 as const, data: new Uint8Array(1_200).map((_, index) => index % 251) };
  const png = await encodePng(raster, { signal: new AbortController().signal });
  return [
    ['a JPEG', jpeg],
    ['a JPEG with a small picture in it', Buffer.concat([jpeg.subarray(0, 2), EXIF, jpeg.subarray(2)])],
    ['a PNG', png],
  ];
}

it('a picture that was cut anywhere is damaged, one that something follows is not', async () => {
  for (const [name, whole] of await pictures()) {
    const followed = Buffer.concat([whole, Buffer.alloc(300)]);
    expect(() => describeImage(followed), name).not.toThrow();
    for (let length = whole.length - 1; length >= 12; length -= 7)
      expect(() => describeImage(whole.subarray(0, length)), `${name}, ${length} of ${whole.length}`).toThrow(
        'looking at a picture',
      );
  }
});
