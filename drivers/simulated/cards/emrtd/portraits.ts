/** Pictures for simulated passports: a drawn face of nobody in both codings that passports have, and a signature. */
import { concatBytes, parseBase64 } from '../../bytes.ts';
import type { FaceImage } from './data-groups.ts';
import file from './portraits.json' with { type: 'json' };

/** Start of image, and comment (ITU-T T.81, table B.1). */
const SOI_BYTES = 2;
const COMMENT_MARKER = [0xff, 0xfe] as const;
/** Marker and length of a comment; the length counts itself. */
const COMMENT_HEADER_BYTES = 4;
const MAX_COMMENT_BYTES = 65_533;

/** Filled up to `lengthBytes` where it is a JPEG and shorter. */
export function portraitImage(kind: 'JPEG' | 'JPEG 2000', lengthBytes: number): FaceImage {
  const { width, height } = file;
  if (kind === 'JPEG 2000') return { kind, bytes: parseBase64(file.jpeg2000), width, height };
  return { kind, bytes: fillUp(parseBase64(file.jpeg), lengthBytes), width, height };
}

export function signatureImage(): Uint8Array {
  return parseBase64(file.signature);
}

function fillUp(image: Uint8Array, lengthBytes: number): Uint8Array {
  const missing = Math.min(lengthBytes - image.length, MAX_COMMENT_BYTES);
  if (missing < COMMENT_HEADER_BYTES) return image;
  const length = missing - COMMENT_MARKER.length;
  const comment = new Uint8Array(missing).fill(0x20);
  comment.set([...COMMENT_MARKER, length >> 8, length & 0xff]);
  return concatBytes(image.subarray(0, SOI_BYTES), comment, image.subarray(SOI_BYTES));
}
