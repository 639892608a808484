import { describe, expect, it } from 'vitest';
import { crc16, encodeFrame, FrameReader } from './serial-frames.ts';

function bytes(hexadecimal: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hexadecimal.replaceAll(' ', ''), 'hex'));
}

function read(...chunks: readonly Uint8Array[]): { readonly reports: readonly string[]; readonly broken: number } {
  const reports: string[] = [];
  let broken = 0;
  const reader = new FrameReader({
    report: (report) => reports.push(Buffer.from(report).toString('hex')),
    broken: () => (broken += 1),
  });
  for (const chunk of chunks) reader.read(chunk);
  return { reports, broken };
}

/** Computed from the rule by another program. */
const FRAMES: readonly (readonly [string, string])[] = [
  ['8008', 'c0 05 40 02 0c 00 30'],
  ['2000', 'c0 05 10 00 03 1c 00'],
  ['8103', 'c0 05 40 40 64 05 08'],
  ['01920013880bb8', 'c0 0b 00 64 40 01 1c 20 17 38 47 67 40'],
];

it('the CRC has the check value of CRC-16/ARC', () => {
  expect(crc16(new TextEncoder().encode('123456789'))).toBe(0xbb3d);
});

describe('a frame', () => {
  it.each(FRAMES)('of the report %s is %s', (report, frame) => {
    expect(Buffer.from(encodeFrame(bytes(report))).toString('hex')).toBe(frame.replaceAll(' ', ''));
    expect(read(bytes(frame))).toEqual({ reports: [report], broken: 0 });
  });

  it('of any length comes back as it was', () => {
    for (let length = 1; length <= 512; length += 7) {
      const report = Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 0xff);
      expect(read(encodeFrame(report)).reports).toEqual([Buffer.from(report).toString('hex')]);
    }
  });

  it('without a CRC is taken as it is', () => {
    expect(read(bytes('80 03 10 00 00'))).toEqual({ reports: ['2000'], broken: 0 });
  });
});

describe('a stream of frames', () => {
  const [[report, frame]] = FRAMES as [(typeof FRAMES)[0]];

  it('may begin in the midst of one, and come byte by byte', () => {
    const stream = [...bytes(frame).subarray(3), ...bytes(frame), ...bytes(frame)];
    expect(read(...stream.map((byte) => Uint8Array.of(byte)))).toEqual({ reports: [report, report], broken: 0 });
  });

  it.each([
    ['was broken off', 'c0 05 40 02'],
    ['has a wrong CRC', 'c0 05 40 02 0d 00 30'],
    ['has no content', 'c0 00'],
    ['is longer than any report', 'ff 7f'],
    ['is shorter than its CRC', 'c0 02 40 02'],
  ])('goes on after one that %s', (_, bad) => {
    expect(read(bytes(bad), bytes(frame))).toEqual({ reports: [report], broken: 1 });
  });

  it('of anything at all gives no report that its CRC does not prove, and what follows is found', () => {
    let seed = 7;
    const noise = Uint8Array.from({ length: 50_000 }, () => (seed = (seed * 48271) % 0x7fffffff) & 0xff).map((byte) =>
      (byte & 0xc0) === 0x80 ? byte | 0x40 : byte,
    );
    expect(read(noise, bytes(frame)).reports.at(-1)).toBe(report);
    expect(read(noise, bytes(frame)).reports.length).toBeLessThan(4);
  });
});
