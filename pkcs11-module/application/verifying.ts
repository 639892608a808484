/** Signatures verified by public keys (PKCS #11 v3.0, sections 5.15.1 to 5.15.6): no card is asked. */
import { constants, createPublicKey, publicDecrypt } from 'node:crypto';
import { createDigestVerifier } from '../../apdu/digest-verifier.ts';
import { encodePss, recoverPssSalt } from '../../apdu/signature-encoding.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { BytesAnswer } from '../rpc/arguments.ts';
import { fitted, requireNone, requireOperation, type ApplicationContext, type Functions, type KeyObject } from './context.ts';
import { RECOVERING } from './mechanisms.ts';
import { requirePermission } from './permissions.ts';
import type { Session } from './sessions.ts';
import { SigningInput, type PssInput } from './signing-input.ts';

export interface VerifyOperation {
  readonly input: SigningInput;
  readonly object: KeyObject;
  hasParts: boolean;
}

export interface RecoverOperation {
  readonly padding: number;
  readonly object: KeyObject;
}

export function verifyFunctions(context: ApplicationContext): Functions {
  return {
    C_VerifyInit: async ([handle, mechanism, keyHandle]) => {
      const { session } = context.session(handle);
      if (!mechanism) {
        delete session.verify;
        return [];
      }
      requireNone(session.verify, 'verifying');
      const object = await context.key(handle, keyHandle, false);
      const input = new SigningInput(mechanism, object.key.algorithm);
      requirePermission(object, ck.CKA_VERIFY);
      session.verify = { input, object, hasParts: false };
      return [];
    },
    C_Verify: ([handle, data, signature]) => verify(context.session(handle).session, data ?? new Uint8Array(), signature),
    C_VerifyUpdate: ([handle, part]) => {
      const { session } = context.session(handle);
      const operation = requireOperation(session.verify, 'verifying');
      operation.hasParts = true;
      try {
        operation.input.update(part ?? new Uint8Array());
      } catch (error) {
        delete session.verify; // data that do not fit end the operation
        throw error;
      }
      return [];
    },
    C_VerifyFinal: ([handle, signature]) => verify(context.session(handle).session, undefined, signature),
    ...recoverFunctions(context),
  };
}

function recoverFunctions(context: ApplicationContext): Functions {
  return {
    C_VerifyRecoverInit: async ([handle, mechanism, keyHandle]) => {
      const { session } = context.session(handle);
      if (!mechanism) {
        delete session.recover;
        return [];
      }
      requireNone(session.recover, 'verifying');
      if (!RECOVERING.includes(mechanism.type))
        throw new CkError(ck.CKR_MECHANISM_INVALID, `verifying: nothing is recovered by mechanism ${mechanism.type}`);
      const object = await context.key(handle, keyHandle, false);
      if (!object.attributes.has(ck.CKA_MODULUS))
        throw new CkError(ck.CKR_KEY_TYPE_INCONSISTENT, `verifying: ${object.key.algorithm} recovers nothing`);
      requirePermission(object, ck.CKA_VERIFY_RECOVER);
      const padding = mechanism.type === ck.CKM_RSA_PKCS ? constants.RSA_PKCS1_PADDING : constants.RSA_NO_PADDING;
      session.recover = { padding, object };
      return [];
    },
    C_VerifyRecover: ([handle, signature, room]) => [recover(context.session(handle).session, signature, room)],
  };
}

function recover(session: Session, signature: Uint8Array = new Uint8Array(), ...[room]: [number | undefined]): BytesAnswer {
  const { padding, object } = requireOperation(session.recover, 'verifying');
  const length = object.attributes.get(ck.CKA_MODULUS)?.length ?? 0;
  if (room === undefined) return { length };
  if (signature.length !== length) {
    delete session.recover;
    throw new CkError(ck.CKR_SIGNATURE_LEN_RANGE, 'verifying: it has another length');
  }
  const data = raise(object, signature, padding);
  if (!data) {
    delete session.recover;
    throw new CkError(ck.CKR_SIGNATURE_INVALID, 'verifying: the signature does not hold');
  }
  const answer = fitted(data, data.length, room);
  if ('bytes' in answer) delete session.recover;
  return answer;
}

function verify(session: Session, data: Uint8Array | undefined, signature: Uint8Array = new Uint8Array()): [] {
  const operation = requireOperation(session.verify, 'verifying');
  const { input, object } = operation;
  delete session.verify;
  if (data && operation.hasParts) throw new CkError(ck.CKR_OPERATION_ACTIVE, 'verifying: it was begun in parts');
  if (data) input.update(data);
  if (signature.length !== input.signatureLength)
    throw new CkError(ck.CKR_SIGNATURE_LEN_RANGE, 'verifying: it has another length');
  if (verifies(input, object, signature)) return [];
  throw new CkError(ck.CKR_SIGNATURE_INVALID, 'verifying: the signature does not hold');
}

function verifies(input: SigningInput, object: KeyObject, signature: Uint8Array): boolean {
  const signed = input.finish();
  const { publicKey } = object;
  switch (signed.kind) {
    case 'digest':
      return (publicKey && createDigestVerifier(publicKey, signed.algorithm)?.(signed.digest, signature)) ?? false;
    case 'content':
      return isSame(raise(object, signature, constants.RSA_PKCS1_PADDING), signed.content);
    case 'block':
      return isSame(raise(object, signature, constants.RSA_NO_PADDING), signed.block);
    case 'pss':
      return verifiesPss(signed, raise(object, signature, constants.RSA_NO_PADDING));
  }
}

/** By making the block again with the salt that is in it (RFC 8017, section 9.1.2). */
function verifiesPss({ hash, digest, saltLength }: PssInput, block: Uint8Array | undefined): boolean {
  const salt = block && recoverPssSalt(hash, block, saltLength);
  return block !== undefined && salt !== undefined && isSame(block, encodePss(hash, digest, salt, block.length));
}

function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0;
}

/** Undefined for a number that is not below the modulus, and for padding that does not hold. */
function raise({ publicKey }: KeyObject, signature: Uint8Array, padding: number): Uint8Array | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey ?? []), format: 'der', type: 'spki' });
    return new Uint8Array(publicDecrypt({ key, padding }, signature));
  } catch {
    return undefined;
  }
}
