/**
 * Where a PIN comes from, in this order: the call itself, what the policy lets the origin use again, the reader's keypad, a person asked in a trusted
 * place. And what follows from using it: the tries are guarded before, and remembered after.
 */
import { CardError, PinBlockedError, PinRejectedError } from '../../apdu/errors.ts';
import type { Secret } from '../../apdu/secret.ts';
import type { PinEntry, PinReference, PinStatus, Token } from '../../apdu/token.ts';
import { cardTitle } from '../desk/card-title.ts';
import type { CardSession } from '../desk/card-session.ts';
import { ApiError } from '../errors.ts';
import type { EntryName } from '../prompt/entered-pins.ts';
import type { Asker, DocumentList, PinAction, PinPrompt } from '../prompt/prompt.ts';
import { PersonNeededError } from './person-needed.ts';
import type { PinReuse, PinUseKey } from './reuse.ts';
import { guardLastTry } from './tries.ts';

/** Who wants a PIN, and what they may do with it. */
export interface PinCaller {
  readonly asker: Asker;
  /** What is done, and what for in the caller's own words: the person is told. */
  readonly task: { readonly en: string; readonly sv: string };
  readonly purpose: string | undefined;
  /** What one entry signs: the person sees it before. */
  readonly documents?: DocumentList;
  /** Word for word what it signs. */
  readonly statement?: string;
  /** A place where the person can be asked is open, and they were not asked yet for this call. */
  readonly canAsk: boolean;
  /** They were: nothing that they have not seen is done. */
  readonly wasAsked: boolean;
  /** The secrets of the call, or what the person typed for it. */
  readonly secret: (name: EntryName) => Secret | undefined;
  /** The last try may be used: a native caller said so, or the person did in a trusted place. */
  readonly allowsLastTry: (reference: PinReference) => boolean;
  /** Does what a person is asked to type on the reader for: they are asked until it is done. */
  readonly atKeypad: (asked: KeypadPrompt, work: () => Promise<void>) => Promise<void>;
  /** Throws when the caller has had its wrong PINs. */
  readonly requireTries: () => void;
  readonly onWrong: () => void;
  /** Present when the policy lets the caller use a PIN again. */
  readonly reuse?: { readonly pins: PinReuse; readonly caller: string; readonly durationMs: number };
}

export interface KeypadPrompt {
  readonly reference: PinReference;
  readonly about: Pick<PinPrompt, 'action' | 'asker' | 'card' | 'kind' | 'pinLabel' | 'task'> & { readonly reader: string };
}

const ENTRIES: Readonly<Record<PinAction, readonly EntryName[]>> = {
  verify: ['pin'],
  change: ['pin', 'newPin'],
  unblock: ['puk', 'newPin'],
};

export interface PinEntryRequest {
  readonly action: PinAction;
  /** The PIN that is verified, changed or unblocked. */
  readonly reference: PinReference;
  /** Whose tries are at stake: the PIN's own, or the PUK's. */
  readonly guarded: PinReference;
  /** Does it, with the entries in the order of the action's names. */
  readonly spend: (...entries: readonly PinEntry[]) => Promise<void>;
}

/** Gets what the action needs, guards the last try, does it, and remembers what the card says. Throws PersonNeededError, before anything was sent. */
export async function enterPins(session: CardSession, token: Token, caller: PinCaller, request: PinEntryRequest): Promise<void> {
  const { guarded } = request;
  caller.requireTries();
  const entries = givenEntries(session, caller, request);
  if (!entries) throw await personNeeded(session, token, caller, request);
  try {
    await guardLastTry(token, session.card.tries, guarded, caller.allowsLastTry(guarded));
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'pin_last_try' && entries.includes('keypad') && caller.canAsk)) throw error;
    throw await lastTryNeeded(token, session, caller, request);
  }
  const spend = (): Promise<void> => spendTry(session, caller, guarded, () => request.spend(...entries));
  if (entries.includes('keypad')) {
    requireLook(session, caller, { reference: guarded, keypadFollows: true });
    const { action, reference } = request;
    const { card } = session;
    const label = card.pins?.find((pin) => pin.reference === guarded);
    const named = { ...(label ? labelled(session, label) : {}), reader: card.reader.name };
    await caller.atKeypad({ reference, about: { kind: 'pin', action, ...about(session, caller, {}), ...named } }, spend);
  } else await spend();
  const { tries } = session.card;
  if (request.action === 'verify') tries.observeSuccess(guarded);
  else tries.observeRenewal(request.reference, guarded);
}

/** Verifies a PIN right before it is needed; one that the policy lets be used again is not asked for. */
export async function verifyForUse(
  session: CardSession,
  token: Token,
  caller: PinCaller,
  use: { readonly reference: PinReference; readonly isReusable: boolean },
): Promise<void> {
  const { reference, isReusable } = use;
  const verify = (entry?: PinEntry): Promise<void> => token.verifyPin(reference, entry ?? 'keypad');
  const { reuse } = caller;
  const key = reuse && isReusable ? { caller: reuse.caller, card: session.card.id, reference } : undefined;
  const given = caller.secret('pin');
  if (reuse && key && !given && (await verifyAgain(session, token, caller, reuse.pins, key))) return;
  await enterPins(session, token, caller, { action: 'verify', reference, guarded: reference, spend: verify });
  if (reuse && key && given) reuse.pins.keep(key, given, reuse.durationMs, session.card.removal.signal);
}

