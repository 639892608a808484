/**
 * Decoding and encoding, by libjpeg-turbo and OpenJPEG as WebAssembly, and fast-png. For the thread of worker.ts alone: what is decoded is not trusted, and takes as
 * long as it takes. The size that a decoder finds is checked again: a file has several places that say it.
 */
import { createRequire } from 'node:module';
import { inflateSync } from 'node:zlib';
import { convertIndexedToRgb, decode as decodePngFile, encode as encodePngFile, type DecodedPng } from 'fast-png';
import { describeImage } from './describe.ts';
import { ImageError, type Raster } from './image.ts';
import { PNG_CHUNK, PNG_SIGNATURE } from './whole.ts';

const BYTES_PER_PIXEL = 8;
/** Passes of interlaced pictures (W3C PNG, section 8.2) round rows up, and each row has a byte for its filter. */
const PNG_SLACK_BYTES = 65_536;
/** "IDAT" (W3C PNG, section 11.2.3). */
const IDAT = 0x49_44_41_54;
/** Start of a codestream, and of its SIZ segment; where that ends, and where it has the number of components. */
const SIZ = Uint8Array.of(0xff, 0x4f, 0xff, 0x51);
const SIZ_BYTES = 42;
const CSIZ_AT = 40;
const BITS_OF_CHANNEL = 8;
const GREY_AND_ALPHA = 2;
const WHOLE_CHANNEL = 255;
const DEEP_CHANNEL = 16;

/** Throws ImageError. */
export async function decode(bytes: Uint8Array, maxPixels: number): Promise<Raster> {
  const { format, width, height } = describeImage(bytes);
  checkSize(width, height, maxPixels);
  if (format === 'png') return decodePng(bytes, width, height);
  if (format === 'jpeg2000') checkCodestreams(bytes, { width, height });
  const decoder = format === 'jpeg' ? await jpegDecoder() : await jpeg2000Decoder();
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const frame = decoder.getFrameInfo();
    if (frame.width !== width || frame.height !== height)
      throw new Error(`it has ${frame.width} by ${frame.height} pixels all at once`);
    return rasterOf(frame, decoder.getDecodedBuffer());
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError('damaged', `decoding a ${format} picture: ${String(error)}`, { cause: error });
  } finally {
    decoder.delete();
  }
}

export function encodePng({ width, height, channels, data }: Raster): Uint8Array {
  return encodePngFile({ width, height, channels, data, depth: BITS_OF_CHANNEL });
}

/** `quality` from 1 to 100. Grey or RGB: what is transparent is no photograph. */
export async function encodeJpeg({ width, height, channels, data }: Raster, quality: number): Promise<Uint8Array> {
  if (channels === 4) throw new ImageError('unsupported', 'encoding a JPEG: a picture with transparency');
  const { JPEGEncoder } = await (requireHere('@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs') as Factory<JpegModule>)(
    silently(),
  );
  const encoder = new JPEGEncoder();
  try {
    encoder
      .getDecodedBuffer({ width, height, componentCount: channels, bitsPerSample: BITS_OF_CHANNEL, isSigned: false })
      .set(data);
    encoder.setQuality(quality);
    encoder.encode();
    return encoder.getEncodedBuffer().slice();
  } finally {
    encoder.delete();
  }
}

function checkSize(width: number, height: number, maxPixels: number): void {
  if (width * height > maxPixels) {
    throw new ImageError('excessive', `decoding a picture: it has ${width} by ${height} pixels, and may have ${maxPixels}`);
  }
}

/** A file in JPEG 2000 says its size in its header and in its codestream (SIZ marker: ISO/IEC 15444-1, section A.5.1), and the decoder makes room for the latter. */
function checkCodestreams(bytes: Uint8Array, { width, height }: { readonly width: number; readonly height: number }): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = file.indexOf(SIZ); at >= 0; at = file.indexOf(SIZ, at + SIZ.length)) {
    if (at + SIZ_BYTES > file.length)
      throw new ImageError('damaged', 'decoding a jpeg2000 picture: its codestream ends in its head');
    const [right, lower, left, upper] = [8, 12, 16, 20].map((offset) => file.readUInt32BE(at + offset));
    if (Number(right) - Number(left) !== width || Number(lower) - Number(upper) !== height) {
      throw new ImageError('damaged', 'decoding a jpeg2000 picture: its header and its codestream tell two sizes');
    }
    if (file.readUInt16BE(at + CSIZ_AT) > 4)
      throw new ImageError('unsupported', 'decoding a jpeg2000 picture: more than four channels');
  }
}

