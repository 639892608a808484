/** Steps about the PINs of a participant's card: set anew with the PUK, or proven by a signature under it. */
import { createHash, randomBytes, verify, X509Certificate } from 'node:crypto';
import { KeyNotFoundError, ObjectNotFoundError } from '../../../apdu/errors.ts';
import { keyAlgorithmOf } from '../../../apdu/public-key.ts';
import type { PinEntry, PinReference, SigningKey, Token, TokenContents, TokenKey } from '../../../apdu/token.ts';
import { contentsOf, type CardSession } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import type { Ceremony } from '../../issuance/ceremony.ts';
import type { SeenCard } from '../../issuance/person-seen.ts';
import type { StepOf } from '../../issuance/routine.ts';
import { enterPins } from '../../pin/entry.ts';
import { preferredAlgorithm } from '../../signing/certificate-request.ts';
import { verifyOptions } from '../../signing/verify-options.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import { pinCaller, verifyFor, withCard, type CardParams, type HandlerContext } from './context.ts';
import { takeOn } from './issuance-ceremony.ts';
import { requireCardNumber, requireSeen, see, targetOf, untrusted } from './issuance-steps.ts';

type PinStepMethod = 'issuance.unblockPin' | 'issuance.verifyPin';
type PinStep = StepOf<'unblockPin' | 'verifyPin'>;

/** What a challenge begins with: nobody takes the signature for one of anything else. */
const CHALLENGE_PREFIX = 'kortd PIN verification\n';
const CHALLENGE_BYTES = 32;

export function issuancePinHandlers(context: HandlerContext): Pick<Handlers, PinStepMethod> {
  const { issuance } = context;
  return {
    'issuance.unblockPin': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const step = issuance.requireStep(ceremony, params.step, 'unblockPin');
        await atCard(context, params, call, { ceremony, step, changes: true }, async (session, given, { person }) => {
          const pin = await unblock(context, session, given, call);
          issuance.note(ceremony, { type: 'step.pinUnblocked', step: step.id, person, pin });
        });
      }),
    'issuance.verifyPin': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const step = issuance.requireStep(ceremony, params.step, 'verifyPin');
        await atCard(context, params, call, { ceremony, step, changes: false }, async (session, given, seen) => {
          if (!seen.isTrusted) throw untrusted(step);
          const proof = await provePin(context, session, given, call);
          issuance.noteStep(ceremony, step, { type: 'step.pinVerified', step: step.id, person: seen.person, ...proof });
        });
      }),
  };
}

interface AtCard {
  readonly ceremony: Ceremony;
  readonly step: PinStep;
  readonly changes: boolean;
}

/** Whoever may not take the step is asked for no PIN. */
async function atCard(
  context: HandlerContext,
  params: PublicParams<PinStepMethod>,
  call: Call,
  { ceremony, step, changes }: AtCard,
  work: (session: CardSession, given: CardParams, seen: SeenCard) => Promise<void>,
): Promise<void> {
  const given = { ...params, card: targetOf(params.card, step.by), purpose: params.purpose ?? step.title.sv };
  await withCard(context, given, call, changes ? { changes } : {}, async (session) => {
    const contents = await contentsOf(session, await session.token());
    const seen = see(context, ceremony, contents, session);
    requireSeen(context, ceremony, step, seen);
    requireCardNumber(ceremony, step.cardNumber, seen);
    await work(session, given, seen);
  });
}

/** The PIN that was named, or the first that is blocked, or the card's first. Resolves with what the card calls it. */
async function unblock(context: HandlerContext, session: CardSession, params: CardParams, call: Call): Promise<string> {
  const caller = pinCaller(context, session, params, call);
  const token = await session.token();
  const reference = params.pinReference?.toUpperCase() ?? (await pinToUnblock(token));
  const { unblockedBy, label } = await token.pin(reference);
  if (unblockedBy === undefined) throw new ObjectNotFoundError(`unblocking ${label}: the card names no PUK for it`);
  const spend = (puk: PinEntry = 'keypad', next: PinEntry = 'keypad'): Promise<void> => token.unblockPin(reference, puk, next);
  await enterPins(session, token, caller, { action: 'unblock', reference, guarded: unblockedBy, spend });
  context.pinReuse.forgetCard(session.card.id);
  return label;
}

async function pinToUnblock(token: Token): Promise<PinReference> {
  const pins = (await token.pins()).filter(({ kind }) => kind === 'pin');
  const pin = pins.find(({ attemptsRemaining }) => attemptsRemaining === 0) ?? pins[0];
  if (pin) return pin.reference;
  throw new ObjectNotFoundError('unblocking a PIN: the card tells of none');
}

interface PinProof {
  readonly challenge: string;
  readonly algorithm: string;
  readonly signature: string;
}

/** A PIN alone says what the card answered; the signature says that this card, with the key of this certificate, was there. */
async function provePin(context: HandlerContext, session: CardSession, params: CardParams, call: Call): Promise<PinProof> {
  const token = await session.token();
  const { key, certificate } = authenticationKeyOf(await contentsOf(session, token));
  const algorithm = preferredAlgorithm(key.algorithm);
  const { hash, ...options } = verifyOptions(algorithm, certificate.publicKey);
  const challenge = Buffer.concat([Buffer.from(CHALLENGE_PREFIX), randomBytes(CHALLENGE_BYTES)]);
  await verifyFor(context, session, token, key, params, call);
  const signature = await token.sign(key, algorithm, createHash(hash).update(challenge).digest());
  if (!verify(hash, challenge, options, signature)) {
    session.card.contents = undefined;
    throw new ApiError('public_key_mismatch', `verifying a PIN: key ${key.keyReference} is not that of its certificate`);
  }
  return { challenge: challenge.toString('base64'), algorithm, signature: Buffer.from(signature).toString('base64') };
}

/** One that a PIN guards: signing without it would prove nothing. */
function authenticationKeyOf({ keys, certificates }: TokenContents): {
  readonly key: TokenKey & SigningKey;
  readonly certificate: X509Certificate;
} {
  for (const key of keys) {
    if (key.usage !== 'authentication' || key.pinPolicy === 'never') continue;
    const own = certificates.find(({ keyReference }) => keyReference === key.keyReference);
    if (!own) continue;
    const certificate = new X509Certificate(own.der);
    const algorithm = keyAlgorithmOf(certificate.publicKey);
    if (algorithm) return { key: { ...key, algorithm }, certificate };
  }
  throw new KeyNotFoundError('verifying a PIN: no authentication key of the card has a PIN and a certificate');
}
