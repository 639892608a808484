/**
 * Changing PINs (PKCS #11 v3.0, sections 5.6.7, 5.6.8 and 5.7.2). The security officer's PIN is the PUK: cards do not verify it by itself, so that a login as security
 * officer keeps it, and C_InitPIN spends it. On a card with a management key that key is a security officer's PIN too, for keys and certificates; the card proves it at the login.
 */
import { Secret } from '../../apdu/secret.ts';
import * as ck from '../constants.ts';
import { CkError, valueOf } from '../errors.ts';
import { isManagementKey, requireReadWrite } from './changing.ts';
import type { ApplicationContext, Functions, PresentSlot } from './context.ts';
import { endDecrypt, endSign } from './sessions.ts';

interface NewPin extends Disposable {
  readonly current: Secret;
  readonly next: Secret;
}

export function pinFunctions(context: ApplicationContext): Functions {
  const { sessions, session: open } = context;
  return {
    C_SetPIN: async ([handle, current, next]) => {
      const { session, slot, isLoggedIn } = open(handle);
      requireReadWrite(session);
      const officer = sessions.officerPinOf(slot.id, slot.token.insertion);
      if (officer && isManagementKey(officer))
        throw new CkError(ck.CKR_FUNCTION_NOT_SUPPORTED, 'changing the management key: programs cannot');
      using pins = await takePins(context, slot, { action: 'change', given: [current, next] });
      if (officer) await changePuk(context, slot, pins);
      else if (!isLoggedIn && (await isLocked(context, slot))) await unblock(context, slot, pins);
      else await changePin(context, slot, pins);
      sessions.logout(slot.id); // what was kept is the old one
      return [];
    },
    C_InitPIN: async ([handle, next]) => {
      const { session, slot } = open(handle);
      requireReadWrite(session);
      const puk = sessions.officerPinOf(slot.id, slot.token.insertion);
      if (!puk) throw new CkError(ck.CKR_USER_NOT_LOGGED_IN, 'setting the PIN: the security officer is not logged in');
      if (isManagementKey(puk))
        throw new CkError(ck.CKR_FUNCTION_REJECTED, 'setting the PIN: the PUK does, and the login was by the management key');
      try {
        if (isTypedElsewhere(puk)) {
          using pins = await takePins(context, slot, { action: 'unblock', given: [undefined, next] });
          await unblock(context, slot, pins);
        } else {
          if (!next) throw new CkError(ck.CKR_ARGUMENTS_BAD, 'setting the PIN: it was not given');
          using fresh = Secret.take(next);
          await unblock(context, slot, { current: puk, next: fresh });
        }
      } catch (error) {
        if (valueOf(error) === ck.CKR_PIN_INCORRECT) sessions.logout(slot.id); // nobody tries it again by mistake
        throw error;
      }
      return [];
    },
    C_SessionCancel: ([handle, flags]) => {
      const { session } = open(handle);
      if (flags & (ck.CKF_SIGN | ck.CKF_SIGN_RECOVER)) endSign(session);
      if (flags & ck.CKF_VERIFY) delete session.verify;
      if (flags & ck.CKF_VERIFY_RECOVER) delete session.recover;
      if (flags & ck.CKF_DIGEST) delete session.digest;
      if (flags & ck.CKF_ENCRYPT) delete session.encrypt;
      if (flags & ck.CKF_DECRYPT) endDecrypt(session);
      if (flags & ck.CKF_FIND_OBJECTS) delete session.search;
      return [];
    },
  };
}

/** Without a PUK, one is typed in a trusted place when it is needed. Throws CKR_PIN_INCORRECT for a management key that is not the card's. */
export async function loginOfficer(
  context: ApplicationContext,
  slot: PresentSlot,
  { given, requireNobody }: { readonly given: Uint8Array | undefined; readonly requireNobody: () => void },
): Promise<void> {
  const { desk, sessions, signal } = context;
  const { id, token } = slot;
  const requireFree = (): void => {
    requireNobody();
    if (sessions.countOf(id).readOnly > 0)
      throw new CkError(ck.CKR_SESSION_READ_ONLY_EXISTS, 'logging in as security officer: a session is for reading only');
  };
  requireFree();
  if (!given && !desk.canAskPin()) throw new CkError(ck.CKR_ARGUMENTS_BAD, 'logging in as security officer: no PUK was given');
  const pin = Secret.take(given ?? new Uint8Array());
  try {
    const { abilities } = await desk.read(slot, signal);
    if (abilities?.hasManagementKey && isManagementKey(pin)) await desk.proveManagementKey(slot, pin, signal);
    if (!given)
      await context.slowly(
        () => Promise.resolve(),
        () => undefined,
      );
    requireFree(); // as before, after whatever other threads did meanwhile
  } catch (error) {
    pin[Symbol.dispose]();
    throw error;
  }
  sessions.login(id, { insertion: token.insertion, user: 'officer', pin });
}

function isTypedElsewhere(puk: Secret): boolean {
  return puk.lengthBytes === 0;
}

/** Those of the call; none at all: the person types them. The caller disposes of them. */
async function takePins(
  context: ApplicationContext,
  slot: PresentSlot,
  {
    action,
    given: [current, next],
  }: { readonly action: 'change' | 'unblock'; readonly given: readonly (Uint8Array | undefined)[] },
): Promise<NewPin> {
  const { desk, signal } = context;
  if (current && next) return disposable({ current: Secret.take(current), next: Secret.take(next) });
  if (current || next || !desk.canAskPin()) throw new CkError(ck.CKR_ARGUMENTS_BAD, 'changing a PIN: it was not given');
  return await context.slowly(
    async () => disposable(await desk.askNewPin(slot, action, signal)),
    (pins) => pins[Symbol.dispose](),
  );
}

function disposable(pins: Pick<NewPin, 'current' | 'next'>): NewPin {
  return {
    ...pins,
    [Symbol.dispose]: () => {
      pins.current[Symbol.dispose]();
      pins.next[Symbol.dispose]();
    },
  };
}

type Pins = Pick<NewPin, 'current' | 'next'>;

async function changePin({ desk, signal }: ApplicationContext, slot: PresentSlot, { current, next }: Pins): Promise<void> {
  const use = { act: 'pkcs11.changePin', signal } as const;
  await desk.use(slot, use, (token) => token.changePin(slot.token.pin, current, next));
}

async function unblock({ desk, signal }: ApplicationContext, slot: PresentSlot, { current, next }: Pins): Promise<void> {
  const use = { act: 'pkcs11.unblockPin', signal } as const;
  await desk.use(slot, use, (token) => token.unblockPin(slot.token.pin, current, next));
}

async function changePuk({ desk, signal }: ApplicationContext, slot: PresentSlot, { current, next }: Pins): Promise<void> {
  const use = { act: 'pkcs11.changePin', signal } as const;
  await desk.use(slot, use, (token) => token.changePuk(slot.token.pin, current, next));
}

/** Nobody can log in by it or change it: what is given for the old one is the PUK (as "pkcs11-tool --unlock-pin" has it). */
async function isLocked({ desk, signal }: ApplicationContext, slot: PresentSlot): Promise<boolean> {
  const { pin } = await desk.read(slot, signal);
  return pin.attemptsRemaining === 0;
}
