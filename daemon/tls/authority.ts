/**
 * A certification authority that can vouch for this computer's own loopback names and nothing else (RFC 5280), and the one certificate it
 * issues. Its private key cannot be exported and is held by nobody once `issueIdentity` has returned; see the README for what that means.
 */
import { KeyUsageFlags } from '@peculiar/asn1-x509';
import {
  P256,
  alternativeNames,
  basicConstraints,
  forServers,
  keyIdentifier,
  keyUsage,
  permittedNames,
  signCertificate,
  type KeyPair,
} from './certificate-asn1.ts';

/** One name of a server. */
export type NameToCertify = { readonly dNSName: string } | { readonly iPAddress: string };

/** What clients connect to. */
const LOOPBACK_NAMES: readonly NameToCertify[] = [{ dNSName: 'localhost' }, { iPAddress: '127.0.0.1' }, { iPAddress: '::1' }];
const PERMITTED = [{ dNSName: 'localhost' }, { iPAddress: '127.0.0.1/32' }, { iPAddress: '::1/128' }];

const DAY_MS = 86_400_000;
/** CA/Browser Forum, Baseline Requirements, section 6.3.2: no more than 397 days, both ends included. */
const LIFETIME_DAYS = 397;
/** So that the certificate is never the one of the two that lasts longer. */
const AUTHORITY_EXTRA_DAYS = 7;
/** For clocks that are set back a little after the certificate was made. */
const BACKDATED_MS = 3_600_000;
/** RFC 5280, section 4.1.2.2: 20 at most. */
const SERIAL_NUMBER_BYTES = 16;

export interface Authority {
  /** Its common name, which no other authority has. */
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  /** A certificate for a TLS server, and its key; PEM. It lasts as long as browsers take. */
  issue(names: readonly NameToCertify[]): Promise<{ readonly certificate: string; readonly key: string }>;
}

export interface Identity {
  /** PEM, each one block. */
  readonly ca: string;
  readonly certificate: string;
  /** PKCS #8. */
  readonly key: string;
}

interface Issuer {
  readonly name: string;
  readonly keys: KeyPair;
  readonly validity: { readonly notBefore: Date; readonly notAfter: Date };
}

/** A certificate for the loopback names from an authority of its own, whose key nobody has afterwards. */
export async function issueIdentity(now: Date): Promise<Identity> {
  const authority = await createAuthority(now);
  return { ca: authority.certificate, ...(await authority.issue(LOOPBACK_NAMES)) };
}

/** As long as the authority is held, it can issue. Outside of tests use `issueIdentity`. */
export async function createAuthority(now: Date): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(P256, false, ['sign', 'verify']); // not extractable: it never leaves WebCrypto
  const name = `kortd localhost CA ${Buffer.from(randomBytes(8)).toString('hex')}`;
  const validity = validityOf(now);
  const certificate = await signCertificate(
    {
      serialNumber: randomSerialNumber(),
      subject: name,
      issuer: name,
      validity: { ...validity, notAfter: new Date(validity.notAfter.getTime() + AUTHORITY_EXTRA_DAYS * DAY_MS) },
      publicKey: keys.publicKey,
      extensions: [
        basicConstraints('authority'),
        keyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign),
        permittedNames(PERMITTED),
        await keyIdentifier('subject', keys.publicKey),
      ],
    },
    keys.privateKey,
  );
  return { name, certificate: toPem(certificate, 'CERTIFICATE'), issue: (names) => issue(names, { name, keys, validity }) };
}

async function issue(
  names: readonly NameToCertify[],
  issuer: Issuer,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']); // extractable: it goes to key.pem
  const certificate = await signCertificate(
    {
      serialNumber: randomSerialNumber(),
      subject: 'localhost',
      issuer: issuer.name,
      validity: issuer.validity,
      publicKey: keys.publicKey,
      extensions: [
        basicConstraints('end entity'),
        keyUsage(KeyUsageFlags.digitalSignature),
        forServers(),
        alternativeNames(names),
        await keyIdentifier('subject', keys.publicKey),
        await keyIdentifier('authority', issuer.keys.publicKey),
      ],
    },
    issuer.keys.privateKey,
  );
  return {
    certificate: toPem(certificate, 'CERTIFICATE'),
    key: toPem(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'),
  };
}

/** Whole seconds: certificates know no smaller unit. */
function validityOf(now: Date): Issuer['validity'] {
  const start = Math.floor((now.getTime() - BACKDATED_MS) / 1000) * 1000;
  return { notBefore: new Date(start), notAfter: new Date(start + LIFETIME_DAYS * DAY_MS - 1000) };
}

/** Positive, and of one length in DER: the first byte from 0x40 to 0x7f. */
function randomSerialNumber(): Uint8Array<ArrayBuffer> {
  const bytes = randomBytes(SERIAL_NUMBER_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** RFC 7468. */
function toPem(der: ArrayBuffer, label: string): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/(.{64})(?!$)/g, '$1\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
