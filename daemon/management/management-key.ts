/** The management key of a card as people write it: hexadecimal digits. */
import { PinFormatError } from '../../apdu/errors.ts';
import { Secret } from '../../apdu/secret.ts';

/** Of a key of 16, 24 or 32 bytes. */
const LENGTHS: readonly number[] = [32, 48, 64];

/** The caller disposes of it. Throws PinFormatError. */
export function parseManagementKey(given: Secret): Secret {
  return given.use((text) => {
    const bytes = new Uint8Array(text.length / 2);
    for (const index of bytes.keys()) {
      const digit = (offset: number): number => Number.parseInt(String.fromCharCode(text[index * 2 + offset] ?? 0), 16);
      bytes[index] = digit(0) * 16 + digit(1);
      if (Number.isNaN(digit(0)) || Number.isNaN(digit(1))) throw managementKeyFormat();
    }
    if (!LENGTHS.includes(text.length)) throw managementKeyFormat();
    return Secret.take(bytes);
  });
}

function managementKeyFormat(): PinFormatError {
  return new PinFormatError(
    'reading the management key: it must be 32, 48 or 64 hexadecimal digits, or "default"; nothing was sent to the card',
  );
}
