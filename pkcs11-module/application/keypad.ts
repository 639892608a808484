/**
 * A login by a PIN that the person types on the reader's keypad: nobody has it, so that it cannot be kept. Such a login holds, and the PIN is typed again for each
 * use of a key. What stands for it where a PIN would is an empty secret that is known to be one of these.
 */
import { Secret } from '../../apdu/secret.ts';
import type { PinEntry } from '../../apdu/token.ts';

const typed = new WeakSet<Secret>();

export function typedOnReader(): Secret {
  const pin = Secret.take(new Uint8Array());
  typed.add(pin);
  return pin;
}

export function isTypedOnReader(pin: Secret | undefined): boolean {
  return pin !== undefined && typed.has(pin);
}

/** What verifies it; `lent` is what may be used of a PIN that was given. */
export function entryOf(pin: Secret, lent = pin): PinEntry {
  return isTypedOnReader(pin) ? 'keypad' : lent;
}
