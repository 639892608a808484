/**
 * What a certificate says (RFC 5280, section 4), read once. OpenSSL, through Node, takes it apart and holds its key; extensions, names by attribute and the validity, which
 * Node does not give out, are read by @peculiar's schemas. An extension that does not decode, or stands there twice, is named in `malformed`: such a certificate can be looked at, and is never trusted.
 */
import { X509Certificate, type KeyObject } from 'node:crypto';
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CertificatePolicies,
  ExtendedKeyUsage,
  KeyUsage,
  KeyUsageFlags,
  PolicyConstraints,
  SubjectKeyIdentifier,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_certificatePolicies_anyPolicy,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_policyConstraints,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  type Extension as AsnExtension,
  type Time,
} from '@peculiar/asn1-x509';
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';
import { CLASS_UNIVERSAL, decodeAs, decodeObject, dotted, partsOf, readAs, type Asn1Object } from './asn1.ts';
import { OID_CARD_NUMBER, parseCardNumber } from './card-number.ts';
import { parseName, type DistinguishedName } from './distinguished-name.ts';

export const OID_ANY_POLICY = id_ce_certificatePolicies_anyPolicy;
/** FIPS 201-3, section 4.2.2.1: id-PIV-cardAuth. The certificate names the card, and no person. */
const OID_CARD_AUTHENTICATION = '2.16.840.1.101.3.6.8';
const TAG_SEQUENCE = 0x30;
const MAX_KEY_USAGE_BYTES = 4;
const MAX_PATH_LENGTH = 0x7fff_ffff;

/** Critical ones that are understood, or bind only what is not done here. */
const UNDERSTOOD: readonly string[] = [
  id_ce_subjectKeyIdentifier,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_authorityKeyIdentifier,
  id_ce_policyConstraints,
  id_ce_extKeyUsage,
  OID_CARD_NUMBER,
];

export type CertificatePurpose = 'authentication' | 'signature' | 'authority' | 'other';

export interface CertificateFacts {
  readonly x509: X509Certificate;
  /** SHA-256 of the DER, hexadecimal: what tells two certificates apart. */
  readonly fingerprint: string;
  /** RFC 4514. */
  readonly subjectText: string;
  readonly issuerText: string;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly purpose: CertificatePurpose;
  /** Of a card, not of a person: PIV's card authentication. */
  readonly isOfCard: boolean;
  readonly isAuthority: boolean;
  /** Authorities that may stand between this one and the last certificate; undefined: any number. */
  readonly pathLength: number | undefined;
  /** Its key usage lets it sign certificates, or says nothing. */
  readonly maySignCertificates: boolean;
  /** Undefined without the extension. */
  readonly policies: readonly string[] | undefined;
  readonly requiresPolicy: boolean;
  readonly cardNumber: string | undefined;
  /** The extension is there, and holds no card number. */
  readonly isCardNumberInvalid: boolean;
  readonly subjectKeyId: string | undefined;
  readonly authorityKeyId: string | undefined;
  /** Object identifier of the signature's algorithm, and DER of its parameters. */
  readonly signatureAlgorithm: { readonly oid: string; readonly parameters: Uint8Array | undefined };
  /** SubjectPublicKeyInfo, base64 of DER: to compare. */
  readonly publicKeyInfo: string;
  /** Undefined for a kind of key that OpenSSL does not know. */
  readonly publicKey: KeyObject | undefined;
  /** Object identifiers of extensions that do not decode, or stand there twice. */
  readonly malformed: readonly string[];
  /** Extensions that must be understood (critical), or bind what is below (name constraints), and are not understood here. */
  readonly unsupported: readonly string[];
}

interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Uint8Array;
}

/** What was read from bytes that a card's contents hold, or settings: they do not change, and the entry goes with them. */
const remembered = new WeakMap<Uint8Array, CertificateFacts | undefined>();

/** Undefined for bytes that are no certificate. Read once for one `Uint8Array`, which must not change. */
export function certificateFacts(der: Uint8Array): CertificateFacts | undefined {
  if (remembered.has(der)) return remembered.get(der);
  const facts = readFacts(der);
  remembered.set(der, facts);
  return facts;
}

