/** Puts a signature into the room that a prepared PDF has for it. */
import { ApiError } from '../../errors.ts';
import type { PreparedPdf } from './prepare.ts';

/** Throws time_stamp_failed when it has no room: all of it but the time stamp was measured before. */
export function embedSignature({ bytes, gapStart, gapEnd }: PreparedPdf, signature: Uint8Array): void {
  const room = gapEnd - gapStart - 2;
  const digits = Buffer.from(signature).toString('hex');
  if (digits.length > room) {
    const problem = `its time stamp is ${(digits.length - room) / 2} bytes larger than the room for it`;
    throw new ApiError('time_stamp_failed', `signing a PDF: ${problem}`, { problem });
  }
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).write(digits.padEnd(room, '0'), gapStart + 1, 'latin1');
}
