/** What handlers work with, and how they get at a card. */
import { Secret } from '../../../apdu/secret.ts';
import { KeyNotFoundError, PinFormatError } from '../../../apdu/errors.ts';
import type { PinReference, Token, TokenKey, TokenManagement } from '../../../apdu/token.ts';
import type { Access } from '../../access/access.ts';
import { useCard } from '../../desk/card-access.ts';
import { contentsOf, findKey, managementOf, type CardSession } from '../../desk/card-session.ts';
import type { CardTarget, Desk } from '../../desk/desk.ts';
import { ApiError } from '../../errors.ts';
import { verifyGuarded, type PinUse } from '../../pin/entry.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Call, CallSubject } from '../call.ts';
import type { EventLog } from '../event-log.ts';

export interface HandlerContext {
  readonly access: Access;
  readonly desk: Desk;
  readonly events: EventLog;
  readonly audit: AuditLog;
  readonly simulated: boolean;
  readonly startedAt: Date;
  readonly clients: () => number;
  readonly callsUnderWay: () => number;
}

export interface CardParams {
  readonly card: CardTarget;
  readonly lease?: string;
  readonly pinReference?: string;
  readonly allowLastTry?: boolean;
}

interface CardUseOptions {
  readonly changes?: boolean;
  readonly raw?: boolean;
}

/**
 * Lends the card that the parameters name, for one transaction. For a method that changes the card, a key reference that cards of its kind have not
 * is a wrong parameter: there is no key to be missed.
 */
export async function withCard<R>(
  context: HandlerContext,
  params: CardParams,
  call: Call,
  options: CardUseOptions,
  work: (session: CardSession) => Promise<R>,
): Promise<R> {
  call.subject = subjectOf(context, params);
  try {
    return await useCard(context.desk, params.card, { signal: call.signal, lease: params.lease, ...options }, work);
  } catch (error) {
    if (!options.changes || !(error instanceof KeyNotFoundError)) throw error;
    throw new ApiError(
      'invalid_params',
      `calling ${call.method}: ${error.message}`,
      { problem: error.message },
      { cause: error },
    );
  }
}

/** Throws what useCard would: when there is no such card. */
function subjectOf({ desk }: HandlerContext, { card: target, lease }: CardParams): CallSubject {
  const card = desk.resolve(target);
  const purpose = lease === undefined ? undefined : card.lease?.purpose;
  return { card, ...(purpose === undefined ? {} : { purpose }) };
}

/** The PIN that the parameters name, 80 unless they do. */
export function pinUse(context: HandlerContext, session: CardSession, params: CardParams, reference: PinReference): PinUse {
  const { card } = session;
  return {
    reference,
    allowLastTry: params.allowLastTry ?? false,
    onPrompt: () =>
      context.events.publish('pin.prompted', { card: card.id, reader: card.reader.id, pinReference: reference, where: 'keypad' }),
  };
}

/** Verifies the PIN that a key wants, right before the key is used. Nothing to do for a key that wants none. */
export async function verifyFor(
  context: HandlerContext,
  session: CardSession,
  token: Token,
  key: TokenKey,
  params: CardParams,
  call: Call,
): Promise<void> {
  if (key.pinPolicy === 'never') return;
  await verifyGuarded(session, token, call.secret('pin'), pinUse(context, session, params, key.pin));
}

/** A key as known, or as the card tells, or as its standard has it. What is not known from memory is looked for on the card. */
export async function keyOf(session: CardSession, token: Token, keyReference: string): Promise<TokenKey> {
  const wasRemembered = session.card.contents !== undefined;
  let known = findKey(await contentsOf(session, token), keyReference);
  if (known?.algorithm) return known;
  const told = await token.key(keyReference);
  if (!told && wasRemembered) {
    session.card.contents = undefined;
    known = findKey(await contentsOf(session, token), keyReference);
  }
  return (
    told ??
    known ?? {
      keyReference: keyReference.toUpperCase(),
      label: keyReference,
      usage: 'authentication',
      pin: '80',
      pinPolicy: 'once',
    }
  );
}

/** Proves the management key that came with the call. */
export async function authenticate(token: Token, call: Call): Promise<TokenManagement> {
  const management = managementOf(token);
  using key = parseManagementKey(management, call.requireSecret('managementKey'));
  await management.authenticate(key);
  return management;
}

function parseManagementKey(management: TokenManagement, given: Secret): Secret {
  using word = Secret.fromText('default');
  if (given.equals(word)) return management.factoryKey();
  return given.use((text) => {
    const bytes = new Uint8Array(text.length / 2);
    for (const index of bytes.keys()) {
      const digit = (offset: number): number => Number.parseInt(String.fromCharCode(text[index * 2 + offset] ?? 0), 16);
      bytes[index] = digit(0) * 16 + digit(1);
      if (Number.isNaN(digit(0)) || Number.isNaN(digit(1))) throw managementKeyFormat();
    }
    if (text.length % 2 !== 0 || ![16, 24, 32].includes(bytes.length)) throw managementKeyFormat();
    return Secret.take(bytes);
  });
}

function managementKeyFormat(): PinFormatError {
  return new PinFormatError(
    'reading the management key: it must be 32, 48 or 64 hexadecimal digits, or "default"; nothing was sent to the card',
  );
}
