/** Certificates that a caller hands in. */
import { X509Certificate } from 'node:crypto';
import { ApiError } from '../errors.ts';

/** One X.509 certificate, PEM or base64 of DER, with nothing around it. Throws certificate_invalid. */
export function parseCertificate(text: string): X509Certificate {
  const der = decodePem(text.trim());
  const attempt = 'reading the certificate';
  if (!der) throw new ApiError('certificate_invalid', `${attempt}: neither one PEM block nor base64`);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch (error) {
    throw new ApiError('certificate_invalid', `${attempt}: it does not parse as X.509`, {}, { cause: error });
  }
  if (certificate.raw.length !== der.length)
    throw new ApiError('certificate_invalid', `${attempt}: ${der.length - certificate.raw.length} bytes follow it`);
  return certificate;
}

function decodePem(text: string): Buffer | undefined {
  const block = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----$/.exec(text)?.[1];
  const base64 = (block ?? text).replaceAll(/\s+/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$|^[A-Za-z0-9+/]{2}==$|^[A-Za-z0-9+/]{3}=$/.test(base64))
    return undefined;
  return Buffer.from(base64, 'base64');
}

const SEQUENCE_TAG = 0x30;

/** DER. Undefined for what is no certificate, or is valid at no time that there is. */
export function readCertificate(der: Uint8Array): X509Certificate | undefined {
  if (der[0] !== SEQUENCE_TAG) return undefined; // Node would take PEM too
  try {
    const certificate = new X509Certificate(der);
    const { validFromDate, validToDate } = certificate;
    return Number.isNaN(validFromDate.getTime() + validToDate.getTime()) ? undefined : certificate;
  } catch {
    return undefined;
  }
}
