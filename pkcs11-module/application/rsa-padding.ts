/** The paddings of RSA encryption as mechanisms name them (PKCS #11 v3.0, sections 2.1.6, 2.1.8 and 2.1.9), and how they are taken off. */
import { decodeOaep, decodePkcs1Encryption } from '../../apdu/encryption-decoding.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { Mechanism } from '../rpc/mechanisms.ts';
import { HASH_LENGTH, hashOf, maskHashOf, type HashName } from './hashes.ts';

export type RsaPadding =
  | { readonly kind: 'pkcs1' }
  | { readonly kind: 'raw' }
  | { readonly kind: 'oaep'; readonly hash: HashName; readonly maskHash: HashName; readonly label: Uint8Array };

/** RFC 8017, section 7.2.1. */
const PKCS1_OVERHEAD = 11;

/** Throws CkError. `what`: "encrypting". */
export function paddingOf({ type, parameters }: Mechanism, what: string): RsaPadding {
  if (type === ck.CKM_RSA_PKCS) return { kind: 'pkcs1' };
  if (type === ck.CKM_RSA_X_509) return { kind: 'raw' };
  if (type !== ck.CKM_RSA_PKCS_OAEP) throw new CkError(ck.CKR_MECHANISM_INVALID, `${what}: mechanism ${type} is not known`);
  if (parameters?.kind !== 'oaep') throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, `${what}: OAEP has no parameters`);
  const { source, sourceData } = parameters;
  const [hash, maskHash] = [hashOf(parameters.hash), maskHashOf(parameters.mgf)];
  const isLabelled = source === ck.CKZ_DATA_SPECIFIED || sourceData.length === 0;
  if (hash && maskHash && isLabelled) return { kind: 'oaep', hash, maskHash, label: sourceData };
  throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, `${what}: OAEP with these parameters is not done`);
}

/** The longest message (RFC 8017, sections 7.1.1 and 7.2.1); negative when the key is too short for any. */
export function roomIn(padding: RsaPadding, modulusLength: number): number {
  if (padding.kind === 'raw') return modulusLength;
  return modulusLength - (padding.kind === 'pkcs1' ? PKCS1_OVERHEAD : 2 * HASH_LENGTH[padding.hash] + 2);
}

/** Undefined for a block that does not hold. A copy: the block can be wiped. */
export function unpad(padding: RsaPadding, block: Uint8Array): Uint8Array | undefined {
  if (padding.kind === 'raw') return block.slice();
  return padding.kind === 'pkcs1' ? decodePkcs1Encryption(block) : decodeOaep(block, padding);
}
