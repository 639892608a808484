/** What a key's own attributes let be done with it. */
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { KeyObject } from './context.ts';

/** `attribute`: CKA_SIGN and its like. Throws CKR_KEY_FUNCTION_NOT_PERMITTED. */
export function requirePermission({ attributes, key }: KeyObject, attribute: number): void {
  if (attributes.get(attribute)?.[0] === 1) return;
  throw new CkError(ck.CKR_KEY_FUNCTION_NOT_PERMITTED, `using key ${key.keyReference}: it is for ${key.usage}`);
}
