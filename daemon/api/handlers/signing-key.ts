/** The key that a call wants to sign with: whether it is there, fits the algorithm, and may sign what this caller hands in. */
import { AlgorithmNotSupportedError, KeyNotFoundError } from '../../../apdu/errors.ts';
import { fitsKey } from '../../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm, SigningKey, Token, TokenKey } from '../../../apdu/token.ts';
import type { CardSession } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import type { Call } from '../call.ts';
import { keyOf } from './context.ts';

export interface SigningParams {
  readonly keyReference: string;
  readonly algorithm: SignatureAlgorithm;
}

/**
 * Throws KeyNotFoundError, AlgorithmNotSupportedError, and key_not_for_web: what a web page hands in is signed by no authentication key.
 * A key that is remembered as unfit is looked at again on the card: another program may have replaced it.
 */
export async function keyForSigning(
  session: CardSession,
  token: Token,
  { keyReference, algorithm }: SigningParams,
  call: Call,
): Promise<TokenKey & SigningKey> {
  const wasRemembered = session.card.contents !== undefined;
  let key = await keyOf(session, token, keyReference);
  if (wasRemembered && key.algorithm && !fitsKey(algorithm, key.algorithm)) {
    session.card.contents = undefined;
    key = await keyOf(session, token, keyReference);
  }
  const { algorithm: kind } = key;
  if (!kind) throw new KeyNotFoundError(`signing with key ${keyReference}: no key is known there`);
  if (!fitsKey(algorithm, kind))
    throw new AlgorithmNotSupportedError(`signing with key ${keyReference}: ${algorithm} does not go with ${kind}`);
  if (call.caller.origin !== undefined && key.usage === 'authentication')
    throw new ApiError('key_not_for_web', `signing with key ${keyReference}: a web page may not have it sign`);
  return { ...key, algorithm: kind };
}

/** What was remembered of the card was wrong when the key is not there after all: next time the card is read anew. */
export function forgetMissingKey(session: CardSession, error: unknown): void {
  if (error instanceof KeyNotFoundError) session.card.contents = undefined;
}
