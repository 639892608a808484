/** Fields of X.509 certificates (RFC 5280, section 4) that node:crypto does not tell, by pkijs. Throws DerError for what is no such structure. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { BitString } from 'asn1js';
import { Certificate, ExtKeyUsage } from 'pkijs';
import { AlgorithmNotAllowedError, decodeSignatureAlgorithm, requireStrongKey } from './cms/algorithms.ts';
import { DerError, orDerError, readDer } from './cms/asn1.ts';

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

const known = new WeakMap<X509Certificate, Certificate>();

/** Read once for all signers. */
export function certificateFields(certificate: X509Certificate): Certificate {
  const fields =
    known.get(certificate) ??
    orDerError('no X.509 certificate', () => new Certificate({ schema: readDer(new Uint8Array(certificate.raw)) }));
  known.set(certificate, fields);
  return fields;
}

export function isReadable(certificate: X509Certificate): boolean {
  try {
    certificateFields(certificate);
    return true;
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

/** Issuer (DER) and serial number (its value), as they stand there. */
export function certificateId(certificate: X509Certificate): {
  readonly issuer: Uint8Array;
  readonly serialNumber: Uint8Array;
} {
  const { issuer, serialNumber } = certificateFields(certificate);
  return { issuer: new Uint8Array(issuer.valueBeforeDecode), serialNumber: serialNumber.valueBlock.valueHexView };
}

/** Subject of the certificate, raw. */
export function subjectOf(certificate: X509Certificate): Uint8Array {
  return new Uint8Array(certificateFields(certificate).subject.valueBeforeDecode);
}

export function extensionsOf(certificate: X509Certificate): ReadonlyMap<string, Extension> {
  const { extensions = [] } = certificateFields(certificate);
  return new Map(
    extensions.map(({ extnID, critical, extnValue }) => [extnID, { critical, value: extnValue.valueBlock.valueHexView }]),
  );
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
  const bits = readDer(extension.value);
  if (!(bits instanceof BitString)) throw new DerError('a keyUsage that is none');
  const bytes = bits.valueBlock.valueHexView;
  return (bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
}

/** Object identifiers of extKeyUsage; undefined when it is absent. */
export function extendedKeyUsageOf(extensions: ReadonlyMap<string, Extension>): readonly string[] | undefined {
  const extension = extensions.get(EXTENSION.extendedKeyUsage);
  if (!extension) return undefined;
  return orDerError('an extKeyUsage that is none', () => new ExtKeyUsage({ schema: readDer(extension.value) }).keyPurposes);
}

/** Throws AlgorithmNotAllowedError when its key is weak, or it is itself signed with something weak. */
export function requireStrongCertificate(certificate: X509Certificate): void {
  requireStrongKey(publicKeyOf(certificate));
  decodeSignatureAlgorithm(certificateFields(certificate).signatureAlgorithm);
}
