/** What was typed, on its way to kortd: bytes of UTF-8 in one binary message (daemon/prompt/station-messages.ts). */
/** @import { PinLength } from '../../prompt/prompt.ts' */

/** The place of a name is its number on the wire. */
export const ENTRY_NAMES = /** @type {const} */ (['pin', 'newPin', 'puk']);
/** The length has one byte. */
const MAX_BYTES = 255;

/** @typedef {typeof ENTRY_NAMES[number]} EntryName */
/** @typedef {readonly (readonly [EntryName, Uint8Array])[]} Entries */

/**
 * Wipes the entries. The message is the caller's to wipe.
 * @param {number} id of the prompt
 * @param {Entries} entries
 */
export function takeIntoMessage(id, entries) {
  const message = new Uint8Array(entries.reduce((sum, [, bytes]) => sum + 2 + bytes.length, 4));
  new DataView(message.buffer).setUint32(0, id);
  let offset = 4;
  for (const [name, bytes] of entries) {
    message[offset] = ENTRY_NAMES.indexOf(name);
    message[offset + 1] = bytes.length;
    message.set(bytes, offset + 2);
    offset += 2 + bytes.length;
    bytes.fill(0);
  }
  return message;
}

/**
 * Lengths are those of the bytes, as the card counts.
 * @param {Uint8Array} bytes
 * @param {PinLength} range
 * @returns {'empty' | 'length' | undefined}
 */
export function problemOf(bytes, { min, max }) {
  if (bytes.length === 0) return 'empty';
  return bytes.length < min || bytes.length > Math.min(max, MAX_BYTES) ? 'length' : undefined;
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
export function areEqual(one, other) {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
