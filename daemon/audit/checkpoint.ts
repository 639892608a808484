/**
 * Signed checkpoints: Ed25519 (RFC 8032) over a place in the chain, so that whoever rewrites the chain as a whole is found. They are numbered from 1
 * without gaps: one that was taken away is missed.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import type { ChainPoint } from './record.ts';

/** Why it was made: the log was opened or closed, many records came, the oldest were dropped by policy, or the log was exported. */
export const CHECKPOINT_KINDS = ['start', 'interval', 'stop', 'prune', 'export'] as const;
export type CheckpointKind = (typeof CHECKPOINT_KINDS)[number];

export interface Checkpoint extends ChainPoint {
  readonly number: number;
  readonly kind: CheckpointKind;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Fingerprint of the key that signed. */
  readonly key: string;
  /** Base64. */
  readonly signature: string;
}

export interface AuditKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly fingerprint: string;
}

const FORMAT = 'kortd-audit-checkpoint-1';

/** Makes the key when there is none. Throws when the file holds no Ed25519 key. */
export function openAuditKey(file: string): AuditKey & { readonly isNew: boolean } {
  const existing = readIfThere(file);
  const privateKey = existing === undefined ? generateKeyPairSync('ed25519').privateKey : createPrivateKey(existing);
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError(`reading ${file}: it holds no Ed25519 key`);
  if (existing === undefined)
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx', flush: true });
  else chmodSync(file, 0o600);
  const publicKey = createPublicKey(privateKey);
  return { privateKey, publicKey, fingerprint: fingerprintOf(publicKey), isNew: existing === undefined };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** SHA-256 over the SubjectPublicKeyInfo, hexadecimal. */
export function fingerprintOf(publicKey: KeyObject): string {
  return createHash('sha256').update(encodePublicKey(publicKey)).digest('hex');
}

export function encodePublicKey(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** From base64 of a SubjectPublicKeyInfo. Throws when it is none of Ed25519. */
export function decodePublicKey(text: string): KeyObject {
  const key = createPublicKey({ key: Buffer.from(text, 'base64'), type: 'spki', format: 'der' });
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('reading the public key: it is none of Ed25519');
  return key;
}

export function signCheckpoint(unsigned: Omit<Checkpoint, 'key' | 'signature'>, key: AuditKey): Checkpoint {
  const signature = sign(null, encode(unsigned), key.privateKey).toString('base64');
  return { ...unsigned, key: key.fingerprint, signature };
}

export function isGenuine(checkpoint: Checkpoint, publicKey: KeyObject): boolean {
  return verify(null, encode(checkpoint), publicKey, Buffer.from(checkpoint.signature, 'base64'));
}

function encode({ number, kind, sequence, hash, time }: Omit<Checkpoint, 'key' | 'signature'>): Buffer {
  return Buffer.from(JSON.stringify([FORMAT, number, kind, sequence, hash, time]));
}
