/** Whether a picture has its end, which one that was cut on its way has not: seen from its marks, without decoding. */

/** Of the signature (W3C PNG, section 5.2), and of a chunk's length, type and check (section 5.3). */
export const PNG_SIGNATURE = 8;
export const PNG_CHUNK = 12;
/** "IEND" (W3C PNG, section 11.2.5). */
const IEND = 0x49454e44;
/** Second bytes of markers (ITU-T T.81, table B.1). */
const START_OF_SCAN = 0xda;
const END_OF_IMAGE = [0xff, 0xd9];

/** Bytes after the end are not minded: scanners fill up. */
export function hasEnd(bytes: Uint8Array, format: 'jpeg' | 'jpeg2000' | 'png'): boolean {
  switch (format) {
    case 'jpeg':
      return hasEndOfImage(bytes);
    case 'png':
      return hasLastChunk(bytes);
    case 'jpeg2000':
      return true; // its decoder tells
  }
}

function hasLastChunk(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = PNG_SIGNATURE; at + PNG_CHUNK <= bytes.length; at += PNG_CHUNK + view.getUint32(at)) {
    if (view.getUint32(at + 4) === IEND) return true;
  }
  return false;
}

/** The end is looked for behind the first scan: a small picture within the segments before it has an end of its own. */
function hasEndOfImage(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 4 <= bytes.length; at += 2 + view.getUint16(at + 2)) {
    while (bytes[at + 1] === 0xff) at++; // fill bytes (section B.1.1.2)
    if (bytes[at] !== 0xff || at + 4 > bytes.length) return false;
    if (bytes[at + 1] === START_OF_SCAN)
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(Buffer.from(END_OF_IMAGE), at);
  }
  return false;
}
