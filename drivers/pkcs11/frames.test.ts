import { describe, expect, it } from 'vitest';
import { FrameReader, MAX_FRAME_BYTES, decodeFrame, encodeFrame } from './frames.ts';
import { MessageError } from './messages.ts';

const CONTENT = { id: 1, operation: 'login' };
const BLOBS = [Uint8Array.of(1, 2, 3), new Uint8Array(), new Uint8Array(300).fill(7)];

function readAll(chunks: readonly Buffer[]): readonly Buffer[] {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) => [...reader.push(chunk)]);
}

describe('a frame', () => {
  it.each([1, 3, 4, 7, 1_000])('comes out as it went in, in chunks of %i bytes, which are wiped', (size) => {
    const sent = Buffer.concat([encodeFrame(CONTENT, BLOBS), encodeFrame({ id: 2 })]);
    const chunks: Buffer[] = [];
    for (let offset = 0; offset < sent.length; offset += size) chunks.push(Buffer.from(sent.subarray(offset, offset + size)));
    const frames = readAll(chunks).map(decodeFrame);
    expect(frames.map(({ content }) => content)).toEqual([CONTENT, { id: 2 }]);
    expect(frames[0]?.blobs.map((blob) => [...blob])).toEqual(BLOBS.map((blob) => [...blob]));
    expect(Buffer.concat(chunks).every((byte) => byte === 0)).toBe(true);
  });

  it('of an impossible length is refused before anything is kept for it', () => {
    for (const length of [0, 3, MAX_FRAME_BYTES + 1, 0xffff_ffff]) {
      const header = Buffer.alloc(4);
      header.writeUInt32BE(length);
      expect(() => readAll([header])).toThrow(MessageError);
    }
  });

  it('that is cut short, or is anything else, is refused and never read past its end', () => {
    const body = encodeFrame(CONTENT, BLOBS).subarray(4);
    for (let length = 0; length < body.length; length++) {
      const cut = body.subarray(0, length);
      try {
        decodeFrame(cut);
      } catch (error) {
        expect(error).toBeInstanceOf(MessageError);
      }
    }
    for (let seed = 0; seed < 2_000; seed++) {
      const noise = Buffer.from(Array.from({ length: seed % 40 }, (_, index) => (seed * 31 + index * 17 * seed) & 0xff));
      expect(() => decodeFrame(noise)).toThrow(MessageError);
    }
  });
});
