/**
 * Signature time series as ISO/IEC 19794-7 interchanges them (the layout of 2014), full format, big endian. The standard itself was not at hand: the layout is that of
 * open implementations. Unconfirmed: nine bytes FF for an unknown time, one byte for S, y upwards from the lower edge, and what the maximum of a channel means.
 */
import type { PenSample } from '../driver.ts';

/** "SDI", NUL, "020", NUL. */
const FORMAT = Uint8Array.of(0x53, 0x44, 0x49, 0, 0x30, 0x32, 0x30, 0);
const HEADER_BYTES = 15;
const UNKNOWN_TIME = 0xff;
const ELECTROMAGNETIC = 1;
/** Channel inclusion, bits 15 to 0: X Y Z VX VY AX AY T DT F S TX TY Az El R. */
const CHANNEL = { x: 0x8000, y: 0x4000, t: 0x0100, f: 0x0040, s: 0x0020 } as const;
const INCLUDED = [CHANNEL.x, CHANNEL.y, CHANNEL.t, CHANNEL.f, CHANNEL.s] as const;
/** Preamble of a channel's description: which attributes follow, two bytes each. */
const SCALING = 0x80;
const MAXIMUM = 0x20;
const ATTRIBUTES = [0x80, 0x40, 0x20, 0x10, 0x08] as const;
const SIGNED_OFFSET = 32_768;
const UNITS_PER_MM = 100;
/** Ticks a second; a coarser one where sixteen bits would end. */
const TIME_SCALES = [1_000, 100, 10] as const;
const MAX_TICKS = 65_535;
const MAX_POINTS = 0xff_ffff;

export interface SignatureRecord {
  /** When it was written; unknown where absent. */
  readonly time?: Date;
  readonly pressureLevels: number;
  /** Of the pad: y is told from its lower edge. */
  readonly heightMm: number;
  readonly points: readonly SignaturePoint[];
}

/** y downwards from the upper edge, as the pad has it. */
export type SignaturePoint = Pick<PenSample, 'xMm' | 'yMm' | 'timeMs' | 'pressure' | 'isDown'>;

/** Throws RangeError for what the format cannot hold. */
export function encodeSignature(record: SignatureRecord): Uint8Array {
  const { points, pressureLevels } = record;
  if (points.length > MAX_POINTS) throw new RangeError(`encoding a signature: ${points.length} points are too many`);
  const duration = points.at(-1)?.timeMs ?? 0;
  const ticks = TIME_SCALES.find((scale) => (duration * scale) / 1_000 <= MAX_TICKS);
  if (ticks === undefined) throw new RangeError(`encoding a signature: ${Math.round(duration)} ms are too long`);
  const hasPressure = pressureLevels > 1;
  const inclusion = CHANNEL.x | CHANNEL.y | CHANNEL.t | CHANNEL.s | (hasPressure ? CHANNEL.f : 0);
  const writer = new Writer();
  writer.bytes(timeBytes(record.time));
  writer.u8(ELECTROMAGNETIC).u16(0).u16(0).u8(0).u16(inclusion);
  for (const scale of [UNITS_PER_MM, UNITS_PER_MM, ticks]) writer.u8(SCALING).u16(encodeScaling(scale));
  if (hasPressure) writer.u8(MAXIMUM).u16(pressureLevels - 1);
  writer.u8(0).u24(points.length);
  for (const point of points) {
    writer.i16(point.xMm * UNITS_PER_MM).i16((record.heightMm - point.yMm) * UNITS_PER_MM);
    writer.u16(Math.round((point.timeMs * ticks) / 1_000));
    if (hasPressure) writer.u16(Math.round(point.pressure * (pressureLevels - 1)));
    writer.u8(point.isDown ? 1 : 0);
  }
  writer.u16(0);
  const body = writer.done();
  const length = body.length + 4;
  return Buffer.concat([
    FORMAT,
    new Writer()
      .u32(HEADER_BYTES + length)
      .u16(1)
      .u8(0)
      .u32(length)
      .done(),
    body,
  ]);
}

export class SignatureRecordError extends Error {
  override readonly name = 'SignatureRecordError';
}

