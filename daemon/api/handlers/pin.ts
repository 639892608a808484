import type { Pin } from '../../../api-spec/schemas.ts';
import type { PinEntry, PinReference, PinStatus, Token } from '../../../apdu/token.ts';
import type { CardSession } from '../../desk/card-session.ts';
import { describePin } from '../../desk/describe.ts';
import { enterPins, type PinEntryRequest } from '../../pin/entry.ts';
import type { Call, Handlers } from '../call.ts';
import { pinCaller, withCard, type CardParams, type HandlerContext } from './context.ts';

/** Of PIV (SP 800-73-5 part 2, section 3.2.1), for cards that do not tell theirs. */
const DEFAULT_PIN = '80';
const PUK = '81';

type PinMethods = 'pin.change' | 'pin.unblock' | 'pin.verify';

export function pinHandlers(context: HandlerContext): Pick<Handlers, PinMethods> {
  const enter = (
    params: CardParams,
    call: Call,
    request: (token: Token, reference: PinReference) => PinEntryRequest | Promise<PinEntryRequest>,
  ): Promise<{ pin: Pin }> =>
    // pin.verify too as if it changed the card: a PIN goes to no card but the one that was meant.
    withCard(context, params, call, { changes: true }, async (session) => {
      const caller = pinCaller(context, session, params, call);
      const token = await session.token();
      const reference = params.pinReference ?? session.card.contents?.keys[0]?.pin ?? session.card.firstPin ?? DEFAULT_PIN;
      const entry = await request(token, reference);
      await enterPins(session, token, caller, entry);
      if (entry.action !== 'verify') context.pinReuse.forgetCard(session.card.id);
      return { pin: describePin(await statusAfter(session, token, reference)) };
    });
  return {
    'pin.change': (params, call) =>
      enter(params, call, (token, reference) => {
        const spend = (old: PinEntry = 'keypad', next: PinEntry = 'keypad'): Promise<void> =>
          token.changePin(reference, old, next);
        return { action: 'change', reference, guarded: reference, spend };
      }),
    'pin.unblock': (params, call) =>
      enter(params, call, async (token, reference) => {
        const { unblockedBy = PUK } = await token.pin(reference);
        const spend = (puk: PinEntry = 'keypad', next: PinEntry = 'keypad'): Promise<void> =>
          token.unblockPin(reference, puk, next);
        return { action: 'unblock', reference, guarded: unblockedBy, spend };
      }),
    'pin.verify': (params, call) =>
      enter(params, call, (token, reference) => {
        const spend = (pin: PinEntry = 'keypad'): Promise<void> => token.verifyPin(reference, pin);
        return { action: 'verify', reference, guarded: reference, spend };
      }),
  };
}

/** A verified PIN hides its counter on most cards; what is known of it stands in. */
async function statusAfter(session: CardSession, token: Token, reference: string): Promise<PinStatus> {
  const status = await token.pin(reference);
  if (status.attemptsRemaining !== undefined) {
    session.card.tries.observe(status);
    return status;
  }
  const attemptsRemaining = session.card.tries.last(reference);
  return attemptsRemaining === undefined ? status : { ...status, attemptsRemaining };
}
