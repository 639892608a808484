import { describe, expect, it } from 'vitest';
import { pcscPlatform } from './platform.ts';
import { decodeNames, decodeReaderStates, encodeName, encodeReaderStates } from './reader-state.ts';

const QUERIES = [
  { name: 'Reader A', currentState: 0 },
  { name: 'Läsare B', currentState: 0x0001_0022 },
];

describe('encodeReaderStates', () => {
  it.each([
    ['linux', 80, 16],
    ['darwin', 61, 16],
    ['win32', 64, 16],
  ])('puts name pointers and states where %s wants them', (system, size, stateOffset) => {
    const platform = pcscPlatform(system, 8);
    const { bytes, names } = encodeReaderStates(platform, QUERIES, (name) => BigInt(name.length));
    const view = new DataView(bytes.buffer);
    expect(bytes.length).toBe(2 * size);
    expect(view.getBigUint64(size, true)).toBe(BigInt(names[1]?.length ?? 0));
    expect(view.getUint32(size + stateOffset, true)).toBe(0x0001_0022);
  });
});

describe('decodeReaderStates', () => {
  it('reads event states and ATRs back', () => {
    const platform = pcscPlatform('linux', 8);
    const bytes = new Uint8Array(160);
    const view = new DataView(bytes.buffer);
    view.setUint32(80 + 24, 0x8002_0022, true);
    view.setUint32(80 + 32, 2, true);
    bytes.set([0x3b, 0x00], 80 + 40);
    expect(decodeReaderStates(platform, QUERIES, bytes)[1]).toEqual({
      name: 'Läsare B',
      eventState: 0x8002_0022,
      atr: Uint8Array.of(0x3b, 0x00),
    });
  });

  it('never reads an ATR beyond its field', () => {
    const bytes = new Uint8Array(80);
    new DataView(bytes.buffer).setUint32(32, 0xffff_ffff, true);
    const [event] = decodeReaderStates(pcscPlatform('linux', 8), [{ name: 'Reader A', currentState: 0 }], bytes);
    expect(event?.atr.length).toBe(33);
  });
});

describe('decodeNames', () => {
  const linux = pcscPlatform('linux', 8);

  it('splits a multi-string', () => {
    expect(decodeNames(linux, Buffer.from('Reader A 00 00\0Läsare B 00 00\0\0'))).toEqual(['Reader A 00 00', 'Läsare B 00 00']);
  });

  it('takes an empty list, and one without its last zero byte', () => {
    expect(decodeNames(linux, Uint8Array.of(0))).toEqual([]);
    expect(decodeNames(linux, new Uint8Array())).toEqual([]);
    expect(decodeNames(linux, Buffer.from('Reader A'))).toEqual(['Reader A']);
  });

  it('gives the bytes of an ANSI name back as they came', () => {
    const windows = pcscPlatform('win32', 8);
    const name = Uint8Array.of(0x4c, 0xe4, 0x80, 0xff, 0);
    expect(encodeName(windows, decodeNames(windows, name)[0] ?? '')).toEqual(Buffer.from(name));
  });
});
