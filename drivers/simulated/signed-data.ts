/** Signed CMS with its content in it and one signer (RFC 5652, section 5), as the files and lists of passports are signed. Synchronous, since a card is made so. */
import { createHash, type KeyObject } from 'node:crypto';
import { decodeFirstTlv, decodeTlv, encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { NO_BYTES } from './bytes.ts';
import { encodeInteger, encodeOid, sequence, setOf } from './der.ts';
import { algorithmIdentifier, hashIdentifier, nodeHashName, signBy, type SignatureScheme } from './signature-scheme.ts';

const OID_SIGNED_DATA = '1.2.840.113549.1.7.2';
const OID_CONTENT_TYPE = '1.2.840.113549.1.9.3';
const OID_MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
/** With a content type of its own, and a signer named by issuer and serial number (sections 5.1 and 5.3). */
const VERSION_OF_DATA = 3n;
const VERSION_OF_SIGNER = 1n;

export interface CmsSigner {
  /** X.509, DER. */
  readonly certificate: Uint8Array;
  readonly key: KeyObject;
  readonly scheme: SignatureScheme;
}

export interface CmsContent {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Beside the signer's. */
  readonly certificates?: readonly Uint8Array[];
}

/** ContentInfo, DER. */
export function signData({ type, bytes, certificates = [] }: CmsContent, { certificate, key, scheme }: CmsSigner): Uint8Array {
  const digest = new Uint8Array(createHash(nodeHashName(scheme.hash)).update(bytes).digest());
  const attributes = setOf(
    sequence(encodeOid(OID_CONTENT_TYPE), setOf(encodeOid(type))),
    sequence(encodeOid(OID_MESSAGE_DIGEST), setOf(encodeTlv(0x04, digest))),
  );
  const signerInfo = sequence(
    encodeInteger(VERSION_OF_SIGNER),
    issuerAndSerialNumber(certificate),
    hashIdentifier(scheme.hash),
    encodeTlv(0xa0, decodeFirstTlv(attributes).object.value),
    algorithmIdentifier(scheme),
    // The signature is over the attributes as a SET (section 5.4).
    encodeTlv(0x04, signBy(scheme, key, attributes)),
  );
  const signedData = sequence(
    encodeInteger(VERSION_OF_DATA),
    setOf(hashIdentifier(scheme.hash)),
    sequence(encodeOid(type), encodeTlv(0xa0, encodeTlv(0x04, bytes))),
    encodeTlv(0xa0, certificate, ...certificates),
    setOf(signerInfo),
  );
  return sequence(encodeOid(OID_SIGNED_DATA), encodeTlv(0xa0, signedData));
}

function issuerAndSerialNumber(certificate: Uint8Array): Uint8Array {
  const toBeSigned = decodeTlv(decodeFirstTlv(certificate).object.value)[0]?.value ?? NO_BYTES;
  const [, serialNumber, , issuer] = decodeTlv(toBeSigned);
  return sequence(encodeTlv(0x30, issuer?.value ?? NO_BYTES), encodeTlv(0x02, serialNumber?.value ?? NO_BYTES));
}
