/** The key on a card that a call signs with: what sign.digest, sign.cms and all that sign for somebody share. */
import { AlgorithmNotSupportedError, KeyNotFoundError, ObjectNotFoundError } from '../../../apdu/errors.ts';
import { fitsKey } from '../../../apdu/signature-encoding.ts';
import type { KeyAlgorithm, SignatureAlgorithm, SigningKey, Token, TokenKey } from '../../../apdu/token.ts';
import { contentsOf, keyOf, type CardSession } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import { issuersOf } from '../../signing/issuers.ts';
import type { Call } from '../call.ts';
import { verifyFor, type CardParams, type HandlerContext, type Shown } from './context.ts';

export interface CardSigner {
  readonly key: TokenKey & SigningKey;
  readonly algorithm: SignatureAlgorithm;
  /** Verifies the PIN that the key wants, then signs. `digest` has the length of the algorithm's hash; ECDSA comes as r‖s. */
  readonly sign: (digest: Uint8Array) => Promise<Uint8Array>;
  /** Of the key, and those that issued it, from the card and from the policy. Throws ObjectNotFoundError. */
  readonly certificates: () => Promise<{ readonly certificate: Uint8Array; readonly chain: readonly Uint8Array[] }>;
}

/**
 * `choose` says which algorithm, once it is known what kind of key it is. Nothing is asked of a person, and no PIN is sent, before `sign`. A web page cannot have an
 * authentication key sign what it hands in. `known`: what the caller has opened already, and what the person is to see.
 */
export async function openCardSigner(
  context: HandlerContext,
  session: CardSession,
  params: CardParams & { readonly keyReference: string },
  call: Call,
  choose: (kind: KeyAlgorithm) => SignatureAlgorithm,
  known: { readonly token?: Token; readonly shown?: Shown } = {},
): Promise<CardSigner> {
  const { keyReference } = params;
  const token = known.token ?? (await session.token());
  const { key, algorithm } = await keyForSigning(session, token, keyReference, call, choose);
  return {
    key,
    algorithm,
    sign: async (digest) => {
      await verifyFor(context, session, token, key, params, call, known.shown);
      return await token.sign(key, algorithm, digest).catch((error: unknown) => {
        forgetMissingKey(session, error);
        throw error;
      });
    },
    certificates: () => certificatesOf(context, session, token, key),
  };
}

/**
 * The key, fit for the algorithm. Throws KeyNotFoundError, AlgorithmNotSupportedError, and key_not_for_web. A key that is remembered as unfit is looked at
 * again on the card: another program may have replaced it.
 */
export async function keyForSigning(
  session: CardSession,
  token: Token,
  keyReference: string,
  call: Call,
  choose: (kind: KeyAlgorithm) => SignatureAlgorithm,
): Promise<{ readonly key: TokenKey & SigningKey; readonly algorithm: SignatureAlgorithm }> {
  const wasRemembered = session.card.contents !== undefined;
  let key = await keyOf(session, token, keyReference);
  if (wasRemembered && key.algorithm && !canSign(key, key.algorithm, choose)) {
    session.card.contents = undefined;
    key = await keyOf(session, token, keyReference);
  }
  const { algorithm: kind } = key;
  if (!kind) throw new KeyNotFoundError(`signing with key ${keyReference}: no key is known there`);
  if (!canSign(key, kind, choose))
    throw new AlgorithmNotSupportedError(
      `signing with key ${keyReference}: ${choose(kind)} does not go with ${kind} on this card`,
    );
  if (call.caller.origin !== undefined && key.usage === 'authentication')
    throw new ApiError('key_not_for_web', `signing with key ${keyReference}: a web page may not have it sign`);
  return { key: { ...key, algorithm: kind }, algorithm: choose(kind) };
}

/** By the kind of key, and by what the card says of it. */
function canSign(
  { signatureAlgorithms }: TokenKey,
  kind: KeyAlgorithm,
  choose: (kind: KeyAlgorithm) => SignatureAlgorithm,
): boolean {
  const algorithm = choose(kind);
  return fitsKey(algorithm, kind) && (signatureAlgorithms?.includes(algorithm) ?? true);
}

/** What was remembered of the card was wrong when the key is not there after all: next time the card is read anew. */
export function forgetMissingKey(session: CardSession, error: unknown): void {
  if (error instanceof KeyNotFoundError) session.card.contents = undefined;
}

async function certificatesOf(
  { identity }: HandlerContext,
  session: CardSession,
  token: Token,
  { keyReference }: TokenKey,
): Promise<{ readonly certificate: Uint8Array; readonly chain: readonly Uint8Array[] }> {
  const { certificates } = await contentsOf(session, token);
  const own = certificates.find((one) => one.keyReference === keyReference);
  if (!own) throw new ObjectNotFoundError(`signing with key ${keyReference}: the card has no certificate for it`);
  const others = certificates.filter((one) => one !== own).map(({ der }) => der);
  const configured = identity().intermediates.map(({ x509 }) => new Uint8Array(x509.raw));
  return { certificate: own.der, chain: issuersOf(own.der, [...others, ...configured]) };
}
