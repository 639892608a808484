/** A PIN as the bytes that a card compares (ISO/IEC 7816-15:2016, section 8.9.2; ISO 9564-1, format 2). */
import { PinFormatError } from '../../errors.ts';
import type { Secret } from '../../secret.ts';
import type { PinObject } from './authentication-objects.ts';

/** ISO 9564-1: high nibble of the first byte, format 2. */
const ISO_9564_FORMAT_2 = 0x20;
const FILL_NIBBLE = 0x0f;

/** How many bytes the PIN takes in a command. */
export function blockLengthOf(pin: PinObject, characters: number): number {
  if (pin.blockLengthBytes !== undefined) return pin.blockLengthBytes;
  return pin.encoding === 'bcd' ? Math.ceil(characters / 2) : characters;
}

/** Writes the PIN into `block`, padding included. Throws PinFormatError before anything was written. */
export function fillPinBlock(attempt: string, pin: PinObject, block: Uint8Array, secret: Secret): void {
  secret.use((characters) => {
    requireForm(attempt, pin, characters);
    block.fill(pin.pad);
    switch (pin.encoding) {
      case 'ascii':
      case 'utf-8':
        block.set(characters);
        return;
      case 'half-nibble bcd':
        for (const [index, character] of characters.entries()) block[index] = 0xf0 | digitOf(character);
        return;
      case 'bcd':
        packDigits(block, characters, pin.pad & 0x0f);
        return;
      case 'iso 9564-1':
        block.fill(0xff);
        block[0] = ISO_9564_FORMAT_2 | characters.length;
        packDigits(block.subarray(1), characters, FILL_NIBBLE);
    }
  });
}

function requireForm(attempt: string, pin: PinObject, characters: Uint8Array): void {
  const { minLength, maxLength, encoding } = pin;
  if (characters.length < minLength || characters.length > maxLength) {
    const wanted = minLength === maxLength ? String(minLength) : `${minLength} to ${maxLength}`;
    throw new PinFormatError(`${attempt}: an entry must be ${wanted} characters long; nothing was sent to the card`);
  }
  if (encoding !== 'utf-8' && characters.some((byte) => byte < 0x30 || byte > 0x39))
    throw new PinFormatError(`${attempt}: an entry must be made of digits; nothing was sent to the card`);
}

function packDigits(block: Uint8Array, characters: Uint8Array, lastNibble: number): void {
  for (let index = 0; index < characters.length; index += 2) {
    const second = characters[index + 1];
    block[index / 2] = (digitOf(characters[index] ?? 0) << 4) | (second === undefined ? lastNibble : digitOf(second));
  }
}

function digitOf(character: number): number {
  return character & 0x0f;
}
