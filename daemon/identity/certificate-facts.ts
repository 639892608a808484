/**
 * What a certificate says (RFC 5280, section 4), read once. OpenSSL, through Node, takes it apart and holds its key; extensions, which Node does not give out, are
 * read here. An extension that does not decode, or stands there twice, is named in `malformed`: such a certificate can be looked at, and is never trusted.
 */
import { X509Certificate, type KeyObject } from 'node:crypto';
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';
import { OID_CARD_NUMBER, parseCardNumber } from './card-number.ts';
import {
  TAG_BIT_STRING,
  TAG_BOOLEAN,
  TAG_INTEGER,
  TAG_OBJECT_IDENTIFIER,
  TAG_OCTET_STRING,
  TAG_SEQUENCE,
  constructed,
  decodeDer,
  decodeOne,
  parseBits,
  parseBoolean,
  parseOid,
  parseSize,
  primitive,
} from './der.ts';
import { parseName, type DistinguishedName } from './distinguished-name.ts';

/** RFC 5280, sections 4.2.1.1 to 4.2.1.14. */
const OID_SUBJECT_KEY_IDENTIFIER = '2.5.29.14';
const OID_KEY_USAGE = '2.5.29.15';
const OID_SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const OID_BASIC_CONSTRAINTS = '2.5.29.19';
const OID_NAME_CONSTRAINTS = '2.5.29.30';
const OID_CERTIFICATE_POLICIES = '2.5.29.32';
const OID_AUTHORITY_KEY_IDENTIFIER = '2.5.29.35';
const OID_POLICY_CONSTRAINTS = '2.5.29.36';
const OID_EXTENDED_KEY_USAGE = '2.5.29.37';
export const OID_ANY_POLICY = '2.5.29.32.0';
/** FIPS 201-3, section 4.2.2.1: id-PIV-cardAuth. The certificate names the card, and no person. */
const OID_CARD_AUTHENTICATION = '2.16.840.1.101.3.6.8';
/** Bits of KeyUsage (RFC 5280, section 4.2.1.3). */
const USAGE_DIGITAL_SIGNATURE = 0;
const USAGE_NON_REPUDIATION = 1;
const USAGE_KEY_CERT_SIGN = 5;

