/** Names in certificates (RFC 5280, section 4.1.2.4): their attributes as text, and a form in which two of them are compared (section 7.1). */
import type { Name } from '@peculiar/asn1-x509';
import { formatHex } from '../../apdu/bytes.ts';

/** X.520, sections 6.2 to 6.4. */
export const OID_COMMON_NAME = '2.5.4.3';
export const OID_SURNAME = '2.5.4.4';
export const OID_SERIAL_NUMBER = '2.5.4.5';
export const OID_ORGANISATION = '2.5.4.10';
export const OID_GIVEN_NAME = '2.5.4.42';

/** What could make a name look like another on a screen: control characters, and those that turn the direction of writing. */
const MISLEADING = /[\p{Cc}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]/u;
const MAX_TEXT_LENGTH = 256;

export interface DistinguishedName {
  /** Equal for two names that are the same: without regard to case and to how many spaces there are. */
  readonly key: string;
  /** By attribute type, in their order. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** Of a certificate that OpenSSL has taken apart: it refuses what is no UTF-8, and so on; asn1js would read that as Latin-1. */
export function parseName(name: Name): DistinguishedName {
  const attributes = new Map<string, string[]>();
  const parts = name.map((set) => {
    const ones = set.map(({ type, value }) => {
      if (value.anyValue !== undefined) return `${type}#${formatHex(new Uint8Array(value.anyValue))}`; // no text
      const text = value.toString();
      attributes.set(type, [...(attributes.get(type) ?? []), text]);
      return `${type}=${foldText(text)}`;
    });
    return ones.sort();
  });
  return { key: JSON.stringify(parts), attributes };
}

/** The attribute when the name has exactly one such, and it can be shown to a person. */
export function oneOf(name: DistinguishedName, oid: string): string | undefined {
  const [value, ...more] = name.attributes.get(oid) ?? [];
  if (value === undefined || more.length > 0) return undefined;
  const isFit = value.trim() !== '' && value.length <= MAX_TEXT_LENGTH && value.isWellFormed() && !MISLEADING.test(value);
  return isFit ? value.normalize('NFC') : undefined;
}

function foldText(text: string): string {
  return text.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
}
