/** Where a PIN comes from, and what follows from using it: the tries are guarded before, and remembered after. */
import { CardError } from '../../apdu/errors.ts';
import type { Secret } from '../../apdu/secret.ts';
import type { PinEntry, PinReference, Token } from '../../apdu/token.ts';
import type { CardSession } from '../desk/card-session.ts';
import { ApiError } from '../errors.ts';
import { guardLastTry } from './tries.ts';

export interface PinUse {
  readonly reference: PinReference;
  readonly allowLastTry: boolean;
  /** Told when a person is asked to type on the reader. */
  readonly onPrompt: () => void;
}

/** The secrets that came with the call, or the reader's keypad for all of them. Throws pin_required when there is neither. */
export function pinEntries(session: CardSession, attempt: string, secrets: readonly (Secret | undefined)[]): readonly PinEntry[] {
  const given = secrets.filter((secret) => secret !== undefined);
  if (given.length === secrets.length) return given;
  if (given.length > 0) throw new ApiError('pin_required', `${attempt}: only a part of what is needed was given`);
  if (!session.hasKeypad) throw new ApiError('pin_required', `${attempt}: no PIN was given and the reader has no keypad`);
  return secrets.map(() => 'keypad');
}

/** Verifies a PIN with the last try guarded. */
export async function verifyGuarded(session: CardSession, token: Token, secret: Secret | undefined, use: PinUse): Promise<void> {
  const [entry] = pinEntries(session, `verifying PIN ${use.reference}`, [secret]);
  if (entry) await guarded(session, token, { ...use, entry, spend: () => token.verifyPin(use.reference, entry) });
}

/** Spends a try of `reference` by `spend`, and remembers what the card says. */
export async function guarded(
  session: CardSession,
  token: Token,
  use: PinUse & { readonly entry: PinEntry; readonly spend: () => Promise<void> },
): Promise<void> {
  const { tries } = session.card;
  await guardLastTry(token, tries, use.reference, use.allowLastTry);
  if (use.entry === 'keypad') use.onPrompt();
  try {
    await use.spend();
    tries.observeSuccess(use.reference);
  } catch (error) {
    if (error instanceof CardError && error.attemptsRemaining !== undefined) {
      tries.observe({ reference: use.reference, attemptsRemaining: error.attemptsRemaining });
    } else {
      tries.forget(use.reference);
    }
    throw error;
  }
}