/** The first representation of a record. Throws SignatureRecordError for one that is not whole, or has channels that are not read here. */
export function decodeSignature(bytes: Uint8Array, { heightMm }: { readonly heightMm: number }): SignatureRecord {
  const reader = new Reader(bytes);
  if (!FORMAT.every((byte) => byte === reader.u8()))
    throw new SignatureRecordError('reading a signature: it is no record of 2014');
  const length = reader.u32();
  if (length !== bytes.length || reader.u16() < 1) throw new SignatureRecordError('reading a signature: its length is wrong');
  reader.u8();
  if (reader.u32() > bytes.length - HEADER_BYTES) throw new SignatureRecordError('reading a signature: its length is wrong');
  const time = timeOf(Array.from({ length: 9 }, () => reader.u8()));
  reader.u8();
  reader.u16();
  reader.u16();
  for (let blocks = reader.u8(); blocks > 0; blocks--) for (let byte = 0; byte < 5; byte++) reader.u8();
  const channels = readChannels(reader);
  const scaleOf = (channel: number): number => channels.get(channel)?.scaling ?? 1;
  const maximum = channels.get(CHANNEL.f)?.maximum ?? 0;
  const points = Array.from({ length: reader.bounded(reader.u24()) }, (): SignaturePoint => {
    const x = (reader.u16() - SIGNED_OFFSET) / scaleOf(CHANNEL.x);
    const y = (reader.u16() - SIGNED_OFFSET) / scaleOf(CHANNEL.y);
    const timeMs = (reader.u16() * 1_000) / scaleOf(CHANNEL.t);
    const force = channels.has(CHANNEL.f) ? reader.u16() : undefined;
    const isDown = channels.has(CHANNEL.s) ? reader.u8() === 1 : (force ?? 1) > 0;
    const pressure = force === undefined || maximum === 0 ? Number(isDown) : force / maximum;
    return { xMm: x, yMm: heightMm - y, timeMs, pressure, isDown };
  });
  return { ...(time ? { time } : {}), pressureLevels: maximum === 0 ? 0 : maximum + 1, heightMm, points };
}

interface Channel {
  readonly scaling?: number;
  readonly maximum?: number;
}

function readChannels(reader: Reader): ReadonlyMap<number, Channel> {
  const inclusion = reader.u16();
  const known = INCLUDED.reduce((sum, bit) => sum | bit, 0);
  if ((inclusion & ~known) !== 0 || (inclusion & (CHANNEL.x | CHANNEL.y | CHANNEL.t)) !== (CHANNEL.x | CHANNEL.y | CHANNEL.t))
    throw new SignatureRecordError(`reading a signature: channels ${inclusion.toString(16)} are not read here`);
  const channels = new Map<number, Channel>();
  for (const bit of INCLUDED.filter((one) => (inclusion & one) !== 0)) {
    const preamble = reader.u8();
    const [scaling, , maximum] = ATTRIBUTES.map((attribute) => ((preamble & attribute) === 0 ? undefined : reader.u16()));
    channels.set(bit, {
      ...(scaling === undefined ? {} : { scaling: decodeScaling(scaling) }),
      ...(maximum === undefined ? {} : { maximum }),
    });
  }
  return channels;
}

/** (1 + F / 2048) × 2^(E − 16): five bits E, eleven bits F. */
export function encodeScaling(value: number): number {
  const exponent = Math.floor(Math.log2(value));
  const fraction = Math.round((value / 2 ** exponent - 1) * 2_048);
  return ((exponent + 16) << 11) | fraction;
}

export function decodeScaling(code: number): number {
  return (1 + (code & 0x7ff) / 2_048) * 2 ** ((code >> 11) - 16);
}

function timeBytes(time: Date | undefined): Uint8Array {
  if (!time) return new Uint8Array(9).fill(UNKNOWN_TIME);
  const writer = new Writer().u16(time.getUTCFullYear());
  for (const part of [time.getUTCMonth() + 1, time.getUTCDate(), time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()])
    writer.u8(part);
  return writer.u16(time.getUTCMilliseconds()).done();
}

function timeOf(bytes: readonly number[]): Date | undefined {
  if (bytes.every((byte) => byte === UNKNOWN_TIME)) return undefined;
  const [century = 0, year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, high = 0, low = 0] = bytes;
  return new Date(Date.UTC(century * 256 + year, month - 1, day, hour, minute, second, high * 256 + low));
}

class Writer {
  readonly #parts: number[] = [];

  bytes(bytes: Uint8Array): this {
    for (const byte of bytes) this.#parts.push(byte);
    return this;
  }

  u8(value: number): this {
    this.#parts.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    if (value < 0 || value > 0xffff) throw new RangeError(`encoding a signature: ${value} has no place in sixteen bits`);
    return this.u8(value >> 8).u8(value);
  }

  /** Signed channels are stored with an offset. */
  i16(value: number): this {
    return this.u16(Math.round(value) + SIGNED_OFFSET);
  }

  u24(value: number): this {
    return this.u8(value >> 16).u16(value & 0xffff);
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value & 0xffff);
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new SignatureRecordError('reading a signature: it ends too early');
    return byte;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u24(): number {
    return this.u8() * 0x1_0000 + this.u16();
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** No more points than there are bytes left. */
  bounded(count: number): number {
    if (count > this.#bytes.length - this.#at)
      throw new SignatureRecordError('reading a signature: it has fewer points than it says');
    return count;
  }
}
