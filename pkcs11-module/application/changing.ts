/** What every change of a token needs first: a session that writes, a card that can be changed, and a login that gives the right to it. */
import type { Secret } from '../../apdu/secret.ts';
import * as ck from '../constants.ts';
import type { SlotReading, TokenAbilities, TokenChange, TokenRight } from '../desk.ts';
import { CkError, valueOf } from '../errors.ts';
import type { ApplicationContext, PresentSlot } from './context.ts';
import { isTypedOnReader } from './keypad.ts';
import type { Session } from './sessions.ts';

export interface Changeable {
  readonly session: Session;
  readonly slot: PresentSlot;
  readonly reading: SlotReading;
  readonly abilities: TokenAbilities;
}

/** Throws CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED, CKR_USER_NOT_LOGGED_IN. */
export async function beginChange(context: ApplicationContext, handle: number): Promise<Changeable> {
  const changeable = await requireChangeable(context, handle);
  const { slot } = changeable;
  const officer = context.sessions.officerPinOf(slot.id, slot.token.insertion);
  if (!context.session(handle).isLoggedIn && !(officer && isManagementKey(officer)))
    throw new CkError(ck.CKR_USER_NOT_LOGGED_IN, 'changing the token: nobody is logged in who could');
  return changeable;
}

/** Whoever is logged in. Throws CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED. */
export async function requireChangeable(
  { desk, signal, session: open }: ApplicationContext,
  handle: number,
): Promise<Changeable> {
  const { session, slot } = open(handle);
  requireReadWrite(session);
  const reading = await desk.read(slot, signal);
  const { abilities } = reading;
  if (!abilities)
    throw new CkError(ck.CKR_TOKEN_WRITE_PROTECTED, 'changing the token: it cannot be, or the policy does not let it');
  return { session, slot, reading, abilities };
}

/** The PIN of a login that has become wrong is not tried again. */
export async function change(context: ApplicationContext, { slot }: Changeable, wanted: TokenChange): Promise<void> {
  const { desk, sessions, signal } = context;
  try {
    await desk.change(slot, { change: wanted, right: rightOf(context, slot), signal });
  } catch (error) {
    const value = valueOf(error);
    if (value === ck.CKR_PIN_INCORRECT || value === ck.CKR_PIN_LOCKED) sessions.logout(slot.id);
    throw error;
  }
}

/** A card with two PINs is two tokens: the right to the one may be the PIN of the other. */
function rightOf({ desk, sessions }: ApplicationContext, slot: PresentSlot): TokenRight {
  const { insertion } = slot.token;
  const officer = sessions.officerPinOf(slot.id, insertion);
  return {
    pinOf: (reference) => {
      const holder = desk.slots().find(({ token }) => token?.insertion === insertion && token.pin === reference);
      const pin = holder && sessions.pinOf(holder.id, insertion);
      return isTypedOnReader(pin) ? undefined : pin;
    },
    managementKey: officer && isManagementKey(officer) ? officer : undefined,
  };
}

export function requireReadWrite({ isReadWrite }: Session): void {
  if (!isReadWrite) throw new CkError(ck.CKR_SESSION_READ_ONLY, 'changing the token: the session is for reading only');
}

/** 16, 24 or 32 bytes in hexadecimal digits; no PUK is as long. */
export function isManagementKey(given: Secret): boolean {
  return given.use((text) => [32, 48, 64].includes(text.length) && text.every((one) => HEX_DIGITS.includes(one)));
}

const HEX_DIGITS = new TextEncoder().encode('0123456789abcdefABCDEF');
