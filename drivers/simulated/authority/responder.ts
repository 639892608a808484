/** Whom an authority lets answer for it over OCSP (RFC 6960, section 4.2.2.2): a key of its own, in memory, under a certificate of a day. */
import { createPublicKey, generateKeyPairSync, randomBytes, type webcrypto } from 'node:crypto';
import type { Certificate } from 'pkijs';
import { bytesToBigInt } from '../bytes.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyIdentifierOf,
  keyUsage,
  signCertificate,
  subjectKeyIdentifier,
} from '../certificate.ts';
import { readCertificate, toSigningKey, type Issuer } from './issuers.ts';

export interface Responder {
  readonly certificate: Certificate;
  readonly signingKey: webcrypto.CryptoKey;
  /** SHA-1 of its key: how the response names it (RFC 6960, section 4.2.1). */
  readonly keyIdentifier: Uint8Array;
  /** Another is made from here on. */
  readonly renewAt: number;
}

/** RFC 6960, sections 4.2.2.2 and 4.2.2.2.1. */
const OID_OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const OID_NO_CHECK = '1.3.6.1.5.5.7.48.1.5';
const DER_NULL = Uint8Array.of(0x05, 0x00);
const HOUR_MS = 3_600_000;
const SERIAL_BYTES = 16;

export async function createResponder(issuer: Issuer, now: Date): Promise<Responder> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  const issuerKey = new Uint8Array(issuer.certificate.publicKey.export({ format: 'der', type: 'spki' }));
  const der = signCertificate(
    {
      serialNumber: bytesToBigInt(new Uint8Array(randomBytes(SERIAL_BYTES))) >> 1n,
      subject: [
        ['C', 'SE'],
        ['O', 'BENCH kortd'],
        ['CN', `${issuer.label} OCSP`],
      ],
      issuer: issuer.name,
      notBefore: new Date(now.getTime() - HOUR_MS),
      notAfter: new Date(now.getTime() + 24 * HOUR_MS),
      publicKey,
      extensions: [
        basicConstraints(false),
        keyUsage('digitalSignature'),
        extendedKeyUsage(OID_OCSP_SIGNING),
        { oid: OID_NO_CHECK, value: DER_NULL },
        subjectKeyIdentifier(publicKey),
        authorityKeyIdentifier(issuerKey),
      ],
    },
    issuer.key,
  );
  return {
    certificate: readCertificate(der),
    signingKey: await toSigningKey(privateKey),
    keyIdentifier: keyIdentifierOf(publicKey),
    renewAt: now.getTime() + 12 * HOUR_MS,
  };
}
