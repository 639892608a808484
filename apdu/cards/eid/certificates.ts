/** EF.CD: the certificates of the card (ISO/IEC 7816-15:2016, section 8.7). */
import { TlvError, decodeFirstTlv, encodeTlv } from '../../tlv/ber-tlv.ts';
import {
  Elements,
  TAG_BIT_STRING,
  TAG_BOOLEAN,
  TAG_OCTET_STRING,
  TAG_SEQUENCE,
  TAG_UTF8_STRING,
  parseIdentifier,
  parsing,
} from './der.ts';
import { directValue } from './keys.ts';
import { parseEntries, type DirectoryEntry } from './object-directory.ts';
import { encodePath, parsePath, type FilePath } from './path.ts';

export interface CertificateObject {
  /** iD, in hexadecimal: that of the key which it certifies. */
  readonly id: string;
  readonly label: string;
  readonly isAuthority: boolean;
  readonly path?: FilePath;
  /** A certificate that stands in the directory itself. */
  readonly value?: Uint8Array;
  /** The entry as on the card. */
  readonly bytes: Uint8Array;
}

const TAG_DIRECT_VALUE = 0xa0;
const TAG_TYPE = 0xa1;

/** X.509 certificates; those of other kinds (attribute certificates, card-verifiable ones) are left out. */
export function parseCertificates(content: Uint8Array): readonly CertificateObject[] {
  const entries = parseEntries('EF.CD', content);
  return parsing('EF.CD', () => entries.filter(({ tag }) => tag === TAG_SEQUENCE).map(parseCertificate));
}

function parseCertificate(entry: DirectoryEntry): CertificateObject {
  const common = new Elements(entry.classAttributes);
  const id = parseIdentifier(common.require(TAG_OCTET_STRING, 'iD'), 'iD');
  const isAuthority = (common.take(TAG_BOOLEAN)?.[0] ?? 0) !== 0;
  const elements = new Elements(entry.typeAttributes);
  const reference = elements.take(TAG_SEQUENCE);
  const value = elements.take(TAG_DIRECT_VALUE);
  const path = reference && parsePath(reference);
  return {
    id,
    label: entry.label,
    isAuthority,
    ...(path ? { path } : {}),
    ...(value ? { value: directValue(value) } : {}),
    bytes: entry.bytes,
  };
}

/** The certificate at the beginning of a file, without what fills the file up; undefined for an emptied one. What does not parse is given as it is. */
export function trimCertificate(content: Uint8Array): Uint8Array | undefined {
  if (content.every((byte) => byte === 0x00 || byte === 0xff)) return undefined;
  if (content[0] !== TAG_SEQUENCE) return content;
  try {
    return content.subarray(0, content.length - decodeFirstTlv(content).rest.length);
  } catch (error) {
    if (error instanceof TlvError) return content; // cut short: what the card holds is given out all the same
    throw error;
  }
}

/** An entry for a certificate in a file of its own; flags of the object: modifiable. */
export function encodeCertificateEntry(label: string, id: Uint8Array, file: Uint8Array): Uint8Array {
  const modifiable = Uint8Array.of(0x06, 0x40);
  const common = encodeTlv(
    TAG_SEQUENCE,
    encodeTlv(TAG_UTF8_STRING, new TextEncoder().encode(label)),
    encodeTlv(TAG_BIT_STRING, modifiable),
  );
  const attributes = encodeTlv(TAG_SEQUENCE, encodeTlv(TAG_OCTET_STRING, id));
  return encodeTlv(TAG_SEQUENCE, common, attributes, encodeTlv(TAG_TYPE, encodeTlv(TAG_SEQUENCE, encodePath(file))));
}
