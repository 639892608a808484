import type { TokenKey } from '../../../apdu/token.ts';
import { NotSupportedByCardError } from '../../../apdu/errors.ts';
import { contentsOf, findKey, type CardSession } from '../../desk/card-session.ts';
import { describeKey } from '../../desk/describe.ts';
import type { Handlers } from '../call.ts';
import { keyOf, withCard, type HandlerContext } from './context.ts';
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
        const before = await keyOf(session, change.token, keyReference);
        const management = await authorize(change);
        const publicKey = await management.generateKey({
          keyReference,
          algorithm,
          ...(pinPolicy ? { pinPolicy } : {}),
          ...(touchPolicy ? { touchPolicy } : {}),
        });
        const key: TokenKey = {
          keyReference: keyReference.toUpperCase(),
          label: before.label,
          usage: before.usage,
          pin: before.pin,
          pinPolicy: pinPolicy ?? before.pinPolicy,
          ...(touchPolicy ? { touchPolicy } : {}),
          algorithm,
          origin: 'generated',
          publicKey,
        };
        await remember(session, key);
        context.desk.announce(session.card);
        return { key: describeKey(key) };
      }),
  };

  /** The certificate that stands beside the new key belongs to the old one: from here on the key is known by itself. */
  async function remember(session: CardSession, key: TokenKey): Promise<void> {
    const { card } = session;
    const { algorithm, publicKey } = key;
    if (algorithm && publicKey) card.generated.set(key.keyReference, { algorithm, publicKey });
    const contents = await contentsOf(session, await session.token());
    const others = contents.keys.filter((other) => other.keyReference !== key.keyReference);
    const known = findKey(contents, key.keyReference);
    card.contents = {
      ...contents,
      keys: known ? contents.keys.map((other) => (other === known ? key : other)) : [...others, key],
    };
  }
}
