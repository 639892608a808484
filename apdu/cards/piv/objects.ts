/** What stands inside PIV data objects (NIST SP 800-73-5 part 1, appendix A). */
import { gunzipSync } from 'node:zlib';
import { concat, formatHex } from '../../bytes.ts';
import { CardDataError } from '../../errors.ts';
import { TlvError, decodeTlv, encodeTlv, findTlv, type TlvObject } from '../../tlv/ber-tlv.ts';

/** Certificate containers (appendix A, table 15). */
const TAG_CERTIFICATE = 0x70;
const TAG_CERTIFICATE_INFO = 0x71;
const TAG_ERROR_DETECTION_CODE = 0xfe;
/** CertInfo bit 1: the certificate is compressed with gzip. */
const CERTIFICATE_INFO_GZIP = 0x01;
/** Far above any certificate; a bound on what gzip may unfold to. */
const MAX_CERTIFICATE_LENGTH = 32_768;

/** Card Holder Unique Identifier (appendix A, table 9). */
const TAG_FASC_N = 0x30;
const TAG_CARD_UUID = 0x34;
const TAG_EXPIRATION_DATE = 0x35;
const TAG_CARDHOLDER_UUID = 0x36;

/** Key History Object (appendix A, table 21). */
const TAG_KEYS_WITH_ON_CARD_CERTIFICATES = 0xc1;
const TAG_KEYS_WITH_OFF_CARD_CERTIFICATES = 0xc2;

/** Discovery Object (section 3.3.2). */
const TAG_PIN_USAGE_POLICY = 0x5f2f;

/** GZIP magic (RFC 1952, section 2.3.1). */
const GZIP_MAGIC = [0x1f, 0x8b];

/** The certificate in a container, unpacked; undefined for a container that was emptied. */
export function decodeCertificateObject(content: Uint8Array): Uint8Array | undefined {
  const objects = decodeObjects('a certificate container', content);
  const stored = findTlv(objects, TAG_CERTIFICATE);
  if (!stored || stored.length === 0) return undefined;
  const info = findTlv(objects, TAG_CERTIFICATE_INFO)?.[0] ?? 0;
  const isGzip = (info & CERTIFICATE_INFO_GZIP) !== 0 || GZIP_MAGIC.every((byte, index) => stored[index] === byte);
  if (!isGzip) return stored;
  try {
    return new Uint8Array(gunzipSync(stored, { maxOutputLength: MAX_CERTIFICATE_LENGTH }));
  } catch (error) {
    throw new CardDataError('reading a certificate: what the card marks as gzip does not unpack', {}, { cause: error });
  }
}

/** A container for an uncompressed certificate. */
export function encodeCertificateObject(der: Uint8Array): Uint8Array {
  return concat(
    encodeTlv(TAG_CERTIFICATE, der),
    encodeTlv(TAG_CERTIFICATE_INFO, Uint8Array.of(0x00)),
    encodeTlv(TAG_ERROR_DETECTION_CODE),
  );
}

export interface Chuid {
  /** 25 bytes, hexadecimal. */
  readonly fascN?: string;
  /** Card UUID (RFC 4122), 32 hexadecimal digits. */
  readonly cardUuid?: string;
  /** "2030-01-01". */
  readonly expirationDate?: string;
  readonly cardholderUuid?: string;
}

export function decodeChuid(content: Uint8Array): Chuid {
  const objects = decodeObjects('the CHUID', content);
  const hex = (tag: number): string | undefined => {
    const value = findTlv(objects, tag);
    return value && value.length > 0 ? formatHex(value) : undefined;
  };
  const fascN = hex(TAG_FASC_N);
  const cardUuid = hex(TAG_CARD_UUID);
  const cardholderUuid = hex(TAG_CARDHOLDER_UUID);
  const date = /^(\d{4})(\d{2})(\d{2})$/.exec(new TextDecoder().decode(findTlv(objects, TAG_EXPIRATION_DATE)));
  return {
    ...(fascN === undefined ? {} : { fascN }),
    ...(cardUuid === undefined || /^0*$/.test(cardUuid) ? {} : { cardUuid }),
    ...(date ? { expirationDate: `${date[1] ?? ''}-${date[2] ?? ''}-${date[3] ?? ''}` } : {}),
    ...(cardholderUuid === undefined ? {} : { cardholderUuid }),
  };
}

/** How many retired keys have their certificate on the card, 0 to 20. */
export function decodeKeyHistory(content: Uint8Array): number {
  const count = findTlv(decodeObjects('the key history', content), TAG_KEYS_WITH_ON_CARD_CERTIFICATES)?.[0] ?? 0;
  if (count > 20) throw new CardDataError(`reading the key history: ${count} retired certificates, at most 20 exist`);
  return count;
}

/** The same with another count; a new one where there is none: no certificates off the card, and so no address of them. */
export function encodeKeyHistory(content: Uint8Array | undefined, count: number): Uint8Array {
  const rest = content
    ? decodeObjects('the key history', content).filter(({ tag }) => tag !== TAG_KEYS_WITH_ON_CARD_CERTIFICATES)
    : [
        { tag: TAG_KEYS_WITH_OFF_CARD_CERTIFICATES, value: Uint8Array.of(0) },
        { tag: TAG_ERROR_DETECTION_CODE, value: new Uint8Array() },
      ];
  return concat(
    encodeTlv(TAG_KEYS_WITH_ON_CARD_CERTIFICATES, Uint8Array.of(count)),
    ...rest.map(({ tag, value }) => encodeTlv(tag, value)),
  );
}

export interface PinUsagePolicy {
  readonly pinSatisfiesAccessRules: boolean;
  readonly globalPinSatisfiesAccessRules: boolean;
  readonly globalPinIsPrimary: boolean;
}

/** `content` is the value of 7E. */
export function decodeDiscovery(content: Uint8Array): PinUsagePolicy {
  const [first = 0, second = 0] = findTlv(decodeObjects('the discovery object', content), TAG_PIN_USAGE_POLICY) ?? [];
  return {
    pinSatisfiesAccessRules: (first & 0x40) !== 0,
    globalPinSatisfiesAccessRules: (first & 0x20) !== 0,
    globalPinIsPrimary: second === 0x20,
  };
}

function decodeObjects(what: string, content: Uint8Array): readonly TlvObject[] {
  try {
    return decodeTlv(content);
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`reading ${what}: ${error.message}`, {}, { cause: error });
    throw error;
  }
}
