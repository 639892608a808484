/** The certificate of a workstation's seal (X.509, RFC 5280), signed by its own key. The libraries take their time to load: only whoever makes one imports this. */
import type { KeyObject } from 'node:crypto';
import { KeyUsageFlags } from '@peculiar/asn1-x509';
import { P256, basicConstraints, keyIdentifier, keyUsage, signCertificate } from '../../tls/certificate-asn1.ts';

/** RFC 5280, section 4.1.2.5: there is no known end. Who trusts a seal has its certificate, and takes it away to trust it no more. */
const NO_END = new Date('9999-12-31T23:59:59Z');
/** For clocks of other desks that are behind. */
const BACKDATED_MS = 3_600_000;
/** RFC 5280, section 4.1.2.2: 20 at most. */
const SERIAL_NUMBER_BYTES = 16;

export interface SealOwner {
  /** Common name. */
  readonly name: string;
  /** An elliptic key on P-256. */
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** DER. */
export async function issueSealCertificate({ name, privateKey, publicKey }: SealOwner, now: Date): Promise<Uint8Array> {
  const own = await crypto.subtle.importKey(
    'pkcs8',
    Uint8Array.from(privateKey.export({ type: 'pkcs8', format: 'der' })),
    P256,
    false,
    ['sign'],
  );
  const spki = Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
  const known = await crypto.subtle.importKey('spki', spki, P256, true, ['verify']);
  const notBefore = new Date(Math.floor((now.getTime() - BACKDATED_MS) / 1000) * 1000);
  const certificate = await signCertificate(
    {
      serialNumber: randomSerialNumber(),
      subject: name,
      issuer: name,
      validity: { notBefore, notAfter: NO_END },
      publicKey: known,
      extensions: [
        basicConstraints('end entity'),
        keyUsage(KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation),
        await keyIdentifier('subject', known),
      ],
    },
    own,
  );
  return new Uint8Array(certificate);
}

/** Positive, and of one length in DER: the first byte from 0x40 to 0x7f. */
function randomSerialNumber(): Uint8Array<ArrayBuffer> {
  const bytes = crypto.getRandomValues(new Uint8Array(SERIAL_NUMBER_BYTES));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}
