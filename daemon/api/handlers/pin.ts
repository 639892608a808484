import type { PinStatus, Token } from '../../../apdu/token.ts';
import type { CardSession } from '../../desk/card-session.ts';
import { describePin } from '../../desk/describe.ts';
import { guarded, pinEntries, verifyGuarded } from '../../pin/entry.ts';
import type { Handlers } from '../call.ts';
import { pinUse, withCard, type HandlerContext } from './context.ts';

const DEFAULT_PIN = '80';
const PUK = '81';

export function pinHandlers(context: HandlerContext): Pick<Handlers, 'pin.change' | 'pin.unblock' | 'pin.verify'> {
  return {
    'pin.change': (params, call) =>
      withCard(context, params, call, { changes: true }, async (session) => {
        const reference = params.pinReference ?? DEFAULT_PIN;
        const [entry, next] = pinEntries(session, `changing PIN ${reference}`, [call.secret('pin'), call.secret('newPin')]);
        const token = await session.token();
        if (entry && next) {
          const spend = (): Promise<void> => token.changePin(reference, entry, next);
          await guarded(session, token, { ...pinUse(context, session, params, reference), entry, spend });
        }
        return { pin: describePin(await statusAfter(session, token, reference)) };
      }),
    'pin.unblock': (params, call) =>
      withCard(context, params, call, { changes: true }, async (session) => {
        const reference = params.pinReference ?? DEFAULT_PIN;
        const [entry, next] = pinEntries(session, `unblocking PIN ${reference}`, [call.secret('puk'), call.secret('newPin')]);
        const token = await session.token();
        if (entry && next) {
          const spend = (): Promise<void> => token.unblockPin(reference, entry, next);
          await guarded(session, token, { ...pinUse(context, session, params, PUK), entry, spend });
        }
        return { pin: describePin(await statusAfter(session, token, reference)) };
      }),
    'pin.verify': (params, call) =>
      // As if it changed the card: a PIN goes to no card but the one that was meant.
      withCard(context, params, call, { changes: true }, async (session) => {
        const reference = params.pinReference ?? DEFAULT_PIN;
        pinEntries(session, `verifying PIN ${reference}`, [call.secret('pin')]);
        const token = await session.token();
        await verifyGuarded(session, token, call.secret('pin'), pinUse(context, session, params, reference));
        return { pin: describePin(await statusAfter(session, token, reference)) };
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
