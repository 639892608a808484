import { NotSupportedByCardError } from '../../../apdu/errors.ts';
import { keyOf } from '../../desk/card-session.ts';
import { describeKey } from '../../desk/describe.ts';
import { makeKey } from '../../management/key-making.ts';
import type { Handlers } from '../call.ts';
import { withCard, type HandlerContext } from './context.ts';
import { authorize, beginChange } from './management.ts';

export function keyHandlers(context: HandlerContext): Pick<Handlers, 'key.delete' | 'key.generate'> {
  return {
    'key.delete': (params, call) =>
      withCard(context, params, call, { changes: true }, async (session) => {
        const change = await beginChange({ context, session, params, call, what: 'key' });
        if (!change.management.deleteKey)
          throw new NotSupportedByCardError(`deleting key ${params.keyReference}: the card cannot delete keys`);
        const management = await authorize(change);
        await management.deleteKey?.(params.keyReference);
        session.card.generated.delete(params.keyReference.toUpperCase());
        session.card.contents = undefined;
        context.desk.announce(session.card);
        return {};
      }),
    'key.generate': (params, call) =>
      withCard(context, params, call, { changes: true }, async (session) => {
        const { keyReference, algorithm, pinPolicy, touchPolicy } = params;
        const change = await beginChange({ context, session, params, call, what: 'key' });
        const place = await keyOf(session, change.token, keyReference);
        const management = await authorize(change);
        const key = await makeKey(session, change.token, {
          management,
          place,
          keyReference,
          algorithm,
          ...(pinPolicy ? { pinPolicy } : {}),
          ...(touchPolicy ? { touchPolicy } : {}),
        });
        context.desk.announce(session.card);
        return { key: describeKey(key) };
      }),
  };
}