/** Samples of 8 bits, and as many as they should be. */
function rasterOf({ width, height, componentCount, bitsPerSample }: Frame, samples: Uint8Array): Raster {
  if (componentCount !== 1 && componentCount !== 3 && componentCount !== 4) {
    throw new ImageError('unsupported', `decoding a picture: it has ${componentCount} channels`);
  }
  if (bitsPerSample !== BITS_OF_CHANNEL)
    throw new ImageError('unsupported', `decoding a picture: ${bitsPerSample} bits per channel`);
  if (samples.length !== width * height * componentCount)
    throw new ImageError('damaged', 'decoding a picture: some of it is missing');
  return { width, height, channels: componentCount, data: new Uint8Array(samples) };
}

function decodePng(bytes: Uint8Array, width: number, height: number): Raster {
  try {
    checkLength(bytes, 2 * width * height * BYTES_PER_PIXEL + PNG_SLACK_BYTES);
    const png = decodePngFile(bytes, { checkCrc: true });
    const { channels, data } = png.palette ? fromPalette(png) : { ...png, data: unpack(png) };
    return eightBits(png, channels, data);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError('damaged', `decoding a PNG picture: ${String(error)}`, { cause: error });
  }
}

/** Inflated once with a bound: the library has none. Throws what zlib says. */
function checkLength(bytes: Uint8Array, maxOutputLength: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: Uint8Array[] = [];
  for (let at = PNG_SIGNATURE; at + PNG_CHUNK <= bytes.length; at += PNG_CHUNK + view.getUint32(at)) {
    if (view.getUint32(at + 4) === IDAT) pieces.push(bytes.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  inflateSync(Buffer.concat(pieces), { maxOutputLength });
}

function fromPalette(png: DecodedPng): { readonly channels: number; readonly data: Uint8Array } {
  return { channels: png.palette?.[0]?.length ?? 3, data: convertIndexedToRgb(png) };
}

/** Several grey pixels lie in a byte, the first in its highest bits; each row begins anew (W3C PNG, section 7.2). */
function unpack({ width, height, depth, data }: DecodedPng): DecodedPng['data'] {
  if (depth >= BITS_OF_CHANNEL) return data;
  const perByte = BITS_OF_CHANNEL / depth;
  const rowBytes = Math.ceil(width / perByte);
  return Uint8Array.from({ length: width * height }, (_, index) => {
    const column = index % width;
    const byte = data[Math.floor(index / width) * rowBytes + Math.floor(column / perByte)] ?? 0;
    return (byte >> (BITS_OF_CHANNEL - depth * ((column % perByte) + 1))) & (2 ** depth - 1);
  });
}

/** Grey with transparency becomes RGBA; finer and coarser samples become bytes. */
function eightBits({ width, height, depth, palette }: DecodedPng, channels: number, samples: ArrayLike<number>): Raster {
  const scale = (sample: number): number => {
    if (palette || depth === BITS_OF_CHANNEL) return sample;
    return depth === DEEP_CHANNEL ? sample >> BITS_OF_CHANNEL : Math.round((sample * WHOLE_CHANNEL) / (2 ** depth - 1));
  };
  if (samples.length !== width * height * channels)
    throw new ImageError('damaged', 'decoding a PNG picture: some of it is missing');
  if (channels !== GREY_AND_ALPHA) {
    return { width, height, channels: channels as Raster['channels'], data: Uint8Array.from(samples, scale) };
  }
  const data = new Uint8Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const grey = scale(samples[2 * pixel] ?? 0);
    data.set([grey, grey, grey, scale(samples[2 * pixel + 1] ?? 0)], 4 * pixel);
  }
  return { width, height, channels: 4, data };
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly componentCount: number;
  readonly bitsPerSample: number;
  readonly isSigned: boolean;
}

/** The same in both libraries; written down here, since neither has types. `delete` gives its memory back. */
interface Decoder {
  getEncodedBuffer(length: number): Uint8Array;
  getFrameInfo(): Frame;
  decode(): void;
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}

interface Encoder {
  getDecodedBuffer(frame: Frame): Uint8Array;
  setQuality(quality: number): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

interface JpegModule {
  readonly JPEGDecoder: new () => Decoder;
  readonly JPEGEncoder: new () => Encoder;
}

interface Jpeg2000Module {
  readonly J2KDecoder: new () => Decoder;
}

/** They write to standard output what nobody reads. Each module keeps its state in what it is given. */
const silently = () => ({ print: () => undefined, printErr: () => undefined });

type Factory<Module> = (options: ReturnType<typeof silently>) => Promise<Module>;

const requireHere = createRequire(import.meta.url);

async function jpegDecoder(): Promise<Decoder> {
  const { JPEGDecoder } = await (requireHere('@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs') as Factory<JpegModule>)(
    silently(),
  );
  return new JPEGDecoder();
}

async function jpeg2000Decoder(): Promise<Decoder> {
  const { J2KDecoder } = await (requireHere('@cornerstonejs/codec-openjpeg/decodewasmjs') as Factory<Jpeg2000Module>)(silently());
  return new J2KDecoder();
}
