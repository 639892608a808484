/** Names in certificates (RFC 5280, section 4.1.2.4): their attributes as text, and a form in which two of them are compared (section 7.1). */
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';
import { formatHex } from '../../apdu/bytes.ts';
import { TAG_OBJECT_IDENTIFIER, TAG_SEQUENCE, TAG_SET, decodeDer, parseOid } from './der.ts';

/** X.520, sections 6.2 to 6.4. */
export const OID_COMMON_NAME = '2.5.4.3';
export const OID_SURNAME = '2.5.4.4';
export const OID_SERIAL_NUMBER = '2.5.4.5';
export const OID_ORGANISATION = '2.5.4.10';
export const OID_GIVEN_NAME = '2.5.4.42';

/** DirectoryString and its kin (X.690, table 8). Sorted by tag. */
const ENCODINGS = new Map([
  [0x0c, 'utf-8'],
  [0x13, 'latin1'],
  [0x14, 'latin1'],
  [0x16, 'latin1'],
  [0x1e, 'utf-16be'],
]);
/** What could make a name look like another on a screen: control characters, and those that turn the direction of writing. */
const MISLEADING = /[\p{Cc}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]/u;
const MAX_TEXT_LENGTH = 256;

export interface DistinguishedName {
  /** Equal for two names that are the same: without regard to case and to how many spaces there are. */
  readonly key: string;
  /** By attribute type, in their order. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** `content` is that of the RDNSequence. Throws TlvError. */
export function parseName(content: Uint8Array): DistinguishedName {
  const attributes = new Map<string, string[]>();
  const parts = decodeDer(content).map((set) => {
    if (set.tag !== TAG_SET) throw new TlvError('decoding a name: no set of attributes');
    const ones = decodeDer(set.value).map((pair) => {
      const [type, value, ...more] = pair.tag === TAG_SEQUENCE ? decodeDer(pair.value) : [];
      if (type?.tag !== TAG_OBJECT_IDENTIFIER || !value || more.length > 0) throw new TlvError('decoding a name: no attribute');
      const oid = parseOid(type.value);
      const text = decodeText(value.tag, value.value);
      if (text !== undefined) attributes.set(oid, [...(attributes.get(oid) ?? []), text]);
      return text === undefined ? `${oid}#${value.tag}:${formatHex(value.value)}` : `${oid}=${foldText(text)}`;
    });
    return ones.sort();
  });
  return { key: JSON.stringify(parts), attributes };
}

/** The attribute when the name has exactly one such, and it can be shown to a person. */
export function oneOf(name: DistinguishedName, oid: string): string | undefined {
  const [value, ...more] = name.attributes.get(oid) ?? [];
  if (value === undefined || more.length > 0) return undefined;
  const isFit = value.trim() !== '' && value.length <= MAX_TEXT_LENGTH && !MISLEADING.test(value);
  return isFit ? value.normalize('NFC') : undefined;
}

function decodeText(tag: number, value: Uint8Array): string | undefined {
  const encoding = ENCODINGS.get(tag);
  if (encoding === undefined) return undefined;
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return undefined; // compared byte by byte, then
  }
}

function foldText(text: string): string {
  return text.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
}
