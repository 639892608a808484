/** DER, base64 or PEM, however a caller has it. */
import { AuthorityError } from './errors.ts';

const PEM = /^\s*-----BEGIN (?<label>[A-Z0-9 ]{1,40})-----(?<body>[A-Za-z0-9+/=\s]+)-----END \k<label>-----\s*$/;
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;
/** What X.509 calls a SEQUENCE of more than 127 bytes begins so in DER, and no text does. */
const SEQUENCE = 0x30;
const LONG_LENGTH = 0x80;

/** `labels`: what PEM may say that it is. Throws AuthorityError (input_invalid). */
export function decodeBody(body: Uint8Array | string, what: string, options: { readonly labels: readonly string[] }): Uint8Array {
  if (typeof body !== 'string' && body[0] === SEQUENCE && ((body[1] ?? 0) & LONG_LENGTH) !== 0) return body;
  const text = typeof body === 'string' ? body : new TextDecoder('latin1').decode(body);
  const { label, body: inside = text } = PEM.exec(text)?.groups ?? {};
  if ((label === undefined || options.labels.includes(label)) && BASE64.test(inside.trim()))
    return new Uint8Array(Buffer.from(inside, 'base64'));
  throw new AuthorityError('input_invalid', `reading ${what}: it is neither PEM (${options.labels.join(', ')}) nor base64`);
}

export const REQUEST_LABELS = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'] as const;
export const CERTIFICATE_LABELS = ['CERTIFICATE'] as const;

export function encodePem(der: Uint8Array, label: string): string {
  return `-----BEGIN ${label}-----\n${wrapBase64(der)}\n-----END ${label}-----\n`;
}

/** In lines of 64 characters (RFC 7468, section 2). */
export function wrapBase64(der: Uint8Array): string {
  return Buffer.from(der)
    .toString('base64')
    .replaceAll(/(.{64})(?!$)/g, '$1\n');
}
