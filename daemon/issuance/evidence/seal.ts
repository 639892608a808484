/**
 * The workstation's own seal: an ECDSA key on P-256 and a certificate that it signed for itself, made on first use, `seal.pem` in the data folder. It says which
 * workstation put something together, and nothing of a person. Other desks and archives trust it by its certificate, `seal-certificate.pem` beside it.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createDurably, replaceDurably } from './durable-file.ts';

export const SEAL_FILE = 'seal.pem';
export const SEAL_CERTIFICATE_FILE = 'seal-certificate.pem';

const ALGORITHM = 'ES256';
const HASH = 'sha256';
/** X.520, upper bound of a common name (RFC 5280, appendix A: ub-common-name). */
const MAX_NAME = 64;

export interface SealOptions {
  readonly folder: string;
  readonly now: () => Date;
  /** Of the workstation, for people; its host name unless given. */
  readonly name?: string;
}

/** Whoever holds this can seal. */
export interface Seal {
  readonly certificate: X509Certificate;
  /** SHA-256 of the certificate, hexadecimal. */
  readonly fingerprint: string;
  /** A CMS (CAdES-B-B) over these bytes, DER; they are in it when `attached`. */
  sign(content: Uint8Array, how: 'attached' | 'detached'): Promise<Uint8Array>;
}

/** Makes the seal when there is none. Throws when the file holds no key and certificate that belong together. */
export async function openSeal(options: SealOptions): Promise<Seal> {
  const file = join(options.folder, SEAL_FILE);
  const text = readIfThere(file) ?? (await makeSeal(file, options));
  chmodSync(file, 0o600);
  const seal = readSeal(text, options);
  const copy = join(options.folder, SEAL_CERTIFICATE_FILE);
  const certificate = seal.certificate.toString();
  if (readIfThere(copy) !== certificate) replaceDurably(copy, Buffer.from(certificate));
  return seal;
}

function readSeal(text: string, { folder, now }: SealOptions): Seal {
  const attempt = `reading ${join(folder, SEAL_FILE)}`;
  const privateKey = createPrivateKey(text);
  const certificate = new X509Certificate(text);
  if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new TypeError(`${attempt}: it holds no key on P-256`);
  if (!certificate.checkPrivateKey(privateKey)) throw new TypeError(`${attempt}: key and certificate do not belong together`);
  return {
    certificate,
    fingerprint: fingerprintOf(certificate),
    sign: (content, how) => signWith({ privateKey, certificate, content, how, signingTime: now() }),
  };
}

interface Sealing {
  readonly privateKey: KeyObject;
  readonly certificate: X509Certificate;
  readonly content: Uint8Array;
  readonly how: 'attached' | 'detached';
  readonly signingTime: Date;
}

async function signWith({ privateKey, certificate, content, how, signingTime }: Sealing): Promise<Uint8Array> {
  const { createSignedData } = await import('../../signing/cms/signed-data.ts');
  return await createSignedData(
    {
      contentDigest: createHash(HASH).update(content).digest(),
      hash: HASH,
      profile: 'cades',
      signer: { certificate: new Uint8Array(certificate.raw), chain: [], algorithm: ALGORITHM },
      signingTime,
      ...(how === 'attached' ? { content } : {}),
    },
    (_, message) => Promise.resolve(sign(HASH, message, { key: privateKey, dsaEncoding: 'ieee-p1363' })),
  );
}

/** Two that begin at once have one seal in the end. */
async function makeSeal(file: string, { now, name = `kortd desk ${hostname()}` }: SealOptions): Promise<string> {
  const { issueSealCertificate } = await import('./seal-certificate.ts');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const publicKey = createPublicKey(privateKey);
  const der = await issueSealCertificate({ name: name.slice(0, MAX_NAME), privateKey, publicKey }, now());
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  try {
    createDurably(file, Buffer.from(`${key.toString()}${new X509Certificate(der).toString()}`));
  } catch (error) {
    if (!isSystemError(error, 'EEXIST')) throw error;
  }
  return readFileSync(file, 'utf8');
}

export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
