import { describe, expect, it } from 'vitest';
import type { PenSample } from '../driver.ts';
import { decodeScaling, decodeSignature, encodeScaling, encodeSignature, SignatureRecordError } from './iso19794-7.ts';
import { inkPicture } from './picture.ts';
import { boxOf, strokesOf } from './strokes.ts';
import { inkSvg } from './svg.ts';

const sample = (sequence: number, xMm: number, yMm: number, more: Partial<PenSample> = {}): PenSample => ({
  ...{ sequence, xMm, yMm, timeMs: 5 * sequence, pressure: 0.5, isDown: true },
  ...more,
});
/** A line to the right, the pen up, a line down. */
const CROSS = [
  ...Array.from({ length: 21 }, (_, index) => sample(index, 10 + index, 20)),
  sample(21, 30, 20, { isDown: false, pressure: 0 }),
  ...Array.from({ length: 21 }, (_, index) => sample(22 + index, 20, 10 + index)),
];

describe('strokes', () => {
  it('end where the pen goes up', () => {
    expect(strokesOf(CROSS).map((stroke) => stroke.length)).toEqual([21, 21]);
    expect(boxOf(strokesOf(CROSS))).toEqual({ left: 9, top: 9, width: 22, height: 22 });
  });

  it('of no ink are a picture of nothing', () => {
    expect(inkPicture([], { dpi: 300, ground: 'white' })).toMatchObject({ width: 1, height: 1, data: Uint8Array.of(255) });
    expect(inkSvg([])).toContain('viewBox="0 0 0 0"');
  });
});

describe('a picture of ink', () => {
  it('has the ink where the pen was, and nothing elsewhere', () => {
    const { width, height, data } = inkPicture(strokesOf(CROSS), { dpi: 254, ground: 'white' });
    expect([width, height]).toEqual([220, 220]);
    const grey = (xMm: number, yMm: number): number | undefined =>
      data[Math.round((yMm - 9) * 10) * width + Math.round((xMm - 9) * 10)];
    for (const [x, y] of [
      [15, 20],
      [25, 20],
      [20, 15],
      [20, 25],
      [20, 20],
    ] as const)
      expect(grey(x, y)).toBe(0);
    for (const [x, y] of [
      [15, 15],
      [25, 25],
      [15, 21],
      [9.2, 9.2],
    ] as const)
      expect(grey(x, y)).toBe(255);
  });

  it('is wider where the pen was pressed', () => {
    const dark = (pressure: number): number =>
      inkPicture(strokesOf(CROSS.map((one) => ({ ...one, pressure }))), { dpi: 300, ground: 'white' }).data.filter(
        (grey) => grey < 128,
      ).length;
    expect(dark(1)).toBeGreaterThan(1.8 * dark(0.1));
  });

  it('can be on nothing: then only the ink covers', () => {
    const { channels, data } = inkPicture(strokesOf(CROSS), { dpi: 100, ground: 'transparent' });
    expect(channels).toBe(4);
    expect(data.some((byte, index) => index % 4 === 3 && byte === 255)).toBe(true);
    expect(data.some((byte, index) => index % 4 !== 3 && byte !== 0)).toBe(false);
  });

  it('as SVG has the size in millimetres, a path for each stroke, and no time', () => {
    const svg = inkSvg(strokesOf(CROSS));
    expect(svg).toContain('width="22mm" height="22mm" viewBox="9 9 22 22"');
    expect(svg.match(/<path /g)).toHaveLength(2);
    expect(svg).toContain('M10 20C');
  });
});

describe('ISO/IEC 19794-7', () => {
  const record = { time: new Date('2026-03-02T08:15:00.123Z'), pressureLevels: 1_024, heightMm: 60, points: CROSS };

  it('begins with its header, and says its lengths', () => {
    const bytes = Buffer.from(encodeSignature(record));
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('SDI\0' + '020\0');
    expect(bytes.readUInt32BE(8)).toBe(bytes.length);
    expect(bytes.readUInt16BE(12)).toBe(1);
    expect(bytes.readUInt32BE(15)).toBe(bytes.length - 15);
    expect(bytes.subarray(19, 28).toString('hex')).toBe('07ea0302080f00007b');
    expect(bytes.readUInt16BE(34)).toBe(0xc160);
  });

  it('gives back what went in, to a hundredth of a millimetre', () => {
    const decoded = decodeSignature(encodeSignature(record), { heightMm: 60 });
    expect(decoded).toMatchObject({ time: record.time, pressureLevels: 1_024 });
    expect(decoded.points).toHaveLength(CROSS.length);
    for (const [index, point] of decoded.points.entries()) {
      const given = CROSS[index];
      expect(point.xMm).toBeCloseTo(given?.xMm ?? NaN, 2);
      expect(point.yMm).toBeCloseTo(given?.yMm ?? NaN, 2);
      expect(point.timeMs).toBeCloseTo(given?.timeMs ?? NaN, 1);
      expect(point.pressure).toBeCloseTo(given?.pressure ?? NaN, 3);
      expect(point.isDown).toBe(given?.isDown);
    }
  });

  it('of a pad without pressure has no such channel', () => {
    const bytes = encodeSignature({ ...record, pressureLevels: 0 });
    const { pressureLevels, points } = decodeSignature(bytes, { heightMm: 60 });
    expect(pressureLevels).toBe(0);
    expect(points.map(({ pressure }) => pressure)).toEqual(CROSS.map(({ isDown }) => Number(isDown)));
  });

  it('counts in coarser ticks what lasts more than a minute, and refuses two hours', () => {
    const last = (timeMs: number) => encodeSignature({ ...record, points: [sample(0, 1, 1), sample(1, 1, 1, { timeMs })] });
    expect(decodeSignature(last(120_000), { heightMm: 60 }).points[1]?.timeMs).toBeCloseTo(120_000, -1);
    expect(() => last(7_200_000)).toThrow(RangeError);
  });

  it('has scaling values as the worked examples have them', () => {
    expect(encodeScaling(1)).toBe(0x8000);
    expect(encodeScaling(100)).toBe(0xb480);
    for (const value of [1, 10, 100, 1_000]) expect(decodeScaling(encodeScaling(value))).toBe(value);
  });

  it('that is cut, or says more than it has, is refused', () => {
    const bytes = encodeSignature(record);
    for (const length of [0, 7, 14, 30, 60, bytes.length - 1])
      expect(() => decodeSignature(bytes.subarray(0, length), { heightMm: 60 })).toThrow(SignatureRecordError);
    const greedy = Buffer.from(bytes);
    greedy.writeUInt16BE(0xffff, 49);
    expect(() => decodeSignature(greedy, { heightMm: 60 })).toThrow(SignatureRecordError);
  });
});
