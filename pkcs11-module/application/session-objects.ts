/**
 * Objects that a client makes and that no card holds: secret keys that were agreed on or unwrapped. They belong to the session that made them, are seen by all
 * sessions of the client with the same token, and are wiped when they end (PKCS #11 v3.0, section 2.3). The client's own memory of them is bounded.
 */
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { TokenObject } from './objects.ts';
import type { Session } from './sessions.ts';

/** Of one client. */
export const MAX_SESSION_OBJECTS = 1_024;
/** Above all handles of what is on cards. */
const FIRST_HANDLE = 0x4000_0000;

interface Held {
  readonly session: number;
  readonly slotId: number;
  readonly object: TokenObject;
}

export class SessionObjects implements Disposable {
  readonly #held = new Map<number, Held>();
  #last = FIRST_HANDLE;

  /** Takes the attributes over. Throws CKR_DEVICE_MEMORY. */
  add(session: Session, made: Omit<TokenObject, 'handle'>): number {
    try {
      this.requireRoom();
    } catch (error) {
      wipe(made);
      throw error;
    }
    const handle = ++this.#last;
    this.#held.set(handle, { session: session.handle, slotId: session.slotId, object: { ...made, handle } });
    return handle;
  }

  /** Throws CKR_DEVICE_MEMORY: to be known before a card is asked. */
  requireRoom(): void {
    if (this.#held.size >= MAX_SESSION_OBJECTS)
      throw new CkError(ck.CKR_DEVICE_MEMORY, `making an object: ${MAX_SESSION_OBJECTS} are there`);
  }

  of(slotId: number): readonly TokenObject[] {
    return [...this.#held.values()].filter((held) => held.slotId === slotId).map(({ object }) => object);
  }

  find(slotId: number, handle: number): TokenObject | undefined {
    const held = this.#held.get(handle);
    return held?.slotId === slotId ? held.object : undefined;
  }

  /** The same object with other attributes; its value stays where it is. */
  replace(handle: number, object: TokenObject): void {
    const held = this.#held.get(handle);
    if (held) this.#held.set(handle, { ...held, object });
  }

  destroy(handle: number): void {
    const held = this.#held.get(handle);
    if (held) wipe(held.object);
    this.#held.delete(handle);
  }

  endOf(session: number): void {
    this.#end((held) => held.session === session);
  }

  endPrivateOf(slotId: number): void {
    this.#end((held) => held.slotId === slotId && held.object.isPrivate);
  }

  [Symbol.dispose](): void {
    this.#end(() => true);
  }

  #end(which: (held: Held) => boolean): void {
    for (const [handle, held] of this.#held) if (which(held)) this.destroy(handle);
  }
}

function wipe({ attributes }: Pick<TokenObject, 'attributes'>): void {
  attributes.get(ck.CKA_VALUE)?.fill(0);
}
