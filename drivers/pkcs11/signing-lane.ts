/**
 * One lane of signatures: a session that signs digest after digest on its own thread, beside other lanes over the same list. The list, what comes of it, and how far
 * all have come are in shared memory, so that a lane waits for nobody.
 */
import * as ck from './constants.ts';
import type { CryptokiFunction, CryptokiNumbers } from './cryptoki.ts';
import { ModuleFaultError, ReturnedError } from './faults.ts';
import { encodeUlong, readUlong } from './layout.ts';

/** Longest signature of the keys that kortd knows is that of RSA-4096: 512 bytes. */
const SIGNATURE_BYTES = 1_024;

/** Places in `state`. */
const NEXT = 0;
const DONE = 1;
const STOPPED = 2;

/** What all lanes share: as it is, it goes to another thread. */
export interface SharedList {
  readonly count: number;
  readonly inputBytes: number;
  readonly inputs: SharedArrayBuffer;
  readonly signatures: SharedArrayBuffer;
  readonly lengths: SharedArrayBuffer;
  readonly state: SharedArrayBuffer;
}

export interface Lane {
  readonly session: bigint;
  readonly key: bigint;
  /** CK_MECHANISM; what it points to is held by whoever made it. */
  readonly mechanism: Uint8Array;
}

export interface LaneFunctions {
  readonly signInit: CryptokiFunction;
  readonly sign: CryptokiFunction;
  readonly numbers: CryptokiNumbers;
  /** For a key that wants its PIN each time: between the two calls. */
  readonly beforeSigning?: (() => void) | undefined;
}

/** The inputs, all of one length. */
export function shareList(inputs: readonly Uint8Array[]): SharedList {
  const inputBytes = inputs[0]?.length ?? 0;
  const count = inputs.length;
  const list = {
    ...{ count, inputBytes, inputs: new SharedArrayBuffer(count * inputBytes) },
    signatures: new SharedArrayBuffer(count * SIGNATURE_BYTES),
    lengths: new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT),
    state: new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT),
  };
  const place = new Uint8Array(list.inputs);
  for (const [index, input] of inputs.entries()) place.set(input, index * inputBytes);
  return list;
}

/** Throws ReturnedError, ModuleFaultError. */
export function signInput(
  { signInit, sign, numbers, beforeSigning }: LaneFunctions,
  { session, key, mechanism }: Lane,
  input: Uint8Array,
): Uint8Array {
  const signature = new Uint8Array(SIGNATURE_BYTES);
  const length = encodeUlong(SIGNATURE_BYTES, numbers);
  requireOk('C_SignInit', signInit(session, mechanism, key));
  beforeSigning?.();
  requireOk('C_Sign', sign(session, input, input.length, signature, length));
  const written = readUlong(length, numbers);
  if (written > BigInt(SIGNATURE_BYTES)) throw new ModuleFaultError(`C_Sign gave ${written} bytes where ${SIGNATURE_BYTES} fit`);
  return signature.subarray(0, Number(written));
}

/** Signs the next digest that no lane has taken. False when there is none, or a lane has failed. Throws as `signInput`, and stops the others. */
export function signNext(functions: LaneFunctions, lane: Lane, list: SharedList): boolean {
  const state = new Int32Array(list.state);
  const index = Atomics.add(state, NEXT, 1);
  if (index >= list.count || Atomics.load(state, STOPPED) !== 0) return false;
  try {
    const input = Uint8Array.from(new Uint8Array(list.inputs, index * list.inputBytes, list.inputBytes));
    const signature = signInput(functions, lane, input);
    new Uint8Array(list.signatures, index * SIGNATURE_BYTES).set(signature);
    new Int32Array(list.lengths)[index] = signature.length;
    Atomics.add(state, DONE, 1);
    return true;
  } catch (error) {
    Atomics.store(state, STOPPED, 1);
    throw error;
  }
}

/** By all lanes. */
export function countSigned({ state }: SharedList): number {
  return Atomics.load(new Int32Array(state), DONE);
}

/** In the order of the inputs. */
export function takeSignatures(list: SharedList): readonly Uint8Array[] {
  const lengths = new Int32Array(list.lengths);
  return Array.from(lengths, (length, index) =>
    Uint8Array.from(new Uint8Array(list.signatures, index * SIGNATURE_BYTES, length)),
  );
}

function requireOk(call: string, result: number): void {
  if (result !== ck.CKR_OK) throw new ReturnedError(call, result);
}
