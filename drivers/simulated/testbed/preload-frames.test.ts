import { describe, expect, it } from 'vitest';
import {
  FRAME_BYTES,
  MAX_MEMORY_BYTES,
  PreloadProtocolError,
  decodeCall,
  decodeResult,
  encodeDone,
  encodePeek,
  encodePoke,
  encodeRun,
} from './preload-frames.ts';

/** Three numbers of eight bytes, as a C program on this machine lays out struct ioctl_request. */
function frame(...numbers: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(numbers, (number) => BigInt.asUintN(64, number)).buffer);
}

describe('messages of libumockdev-preload', () => {
  it('are calls of the program', () => {
    expect(decodeCall(frame(1n, 0xc011_4807n, 0x7fff_0000_1234n))).toEqual({
      operation: 'ioctl',
      request: 0xc011_4807,
      argument: 0x7fff_0000_1234n,
    });
    expect(decodeCall(frame(7n, 0x1000n, 64n))).toEqual({ operation: 'read', pointer: 0x1000n, lengthBytes: 64 });
    expect(decodeCall(frame(8n, 0x1000n, 3n))).toEqual({ operation: 'write', pointer: 0x1000n, lengthBytes: 3 });
  });

  it('have a request of 32 bits, whatever the upper half of the number says', () => {
    expect(decodeCall(frame(1n, 0xffff_ffff_c011_4807n, 0n))).toMatchObject({ request: 0xc011_4807 });
  });

  it('ask for no more than is ever given', () => {
    expect(decodeCall(frame(7n, 0n, -1n))).toMatchObject({ lengthBytes: MAX_MEMORY_BYTES });
  });

  it('are answered with what a call returns and its errno', () => {
    expect(encodeDone({ value: -1n, errno: 19n })).toEqual(Buffer.from(frame(3n, -1n, 19n)));
    expect(encodeRun()).toEqual(Buffer.from(frame(4n, 0n, 0n)));
    expect(encodePeek(0x10n, 5)).toEqual(Buffer.from(frame(5n, 0x10n, 5n)));
    expect(encodePoke(0x10n, Uint8Array.of(1, 2))).toEqual(Buffer.concat([frame(6n, 0x10n, 2n), Uint8Array.of(1, 2)]));
    expect(decodeResult(frame(2n, -1n, 11n))).toEqual({ value: -1n, errno: 11n });
  });

  it.each([0n, 2n, 3n, 9n, 0xffn, 1n << 63n])('of the kind %d are no call', (kind) => {
    expect(() => decodeCall(frame(kind, 0n, 0n))).toThrow(PreloadProtocolError);
  });

  it('are no result unless they say so, and no frame unless they are as long', () => {
    expect(() => decodeResult(frame(1n, 0n, 0n))).toThrow(PreloadProtocolError);
    for (const length of [0, 1, FRAME_BYTES - 1, FRAME_BYTES + 1])
      expect(() => decodeCall(new Uint8Array(length))).toThrow(PreloadProtocolError);
  });
});
