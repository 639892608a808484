/**
 * The ASN.1 of X.509 certificates (RFC 5280), by @peculiar's schemas; WebCrypto signs. Loaded on first use. `@peculiar/x509` would make them
 * as well, but works in a bundle only while a single file imports it: with two, its code runs before the reflect-metadata that it needs.
 */
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { ecdsaWithSHA256 } from '@peculiar/asn1-ecc';
import {
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  KeyIdentifier,
  KeyUsage,
  Name,
  NameConstraints,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
} from '@peculiar/asn1-x509';
import { ecdsaToDer } from '../../apdu/signature-encoding.ts';

/** X.520: commonName. */
const ID_AT_COMMON_NAME = '2.5.4.3';
/** FIPS 186-5 and SEC 2: of a key on P-256, and the hash that fits it. */
export const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;
/** WebCrypto's object for a key; whether it can be exported is its own matter. */
export interface KeyPair {
  readonly publicKey: Key;
  readonly privateKey: Key;
}

export interface CertificateDetails {
  /** Positive, 20 bytes at most, big-endian; the first byte from 0x01 to 0x7f. */
  readonly serialNumber: Uint8Array<ArrayBuffer>;
  /** Common names. */
  readonly subject: string;
  readonly issuer: string;
  /** Whole seconds. */
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
  readonly publicKey: Key;
  readonly extensions: readonly Extension[];
}

/** DER, signed with ECDSA on P-256. */
export async function signCertificate(details: CertificateDetails, issuerKey: Key): Promise<ArrayBuffer> {
  const spki = await crypto.subtle.exportKey('spki', details.publicKey);
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: details.serialNumber.buffer,
    signature: ecdsaWithSHA256,
    issuer: encodeName(details.issuer),
    validity: new Validity(details.validity),
    subject: encodeName(details.subject),
    subjectPublicKeyInfo: AsnConvert.parse(spki, SubjectPublicKeyInfo),
    extensions: new Extensions([...details.extensions]),
  });
  const signature = await crypto.subtle.sign(P256, issuerKey, AsnConvert.serialize(tbsCertificate));
  const signatureValue = Uint8Array.from(ecdsaToDer(new Uint8Array(signature))).buffer;
  return AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm: ecdsaWithSHA256, signatureValue }));
}

function encodeName(commonName: string): Name {
  const value = new AttributeValue({ utf8String: commonName });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: ID_AT_COMMON_NAME, value })])]);
}

/** RFC 5280, section 4.2.1.9. An authority with path length 0 vouches for end entities only. */
export function basicConstraints(isAuthority: 'authority' | 'end entity'): Extension {
  const value = isAuthority === 'authority' ? { cA: true, pathLenConstraint: 0 } : {};
  return extension(id_ce_basicConstraints, 'critical', new BasicConstraints(value));
}

/** RFC 5280, section 4.2.1.3: `KeyUsageFlags`. */
export function keyUsage(flags: number): Extension {
  return extension(id_ce_keyUsage, 'critical', new KeyUsage(flags));
}

/** RFC 5280, section 4.2.1.12. */
export function forServers(): Extension {
  return extension(id_ce_extKeyUsage, 'uncritical', new ExtendedKeyUsage([id_kp_serverAuth]));
}

/** RFC 5280, section 4.2.1.6. */
export function alternativeNames(names: readonly Partial<GeneralName>[]): Extension {
  const value = new SubjectAlternativeName(names.map((name) => new GeneralName(name)));
  return extension(id_ce_subjectAltName, 'uncritical', value);
}

/** RFC 5280, section 4.2.1.10. An address has its mask behind it: 127.0.0.1/32. A DNS name admits names below it too. */
export function permittedNames(names: readonly Partial<GeneralName>[]): Extension {
  const permittedSubtrees = new GeneralSubtrees(names.map((name) => new GeneralSubtree({ base: new GeneralName(name) })));
  return extension(id_ce_nameConstraints, 'critical', new NameConstraints({ permittedSubtrees }));
}

/** RFC 5280, sections 4.2.1.1 and 4.2.1.2. */
export async function keyIdentifier(whose: 'subject' | 'authority', key: Key): Promise<Extension> {
  const spki = AsnConvert.parse(await crypto.subtle.exportKey('spki', key), SubjectPublicKeyInfo);
  const digest = await crypto.subtle.digest('SHA-256', spki.subjectPublicKey);
  const identifier = digest.slice(0, 20); // RFC 7093, section 2, method 1
  if (whose === 'subject') return extension(id_ce_subjectKeyIdentifier, 'uncritical', new SubjectKeyIdentifier(identifier));
  const value = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(identifier) });
  return extension(id_ce_authorityKeyIdentifier, 'uncritical', value);
}

function extension(extnID: string, weight: 'critical' | 'uncritical', value: object): Extension {
  return new Extension({ extnID, critical: weight === 'critical', extnValue: new OctetString(AsnConvert.serialize(value)) });
}
