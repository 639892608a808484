/** Sessions of one client, and its login to each token: they are the client's own, and end with it. */
import type { Secret } from '../../apdu/secret.ts';
import * as ck from '../constants.ts';
import type { TokenSlot } from '../desk.ts';
import { CkError } from '../errors.ts';
import type { DecryptOperation } from './decrypting.ts';
import type { KeyObject } from './context.ts';
import type { DigestOperation } from './digesting.ts';
import type { EncryptOperation } from './encrypting.ts';
import { SessionObjects } from './session-objects.ts';
import type { SigningInput } from './signing-input.ts';
import type { RecoverOperation, VerifyOperation } from './verifying.ts';

/** Of one client. */
export const MAX_SESSIONS = 4_096;

export interface SignOperation {
  readonly input: SigningInput;
  readonly object: KeyObject;
  /** Given by C_Login(CKU_CONTEXT_SPECIFIC), for this operation alone. */
  pin?: Secret;
  /** Begun by C_SignRecoverInit. */
  readonly isRecovery: boolean;
  /** A part was given: C_Sign comes no more. */
  hasParts: boolean;
}

export interface Session {
  readonly handle: number;
  readonly slotId: number;
  /** Of the card that it was opened with: it ends with it. */
  readonly insertion: string;
  readonly isReadWrite: boolean;
  search?: number[];
  sign?: SignOperation;
  verify?: VerifyOperation;
  recover?: RecoverOperation;
  encrypt?: EncryptOperation;
  decrypt?: DecryptOperation;
  digest?: DigestOperation;
}

/** What a client gave at C_Login, kept while it is logged in. */
interface Login {
  readonly insertion: string;
  readonly user: 'officer' | 'user';
  readonly pin: Secret;
}

export class Sessions implements Disposable {
  readonly #sessions = new Map<number, Session>();
  readonly #logins = new Map<number, Login>();
  /** Of the card that the latest session was opened with, by slot. */
  readonly #insertions = new Map<number, string>();
  /** What was made in sessions, and goes with them. */
  readonly objects = new SessionObjects();
  readonly #onOtherwise: () => void;
  #last: number;

  /** Handles begin at `first`: those of an earlier core must be none of this one. `onOtherwise`: what was said of a session holds no more. */
  constructor({ first = 1, onOtherwise }: { readonly first?: number; readonly onOtherwise: () => void }) {
    this.#last = first - 1;
    this.#onOtherwise = onOtherwise;
  }

  get size(): number {
    return this.#sessions.size;
  }

  open(slot: TokenSlot & { readonly token: NonNullable<TokenSlot['token']> }, isReadWrite: boolean): Session {
    this.#endEarlier(slot.id, slot.token.insertion);
    if (this.#sessions.size >= MAX_SESSIONS)
      throw new CkError(ck.CKR_SESSION_COUNT, `opening a session: ${MAX_SESSIONS} are open`);
    const session = { handle: ++this.#last, slotId: slot.id, insertion: slot.token.insertion, isReadWrite };
    this.#sessions.set(session.handle, session);
    return session;
  }

  /** Throws CKR_SESSION_HANDLE_INVALID. */
  get(handle: number): Session {
    const session = this.#sessions.get(handle);
    if (session) return session;
    throw new CkError(ck.CKR_SESSION_HANDLE_INVALID, `using session ${handle}: there is none`);
  }

  /** The last session of a token logs out of it (PKCS #11 v3.0, section 5.6.2). */
  close({ handle, slotId }: Session): void {
    this.#end(handle);
    if (![...this.#sessions.values()].some((other) => other.slotId === slotId)) this.logout(slotId);
  }

  closeAll(slotId: number): void {
    for (const session of [...this.#sessions.values()]) if (session.slotId === slotId) this.#end(session.handle);
    this.logout(slotId);
  }

  /** The card in the slot is another, or none (undefined): what was given for the one that was there is no longer kept. */
  noteCard(slotId: number, insertion: string | undefined): void {
    if (this.#logins.has(slotId) && this.#logins.get(slotId)?.insertion !== insertion) this.logout(slotId);
  }

  /** Of the card that was there before: nobody asked for them since, and those of this card are not to be taken for theirs. */
  #endEarlier(slotId: number, insertion: string): void {
    if (this.#insertions.get(slotId) === insertion) return;
    this.#insertions.set(slotId, insertion);
    for (const session of [...this.#sessions.values()])
      if (session.slotId === slotId && session.insertion !== insertion) this.#end(session.handle);
    this.noteCard(slotId, insertion);
  }

  #end(handle: number): void {
    endOperations(this.#sessions.get(handle));
    this.objects.endOf(handle);
    this.#sessions.delete(handle);
    this.#onOtherwise();
  }

  countOf(slotId: number): { readonly all: number; readonly readOnly: number; readonly readWrite: number } {
    const own = [...this.#sessions.values()].filter((session) => session.slotId === slotId);
    const readWrite = own.filter(({ isReadWrite }) => isReadWrite).length;
    return { all: own.length, readOnly: own.length - readWrite, readWrite };
  }

  /** The PIN is the sessions' own from now on. */
  login(slotId: number, login: Login): void {
    this.logout(slotId);
    this.#logins.set(slotId, login);
    this.#onOtherwise();
  }

  /** Undefined while nobody is logged in to the card that is there. */
  pinOf(slotId: number, insertion: string): Secret | undefined {
    return this.#loginOf(slotId, insertion, 'user');
  }

  /** The PUK, while the security officer is logged in. */
  officerPinOf(slotId: number, insertion: string): Secret | undefined {
    return this.#loginOf(slotId, insertion, 'officer');
  }

  #loginOf(slotId: number, insertion: string, user: Login['user']): Secret | undefined {
    const login = this.#logins.get(slotId);
    return login?.insertion === insertion && login.user === user ? login.pin : undefined;
  }

  /** Private objects of sessions go with the login (PKCS #11 v3.0, section 5.6.10). */
  logout(slotId: number): void {
    this.objects.endPrivateOf(slotId);
    this.#logins.get(slotId)?.pin[Symbol.dispose]();
    this.#logins.delete(slotId);
    this.#onOtherwise();
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions.values()) endOperations(session);
    this.objects[Symbol.dispose]();
    this.#sessions.clear();
    for (const slotId of [...this.#logins.keys()]) this.logout(slotId);
  }
}

/** Secrets of operations are wiped. */
function endOperations(session: Session | undefined): void {
  endSign(session);
  if (session) endDecrypt(session);
}

export function endDecrypt(session: Session): void {
  session.decrypt?.plain?.fill(0);
  session.decrypt?.pin?.[Symbol.dispose]();
  delete session.decrypt;
}

export function endSign(session: Session | undefined): void {
  session?.sign?.pin?.[Symbol.dispose]();
  if (session) delete session.sign;
}