function readFacts(der: Uint8Array): CertificateFacts | undefined {
  const x509 = der[0] === TAG_SEQUENCE ? parseX509(der) : undefined; // Node would take PEM too
  if (!x509) return undefined;
  try {
    return factsOf(x509);
  } catch (error) {
    if (error instanceof TlvError) return undefined;
    throw error;
  }
}

/** OpenSSL's reasons help nobody. */
function parseX509(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function factsOf(x509: X509Certificate): CertificateFacts {
  const object = decodeObject(new Uint8Array(x509.raw));
  const { tbsCertificate, signatureAlgorithm } = readAs(object, Certificate);
  const { times, keyInfo } = encodedParts(object);
  const extensions = Array.from(tbsCertificate.extensions ?? [], extensionOf);
  const read = new ExtensionReader(extensions);
  const usage = read.of(id_ce_keyUsage, parseKeyUsage);
  const basic = read.of(id_ce_basicConstraints, parseBasicConstraints);
  const extended = read.of(id_ce_extKeyUsage, (value) => decodeAs(value, ExtendedKeyUsage));
  const { algorithm, parameters } = signatureAlgorithm;
  return {
    x509,
    fingerprint: x509.fingerprint256.replaceAll(':', ''),
    subjectText: oneLine(x509.subject),
    issuerText: oneLine(x509.issuer),
    subject: parseName(tbsCertificate.subject),
    issuer: parseName(tbsCertificate.issuer),
    notBefore: timeOf(tbsCertificate.validity.notBefore, times[0]),
    notAfter: timeOf(tbsCertificate.validity.notAfter, times[1]),
    purpose: purposeOf(basic?.isAuthority ?? false, usage),
    isOfCard: extended?.includes(OID_CARD_AUTHENTICATION) ?? false,
    isAuthority: basic?.isAuthority ?? false,
    pathLength: basic?.pathLength,
    maySignCertificates: usage === undefined || (usage & KeyUsageFlags.keyCertSign) !== 0,
    policies: read.of(id_ce_certificatePolicies, parsePolicies),
    requiresPolicy: read.of(id_ce_policyConstraints, parseRequiresPolicy) ?? false,
    cardNumber: read.of(OID_CARD_NUMBER, parseCardNumber),
    subjectKeyId: read.of(id_ce_subjectKeyIdentifier, (value) => hex(decodeAs(value, SubjectKeyIdentifier).buffer)),
    authorityKeyId: read.of(id_ce_authorityKeyIdentifier, parseAuthorityKeyId),
    signatureAlgorithm: { oid: algorithm, parameters: parameters ? new Uint8Array(parameters) : undefined },
    publicKeyInfo: Buffer.from(keyInfo.valueBeforeDecodeView).toString('base64'),
    publicKey: publicKeyOf(x509),
    isCardNumberInvalid: read.malformed.has(OID_CARD_NUMBER),
    malformed: [...read.malformed].filter((oid) => oid !== OID_CARD_NUMBER), // a private matter of the card, not of the chain
    unsupported: extensions
      .filter((one) => (one.isCritical && !UNDERSTOOD.includes(one.oid)) || one.oid === id_ce_nameConstraints)
      .map((one) => one.oid),
  };
}

function extensionOf({ extnID, critical, extnValue }: AsnExtension): Extension {
  return { oid: extnID, isCritical: critical, value: new Uint8Array(extnValue.buffer) };
}

/** Of TBSCertificate, as they are encoded. Version, unique identifiers and extensions have tags of their own. */
function encodedParts(certificate: Asn1Object): { readonly times: readonly Asn1Object[]; readonly keyInfo: Asn1Object } {
  const [body] = partsOf(certificate);
  const universal = body ? partsOf(body).filter(({ idBlock }) => idBlock.tagClass === CLASS_UNIVERSAL) : [];
  const [, , , validity, , keyInfo] = universal;
  if (!validity || !keyInfo) throw new TlvError('decoding a certificate: parts are missing');
  return { times: partsOf(validity), keyInfo };
}

/** UTCTime or GeneralizedTime to the second, in UTC (RFC 5280, section 4.1.2.5). Of what is no such time asn1js gives another, as does Node 24: the digits are compared. */
function timeOf(time: Time, encoded: Asn1Object | undefined): Date {
  const date = time.getTime();
  const [year = '', ...digits] = date.toISOString().split(/\D/).slice(0, 6);
  const text = `${time.utcTime ? year.slice(2) : year}${digits.join('')}Z`;
  if (Buffer.from(encoded?.valueBeforeDecodeView.subarray(2) ?? []).toString('latin1') !== text)
    throw new TlvError('decoding a certificate: its validity is not two times');
  return date;
}

/** Reads extensions by their identifiers and remembers which could not be. */
class ExtensionReader {
  readonly malformed = new Set<string>();
  readonly #extensions: readonly Extension[];

  constructor(extensions: readonly Extension[]) {
    this.#extensions = extensions;
    for (const [index, { oid }] of extensions.entries())
      if (extensions.findIndex((other) => other.oid === oid) < index) this.malformed.add(oid); // RFC 5280, section 4.2
  }

  of<T>(oid: string, parse: (value: Uint8Array) => T | undefined): T | undefined {
    const extension = this.#extensions.find((one) => one.oid === oid);
    if (!extension || this.malformed.has(oid)) return undefined;
    try {
      const parsed = parse(extension.value);
      if (parsed !== undefined) return parsed;
    } catch (error) {
      if (!(error instanceof TlvError)) throw error;
    }
    this.malformed.add(oid);
    return undefined;
  }
}

/** RFC 5280, section 4.2.1.3: `KeyUsageFlags`. */
function parseKeyUsage(value: Uint8Array): number {
  const usage = decodeAs(value, KeyUsage);
  if (usage.value.byteLength > MAX_KEY_USAGE_BYTES) throw new TlvError('decoding key usage: more flags than there are');
  return usage.value.byteLength === 0 ? 0 : usage.toNumber(); // of none it gives NaN
}

/** RFC 5280, section 4.2.1.9. The library gives long numbers as text. */
function parseBasicConstraints(value: Uint8Array): { readonly isAuthority: boolean; readonly pathLength: number | undefined } {
  const { cA, pathLenConstraint } = decodeAs(value, BasicConstraints);
  const pathLength = pathLenConstraint === undefined ? undefined : Number(`${pathLenConstraint}`);
  if (pathLength !== undefined && !(pathLength >= 0 && pathLength <= MAX_PATH_LENGTH))
    throw new TlvError('decoding basic constraints: a path length out of range');
  return { isAuthority: cA, pathLength };
}

/** RFC 5280, section 4.2.1.4: identifiers alone; qualifiers are for people. */
function parsePolicies(value: Uint8Array): readonly string[] {
  return Array.from(decodeAs(value, CertificatePolicies), ({ policyIdentifier }) => dotted(policyIdentifier));
}

/** RFC 5280, section 4.2.1.11: requireExplicitPolicy, from whatever certificate on. */
function parseRequiresPolicy(value: Uint8Array): boolean {
  return decodeAs(value, PolicyConstraints).requireExplicitPolicy !== undefined;
}

/** RFC 5280, section 4.2.1.1: the key identifier; "" where only name and number of the issuer are given. */
function parseAuthorityKeyId(value: Uint8Array): string {
  const { keyIdentifier } = decodeAs(value, AuthorityKeyIdentifier);
  return keyIdentifier ? hex(keyIdentifier.buffer) : '';
}

/** By key usage: a certificate for signatures that bind has nonRepudiation; one that may only prove who is there has digitalSignature without it. */
function purposeOf(isAuthority: boolean, usage = 0): CertificatePurpose {
  if (isAuthority) return 'authority';
  if ((usage & KeyUsageFlags.nonRepudiation) !== 0) return 'signature';
  return (usage & KeyUsageFlags.digitalSignature) !== 0 ? 'authentication' : 'other';
}

function publicKeyOf(x509: X509Certificate): KeyObject | undefined {
  try {
    return x509.publicKey;
  } catch {
    return undefined;
  }
}

function hex(bytes: ArrayBuffer): string {
  return Buffer.from(bytes).toString('hex');
}

/** Node prints one attribute a line, most general first; RFC 4514 wants the most special first. Of an empty name Node gives nothing, whatever its types say. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').reverse().join(',');
}
