/** Signatures of certificates, revocation lists and CMS: how they are made, and what names them (RFC 5754; RFC 4055, section 3.1; RFC 5758, section 3.2). */
import { constants, sign, type KeyObject } from 'node:crypto';
import { encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { encodeInteger, encodeOid, sequence } from './der.ts';

export const SIGNATURE_HASHES = ['SHA-256', 'SHA-384', 'SHA-512'] as const;
export type SignatureHash = (typeof SIGNATURE_HASHES)[number];

export interface SignatureScheme {
  readonly kind: 'ECDSA' | 'RSA' | 'RSA-PSS';
  readonly hash: SignatureHash;
}

interface HashRow {
  readonly nodeName: string;
  readonly oid: string;
  readonly lengthBytes: number;
  readonly withRsa: string;
  readonly withEcdsa: string;
}

const HASHES: Readonly<Record<SignatureHash, HashRow>> = {
  'SHA-256': {
    ...{ nodeName: 'sha256', oid: '2.16.840.1.101.3.4.2.1', lengthBytes: 32 },
    ...{ withRsa: '1.2.840.113549.1.1.11', withEcdsa: '1.2.840.10045.4.3.2' },
  },
  'SHA-384': {
    ...{ nodeName: 'sha384', oid: '2.16.840.1.101.3.4.2.2', lengthBytes: 48 },
    ...{ withRsa: '1.2.840.113549.1.1.12', withEcdsa: '1.2.840.10045.4.3.3' },
  },
  'SHA-512': {
    ...{ nodeName: 'sha512', oid: '2.16.840.1.101.3.4.2.3', lengthBytes: 64 },
    ...{ withRsa: '1.2.840.113549.1.1.13', withEcdsa: '1.2.840.10045.4.3.4' },
  },
};
const OID_RSA_PSS = '1.2.840.113549.1.1.10';
const OID_MASK_GENERATION_1 = '1.2.840.113549.1.1.8';
const NULL = encodeTlv(0x05);

/** What the key signs by unless it is told otherwise. */
export function usualScheme(key: KeyObject): SignatureScheme {
  return { kind: key.asymmetricKeyType === 'rsa' ? 'RSA' : 'ECDSA', hash: 'SHA-256' };
}

/** As `node:crypto` calls it. */
export function nodeHashName(hash: SignatureHash): string {
  return HASHES[hash].nodeName;
}

export function hashIdentifier(hash: SignatureHash): Uint8Array {
  return sequence(encodeOid(HASHES[hash].oid), NULL);
}

export function algorithmIdentifier({ kind, hash }: SignatureScheme): Uint8Array {
  const row = HASHES[hash];
  if (kind === 'ECDSA') return sequence(encodeOid(row.withEcdsa));
  if (kind === 'RSA') return sequence(encodeOid(row.withRsa), NULL);
  const parameters = sequence(
    encodeTlv(0xa0, hashIdentifier(hash)),
    encodeTlv(0xa1, sequence(encodeOid(OID_MASK_GENERATION_1), hashIdentifier(hash))),
    encodeTlv(0xa2, encodeInteger(BigInt(row.lengthBytes))),
  );
  return sequence(encodeOid(OID_RSA_PSS), parameters);
}

/** ECDSA as a sequence of two numbers (RFC 3279, section 2.2.3). The salt of PSS is as long as its hash. */
export function signBy({ kind, hash }: SignatureScheme, key: KeyObject, message: Uint8Array): Uint8Array {
  const { nodeName, lengthBytes } = HASHES[hash];
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: lengthBytes };
  return new Uint8Array(sign(nodeName, message, { key, ...(kind === 'RSA-PSS' ? pss : {}) }));
}
