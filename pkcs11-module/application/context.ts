/** What the functions of PKCS #11, a file for each family, share: the sessions of their client, and the way to the card. */
import type { Secret } from '../../apdu/secret.ts';
import type { SlotToken, TokenAct, TokenDesk, TokenInUse, TokenSlot } from '../desk.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { Answer, Arguments, BytesAnswer } from '../rpc/arguments.ts';
import type { CallName } from '../rpc/calls.ts';
import type { TokenObject } from './objects.ts';
import type { Session, Sessions } from './sessions.ts';

export type PresentSlot = TokenSlot & { readonly token: SlotToken };
export type Functions = { readonly [N in CallName]?: (args: Arguments<N>) => Answer<N> | Promise<Answer<N>> };
export type KeyObject = TokenObject & { readonly key: NonNullable<TokenObject['key']> };

export interface KeyUse {
  readonly act: TokenAct;
  readonly session: Session;
  readonly key: KeyObject['key'];
  /** Given for this operation alone. */
  readonly pin: Secret | undefined;
}

export interface ApplicationContext {
  readonly desk: TokenDesk;
  readonly sessions: Sessions;
  /** Fires when the client has ended. */
  readonly signal: AbortSignal;
  readonly random: (length: number) => Uint8Array;
  /** Throws CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED. */
  readonly session: (handle: number) => {
    readonly session: Session;
    readonly slot: PresentSlot;
    readonly isLoggedIn: boolean;
  };
  /** Throws CKR_OBJECT_HANDLE_INVALID. */
  object(handle: number, objectHandle: number): Promise<TokenObject>;
  /** They have another CKA_ID, and are known by the same handles. */
  renamed(slot: PresentSlot, objects: readonly TokenObject[], id: Uint8Array): void;
  objectsOf(slot: PresentSlot): Promise<readonly TokenObject[]>;
  /** What a person is asked is not answered before programs expect it. `drop`: nobody waits for the answer any more. */
  slowly<R>(ask: () => Promise<R>, drop: (answer: R) => void): Promise<R>;
  /** Throws CKR_KEY_HANDLE_INVALID. */
  key(handle: number, keyHandle: number, isPrivate: boolean): Promise<KeyObject>;
  /** One turn on the card, with the PIN verified that the key wants. */
  useKey<R>(use: KeyUse, work: (token: TokenInUse) => Promise<R>): Promise<R>;
}

/** Throws CKR_OPERATION_ACTIVE. */
export function requireNone(operation: object | undefined, what: string): void {
  if (operation) throw new CkError(ck.CKR_OPERATION_ACTIVE, `${what}: one is under way`);
}

export function requireOperation<T>(operation: T | undefined, what: string): T {
  if (operation !== undefined) return operation;
  throw new CkError(ck.CKR_OPERATION_NOT_INITIALIZED, `${what}: it was not begun`);
}

/** The bytes where there is room for them; else how many they are. */
export function fitted(bytes: Uint8Array | undefined, length: number, room: number | undefined): BytesAnswer {
  return bytes && room !== undefined && room >= length ? { bytes } : { length };
}
