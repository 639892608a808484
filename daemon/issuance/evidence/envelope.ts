/**
 * Evidence that only its recipients can read: CMS EnvelopedData (RFC 5652, section 6) with AES-256 in CBC mode, its key for each recipient by RSA-OAEP (RFC 3560) or
 * by elliptic-curve Diffie-Hellman (RFC 5753). That nobody changed it is told by the seal inside. By pkijs and WebCrypto; loaded only where recipients are named.
 */
import type { X509Certificate } from 'node:crypto';
import { Certificate, ContentInfo, EnvelopedData } from 'pkijs';
import { oneLine } from '../../signing/chain.ts';

/** RFC 5652, section 6.1. */
const OID_ENVELOPED_DATA = '1.2.840.113549.1.7.3';
const KEY_ENCRYPTION = { oaepHashAlgorithm: 'SHA-256', kdfAlgorithm: 'SHA-256', kekEncryptionLength: 256 };

/** Whoever holds the key of one of these certificates can open it: `openssl cms -decrypt`. Throws for a key that is neither RSA nor elliptic. */
export async function encryptFor(recipients: readonly X509Certificate[], content: Uint8Array): Promise<Uint8Array> {
  const enveloped = new EnvelopedData();
  for (const recipient of recipients) {
    const { asymmetricKeyType: type = 'unknown' } = recipient.publicKey;
    if (type !== 'rsa' && type !== 'ec')
      throw new Error(`encrypting evidence for ${oneLine(recipient.subject)}: its key is ${type}, neither RSA nor elliptic`);
    enveloped.addRecipientByCertificate(Certificate.fromBER(Uint8Array.from(recipient.raw)), KEY_ENCRYPTION);
  }
  await enveloped.encrypt({ name: 'AES-CBC', length: 256 }, Uint8Array.from(content).buffer);
  const info = new ContentInfo({ contentType: OID_ENVELOPED_DATA, content: enveloped.toSchema() });
  return new Uint8Array(info.toSchema().toBER());
}
