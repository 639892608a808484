/** Digests (PKCS #11 v3.0, sections 5.12.1 to 5.12.5), made here: no card is asked. */
import { createHash, type Hash } from 'node:crypto';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { BytesAnswer } from '../rpc/arguments.ts';
import { fitted, requireNone, requireOperation, type ApplicationContext, type Functions } from './context.ts';
import { HASH_LENGTH, hashOf } from './hashes.ts';
import type { Session } from './sessions.ts';

export interface DigestOperation {
  readonly hash: Hash;
  readonly length: number;
  hasParts: boolean;
  /** Made, and not fetched yet: a caller with too little room comes again. */
  result?: Uint8Array;
}

export function digestFunctions(context: ApplicationContext): Functions {
  return {
    C_DigestInit: ([handle, mechanism]) => {
      const { session } = context.session(handle);
      if (!mechanism) {
        delete session.digest;
        return [];
      }
      requireNone(session.digest, 'digesting');
      const name = hashOf(mechanism.type);
      if (name === undefined) throw new CkError(ck.CKR_MECHANISM_INVALID, `digesting: mechanism ${mechanism.type} is not known`);
      session.digest = { hash: createHash(name), length: HASH_LENGTH[name], hasParts: false };
      return [];
    },
    C_Digest: ([handle, data, room]) => [digest(context.session(handle).session, data ?? new Uint8Array(), room)],
    C_DigestUpdate: ([handle, part]) => {
      const operation = requireOperation(context.session(handle).session.digest, 'digesting');
      requireUnfinished(operation);
      operation.hash.update(part ?? new Uint8Array());
      operation.hasParts = true;
      return [];
    },
    C_DigestKey: ([handle]) => {
      requireOperation(context.session(handle).session.digest, 'digesting');
      throw new CkError(ck.CKR_KEY_INDIGESTIBLE, 'digesting: no key here may be digested');
    },
    C_DigestFinal: ([handle, room]) => [digest(context.session(handle).session, undefined, room)],
  };
}

function requireUnfinished({ result }: DigestOperation): void {
  if (result) throw new CkError(ck.CKR_OPERATION_NOT_INITIALIZED, 'digesting: it is done, and waits to be fetched');
}

function digest(session: Session, data: Uint8Array | undefined, room: number | undefined): BytesAnswer {
  const operation = requireOperation(session.digest, 'digesting');
  if (data && operation.hasParts) {
    delete session.digest;
    throw new CkError(ck.CKR_OPERATION_ACTIVE, 'digesting: it was begun in parts');
  }
  if (!operation.result && room !== undefined) {
    if (data) operation.hash.update(data);
    operation.result = new Uint8Array(operation.hash.digest());
  }
  const answer = fitted(operation.result, operation.length, room);
  if ('bytes' in answer) delete session.digest;
  return answer;
}