/**
 * Before documents are signed without a prompt that shows them, the person is asked whether they shall be. Throws PersonNeededError; pin_required for a web
 * page when there is no place to show them. A program that finds none goes on: it holds the person's own rights.
 */
export function requireLook(
  session: CardSession,
  caller: PinCaller,
  { reference, keypadFollows }: { readonly reference: PinReference; readonly keypadFollows: boolean },
): void {
  const { documents, canAsk, wasAsked } = caller;
  if (!documents || wasAsked) return;
  const isProgram = caller.asker.kind === 'program';
  if (isProgram && !(canAsk && keypadFollows)) return;
  if (!canAsk)
    throw new ApiError(
      'pin_required',
      'signing the documents: neither kortd agent nor the console is open, where the person could see what is signed',
    );
  throw new PersonNeededError({ kind: 'documents', ...about(session, caller, {}), documents, keypadFollows }, reference);
}

/** False when there is none to be used again. One that is wrong now is forgotten. */
async function verifyAgain(
  session: CardSession,
  token: Token,
  caller: PinCaller,
  pins: PinReuse,
  key: PinUseKey,
): Promise<boolean> {
  using kept = pins.find(key);
  if (!kept) return false;
  caller.requireTries();
  await guardLastTry(token, session.card.tries, key.reference, false);
  try {
    await spendTry(session, caller, key.reference, () => token.verifyPin(key.reference, kept));
    session.card.tries.observeSuccess(key.reference);
  } catch (error) {
    pins.forget(key);
    throw error;
  }
  return true;
}

async function spendTry(
  session: CardSession,
  caller: PinCaller,
  reference: PinReference,
  spend: () => Promise<void>,
): Promise<void> {
  const { tries } = session.card;
  try {
    await spend();
  } catch (error) {
    if (error instanceof PinRejectedError) caller.onWrong();
    tries.observeSpent(reference, error instanceof CardError ? error.attemptsRemaining : undefined);
    throw error;
  }
}

/** The secrets that came with the call, or the reader's keypad for all of them; undefined when a person must be asked. Throws pin_required when none can be. */
function givenEntries(
  session: CardSession,
  caller: PinCaller,
  { action, reference }: PinEntryRequest,
): readonly PinEntry[] | undefined {
  const names = ENTRIES[action];
  const given = names.map((name) => caller.secret(name)).filter((secret) => secret !== undefined);
  const attempt = `entering ${names.join(' and ')} for ${reference}`;
  if (given.length === names.length) return given;
  if (given.length > 0) throw new ApiError('pin_required', `${attempt}: only a part of what is needed was given`);
  if (session.hasKeypad) return names.map(() => 'keypad');
  if (caller.canAsk) return undefined;
  throw new ApiError(
    'pin_required',
    `${attempt}: it was not given, the reader has no keypad, and neither kortd agent nor the console is open`,
  );
}

async function personNeeded(
  session: CardSession,
  token: Token,
  caller: PinCaller,
  request: PinEntryRequest,
): Promise<PersonNeededError> {
  const { action, reference, guarded } = request;
  const status = await statusOf(session, token, guarded);
  const pin = guarded === reference ? status : await token.pin(reference);
  const length = ({ minLength, maxLength }: PinStatus): { min: number; max: number } => ({ min: minLength, max: maxLength });
  return new PersonNeededError(
    {
      kind: 'pin',
      action,
      ...about(session, caller, status),
      ...labelled(session, pin),
      pinLength: length(pin),
      ...(action === 'unblock' ? { pukLength: length(status) } : {}),
    },
    guarded,
  );
}

async function lastTryNeeded(
  token: Token,
  session: CardSession,
  caller: PinCaller,
  { action, guarded }: PinEntryRequest,
): Promise<PersonNeededError> {
  const status = await statusOf(session, token, guarded);
  const entry = action === 'unblock' ? 'puk' : 'pin';
  return new PersonNeededError(
    { kind: 'lastTry', entry, ...about(session, caller, status), ...labelled(session, status) },
    guarded,
  );
}

/** Throws PinBlockedError when there is nothing to ask for. */
async function statusOf(session: CardSession, token: Token, reference: PinReference): Promise<PinStatus> {
  const status = await token.pin(reference);
  session.card.tries.observe(status);
  if (status.attemptsRemaining === 0)
    throw new PinBlockedError(`looking at ${status.label}: no tries are left`, { attemptsRemaining: 0 });
  return status;
}

/** Where there are several, people know them by what the card calls them. */
export function labelled({ card }: Pick<CardSession, 'card'>, { label }: Pick<PinStatus, 'label'>): Pick<PinPrompt, 'pinLabel'> {
  const ofKeys = card.contents && new Set(card.contents.keys.map(({ pin }) => pin)).size;
  const count = ofKeys ?? card.pins?.filter(({ kind }) => kind === 'pin').length ?? 0;
  return count > 1 ? { pinLabel: label } : {};
}

function about(
  { card }: CardSession,
  { asker, task, purpose, documents, statement }: PinCaller,
  { attemptsRemaining }: Pick<PinStatus, 'attemptsRemaining'>,
): Pick<PinPrompt, 'asker' | 'card' | 'task' | 'purpose' | 'triesLeft' | 'documents' | 'statement'> {
  return {
    asker,
    task,
    ...(purpose === undefined ? {} : { purpose }),
    card: cardTitle(card),
    ...(attemptsRemaining === undefined ? {} : { triesLeft: attemptsRemaining }),
    ...(documents ? { documents } : {}),
    ...(statement === undefined ? {} : { statement }),
  };
}
