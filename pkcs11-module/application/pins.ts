/**
 * Changing PINs (PKCS #11 v3.0, sections 5.6.7, 5.6.8 and 5.7.2). The security officer's PIN is the PUK: cards do not verify it by itself, so that a login as security
 * officer keeps it, and C_InitPIN spends it.
 */
import { Secret } from '../../apdu/secret.ts';
import * as ck from '../constants.ts';
import { CkError, valueOf } from '../errors.ts';
import type { ApplicationContext, Functions } from './context.ts';
import { endDecrypt, endSign, type Session } from './sessions.ts';

export function pinFunctions({ desk, sessions, signal, session: open }: ApplicationContext): Functions {
  return {
    C_SetPIN: async ([handle, current, next]) => {
      const { session, slot } = open(handle);
      requireReadWrite(session);
      if (!current || !next) throw new CkError(ck.CKR_ARGUMENTS_BAD, 'changing the PIN: it was not given');
      using old = Secret.take(current);
      using fresh = Secret.take(next);
      await desk.use(slot, { act: 'pkcs11.changePin', signal }, (token) => token.changePin(slot.token.pin, old, fresh));
      sessions.logout(slot.id); // the PIN that was kept is the old one
      return [];
    },
    C_InitPIN: async ([handle, next]) => {
      const { session, slot } = open(handle);
      requireReadWrite(session);
      const puk = sessions.officerPinOf(slot.id, slot.token.insertion);
      if (!puk) throw new CkError(ck.CKR_USER_NOT_LOGGED_IN, 'setting the PIN: the security officer is not logged in');
      if (!next) throw new CkError(ck.CKR_ARGUMENTS_BAD, 'setting the PIN: it was not given');
      using fresh = Secret.take(next);
      try {
        await desk.use(slot, { act: 'pkcs11.unblockPin', signal }, (token) => token.unblockPin(slot.token.pin, puk, fresh));
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

function requireReadWrite({ isReadWrite }: Session): void {
  if (!isReadWrite) throw new CkError(ck.CKR_SESSION_READ_ONLY, 'changing a PIN: the session is for reading only');
}