/** Critical ones that are understood, or bind only what is not done here. */
const UNDERSTOOD: readonly string[] = [
  OID_SUBJECT_KEY_IDENTIFIER,
  OID_KEY_USAGE,
  OID_SUBJECT_ALTERNATIVE_NAME,
  OID_BASIC_CONSTRAINTS,
  OID_CERTIFICATE_POLICIES,
  OID_AUTHORITY_KEY_IDENTIFIER,
  OID_POLICY_CONSTRAINTS,
  OID_EXTENDED_KEY_USAGE,
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
  /** Object identifier and parameters of the signature's algorithm. */
  readonly signatureAlgorithm: { readonly oid: string; readonly parameters: Uint8Array | undefined };
  /** SubjectPublicKeyInfo, base64 of DER without its outermost tag: to compare. */
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
  const [body, algorithm] = decodeDer(decodeOne(new Uint8Array(x509.raw), TAG_SEQUENCE));
  if (!body || !algorithm) throw new TlvError('decoding a certificate: parts are missing');
  const [, , issuer, , subject, keyInfo, ...optional] = decodeDer(body.value).filter(({ tag }) => tag !== constructed(0));
  if (!issuer || !subject || !keyInfo) throw new TlvError('decoding a certificate: parts are missing');
  const extensions = parseExtensions(optional.find(({ tag }) => tag === constructed(3))?.value);
  const read = new ExtensionReader(extensions);
  const usage = read.of(OID_KEY_USAGE, (value) => parseBits(decodeOne(value, TAG_BIT_STRING)));
  const basic = read.of(OID_BASIC_CONSTRAINTS, parseBasicConstraints);
  const extended = read.of(OID_EXTENDED_KEY_USAGE, (value) => parseOids(decodeOne(value, TAG_SEQUENCE)));
  const [oid, parameters] = decodeDer(algorithm.value);
  const [notBefore, notAfter] = [x509.validFromDate, x509.validToDate];
  if (Number.isNaN(notBefore.getTime()) || Number.isNaN(notAfter.getTime()))
    throw new TlvError('decoding a certificate: its validity is no time'); // it would never end
  return {
    x509,
    fingerprint: x509.fingerprint256.replaceAll(':', ''),
    subjectText: oneLine(x509.subject),
    issuerText: oneLine(x509.issuer),
    subject: parseName(subject.value),
    issuer: parseName(issuer.value),
    notBefore,
    notAfter,
    purpose: purposeOf(basic?.isAuthority ?? false, usage),
    isOfCard: extended?.includes(OID_CARD_AUTHENTICATION) ?? false,
    isAuthority: basic?.isAuthority ?? false,
    pathLength: basic?.pathLength,
    maySignCertificates: usage?.has(USAGE_KEY_CERT_SIGN) ?? true,
    policies: read.of(OID_CERTIFICATE_POLICIES, parsePolicies),
    requiresPolicy: read.of(OID_POLICY_CONSTRAINTS, parseRequiresPolicy) ?? false,
    cardNumber: read.of(OID_CARD_NUMBER, parseCardNumber),
    subjectKeyId: read.of(OID_SUBJECT_KEY_IDENTIFIER, (value) => hex(decodeOne(value, TAG_OCTET_STRING))),
    authorityKeyId: read.of(OID_AUTHORITY_KEY_IDENTIFIER, parseAuthorityKeyId),
    signatureAlgorithm: { oid: parseOid(oid?.value ?? new Uint8Array()), parameters: parameters?.value },
    publicKeyInfo: Buffer.from(keyInfo.value).toString('base64'),
    publicKey: publicKeyOf(x509),
    isCardNumberInvalid: read.malformed.has(OID_CARD_NUMBER),
    malformed: [...read.malformed].filter((oid) => oid !== OID_CARD_NUMBER), // a private matter of the card, not of the chain
    unsupported: extensions
      .filter((one) => (one.isCritical && !UNDERSTOOD.includes(one.oid)) || one.oid === OID_NAME_CONSTRAINTS)
      .map((one) => one.oid),
  };
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

function parseExtensions(explicit: Uint8Array | undefined): readonly Extension[] {
  if (!explicit) return [];
  return decodeDer(decodeOne(explicit, TAG_SEQUENCE)).map(({ tag, value }) => {
    const [oid, second, third] = tag === TAG_SEQUENCE ? decodeDer(value) : [];
    const isCritical = second?.tag === TAG_BOOLEAN && parseBoolean(second.value);
    const content = second?.tag === TAG_BOOLEAN ? third : second;
    if (oid?.tag !== TAG_OBJECT_IDENTIFIER || content?.tag !== TAG_OCTET_STRING)
      throw new TlvError('decoding a certificate: no extension');
    return { oid: parseOid(oid.value), isCritical, value: content.value };
  });
}

/** RFC 5280, section 4.2.1.9. */
function parseBasicConstraints(value: Uint8Array): { readonly isAuthority: boolean; readonly pathLength: number | undefined } {
  const objects = decodeDer(decodeOne(value, TAG_SEQUENCE));
  const flag = objects.find(({ tag }) => tag === TAG_BOOLEAN);
  const length = objects.find(({ tag }) => tag === TAG_INTEGER);
  return { isAuthority: flag !== undefined && parseBoolean(flag.value), pathLength: length && parseSize(length.value) };
}

/** RFC 5280, section 4.2.1.4: identifiers alone; qualifiers are for people. */
function parsePolicies(value: Uint8Array): readonly string[] {
  return decodeDer(decodeOne(value, TAG_SEQUENCE)).map((information) => {
    const [oid] = decodeDer(information.value);
    if (oid?.tag !== TAG_OBJECT_IDENTIFIER) throw new TlvError('decoding policies: no identifier');
    return parseOid(oid.value);
  });
}

function parseOids(content: Uint8Array): readonly string[] {
  return decodeDer(content).map(({ value }) => parseOid(value));
}

/** RFC 5280, section 4.2.1.11: requireExplicitPolicy, from whatever certificate on. */
function parseRequiresPolicy(value: Uint8Array): boolean {
  return decodeDer(decodeOne(value, TAG_SEQUENCE)).some(({ tag }) => tag === primitive(0));
}

/** RFC 5280, section 4.2.1.1: the key identifier; "" where only name and number of the issuer are given. */
function parseAuthorityKeyId(value: Uint8Array): string {
  const identifier = decodeDer(decodeOne(value, TAG_SEQUENCE)).find(({ tag }) => tag === primitive(0));
  return identifier ? hex(identifier.value) : '';
}

/** By key usage: a certificate for signatures that bind has nonRepudiation; one that may only prove who is there has digitalSignature without it. */
function purposeOf(isAuthority: boolean, usage: ReadonlySet<number> | undefined): CertificatePurpose {
  if (isAuthority) return 'authority';
  if (usage?.has(USAGE_NON_REPUDIATION)) return 'signature';
  return usage?.has(USAGE_DIGITAL_SIGNATURE) ? 'authentication' : 'other';
}

function publicKeyOf(x509: X509Certificate): KeyObject | undefined {
  try {
    return x509.publicKey;
  } catch {
    return undefined;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Node prints one attribute a line, most general first; RFC 4514 wants the most special first. Of an empty name Node gives nothing, whatever its types say. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').reverse().join(',');
}
