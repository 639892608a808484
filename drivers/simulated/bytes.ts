/** Byte arrays as the simulators need them. */

export const NO_BYTES: Uint8Array = new Uint8Array();

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

/** Lower case, no separators. */
export function formatHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** Reads hexadecimal digits in either case; blanks between them are ignored. Throws SyntaxError for anything else. */
export function parseHex(text: string): Uint8Array {
  const digits = text.replaceAll(' ', '');
  if (digits.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(digits)) throw new SyntaxError('not hexadecimal');
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

export function formatBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/** Throws SyntaxError for text that is not base64. */
export function parseBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) throw new SyntaxError('not base64');
  return new Uint8Array(bytes);
}

/** Big-endian, unsigned. */
export function bytesToBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${formatHex(bytes)}`);
}

/** Big-endian, unsigned, padded with zeros on the left. Throws RangeError when the value does not fit. */
export function bigIntToBytes(value: bigint, lengthBytes: number): Uint8Array {
  const digits = value.toString(16).padStart(lengthBytes * 2, '0');
  if (value < 0n || digits.length > lengthBytes * 2)
    throw new RangeError(`encoding a number: it does not fit ${lengthBytes} bytes`);
  return parseHex(digits);
}
