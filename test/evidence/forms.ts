/** Every form in which a PIN, PUK or management key could have been written down, as bytes to look for. */

export interface Form {
  readonly name: string;
  readonly needle: Buffer;
  /** Digits as text, hexadecimal ones too, are also in every long hash and number: there they are none of ours. */
  readonly isDigits: boolean;
}

/** PIV fills a PIN up with FF to eight bytes (SP 800-73-4 part 2, section 2.4.3). */
const PADDED_LENGTH = 8;
const PADDING = 0xff;
const BITS_PER_SEXTET = 6;
/** Of a PIN or PUK; those of a management key come about by no chance. */
const SHORT_DIGITS = /^[0-9a-f]{1,15}$/i;

export function formsOf(value: string): readonly Form[] {
  const text = Buffer.from(value);
  const isDigits = SHORT_DIGITS.test(value);
  const spellings = [...new Set([value, value.toLowerCase(), value.toUpperCase()])];
  const bytes = bytesOf(value);
  const forms: readonly (readonly [string, string | Buffer])[] = [
    ...spellings.map((one): [string, string] => ['text', one]),
    ...spellings.map((one): [string, Buffer] => ['UTF-16LE', Buffer.from(one, 'utf16le')]),
    ...bytes.flatMap((one) => encodedForms(one)),
    ...(text.length < PADDED_LENGTH ? [['padded for PIV', padded(text)] as const] : []),
  ];
  return forms.map(([name, needle]) => ({ name, needle: Buffer.from(needle), isDigits: isDigits && name === 'text' }));
}

/** Its characters; and what a management key spells in hexadecimal. */
function bytesOf(value: string): readonly Buffer[] {
  const text = Buffer.from(value);
  return /^(?:[0-9a-f]{2}){16,}$/i.test(value) ? [text, Buffer.from(value, 'hex')] : [text];
}

function encodedForms(bytes: Buffer): readonly (readonly [string, string | Buffer])[] {
  const hex = bytes.toString('hex');
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return [
    ...(isText ? [] : [['bytes', bytes] as const]),
    ['hex', hex],
    ['hex', hex.toUpperCase()],
    ...[0, 1, 2].flatMap((shift) => base64Forms(bytes, shift)),
  ];
}

/** What stays the same in base64 wherever the bytes lie in what was encoded: the characters that are made of them alone. In both alphabets. */
function base64Forms(bytes: Buffer, shift: number): readonly (readonly [string, string])[] {
  const first = Math.ceil((shift * 8) / BITS_PER_SEXTET);
  const end = Math.floor(((shift + bytes.length) * 8) / BITS_PER_SEXTET);
  const whole = Buffer.concat([Buffer.alloc(shift), bytes]);
  const alphabets = new Set([whole.toString('base64').slice(first, end), whole.toString('base64url').slice(first, end)]);
  return [...alphabets].map((text) => ['base64', text]);
}

function padded(text: Buffer): Buffer {
  return Buffer.concat([text, Buffer.alloc(PADDED_LENGTH - text.length, PADDING)]);
}
