/** Secret keys that came encrypted for an RSA key of a card (PKCS #11 v3.0, sections 5.18.3 and 2.1): they become objects of the session. */
import { MODULUS_LENGTH } from '../../apdu/public-key.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { ApplicationContext, Functions } from './context.ts';
import { decrypt, decryptorOf } from './decrypting.ts';
import { paddingOf } from './rsa-padding.ts';
import { parseSecretTemplate, secretKeyOf } from './secret-keys.ts';

export function unwrapFunctions(context: ApplicationContext): Functions {
  return {
    C_UnwrapKey: async ([handle, mechanism, keyHandle, wrapped, attributes]) => {
      const { session } = context.session(handle);
      const padding = mechanism && paddingOf(mechanism, 'unwrapping');
      if (!padding || padding.kind === 'raw') throw new CkError(ck.CKR_MECHANISM_INVALID, 'unwrapping: not by this mechanism');
      const decryptor = decryptorOf(await context.key(handle, keyHandle, true), padding, ck.CKA_UNWRAP);
      const template = parseSecretTemplate(attributes);
      if (wrapped?.length !== MODULUS_LENGTH[decryptor.algorithm])
        throw new CkError(ck.CKR_WRAPPED_KEY_LEN_RANGE, 'unwrapping: it is not as long as the key');
      context.sessions.objects.requireRoom();
      const decryption = { act: 'pkcs11.unwrap', session, cryptogram: wrapped, pin: undefined } as const;
      const value = await decrypt(context, decryptor, decryption);
      const key = value && keyOf(template, value);
      if (!key) throw new CkError(ck.CKR_WRAPPED_KEY_INVALID, 'unwrapping: what came out does not hold');
      context.session(handle); // it may have ended meanwhile
      return [context.sessions.objects.add(session, key)];
    },
  };
}

/** Undefined for a value that is no such key: told as padding is that does not hold. */
function keyOf(template: ReturnType<typeof parseSecretTemplate>, value: Uint8Array): ReturnType<typeof secretKeyOf> | undefined {
  try {
    if (template.length !== undefined && template.length !== value.length) return undefined;
    return secretKeyOf(template, value);
  } catch (error) {
    if (error instanceof CkError && error.value === ck.CKR_KEY_SIZE_RANGE) return undefined;
    throw error;
  }
}
