/** The files that an authority's entry names, read when a certificate is asked for: what the administrator changes counts at once, and no secret stays in memory. */
import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto';
import { Secret } from '../../../apdu/secret.ts';
import { readAdministratorFile } from '../../../drivers/administrator-file.ts';
import type { AuthorityEntry } from '../../access/issuance-policy.ts';
import { certificateFacts, type CertificateFacts } from '../../identity/certificate-facts.ts';
import { readAuthorities } from '../../identity/settings.ts';
import { misconfigured } from './errors.ts';

const MAX_PEM_BYTES = 262_144;
const MAX_CREDENTIAL_BYTES = 4_096;

export interface ClientIdentity {
  /** Its own first, then those of its issuers, as far as the file has them. */
  readonly certificates: readonly CertificateFacts[];
  readonly certificatePem: string;
  readonly key: KeyObject;
  readonly keyPem: string;
}

export interface Credentials extends Disposable {
  /** User name, or reference of the secret. */
  readonly name: string;
  readonly secret: Secret;
}

export interface AuthorityFiles extends Disposable {
  readonly anchors: readonly CertificateFacts[];
  readonly client: ClientIdentity | undefined;
  readonly credentials: Credentials | undefined;
  readonly serverCertificate: CertificateFacts | undefined;
}

/** Throws authority_misconfigured. */
export function readAuthorityFiles(entry: AuthorityEntry, ownUid: number | undefined): AuthorityFiles {
  const read = <T>(file: string, how: (file: string) => T): T => {
    try {
      return how(file);
    } catch (error) {
      const problem = `${file}: ${error instanceof Error ? error.message : String(error)}`;
      throw misconfigured(problem, error);
    }
  };
  const { trustAnchors = [], clientCertificate, clientKey, credentials, serverCertificate } = entry;
  const anchors = trustAnchors.flatMap((file) => read(file, () => readAuthorities(file, ownUid)));
  const server = serverCertificate === undefined ? [] : read(serverCertificate, (file) => readCertificates(file, ownUid).facts);
  const client =
    clientCertificate === undefined || clientKey === undefined
      ? undefined
      : read(clientKey, (file) => readClient(clientCertificate, file, ownUid));
  const secret = credentials === undefined ? undefined : read(credentials, (file) => readCredentials(file, ownUid));
  return {
    anchors,
    client,
    credentials: secret,
    serverCertificate: server[0],
    [Symbol.dispose]: () => secret?.[Symbol.dispose](),
  };
}

function readClient(certificateFile: string, keyFile: string, ownUid: number | undefined): ClientIdentity {
  const { pem: certificatePem, facts: certificates } = readCertificates(certificateFile, ownUid);
  const keyPem = readAdministratorFile(keyFile, { maxBytes: MAX_PEM_BYTES, ownUid, isSecret: true });
  const key = parseKey(keyPem);
  if (!certificates[0]?.x509.checkPrivateKey(key)) throw new Error(`it is not the key of ${certificateFile}`);
  return { certificates, certificatePem, key, keyPem };
}

/** OpenSSL's reasons help nobody, and might tell of the key. */
function parseKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error('it holds no private key in PEM that can be read without a password');
  }
}

function readCertificates(
  file: string,
  ownUid: number | undefined,
): { readonly pem: string; readonly facts: readonly CertificateFacts[] } {
  const text = readAdministratorFile(file, { maxBytes: MAX_PEM_BYTES, ownUid });
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  const facts = blocks.flatMap((block) => certificateFacts(new Uint8Array(new X509Certificate(block).raw)) ?? []);
  if (facts.length === 0 || facts.length < blocks.length) throw new Error(`${file} holds no certificates in PEM`);
  return { pem: blocks.join('\n'), facts };
}

/** `name:secret`, one line; the secret may have colons. */
function readCredentials(file: string, ownUid: number | undefined): Credentials {
  const text = readAdministratorFile(file, { maxBytes: MAX_CREDENTIAL_BYTES, ownUid, isSecret: true });
  const [, name, value] = /^([^:\r\n]+):([^\r\n]+)\r?\n?$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new Error('it is not one line of name, colon, and secret');
  const secret = Secret.fromText(value);
  return { name, secret, [Symbol.dispose]: () => secret[Symbol.dispose]() };
}
