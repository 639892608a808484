/** The token of one turn, whose PINs are guarded before and remembered after, as for every other use of a PIN. */
import { CardError, NotSupportedByCardError } from '../../apdu/errors.ts';
import type { PinReference, Token } from '../../apdu/token.ts';
import type { TokenInUse } from '../../pkcs11-module/desk.ts';
import type { CardSession } from '../desk/card-session.ts';
import { ApiError } from '../errors.ts';
import { guardLastTry } from '../pin/tries.ts';

/** Of a card that does not say which PUK unblocks a PIN, as cards with one PUK do not: that one. Throws NotSupportedByCardError. */
export async function pukOf(token: Pick<Token, 'pin' | 'pins'>, reference: PinReference): Promise<PinReference> {
  const { unblockedBy } = await token.pin(reference);
  const puk = unblockedBy ?? (await token.pins()).find(({ kind }) => kind === 'puk')?.reference;
  if (puk !== undefined) return puk;
  throw new NotSupportedByCardError(`unblocking PIN ${reference}: the card tells of no PUK`);
}

/** A card that does not tell of its tries is tried. */
export function guardedToken(
  session: CardSession,
  token: Token,
  { allowsLastTry }: { readonly allowsLastTry: (reference: PinReference) => boolean },
): TokenInUse {
  const { tries } = session.card;
  const spend = async (reference: PinReference, work: () => Promise<void>): Promise<void> => {
    await guardLastTry(token, tries, reference, allowsLastTry(reference)).catch((error: unknown) => {
      const isUntold = error instanceof ApiError && tries.last(reference) === undefined;
      if (!isUntold) throw error;
    });
    try {
      await work();
    } catch (error) {
      const left = error instanceof CardError ? error.attemptsRemaining : undefined;
      if (left === undefined) tries.forget(reference);
      else tries.observe({ reference, attemptsRemaining: left });
      throw error;
    }
  };
  const renew = async (reference: PinReference, right: PinReference, work: () => Promise<void>): Promise<void> => {
    await spend(right, work);
    tries.observeRenewal(reference, right);
  };
  return {
    ...token,
    verifyPin: async (reference, entry) => {
      await spend(reference, () => token.verifyPin(reference, entry));
      tries.observeSuccess(reference);
    },
    changePin: (reference, current, next) => renew(reference, reference, () => token.changePin(reference, current, next)),
    changePuk: async (reference, current, next) => {
      const puk = await pukOf(token, reference);
      await renew(puk, puk, () => token.changePin(puk, current, next));
    },
    unblockPin: async (reference, puk, next) => {
      await renew(reference, await pukOf(token, reference), () => token.unblockPin(reference, puk, next));
    },
  };
}
