/** Fields of X.509 certificates (RFC 5280, section 4) that node:crypto does not tell. Throws DerError for what is no such structure. */
import { X509Certificate, type KeyObject } from 'node:crypto';
import { AlgorithmNotAllowedError, decodeSignatureAlgorithm, requireStrongKey } from './cms/algorithms.ts';
import { Fields, TAG, childrenOf, context, decodeOid, readDer, type DerElement } from './cms/der.ts';

export interface Extension {
  readonly critical: boolean;
  /** DER of what extnValue contains. */
  readonly value: Uint8Array;
}

/** RFC 5280, section 4.2.1. */
export const EXTENSION = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Bits of keyUsage, from the first (RFC 5280, section 4.2.1.3). */
export const KEY_USAGE = { digitalSignature: 0, nonRepudiation: 1, cRLSign: 6 } as const;

/** RFC 5280, section 4.2.1.12; RFC 6960, section 4.2.2.2. */
export const EXTENDED_KEY_USAGE = { timeStamping: '1.3.6.1.5.5.7.3.8', ocspSigning: '1.3.6.1.5.5.7.3.9' } as const;

export function extensionsOf(certificate: X509Certificate): ReadonlyMap<string, Extension> {
  const wrapped = childrenOf(toBeSigned(certificate)).find(({ tag }) => tag === context(3));
  if (!wrapped) return new Map();
  return new Map(childrenOf(readDer(wrapped.value, TAG.sequence)).map(readExtension));
}

/** Undefined for what is no certificate, or is valid at no time that there is. */
export function readCertificate(der: Uint8Array): X509Certificate | undefined {
  if (der[0] !== TAG.sequence) return undefined; // Node would take PEM too
  try {
    const certificate = new X509Certificate(der);
    const { validFromDate, validToDate } = certificate;
    return Number.isNaN(validFromDate.getTime() + validToDate.getTime()) ? undefined : certificate;
  } catch {
    return undefined;
  }
}

/** Throws AlgorithmNotAllowedError for a key of a kind that OpenSSL does not know. */
export function publicKeyOf(certificate: X509Certificate): KeyObject {
  try {
    return certificate.publicKey;
  } catch {
    throw new AlgorithmNotAllowedError('key of a kind that is not known');
  }
}

/** Undefined: any use (the extension is absent). */
export function keyUsageOf(extensions: ReadonlyMap<string, Extension>): ((bit: number) => boolean) | undefined {
  const extension = extensions.get(EXTENSION.keyUsage);
  if (!extension) return undefined;
  const [, ...bytes] = readDer(extension.value, TAG.bitString).value;
  return (bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
}

/** Object identifiers of extKeyUsage; undefined when it is absent. */
export function extendedKeyUsageOf(extensions: ReadonlyMap<string, Extension>): readonly string[] | undefined {
  const extension = extensions.get(EXTENSION.extendedKeyUsage);
  return extension && childrenOf(readDer(extension.value, TAG.sequence)).map(decodeOid);
}

/** Throws AlgorithmNotAllowedError when its key is weak, or it is itself signed with something weak. */
export function requireStrongCertificate(certificate: X509Certificate): void {
  requireStrongKey(publicKeyOf(certificate));
  const fields = new Fields(readDer(certificate.raw));
  fields.take(TAG.sequence);
  decodeSignatureAlgorithm(fields.take(TAG.sequence));
}

/** Subject of the certificate, raw. */
export function subjectOf(certificate: X509Certificate): Uint8Array {
  const children = childrenOf(toBeSigned(certificate));
  const first = children[0]?.tag === context(0) ? 1 : 0;
  return children[first + 4]?.raw ?? new Uint8Array();
}

function toBeSigned(certificate: X509Certificate): DerElement {
  return new Fields(readDer(certificate.raw)).take(TAG.sequence);
}

function readExtension(element: DerElement): [string, Extension] {
  const fields = new Fields(element);
  const oid = decodeOid(fields.take());
  const critical = (fields.takeIf(TAG.boolean)?.value[0] ?? 0) !== 0;
  return [oid, { critical, value: fields.take(TAG.octetString).value }];
}
