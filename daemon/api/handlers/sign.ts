import { AlgorithmNotSupportedError, KeyNotFoundError } from '../../../apdu/errors.ts';
import { SIGNATURE_SCHEMES, fitsKey } from '../../../apdu/signature-encoding.ts';
import type { KeyAlgorithm, SignatureAlgorithm, SigningKey, Token, TokenKey } from '../../../apdu/token.ts';
import type { CardSession } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import type { Handlers } from '../call.ts';
import { keyOf, verifyFor, withCard, type HandlerContext } from './context.ts';

export function signHandlers(context: HandlerContext): Pick<Handlers, 'sign.digest'> {
  return {
    'sign.digest': async (params, call) => {
      const { keyReference, algorithm } = params;
      const digest = Buffer.from(params.digest, 'base64');
      const { digestLength } = SIGNATURE_SCHEMES[algorithm];
      if (digest.length !== digestLength) {
        const problem = `digest must be ${digestLength} bytes for ${algorithm}, not ${digest.length}`;
        throw new ApiError('invalid_params', `signing: ${problem}`, { problem });
      }
      return await withCard(context, params, call, {}, async (session) => {
        const token = await session.token();
        const key = await keyFor(session, token, keyReference, algorithm);
        if (call.caller.origin !== undefined && key.usage === 'authentication') {
          throw new ApiError('key_not_for_web', `signing with key ${keyReference}: a web page may not have it sign`);
        }
        await verifyFor(context, session, token, key, params, call);
        const signature = await token.sign(key, algorithm, digest).catch((error: unknown) => {
          // What was remembered of the key was wrong: next time the card is read anew.
          if (error instanceof KeyNotFoundError) session.card.contents = undefined;
          throw error;
        });
        return { signature: Buffer.from(signature).toString('base64'), algorithm, keyReference: key.keyReference };
      });
    },
  };
}

/** The key, fit for the algorithm. One that is remembered as unfit is looked at again on the card: another program may have replaced it. */
async function keyFor(
  session: CardSession,
  token: Token,
  keyReference: string,
  algorithm: SignatureAlgorithm,
): Promise<TokenKey & SigningKey> {
  const wasRemembered = session.card.contents !== undefined;
  let key = await keyOf(session, token, keyReference);
  if (wasRemembered && key.algorithm && !canSign(key, key.algorithm, algorithm)) {
    session.card.contents = undefined;
    key = await keyOf(session, token, keyReference);
  }
  const { algorithm: kind } = key;
  if (!kind) throw new KeyNotFoundError(`signing with key ${keyReference}: no key is known there`);
  if (!canSign(key, kind, algorithm))
    throw new AlgorithmNotSupportedError(`signing with key ${keyReference}: ${algorithm} does not go with ${kind} on this card`);
  return { ...key, algorithm: kind };
}

function canSign({ signatureAlgorithms }: TokenKey, kind: KeyAlgorithm, algorithm: SignatureAlgorithm): boolean {
  return fitsKey(algorithm, kind) && (signatureAlgorithms?.includes(algorithm) ?? true);
}
