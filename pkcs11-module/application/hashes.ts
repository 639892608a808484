/** The hashes that programs name, each by the numbers it has in PKCS #11 v3.0: as a digest (section 2.20), and as the mask of PSS and OAEP (section 2.1.7). */
import type { PaddingHash } from '../../apdu/signature-encoding.ts';
import * as ck from '../constants.ts';

export type HashName = PaddingHash;

interface HashRow {
  readonly name: HashName;
  readonly mechanism: number;
  readonly mgf: number;
}

const ROWS: readonly HashRow[] = [
  { name: 'sha1', mechanism: ck.CKM_SHA_1, mgf: ck.CKG_MGF1_SHA1 },
  { name: 'sha224', mechanism: ck.CKM_SHA224, mgf: ck.CKG_MGF1_SHA224 },
  { name: 'sha256', mechanism: ck.CKM_SHA256, mgf: ck.CKG_MGF1_SHA256 },
  { name: 'sha384', mechanism: ck.CKM_SHA384, mgf: ck.CKG_MGF1_SHA384 },
  { name: 'sha512', mechanism: ck.CKM_SHA512, mgf: ck.CKG_MGF1_SHA512 },
];
export const DIGEST_MECHANISMS: readonly number[] = ROWS.map(({ mechanism }) => mechanism);
export const HASH_LENGTH: Readonly<Record<HashName, number>> = { sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 };

export function hashOf(mechanism: number): HashName | undefined {
  return ROWS.find((row) => row.mechanism === mechanism)?.name;
}

export function maskHashOf(mgf: number): HashName | undefined {
  return ROWS.find((row) => row.mgf === mgf)?.name;
}
