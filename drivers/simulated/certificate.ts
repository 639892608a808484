/**
 * X.509 certificates as a simulated desk needs them (RFC 5280, section 4.1): a few names, a public key, extensions as bytes, signed on the spot. Not
 * for anything that is trusted outside a bench. Synchronous and free of dependencies, since a card makes one within a command.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { decodeFirstTlv, decodeTlv, encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { encodeInteger, encodeOid, sequence } from './der.ts';
import { algorithmIdentifier, signBy, usualScheme, type SignatureScheme } from './signature-scheme.ts';

export { encodeInteger, encodeOid, sequence } from './der.ts';

/** Attribute types of names, by their RFC 4514 or X.520 short name. */
export type NameAttribute = 'C' | 'O' | 'CN' | 'SN' | 'GN' | 'serialNumber' | 'title';

/** X.520 (2.5.4.*), as dotted object identifiers. */
export const ATTRIBUTE_OIDS: Readonly<Record<NameAttribute, string>> = {
  C: '2.5.4.6',
  O: '2.5.4.10',
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  GN: '2.5.4.42',
  serialNumber: '2.5.4.5',
  title: '2.5.4.12',
};

/** One attribute for each relative name, in order. */
export type CertificateName = readonly (readonly [NameAttribute, string])[];

export interface CertificateExtension {
  readonly oid: string;
  readonly critical?: boolean;
  /** What extnValue contains, DER. */
  readonly value: Uint8Array;
}

export interface CertificateTemplate {
  readonly serialNumber: bigint;
  readonly subject: CertificateName;
  readonly issuer: CertificateName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly CertificateExtension[];
}

/** Encodes and signs: unless it is said how, with SHA-256, by an RSA (PKCS #1 v1.5) or elliptic-curve key. */
export function signCertificate(
  template: CertificateTemplate,
  issuerKey: KeyObject,
  { scheme = usualScheme(issuerKey) }: { readonly scheme?: SignatureScheme } = {},
): Uint8Array {
  const algorithm = algorithmIdentifier(scheme);
  const toBeSigned = sequence(
    encodeTlv(0xa0, encodeInteger(2n)),
    encodeInteger(template.serialNumber),
    algorithm,
    encodeName(template.issuer),
    sequence(encodeTime(template.notBefore), encodeTime(template.notAfter)),
    encodeName(template.subject),
    template.publicKey,
    encodeTlv(0xa3, sequence(...template.extensions.map(encodeExtension))),
  );
  return sequence(toBeSigned, algorithm, encodeTlv(0x03, Uint8Array.of(0), signBy(scheme, issuerKey, toBeSigned)));
}

/** Basic constraints (RFC 5280, section 4.2.1.9), critical. */
export function basicConstraints(isAuthority: boolean): CertificateExtension {
  return { oid: '2.5.29.19', critical: true, value: isAuthority ? sequence(encodeTlv(0x01, Uint8Array.of(0xff))) : sequence() };
}

/** Bits of key usage (RFC 5280, section 4.2.1.3). */
const KEY_USAGE_BITS = {
  digitalSignature: 0x80,
  nonRepudiation: 0x40,
  keyAgreement: 0x08,
  keyCertSign: 0x04,
  cRLSign: 0x02,
} as const;

export function keyUsage(...usages: readonly (keyof typeof KEY_USAGE_BITS)[]): CertificateExtension {
  const bits = usages.reduce((sum, usage) => sum | KEY_USAGE_BITS[usage], 0);
  const unused = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits);
  return { oid: '2.5.29.15', critical: true, value: encodeTlv(0x03, Uint8Array.of(unused, bits)) };
}

/** Extended key usage (RFC 5280, section 4.2.1.12), by object identifiers. */
export function extendedKeyUsage(...oids: readonly string[]): CertificateExtension {
  return { oid: '2.5.29.37', value: sequence(...oids.map(encodeOid)) };
}

/** Certificate policies (RFC 5280, section 4.2.1.4), without qualifiers. */
export function certificatePolicies(...oids: readonly string[]): CertificateExtension {
  return { oid: '2.5.29.32', value: sequence(...oids.map((oid) => sequence(encodeOid(oid)))) };
}

/** One place where the revocation list of the issuer lies (RFC 5280, section 4.2.1.13). */
export function crlDistributionPoint(address: string): CertificateExtension {
  return { oid: '2.5.29.31', value: sequence(sequence(encodeTlv(0xa0, encodeTlv(0xa0, uniformResourceIdentifier(address))))) };
}

/** Authority information access (RFC 5280, section 4.2.2.1): who answers by OCSP, and where the issuer's own certificate lies. */
export function authorityInformationAccess(addresses: { readonly ocsp: string; readonly issuer: string }): CertificateExtension {
  const description = (method: string, address: string): Uint8Array =>
    sequence(encodeOid(method), uniformResourceIdentifier(address));
  return {
    oid: '1.3.6.1.5.5.7.1.1',
    value: sequence(description('1.3.6.1.5.5.7.48.1', addresses.ocsp), description('1.3.6.1.5.5.7.48.2', addresses.issuer)),
  };
}

/** Of GeneralName (RFC 5280, section 4.2.1.6). */
function uniformResourceIdentifier(address: string): Uint8Array {
  return encodeTlv(0x86, new TextEncoder().encode(address));
}

/** Subject key identifier (RFC 5280, section 4.2.1.2). */
export function subjectKeyIdentifier(publicKey: Uint8Array): CertificateExtension {
  return { oid: '2.5.29.14', value: encodeTlv(0x04, keyIdentifierOf(publicKey)) };
}

/** Authority key identifier (RFC 5280, section 4.2.1.1). */
export function authorityKeyIdentifier(issuerPublicKey: Uint8Array): CertificateExtension {
  return { oid: '2.5.29.35', value: sequence(encodeTlv(0x80, keyIdentifierOf(issuerPublicKey))) };
}

/** SHA-1 over the bits of the subjectPublicKey: method 1 of section 4.2.1.2. */
export function keyIdentifierOf(publicKey: Uint8Array): Uint8Array {
  const bits = decodeTlv(decodeFirstTlv(publicKey).object.value).find(({ tag }) => tag === 0x03)?.value;
  return new Uint8Array(
    createHash('sha1')
      .update(bits?.subarray(1) ?? new Uint8Array())
      .digest(),
  );
}

export function encodeName(name: CertificateName): Uint8Array {
  const relativeNames = name.map(([type, text]) => {
    const tag = type === 'C' || type === 'serialNumber' ? 0x13 : 0x0c; // PrintableString, UTF8String
    return encodeTlv(0x31, sequence(encodeOid(ATTRIBUTE_OIDS[type]), encodeTlv(tag, new TextEncoder().encode(text))));
  });
  return sequence(...relativeNames);
}

/** UTCTime to 2049, GeneralizedTime after (RFC 5280, section 4.1.2.5). */
export function encodeTime(date: Date): Uint8Array {
  const digits = date.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
  const isShort = date.getUTCFullYear() < 2050;
  return encodeTlv(isShort ? 0x17 : 0x18, new TextEncoder().encode(`${isShort ? digits.slice(2) : digits}Z`));
}

export function encodeExtension(extension: CertificateExtension): Uint8Array {
  const critical = extension.critical ? [encodeTlv(0x01, Uint8Array.of(0xff))] : [];
  return sequence(encodeOid(extension.oid), ...critical, encodeTlv(0x04, extension.value));
}
