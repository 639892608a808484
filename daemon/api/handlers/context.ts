/** What handlers work with, and how they get at a card. */
import { KeyNotFoundError } from '../../../apdu/errors.ts';
import type { Token, TokenKey } from '../../../apdu/token.ts';
import type { Access } from '../../access/access.ts';
import type { Contents } from '../../contents/contents.ts';
import { useCard } from '../../desk/card-access.ts';
import type { CardSession } from '../../desk/card-session.ts';
import type { CardTarget, Desk } from '../../desk/desk.ts';
import type { CountrySigners } from '../../documents/country-signers.ts';
import type { ChipReading } from '../../documents/verify/examine.ts';
import type { Verdicts } from '../../documents/verify/verdicts.ts';
import type { Kept, Owner } from '../../documents/kept.ts';
import { DeviceResetError } from '../../../drivers/errors.ts';
import { METHODS, type Result } from '../../../api-spec/methods/index.ts';
import { formatHex } from '../../../apdu/bytes.ts';
import type { ConsolePage } from '../../console/console-page.ts';
import type { CardRecord } from '../../desk/records.ts';
import type { EntryName } from '../../prompt/entered-pins.ts';
import type { DocumentList, Prompt, PromptPlace } from '../../prompt/prompt.ts';
import { ApiError } from '../../errors.ts';
import { fullNameOf } from '../../full-name.ts';
import type { IdentitySettings } from '../../identity/identity.ts';
import type { Authorities } from '../../issuance/authority/authority.ts';
import type { Ceremonies } from '../../issuance/ceremonies.ts';
import type { EvidenceKeeper } from '../../issuance/evidence/keeper.ts';
import type { Pictures } from '../../issuance/pictures.ts';
import type { Pads } from '../../pads/pads.ts';
import { verifyForUse, type KeypadPrompt, type PinCaller } from '../../pin/entry.ts';
import { PersonNeededError } from '../../pin/person-needed.ts';
import type { PinReuse } from '../../pin/reuse.ts';
import type { WrongPins } from '../../pin/wrong-pins.ts';
import type { Scanners } from '../../scanners/scanners.ts';
import type { TraceRecorder } from '../../trace/recorder.ts';
import type { TurnTaker } from '../../turns.ts';
import { PROMPT_TIMEOUT_MS, type PromptDesk } from '../../prompt/prompt-desk.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Call, CallSubject } from '../call.ts';
import type { EventLog } from '../event-log.ts';
import type { SimulatedDesk, SimulatedPads } from './simulation.ts';

export interface HandlerContext {
  readonly access: Access;
  readonly prompts: PromptDesk;
  readonly wrongPins: WrongPins;
  readonly pinReuse: PinReuse;
  readonly contents: Contents;
  readonly desk: Desk;
  readonly events: EventLog;
  readonly issuance: Ceremonies;
  /** Certification authorities of the policy. */
  readonly authorities: Authorities;
  readonly evidence: EvidenceKeeper;
  readonly pictures: Pictures;
  readonly pads: Pads;
  readonly scanners: Scanners;
  readonly audit: AuditLog;
  readonly recorder: TraceRecorder;
  /** About identity documents. */
  readonly verdicts: Verdicts;
  /** Chips that were read, for a verdict. */
  readonly passportReadings: Kept<ChipReading>;
  /** As last read from the policy. */
  readonly identity: () => IdentitySettings;
  /** Whose travel documents are trusted, as the administrator's folders stand. */
  readonly countrySigners: () => Promise<CountrySigners>;
  readonly simulated: boolean;
  /** Whose cards can be moved by calls. */
  readonly simulatedDesk: SimulatedDesk | undefined;
  /** Whose pads can be written on by calls. */
  readonly simulatedPads: SimulatedPads | undefined;
  readonly startedAt: Date;
  readonly clients: () => number;
  readonly callsUnderWay: () => number;
  /** What an administrator has to see to. */
  readonly problems: () => readonly Result<'system.health'>['problems'][number][];
  /** Opens a page of the console for this user: good once. */
  readonly consoleLink: (user: string, page: ConsolePage) => { readonly url: string; readonly expiresInMs: number };
  readonly acknowledgeDatabase: (file: string) => Result<'system.acknowledgeDatabase'>;
  readonly reload: () => Promise<Result<'system.reload'>>;
}

export interface CardParams {
  readonly card: CardTarget;
  readonly lease?: string;
  readonly pinReference?: string;
  readonly allowLastTry?: boolean;
  readonly purpose?: string;
}

/** What a method tells the person beyond its parameters. */
export interface Shown {
  /** What one entry signs. */
  readonly documents?: DocumentList;
  /** Word for word what is signed. */
  readonly statement?: string;
}

interface CardUseOptions {
  readonly changes?: boolean;
  /** The keys are not those that the parameters name: one that is not there is missed. */
  readonly choosesKeys?: boolean;
  readonly raw?: boolean;
  /** It is the card that the call has used before. */
  readonly isSame?: boolean;
  readonly waitsForLease?: boolean;
}

/**
 * Lends the card that the parameters name, for one transaction. When a person must be asked, the transaction ends, they are asked while nothing is held,
 * and the work is done again from its start. For a method that changes the card, a key reference that cards of its kind have not is a wrong parameter:
 * there is no key to be missed.
 */
