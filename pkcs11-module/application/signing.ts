/** Signatures by the card (PKCS #11 v3.0, sections 5.13.1 to 5.13.6): what is hashed or padded by the host is done here, the private key's part by the card. */
import { encodePss } from '../../apdu/signature-encoding.ts';
import type { KeyAlgorithm, RsaKeyAlgorithm } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import type { TokenInUse } from '../desk.ts';
import { CkError } from '../errors.ts';
import type { BytesAnswer } from '../rpc/arguments.ts';
import type { Mechanism } from '../rpc/mechanisms.ts';
import { requireNone, requireOperation, type ApplicationContext, type Functions, type KeyObject } from './context.ts';
import { RECOVERING, hasAbility } from './mechanisms.ts';
import { requirePermission } from './permissions.ts';
import { SigningInput, type ToBeSigned } from './signing-input.ts';
import { endSign, type Session, type SignOperation } from './sessions.ts';

export function signFunctions(context: ApplicationContext): Functions {
  const begin = async (
    handle: number,
    mechanism: Mechanism | undefined,
    keyHandle: number,
    isRecovery = false,
  ): Promise<void> => {
    const { session } = context.session(handle);
    if (!mechanism) {
      endSign(session);
      return;
    }
    requireNoneUnderWay(session);
    const object = await context.key(handle, keyHandle, true);
    const input = new SigningInput(mechanism, object.key.algorithm);
    requirePermission(object, ck.CKA_SIGN);
    if (input.isBlock && !hasAbility(object.key, 'sign block'))
      throw new CkError(
        input.pss ? ck.CKR_MECHANISM_PARAM_INVALID : ck.CKR_MECHANISM_INVALID,
        'signing: the card pads by itself, and not so',
      );
    session.sign = { input, object, hasParts: false, isRecovery };
  };
  return {
    C_SignInit: async ([handle, mechanism, keyHandle]) => {
      await begin(handle, mechanism, keyHandle);
      return [];
    },
    C_Sign: async ([handle, data, room]) => {
      const { session } = context.session(handle);
      return [await sign(context, session, { data: data ?? new Uint8Array(), room })];
    },
    C_SignUpdate: ([handle, part]) => {
      const { session } = context.session(handle);
      const operation = requireOperation(session.sign?.isRecovery ? undefined : session.sign, 'signing');
      updateOrEnd(session, operation, part ?? new Uint8Array());
      operation.hasParts = true;
      return [];
    },
    C_SignFinal: async ([handle, room]) => {
      const { session } = context.session(handle);
      return [await sign(context, session, { data: undefined, room })];
    },
    C_SignRecoverInit: async ([handle, mechanism, keyHandle]) => {
      context.session(handle);
      if (mechanism && !RECOVERING.includes(mechanism.type))
        throw new CkError(ck.CKR_MECHANISM_INVALID, `signing: nothing is recovered by mechanism ${mechanism.type}`);
      await begin(handle, mechanism, keyHandle, true);
      return [];
    },
    C_SignRecover: async ([handle, data, room]) => {
      const { session } = context.session(handle);
      return [await sign(context, session, { data: data ?? new Uint8Array(), room, isRecovery: true })];
    },
  };
}

/** One that still waits for a PIN of its own was given up: the person did not type it, and programs forget such an operation. */
function requireNoneUnderWay(session: Session): void {
  const { sign: operation } = session;
  if (operation?.object.key.pinPolicy === 'always' && !operation.pin) endSign(session);
  else requireNone(operation, 'signing');
}

/** Data that do not fit end the operation (section 5.13.2). */
function updateOrEnd(session: Session, { input }: SignOperation, data: Uint8Array): void {
  try {
    input.update(data);
  } catch (error) {
    endSign(session);
    throw error;
  }
}

interface SignRequest {
  /** Undefined: it came in parts. */
  readonly data: Uint8Array | undefined;
  readonly room: number | undefined;
  readonly isRecovery?: boolean;
}

/** The size can be asked for first, and too little room be tried: the operation goes on. */
async function sign(
  context: ApplicationContext,
  session: Session,
  { data, room, isRecovery = false }: SignRequest,
): Promise<BytesAnswer> {
  const operation = requireOperation(session.sign?.isRecovery === isRecovery ? session.sign : undefined, 'signing');
  if (data && operation.hasParts) {
    endSign(session);
    throw new CkError(ck.CKR_OPERATION_ACTIVE, 'signing: it was begun in parts');
  }
  const length = operation.input.signatureLength;
  if (room === undefined || room < length) return { length };
  const { object } = operation;
  delete session.sign; // it ends with this call, whatever comes of it: no other thread goes on with it meanwhile
  try {
    if (data) operation.input.update(data);
    const input = operation.input.finish();
    if (input.kind === 'block') requireBelowModulus(object, input.block);
    const use = { act: 'pkcs11.sign', session, key: object.key, pin: operation.pin } as const;
    const bytes = await context.useKey(use, (token) => signWith(token, object.key, { input, random: context.random }));
    return { bytes };
  } finally {
    operation.pin?.[Symbol.dispose]();
  }
}

/** RFC 8017, section 5.2.1, step 1. */
function requireBelowModulus({ attributes }: KeyObject, block: Uint8Array): void {
  if (Buffer.compare(block, attributes.get(ck.CKA_MODULUS) ?? new Uint8Array()) >= 0)
    throw new CkError(ck.CKR_DATA_INVALID, 'signing: the block is no number below the modulus');
}

async function signWith(
  token: TokenInUse,
  { keyReference, algorithm }: KeyObject['key'],
  { input, random }: { readonly input: ToBeSigned; readonly random: ApplicationContext['random'] },
): Promise<Uint8Array> {
  if (input.kind === 'digest') return await token.sign({ keyReference, algorithm }, input.algorithm, input.digest);
  if (isRsa(algorithm)) {
    if (input.kind === 'content' && token.signPadded) return await token.signPadded(keyReference, algorithm, input.content);
    if (input.kind !== 'content' && token.signBlock) {
      const block = input.kind === 'block' ? input.block : blockOf(input, random, algorithm);
      return await token.signBlock(keyReference, algorithm, block);
    }
  }
  throw new CkError(ck.CKR_DATA_INVALID, 'signing: the data are nothing that the card signs');
}

function blockOf(
  { hash, digest, saltLength }: Extract<ToBeSigned, { kind: 'pss' }>,
  random: ApplicationContext['random'],
  algorithm: RsaKeyAlgorithm,
): Uint8Array {
  return encodePss(hash, digest, random(saltLength), Number(algorithm.slice('RSA-'.length)) / 8);
}

function isRsa(algorithm: KeyAlgorithm): algorithm is RsaKeyAlgorithm {
  return algorithm.startsWith('RSA-');
}
