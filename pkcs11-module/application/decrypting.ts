/**
 * Decryption with RSA keys for it (PKCS #11 v3.0, sections 5.10 and 2.1): the card does the primitive, and the padding is taken off here, or by the card where it does
 * that itself. What does not hold is told by one value, whatever is wrong with it.
 */
import { MODULUS_LENGTH } from '../../apdu/public-key.ts';
import type { Secret } from '../../apdu/secret.ts';
import type { KeyAlgorithm, RsaKeyAlgorithm } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import type { TokenAct, TokenInUse } from '../desk.ts';
import { CkError } from '../errors.ts';
import type { BytesAnswer } from '../rpc/arguments.ts';
import { fitted, requireNone, requireOperation, type ApplicationContext, type Functions, type KeyObject } from './context.ts';
import { hasAbility } from './mechanisms.ts';
import { requirePermission } from './permissions.ts';
import { paddingOf, unpad, type RsaPadding } from './rsa-padding.ts';
import { endDecrypt, type Session } from './sessions.ts';

/** A key with a padding that it decrypts. */
export interface Decryptor {
  readonly object: KeyObject;
  readonly algorithm: RsaKeyAlgorithm;
  readonly padding: RsaPadding;
}

export interface DecryptOperation extends Decryptor {
  readonly pieces: Uint8Array[];
  hasParts: boolean;
  /** Given by C_Login(CKU_CONTEXT_SPECIFIC), for this operation alone. */
  pin?: Secret;
  /** Made, and not fetched yet: a caller with too little room comes again. */
  plain?: Uint8Array;
}

export function decryptFunctions(context: ApplicationContext): Functions {
  const operationOf = (handle: number): { readonly session: Session; readonly operation: DecryptOperation } => {
    const { session } = context.session(handle);
    return { session, operation: requireOperation(session.decrypt, 'decrypting') };
  };
  return {
    C_DecryptInit: async ([handle, mechanism, keyHandle]) => {
      const { session } = context.session(handle);
      if (!mechanism) {
        endDecrypt(session);
        return [];
      }
      requireNoneUnderWay(session);
      const padding = paddingOf(mechanism, 'decrypting');
      const object = await context.key(handle, keyHandle, true);
      const decryptor = decryptorOf(object, padding, ck.CKA_DECRYPT);
      session.decrypt = { ...decryptor, pieces: [], hasParts: false };
      return [];
    },
    C_Decrypt: async ([handle, data, room]) => {
      const { session, operation } = operationOf(handle);
      if (operation.hasParts) {
        endDecrypt(session);
        throw new CkError(ck.CKR_OPERATION_ACTIVE, 'decrypting: it was begun in parts');
      }
      if (room !== undefined && !operation.plain) add(session, operation, data);
      return [await finish(context, session, { operation, room })];
    },
    C_DecryptUpdate: ([handle, part, room]) => {
      const { session, operation } = operationOf(handle);
      if (operation.plain) throw new CkError(ck.CKR_OPERATION_NOT_INITIALIZED, 'decrypting: it is done');
      if (room === undefined) return [{ length: 0 }];
      operation.hasParts = true;
      add(session, operation, part);
      return [{ bytes: new Uint8Array() }];
    },
    C_DecryptFinal: async ([handle, room]) => {
      const { session, operation } = operationOf(handle);
      return [await finish(context, session, { operation, room })];
    },
  };
}

/** One that still waits for a PIN of its own was given up, as with signatures. */
function requireNoneUnderWay(session: Session): void {
  const { decrypt: operation } = session;
  if (operation?.object.key.pinPolicy === 'always' && !operation.pin) endDecrypt(session);
  else requireNone(operation, 'decrypting');
}

/** `permission`: CKA_DECRYPT, CKA_UNWRAP. Throws CkError for a key that does not do it. */
export function decryptorOf(object: KeyObject, padding: RsaPadding, permission: number): Decryptor {
  const { key } = object;
  const { algorithm } = key;
  if (!isRsa(algorithm)) throw new CkError(ck.CKR_KEY_TYPE_INCONSISTENT, `decrypting: ${algorithm} is no kind of key for it`);
  requirePermission(object, permission);
  if (padding.kind !== 'pkcs1' && !hasAbility(key, 'decipher'))
    throw new CkError(ck.CKR_MECHANISM_INVALID, 'decrypting: the card takes padding off by itself, and not this one');
  return { object, algorithm, padding };
}

export function isRsa(algorithm: KeyAlgorithm): algorithm is RsaKeyAlgorithm {
  return algorithm.startsWith('RSA-');
}

function add(session: Session, { pieces, algorithm }: DecryptOperation, piece: Uint8Array | undefined): void {
  if (piece) pieces.push(piece);
  if (lengthOf(pieces) <= MODULUS_LENGTH[algorithm]) return;
  endDecrypt(session);
  throw new CkError(ck.CKR_ENCRYPTED_DATA_LEN_RANGE, 'decrypting: the data are longer than the key');
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** How much it will be nobody knows before: whoever only asks is told the most. */
async function finish(
  context: ApplicationContext,
  session: Session,
  { operation, room }: { readonly operation: DecryptOperation; readonly room: number | undefined },
): Promise<BytesAnswer> {
  if (room === undefined && !operation.plain) return { length: MODULUS_LENGTH[operation.algorithm] };
  try {
    operation.plain ??= await decryptAll(context, session, operation);
  } catch (error) {
    endDecrypt(session);
    throw error;
  }
  const answer = fitted(operation.plain.slice(), operation.plain.length, room);
  if ('bytes' in answer) endDecrypt(session);
  return answer;
}

async function decryptAll(context: ApplicationContext, session: Session, operation: DecryptOperation): Promise<Uint8Array> {
  const { pieces, algorithm, pin } = operation;
  const cryptogram = new Uint8Array(Buffer.concat(pieces));
  if (cryptogram.length !== MODULUS_LENGTH[algorithm])
    throw new CkError(ck.CKR_ENCRYPTED_DATA_LEN_RANGE, 'decrypting: the data are not as long as the key');
  const plain = await decrypt(context, operation, { act: 'pkcs11.decrypt', session, cryptogram, pin });
  if (plain) return plain;
  throw new CkError(ck.CKR_ENCRYPTED_DATA_INVALID, 'decrypting: what came out does not hold');
}

export interface Decryption {
  readonly act: TokenAct;
  readonly session: Session;
  readonly cryptogram: Uint8Array;
  readonly pin: Secret | undefined;
}

/** Undefined for what does not hold: a number too great, or padding. A cryptogram has the length of the modulus. */
export async function decrypt(
  context: ApplicationContext,
  decryptor: Decryptor,
  { act, session, cryptogram, pin }: Decryption,
): Promise<Uint8Array | undefined> {
  const { key, attributes } = decryptor.object;
  if (Buffer.compare(cryptogram, attributes.get(ck.CKA_MODULUS) ?? new Uint8Array()) >= 0) return undefined;
  return await context.useKey({ act, session, key, pin }, (token) => decryptOn(token, decryptor, cryptogram));
}

async function decryptOn(
  token: TokenInUse,
  { object: { key }, algorithm, padding }: Decryptor,
  cryptogram: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (token.decipher && hasAbility(key, 'decipher')) {
    const block = await token.decipher(key.keyReference, algorithm, cryptogram);
    const plain = unpad(padding, block);
    block.fill(0);
    return plain;
  }
  if (token.decrypt && padding.kind === 'pkcs1') return await token.decrypt(key.keyReference, algorithm, cryptogram);
  throw new CkError(ck.CKR_MECHANISM_INVALID, 'decrypting: the card does not do it');
}
