/** Decryption with RSA keys for it (PKCS #11 v3.0, sections 5.9, 2.1.6 and 2.1.8): the card does the primitive, and the padding is taken off here. */
import { decodeOaep, decodePkcs1Encryption, type OaepHash } from '../../apdu/encryption-decoding.ts';
import type { RsaKeyAlgorithm } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { BytesAnswer } from '../rpc/arguments.ts';
import type { Mechanism } from '../rpc/mechanisms.ts';
import { fitted, requireOperation, type ApplicationContext, type Functions, type KeyObject } from './context.ts';
import type { Session } from './sessions.ts';

/** Takes the padding off; undefined for a block that does not hold. */
type Unpad = (block: Uint8Array) => Uint8Array | undefined;

export interface DecryptOperation {
  readonly object: KeyObject;
  readonly algorithm: RsaKeyAlgorithm;
  readonly unpad: Unpad;
  readonly pieces: Uint8Array[];
  /** Made, and not fetched yet: a caller with too little room comes again. */
  plain?: Uint8Array;
}

const HASHES: ReadonlyMap<number, OaepHash> = new Map([
  [ck.CKM_SHA_1, 'sha1'],
  [ck.CKM_SHA256, 'sha256'],
  [ck.CKM_SHA384, 'sha384'],
  [ck.CKM_SHA512, 'sha512'],
]);
const MASKS: ReadonlyMap<number, OaepHash> = new Map([
  [ck.CKG_MGF1_SHA1, 'sha1'],
  [ck.CKG_MGF1_SHA256, 'sha256'],
  [ck.CKG_MGF1_SHA384, 'sha384'],
  [ck.CKG_MGF1_SHA512, 'sha512'],
]);

export function decryptFunctions(context: ApplicationContext): Functions {
  const operationOf = (handle: number): { readonly session: Session; readonly operation: DecryptOperation } => {
    const { session } = context.session(handle);
    return { session, operation: requireOperation(session.decrypt, 'decrypting') };
  };
  return {
    C_DecryptInit: async ([handle, mechanism, keyHandle]) => {
      const { session } = context.session(handle);
      delete session.decrypt;
      if (!mechanism) return [];
      const unpad = unpadOf(mechanism);
      const object = await context.key(handle, keyHandle, true);
      session.decrypt = { object, algorithm: requireRsa(object), unpad, pieces: [] };
      return [];
    },
    C_Decrypt: async ([handle, data, room]) => {
      const { session, operation } = operationOf(handle);
      if (room !== undefined && !operation.plain) add(operation, data);
      return [await finish(context, session, operation, room)];
    },
    C_DecryptUpdate: ([handle, part]) => {
      add(operationOf(handle).operation, part);
      return [{ bytes: new Uint8Array() }];
    },
    C_DecryptFinal: async ([handle, room]) => {
      const { session, operation } = operationOf(handle);
      return [await finish(context, session, operation, room)];
    },
  };
}

function unpadOf({ type, parameters }: Mechanism): Unpad {
  if (type === ck.CKM_RSA_PKCS) return decodePkcs1Encryption;
  if (type !== ck.CKM_RSA_PKCS_OAEP) throw new CkError(ck.CKR_MECHANISM_INVALID, `decrypting: mechanism ${type} is not known`);
  if (parameters?.kind !== 'oaep') throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, 'decrypting: OAEP has no parameters');
  const [hash, maskHash] = [HASHES.get(parameters.hash), MASKS.get(parameters.mgf)];
  if (!hash || !maskHash) throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, 'decrypting: OAEP with these hashes is not done');
  return (block) => decodeOaep(block, { hash, maskHash, label: parameters.sourceData });
}

function requireRsa({ key }: KeyObject): RsaKeyAlgorithm {
  const { algorithm, usage } = key;
  if (algorithm === 'P-256' || algorithm === 'P-384')
    throw new CkError(ck.CKR_KEY_TYPE_INCONSISTENT, `decrypting: ${algorithm} is no kind of key for it`);
  if (usage === 'key agreement') return algorithm;
  throw new CkError(ck.CKR_KEY_FUNCTION_NOT_PERMITTED, `decrypting: key ${key.keyReference} is for ${usage}`);
}

function add({ pieces, algorithm }: DecryptOperation, piece: Uint8Array | undefined): void {
  if (piece) pieces.push(piece);
  if (lengthOf(pieces) > modulusLength(algorithm))
    throw new CkError(ck.CKR_ENCRYPTED_DATA_LEN_RANGE, 'decrypting: the data are longer than the key');
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function modulusLength(algorithm: RsaKeyAlgorithm): number {
  return Number(algorithm.slice('RSA-'.length)) / 8;
}

/** How much it will be nobody knows before: whoever only asks is told the most. */
async function finish(
  context: ApplicationContext,
  session: Session,
  operation: DecryptOperation,
  ...[room]: [number | undefined]
): Promise<BytesAnswer> {
  if (room === undefined && !operation.plain) return { length: modulusLength(operation.algorithm) };
  try {
    operation.plain ??= await decrypt(context, session, operation);
  } catch (error) {
    delete session.decrypt;
    throw error;
  }
  const answer = fitted(operation.plain, operation.plain.length, room);
  if ('bytes' in answer) delete session.decrypt;
  return answer;
}

async function decrypt(context: ApplicationContext, session: Session, operation: DecryptOperation): Promise<Uint8Array> {
  const { object, algorithm, pieces, unpad } = operation;
  const { key } = object;
  if (lengthOf(pieces) !== modulusLength(algorithm))
    throw new CkError(ck.CKR_ENCRYPTED_DATA_LEN_RANGE, 'decrypting: the data are not as long as the key');
  const cryptogram = new Uint8Array(Buffer.concat(pieces));
  const block = await context.useKey({ act: 'pkcs11.decrypt', session, key, pin: undefined }, async (token) => {
    if (!token.decipher) throw new CkError(ck.CKR_MECHANISM_INVALID, 'decrypting: the card does not do it');
    return await token.decipher(key.keyReference, algorithm, cryptogram);
  });
  const plain = unpad(block);
  if (plain) return plain;
  throw new CkError(ck.CKR_ENCRYPTED_DATA_INVALID, 'decrypting: what came out does not hold');
}
