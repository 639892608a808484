/** Whether the three TLS files belong together and can be served with now. No file is read here. */
import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto';
import { TlsFilesError } from './errors.ts';

/** PEM, as the files hold it. */
export interface TlsTexts {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** What clients connect to: all must be in the certificate. */
const ADDRESSES = ['127.0.0.1', '::1'] as const;
const NAME = 'localhost';

/** `folder` is for the message. Throws TlsFilesError. */
export function validate(folder: string, texts: TlsTexts, now: Date): { ca: X509Certificate; certificate: X509Certificate } {
  const ca = parseCertificateFile(folder, 'ca.pem', texts.ca);
  const certificate = parseCertificateFile(folder, 'certificate.pem', texts.certificate);
  requirePair(folder, certificate, parseKeyFile(folder, texts.key));
  if (!ca.ca || !certificate.checkIssued(ca) || !certificate.verify(ca.publicKey))
    throw new TlsFilesError('mismatch', folder, {
      en: 'certificate.pem was not issued by ca.pem',
      sv: 'certificate.pem är inte utfärdat av ca.pem',
    });
  if (certificate.checkHost(NAME) === undefined || ADDRESSES.some((address) => certificate.checkIP(address) === undefined))
    throw new TlsFilesError('mismatch', folder, {
      en: 'certificate.pem is not for localhost, 127.0.0.1 and ::1',
      sv: 'certificate.pem gäller inte localhost, 127.0.0.1 och ::1',
    });
  for (const one of [certificate, ca]) requireInForce(folder, one, now);
  return { ca, certificate };
}

/** Exactly one certificate. Throws TlsFilesError. */
export function parseCertificateFile(folder: string, name: string, text: string): X509Certificate {
  try {
    requireOneBlock(text, 'CERTIFICATE');
    return new X509Certificate(text);
  } catch (cause) {
    throw new TlsFilesError(
      'corrupt',
      folder,
      { en: `${name} holds no certificate`, sv: `${name} innehåller inget certifikat` },
      { cause },
    );
  }
}

function parseKeyFile(folder: string, text: string): KeyObject {
  try {
    requireOneBlock(text, 'PRIVATE KEY');
    return createPrivateKey(text);
  } catch (cause) {
    throw new TlsFilesError(
      'corrupt',
      folder,
      { en: 'key.pem holds no private key', sv: 'key.pem innehåller ingen privat nyckel' },
      { cause },
    );
  }
}

/** OpenSSL takes the first block that it likes and passes over whatever else is there. */
function requireOneBlock(text: string, label: string): void {
  const block = new RegExp(`^-----BEGIN ${label}-----\\n[A-Za-z0-9+/=\\n]+-----END ${label}-----\\n?$`);
  if (!block.test(text.replaceAll('\r\n', '\n'))) throw new TypeError(`reading PEM: not one block of ${label}`);
}

function requirePair(folder: string, certificate: X509Certificate, key: KeyObject): void {
  if (certificate.checkPrivateKey(key)) return;
  throw new TlsFilesError('mismatch', folder, {
    en: 'key.pem is not the key of certificate.pem',
    sv: 'key.pem är inte nyckeln till certificate.pem',
  });
}

function requireInForce(folder: string, certificate: X509Certificate, now: Date): void {
  const [from, to] = [certificate.validFromDate, certificate.validToDate];
  if (now > to)
    throw new TlsFilesError('expired', folder, {
      en: `they expired on ${dayOf(to)}`,
      sv: `de gick ut ${dayOf(to)}`,
    });
  if (now < from)
    throw new TlsFilesError('not_yet_valid', folder, {
      en: `they are valid from ${dayOf(from)}, and the clock says ${dayOf(now)}`,
      sv: `de gäller från ${dayOf(from)}, och klockan säger ${dayOf(now)}`,
    });
}

/** ISO 8601, UTC. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