export async function withCard<R>(
  context: HandlerContext,
  params: CardParams,
  call: Call,
  { choosesKeys, ...options }: CardUseOptions,
  work: (session: CardSession) => Promise<R>,
): Promise<R> {
  const card = context.desk.resolve(params.card);
  const { purpose } = call.subject ?? {};
  // What the call is for stays: the card is what it is done with.
  call.subject = { ...subjectOf(card, params.lease), ...(purpose === undefined ? {} : { purpose }) };
  // Another card may be in the reader by the time the person has answered.
  const use = (): Promise<R> =>
    useCard(
      context.desk,
      card.id,
      {
        signal: call.signal,
        lease: params.lease,
        isSame: call.wasAsked,
        role: roleIn(params.card),
        taker: takerOf(call),
        ...options,
      },
      work,
    );
  try {
    return await use().catch(async (error: unknown) => {
      if (!(error instanceof PersonNeededError) || call.wasAsked) throw error;
      await askPerson(context, card, call, error);
      return await use();
    });
  } catch (error) {
    if (error instanceof DeviceResetError) context.pinReuse.forgetCard(card.id);
    if (!options.changes || choosesKeys || !(error instanceof KeyNotFoundError)) throw error;
    throw new ApiError(
      'invalid_params',
      `calling ${call.method}: ${error.message}`,
      { problem: error.message },
      { cause: error },
    );
  }
}

/** Pages of one site are one caller, however many of them are open. */
function takerOf({ caller, method }: Call): TurnTaker {
  return { caller: `${caller.user} ${caller.origin ?? caller.name}`, name: `${method} of ${caller.name}` };
}

/** The role by which a card was addressed. */
export function roleIn(target: CardTarget): string | undefined {
  return typeof target === 'object' && 'role' in target ? target.role : undefined;
}

/** The prompt goes with the call and with the card. */
async function askPerson(
  context: HandlerContext,
  card: CardRecord,
  call: Call,
  { prompt, reference }: PersonNeededError,
): Promise<void> {
  const signal = AbortSignal.any([call.signal, card.removal.signal]);
  const onShown = (where: PromptPlace): void =>
    context.events.publish('pin.prompted', { card: card.id, reader: card.reader.id, pinReference: reference, where });
  const timeoutMs = timeToAnswer(prompt);
  using entered = await context.prompts.ask(prompt, { user: call.caller.user, signal, onShown, timeoutMs });
  const wasLastTry = prompt.kind !== 'documents' && (prompt.triesLeft === undefined || prompt.triesLeft <= 1);
  call.answer(entered.release(), wasLastTry ? reference : undefined);
}

/** A list takes time to read: a second for each name, up to four minutes more. */
function timeToAnswer(prompt: Prompt): number {
  const names = prompt.kind === 'consent' ? 0 : (prompt.documents?.names.length ?? 0);
  return PROMPT_TIMEOUT_MS + Math.min(names > 1 ? names * 1_000 : 0, 240_000);
}

function subjectOf(card: CardRecord, lease: string | undefined): CallSubject {
  const purpose = lease === undefined ? undefined : card.lease?.purpose;
  return { card, ...(purpose === undefined ? {} : { purpose }) };
}

/** Who wants a PIN in this call: what they may do with it, and what the person is told. */
export function pinCaller(
  context: HandlerContext,
  session: CardSession,
  params: CardParams,
  call: Call,
  { documents, statement }: Shown = {},
): PinCaller {
  const { caller } = call;
  const { origin, user } = caller;
  const { card } = session;
  const common = {
    task: METHODS[call.method].attempt,
    purpose: params.purpose ?? card.lease?.purpose,
    ...(documents ? { documents } : {}),
    ...(statement === undefined ? {} : { statement }),
    canAsk: !call.wasAsked && context.prompts.placesOf(user).length > 0,
    wasAsked: call.wasAsked,
    secret: (name: EntryName) => call.secret(name),
    atKeypad: ({ reference, about }: KeypadPrompt, work: () => Promise<void>) => {
      context.events.publish('pin.prompted', {
        ...{ card: card.id, reader: card.reader.id, pinReference: reference },
        where: 'keypad',
      });
      return context.prompts.open.during({ about, user, signal: call.signal }, (shown) => {
        shown('keypad');
        return work();
      });
    },
  };
  if (origin === undefined) {
    return {
      ...common,
      asker: { kind: 'program', name: fullNameOf(caller) },
      allowsLastTry: (reference) => params.allowLastTry === true || call.allowsLastTry(reference),
      requireTries: () => undefined,
      onWrong: () => undefined,
    };
  }
  const { reuseMs, wrongPerDay } = context.access.policy.pinRules(origin);
  const subject = { origin, user, card: card.serialNumber ?? formatHex(card.atr) };
  return {
    ...common,
    asker: { kind: 'origin', name: origin },
    allowsLastTry: (reference) => call.allowsLastTry(reference),
    requireTries: () => context.wrongPins.require(subject, wrongPerDay),
    onWrong: () => context.wrongPins.note(subject),
    ...(reuseMs > 0 && caller.connection ? { reuse: { pins: context.pinReuse, caller: caller.id, durationMs: reuseMs } } : {}),
  };
}

/**
 * Verifies the PIN that a key wants, right before the key is used. Nothing to do for a key that wants none. What the person must see is not signed with a PIN
 * that they gave before.
 */
export async function verifyFor(
  context: HandlerContext,
  session: CardSession,
  token: Token,
  key: TokenKey,
  params: CardParams,
  call: Call,
  shown: Shown = {},
): Promise<void> {
  if (key.pinPolicy === 'never') return;
  const use = { reference: key.pin, isReusable: key.pinPolicy === 'once' && !shown.documents && shown.statement === undefined };
  await verifyForUse(session, token, pinCaller(context, session, params, call, shown), use);
}

/** Of what is kept about a document. */
export function ownerOf({ caller: { user, origin } }: Call): Owner {
  return { user, ...(origin === undefined ? {} : { origin }) };
}
