/** Response APDUs (ISO/IEC 7816-4:2020, section 5.2). */

export interface ResponseApdu {
  /** 0 to 65,536 bytes. */
  readonly data: Uint8Array;
  /** SW1 SW2 as one number. */
  readonly statusWord: number;
}

/** Thrown for bytes that are no response. */
export class ResponseApduError extends RangeError {
  override readonly name = 'ResponseApduError';
}

export const MAX_RESPONSE_LENGTH = 65_538;

export function parseResponseApdu(bytes: Uint8Array): ResponseApdu {
  const length = bytes.length;
  if (length < 2 || length > MAX_RESPONSE_LENGTH)
    throw new ResponseApduError(`parsing a response: ${length} bytes are not 2..${MAX_RESPONSE_LENGTH}`);
  return { data: bytes.subarray(0, length - 2), statusWord: ((bytes[length - 2] ?? 0) << 8) | (bytes[length - 1] ?? 0) };
}

export function encodeResponseApdu(response: ResponseApdu): Uint8Array {
  const bytes = new Uint8Array(response.data.length + 2);
  bytes.set(response.data);
  bytes[bytes.length - 2] = response.statusWord >> 8;
  bytes[bytes.length - 1] = response.statusWord;
  return bytes;
}
