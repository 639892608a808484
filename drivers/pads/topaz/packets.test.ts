import { describe, expect, it } from 'vitest';
import { decodePacket, PacketReader, type TopazPacket } from './packets.ts';

/** Worked by hand from "Coordinate Decoding": x 1000 = 07|68, y 800 = 06|20. */
const PEN_DOWN = [0xc1, 0x68, 0x07, 0x20, 0x06];

function read(chunks: readonly (readonly number[])[]): {
  readonly packets: readonly TopazPacket[];
  readonly broken: number;
  readonly reader: PacketReader;
} {
  const reader = new PacketReader();
  const packets: TopazPacket[] = [];
  let broken = 0;
  for (const chunk of chunks)
    reader.read(Uint8Array.from(chunk), { packet: (packet) => packets.push(packet), broken: () => (broken += 1) });
  return { packets, broken, reader };
}

describe('a packet', () => {
  it('of the pen has twelve bits of each coordinate', () => {
    expect(decodePacket(Uint8Array.from(PEN_DOWN))).toEqual({ kind: 'pen', x: 1000, y: 800, isNear: true, isDown: true });
    expect(decodePacket(Uint8Array.of(0xc0, 0x7f, 0x1f, 0x7e, 0x1f))).toEqual({
      kind: 'pen',
      x: 4095,
      y: 4094,
      isNear: true,
      isDown: false,
    });
  });

  it('of pressure has ten bits', () => {
    expect(decodePacket(Uint8Array.of(0xdd, 0, 0, 0x7f, 0x07))).toEqual({ kind: 'pressure', pressure: 1023 });
  });

  it('of the device has its model and serial number', () => {
    expect(decodePacket(Uint8Array.of(0x88, 0x2d, 0x00, 0x05, 0x01))).toEqual({
      kind: 'device',
      modelNumber: 11,
      serialNumber: 0x10085,
    });
  });

  it('of another type is told as such', () => {
    expect(decodePacket(Uint8Array.of(0x8c, 0, 0, 0, 0))).toEqual({ kind: 'other', type: 3 });
  });

  it.each([
    ['all ones', [0xc1, 0x7f, 0x1f, 0x7f, 0x1f]],
    ['too short', PEN_DOWN.slice(0, 4)],
    ['without sync', [0x41, 0x68, 0x07, 0x20, 0x06]],
    ['a sync in the midst', [0xc1, 0x68, 0x87, 0x20, 0x06]],
  ])('that is bad is none: %s', (_, bytes) => {
    expect(decodePacket(Uint8Array.from(bytes))).toBeUndefined();
  });
});

describe('a stream', () => {
  it('may come byte by byte', () => {
    expect(read([...PEN_DOWN, ...PEN_DOWN].map((byte) => [byte])).packets).toHaveLength(2);
  });

  it('that begins in the midst of a packet misses nothing that it could have had', () => {
    const { packets, broken, reader } = read([[0x07, 0x20, 0x06, ...PEN_DOWN]]);
    expect(packets).toHaveLength(1);
    expect(broken).toBe(0);
    expect(reader.counts).toEqual({ packets: 1, strayBytes: 3, badPackets: 0 });
  });

  it('tells of each packet that was broken off, and goes on with the next', () => {
    const { packets, broken } = read([[...PEN_DOWN.slice(0, 3), ...PEN_DOWN, 0xc1, ...PEN_DOWN]]);
    expect(packets).toHaveLength(2);
    expect(broken).toBe(2);
  });

  it('of anything at all gives only packets that could be, and holds no more than one', () => {
    let seed = 1;
    const bytes = Array.from({ length: 20_000 }, () => (seed = (seed * 48271) % 0x7fffffff) & 0xff);
    const { packets, reader } = read([bytes, [...PEN_DOWN.slice(0, 0)], PEN_DOWN]);
    for (const packet of packets) if (packet.kind === 'pen') expect(Math.max(packet.x, packet.y)).toBeLessThanOrEqual(0xfff);
    expect(packets.at(-1)).toEqual({ kind: 'pen', x: 1000, y: 800, isNear: true, isDown: true });
    const { strayBytes, packets: whole, badPackets } = reader.counts;
    expect(bytes.length + 5 - strayBytes - 5 * (whole + badPackets)).toBe(0);
  });
});
