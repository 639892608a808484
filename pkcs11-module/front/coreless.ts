/**
 * What a program is answered while no core is there: its readers are, and are empty. Sessions have ended with the core that they were opened with. Clients that ask
 * again find the cards when the core is back (how each client asks: README).
 */
import type { Functions } from '../application/context.ts';
import { padded, slotInfo } from '../application/information.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { Answer } from '../rpc/arguments.ts';
import { CALLS, HANDSHAKE, type CallName, type Dialect } from '../rpc/calls.ts';
import { decodeCall, encodeAnswer, encodeError, type RpcCall } from '../rpc/message.ts';
import type { KnownSlot } from './messages.ts';

const NO_VERSION = { major: 0, minor: 0 };

export interface CorelessState {
  readonly dialect: Dialect;
  readonly isInitialized: boolean;
  /** As the last core told them. */
  readonly slots: readonly KnownSlot[];
}

/** The frame that answers a call. Throws RpcProtocolError for what is none. */
export function answerWithoutCore(code: number, body: Uint8Array, state: CorelessState): Uint8Array {
  const call = decodeCall(body, state.dialect);
  try {
    return encodeAnswer(code, call.name, answerTo(call, state));
  } catch (error) {
    if (error instanceof CkError) return encodeError(code, error.value);
    throw error;
  }
}

function answerTo(call: RpcCall, state: CorelessState): Answer<CallName> {
  if (!state.isInitialized && call.name !== 'C_Initialize')
    throw new CkError(ck.CKR_CRYPTOKI_NOT_INITIALIZED, `calling ${call.name}: before C_Initialize`);
  const work = functionsOf(state)[call.name] as ((args: unknown) => Answer<CallName>) | undefined;
  if (work) return work(call.args);
  throw new CkError(withSession(call.name), `calling ${call.name}: its session has ended with the core`);
}

function functionsOf({ isInitialized, slots }: CorelessState): Functions {
  const noToken = ([slotId]: readonly [number, ...unknown[]]): never => {
    slotOf(slots, slotId);
    throw new CkError(ck.CKR_TOKEN_NOT_PRESENT, `using slot ${slotId}: no core is there`);
  };
  return {
    C_Initialize: ([handshake]) => initialized(handshake, isInitialized),
    C_Finalize: () => [],
    C_GetInfo: () => [{ major: 3, minor: 0 }, padded('kortd', 32), 0, padded('Cards of this desk', 32), NO_VERSION],
    C_GetSlotList: (args) => listed(args, slots),
    C_GetSlotInfo: ([slotId]) => slotInfo({ ...slotOf(slots, slotId), manufacturer: 'kortd', token: undefined }),
    C_CloseAllSessions: ([slotId]) => {
      slotOf(slots, slotId);
      return [];
    },
    C_GetTokenInfo: noToken,
    C_GetMechanismList: noToken,
    C_GetMechanismInfo: noToken,
    C_InitToken: noToken,
    C_InitToken2: noToken,
    C_OpenSession: noToken,
    C_WaitForSlotEvent: () => {
      throw new CkError(ck.CKR_NO_EVENT, 'looking for a slot that has changed: no core is there');
    },
  };
}

function initialized(handshake: Uint8Array | undefined, isInitialized: boolean): [] {
  if (isInitialized) throw new CkError(ck.CKR_CRYPTOKI_ALREADY_INITIALIZED, 'initialising: it is done');
  if (new TextDecoder().decode(handshake) !== HANDSHAKE)
    throw new CkError(ck.CKR_GENERAL_ERROR, 'initialising: another protocol');
  return [];
}

function listed(
  [tokenPresent, room]: readonly [number, number | undefined],
  slots: readonly KnownSlot[],
): Answer<'C_GetSlotList'> {
  const values = tokenPresent === 0 ? slots.map(({ id }) => id) : [];
  return [values.length === 0 || (room !== undefined && room >= values.length) ? { values } : { count: values.length }];
}

function slotOf(slots: readonly KnownSlot[], id: number): KnownSlot {
  const slot = slots.find((one) => one.id === id);
  if (slot) return slot;
  throw new CkError(ck.CKR_SLOT_ID_INVALID, `using slot ${id}: there is none`);
}

/** Every other call begins with a session. */
function withSession(name: CallName): number {
  return CALLS[name].request.startsWith('u') ? ck.CKR_SESSION_HANDLE_INVALID : ck.CKR_FUNCTION_NOT_SUPPORTED;
}
