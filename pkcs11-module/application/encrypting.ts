/** Encryption by public keys (PKCS #11 v3.0, sections 5.8.1 to 5.8.4, and 2.1): no card is asked. */
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { MODULUS_LENGTH } from '../../apdu/public-key.ts';
import type { RsaKeyAlgorithm } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { BytesAnswer } from '../rpc/arguments.ts';
import { requireNone, requireOperation, type ApplicationContext, type Functions, type KeyObject } from './context.ts';
import { isRsa } from './decrypting.ts';
import { requirePermission } from './permissions.ts';
import { paddingOf, roomIn, type RsaPadding } from './rsa-padding.ts';
import type { Session } from './sessions.ts';
import { withZerosBefore } from './signing-input.ts';

export interface EncryptOperation {
  readonly object: KeyObject;
  readonly algorithm: RsaKeyAlgorithm;
  readonly padding: RsaPadding;
  readonly pieces: Uint8Array[];
  hasParts: boolean;
}

export function encryptFunctions(context: ApplicationContext): Functions {
  return {
    C_EncryptInit: async ([handle, mechanism, keyHandle]) => {
      const { session } = context.session(handle);
      if (!mechanism) {
        delete session.encrypt;
        return [];
      }
      requireNone(session.encrypt, 'encrypting');
      const padding = paddingOf(mechanism, 'encrypting');
      const object = await context.key(handle, keyHandle, false);
      session.encrypt = { ...encryptorOf(object, padding), pieces: [], hasParts: false };
      return [];
    },
    C_Encrypt: ([handle, data, room]) => {
      const { session } = context.session(handle);
      const operation = requireOperation(session.encrypt, 'encrypting');
      if (operation.hasParts) {
        delete session.encrypt;
        throw new CkError(ck.CKR_OPERATION_ACTIVE, 'encrypting: it was begun in parts');
      }
      if (hasRoom(operation, room)) add(session, operation, data);
      return [finish(session, operation, room)];
    },
    C_EncryptUpdate: ([handle, part, room]) => {
      const { session } = context.session(handle);
      const operation = requireOperation(session.encrypt, 'encrypting');
      if (room === undefined) return [{ length: 0 }];
      operation.hasParts = true;
      add(session, operation, part);
      return [{ bytes: new Uint8Array() }];
    },
    C_EncryptFinal: ([handle, room]) => {
      const { session } = context.session(handle);
      return [finish(session, requireOperation(session.encrypt, 'encrypting'), room)];
    },
  };
}

function encryptorOf(object: KeyObject, padding: RsaPadding): Pick<EncryptOperation, 'algorithm' | 'object' | 'padding'> {
  const { algorithm } = object.key;
  if (!isRsa(algorithm)) throw new CkError(ck.CKR_KEY_TYPE_INCONSISTENT, `encrypting: ${algorithm} is no kind of key for it`);
  requirePermission(object, ck.CKA_ENCRYPT);
  // node:crypto has one hash for both.
  if (padding.kind === 'oaep' && padding.hash !== padding.maskHash)
    throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, 'encrypting: OAEP with two hashes is not done');
  return { object, algorithm, padding };
}

function hasRoom({ algorithm }: EncryptOperation, room: number | undefined): boolean {
  return room !== undefined && room >= MODULUS_LENGTH[algorithm];
}

function add(session: Session, { pieces, padding, algorithm }: EncryptOperation, piece: Uint8Array | undefined): void {
  if (piece) pieces.push(piece);
  const length = pieces.reduce((sum, one) => sum + one.length, 0);
  if (length <= roomIn(padding, MODULUS_LENGTH[algorithm])) return;
  delete session.encrypt;
  throw new CkError(ck.CKR_DATA_LEN_RANGE, 'encrypting: the data are longer than the key');
}

/** Nothing is made before there is room for it: it is always as long as the key. */
function finish(session: Session, operation: EncryptOperation, ...[room]: [number | undefined]): BytesAnswer {
  if (!hasRoom(operation, room)) return { length: MODULUS_LENGTH[operation.algorithm] };
  delete session.encrypt;
  const data = new Uint8Array(Buffer.concat(operation.pieces));
  try {
    return { bytes: encrypt(operation, data) };
  } finally {
    data.fill(0);
  }
}

function encrypt({ object, algorithm, padding }: EncryptOperation, data: Uint8Array): Uint8Array {
  const key = createPublicKey({ key: Buffer.from(object.publicKey ?? []), format: 'der', type: 'spki' });
  switch (padding.kind) {
    case 'pkcs1':
      return new Uint8Array(publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, data));
    case 'oaep':
      return new Uint8Array(publicEncrypt({ key, oaepHash: padding.hash, oaepLabel: Buffer.from(padding.label) }, data));
    case 'raw': {
      const block = withZerosBefore(data, MODULUS_LENGTH[algorithm]);
      if (Buffer.compare(block, object.attributes.get(ck.CKA_MODULUS) ?? new Uint8Array()) >= 0)
        throw new CkError(ck.CKR_DATA_INVALID, 'encrypting: the data are no number below the modulus');
      return new Uint8Array(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, block));
    }
  }
}
