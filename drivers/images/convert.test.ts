import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { portraitImage } from '../simulated/cards/emrtd/portraits.ts';
import { MAX_IMAGE_BYTES, decodeImage, encodeJpeg, encodePng } from './convert.ts';
import { describeImage } from './describe.ts';
import type { ImageError, Raster } from './image.ts';

const options = { signal: new AbortController().signal };
const jpeg = portraitImage('JPEG', 0);
const jpeg2000 = portraitImage('JPEG 2000', 0);

/** Red grows to the right, green downwards. */
function gradient(channels: Raster['channels'], width = 64, height = 48): Raster {
  const data = new Uint8Array(width * height * channels);
  for (let index = 0; index < width * height; index++) {
    const pixel = [4 * (index % width), 5 * Math.floor(index / width), 128, 200];
    data.set(pixel.slice(0, channels), index * channels);
  }
  return { width, height, channels, data };
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(content.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** As its header says, whatever lies inside. */
function png(header: { width: number; height: number; depth: number; colour: number }, compressed: Uint8Array): Uint8Array {
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(header.width, 0);
  ihdr.writeUInt32BE(header.height, 4);
  ihdr.set([header.depth, header.colour], 8);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return Buffer.concat([signature, chunk('IHDR', ihdr), chunk('IDAT', compressed), chunk('IEND', new Uint8Array())]);
}

const problemOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error as ImageError).problem,
  );

describe('what a file says of itself', () => {
  it('is read of each kind, whatever it is called', async () => {
    expect(describeImage(jpeg.bytes)).toEqual({
      format: 'jpeg',
      mediaType: 'image/jpeg',
      width: jpeg.width,
      height: jpeg.height,
    });
    expect(describeImage(jpeg2000.bytes)).toMatchObject({ format: 'jpeg2000', width: jpeg.width, height: jpeg.height });
    const encoded = await encodePng(gradient(3), options);
    expect(describeImage(encoded)).toEqual({ format: 'png', mediaType: 'image/png', width: 64, height: 48 });
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['a page', Buffer.from('<!doctype html>')],
    ['a GIF', Buffer.from('GIF89a\x01\x00\x01\x00')],
  ])('is no picture: %s', (_what, bytes) => {
    expect(() => describeImage(bytes)).toThrow(expect.objectContaining({ problem: 'unsupported' }));
  });

  it('is not there in the head of a picture alone', () => {
    expect(() => describeImage(jpeg.bytes.subarray(0, 20))).toThrow(expect.objectContaining({ problem: 'damaged' }));
  });
});

describe('pixels', () => {
  it.each([1, 3, 4] as const)('of %i channels come back from a PNG as they were', async (channels) => {
    const raster = gradient(channels);
    expect(await decodeImage(await encodePng(raster, options), options)).toEqual(raster);
  });

  it('come back from a JPEG nearly as they were', async () => {
    const raster = gradient(3);
    const back = await decodeImage(await encodeJpeg(raster, { ...options, quality: 100 }), options);
    expect([back.width, back.height, back.channels]).toEqual([64, 48, 3]);
    const worst = Math.max(...raster.data.map((sample, index) => Math.abs(sample - (back.data[index] ?? 0))));
    expect(worst).toBeLessThan(24); // colours are coded at half the resolution
  });

  it('of the same face in JPEG and JPEG 2000 are the same face', async () => {
    const [one, other] = await Promise.all([decodeImage(jpeg.bytes, options), decodeImage(jpeg2000.bytes, options)]);
    expect([other.width, other.height, other.channels]).toEqual([one.width, one.height, one.channels]);
    const difference = one.data.reduce((sum, sample, index) => sum + Math.abs(sample - (other.data[index] ?? 0)), 0);
    expect(difference / one.data.length).toBeLessThan(8);
  });

  it('of finer and coarser PNGs are bytes', async () => {
    const deep = png({ width: 2, height: 1, depth: 16, colour: 0 }, deflateSync(Uint8Array.of(0, 0xff, 0xff, 0x12, 0x34)));
    expect([...(await decodeImage(deep, options)).data]).toEqual([0xff, 0x12]);
    const black = png({ width: 8, height: 1, depth: 1, colour: 0 }, deflateSync(Uint8Array.of(0, 0b1010_0000)));
    expect([...(await decodeImage(black, options)).data]).toEqual([255, 0, 255, 0, 0, 0, 0, 0]);
  });
});

describe('a picture that is not as it should be', () => {
  it.each([
    ['JPEG', jpeg.bytes],
    ['JPEG 2000', jpeg2000.bytes],
  ])('is damaged when it is cut off: %s', async (_kind, bytes) => {
    // A JPEG that lacks its end is shown grey from there; half of the head is none at all.
    expect(await problemOf(decodeImage(bytes.subarray(0, 300), options))).toBe('damaged');
  });

  it('is damaged when its pixels are fewer than it says', async () => {
    const short = png({ width: 100, height: 100, depth: 8, colour: 2 }, deflateSync(new Uint8Array(50)));
    expect(await problemOf(decodeImage(short, options))).toBe('damaged');
  });

  it('is refused before it is decoded when it has too many pixels, or bytes', async () => {
    const bomb = png({ width: 50_000, height: 50_000, depth: 8, colour: 2 }, deflateSync(new Uint8Array(10)));
    expect(await problemOf(decodeImage(bomb, options))).toBe('excessive');
    expect(await problemOf(decodeImage(jpeg.bytes, { ...options, maxPixels: 100 }))).toBe('excessive');
    expect(await problemOf(decodeImage(new Uint8Array(MAX_IMAGE_BYTES + 1), options))).toBe('excessive');
  });

  it('takes little memory when it inflates to far more than it says', async () => {
    const before = process.memoryUsage().rss;
    const bomb = png({ width: 10, height: 10, depth: 8, colour: 2 }, deflateSync(new Uint8Array(300_000_000)));
    expect(await problemOf(decodeImage(bomb, options))).toBe('damaged');
    expect(process.memoryUsage().rss - before).toBeLessThan(450_000_000); // the 300 MB that were deflated here among them
  });
});

describe('work on pictures', () => {
  it('is given up by its signal, also while it waits', async () => {
    const controller = new AbortController();
    const first = decodeImage(jpeg.bytes, options);
    const second = decodeImage(jpeg.bytes, { signal: controller.signal });
    controller.abort(new Error('not wanted any more'));
    await expect(second).rejects.toThrow('not wanted any more');
    expect((await first).width).toBe(jpeg.width);
  });
});
