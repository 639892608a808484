/** Getting at a card: its turn at the reader, the transaction, and the way back out, whatever happens in between. */
import { equalBytes } from '../../apdu/bytes.ts';
import { CardError } from '../../apdu/errors.ts';
import type { Token } from '../../apdu/token.ts';
import { DeviceBusyError, DeviceError, DeviceRemovedError, DeviceResetError, NoCardError } from '../../drivers/errors.ts';
import type { AnyConnection, ApplicationSource } from '../../drivers/reader-source.ts';
import { ApiError } from '../errors.ts';
import { cardKindLabel } from '../telemetry/card-kind.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { watchedConnection, watchedSession } from '../telemetry/watched-card.ts';
import type { TurnTaker } from '../turns.ts';
import { PersonNeededError } from '../pin/person-needed.ts';
import { openCardSession, usesCommands } from './application-session.ts';
import { contentsOf, noteAbilities, notePins, type CardSession } from './card-session.ts';
import type { CardTarget, Desk } from './desk.ts';
import type { CardRecord } from './records.ts';
import { otherCards, requireRole, type RoleUse } from './role-rules.ts';

export interface CardUse {
  readonly signal: AbortSignal;
  readonly lease?: string | undefined;
  /** The card may be another afterwards: it is made sure of first, nothing is tried twice, and what was known of it is read again after a failure. */
  readonly changes?: boolean;
  /** The card is made sure of first: time has passed since it was meant. */
  readonly isSame?: boolean;
  /** What the card is does not matter: raw commands. */
  readonly raw?: boolean;
  /** The card was addressed by this role: it is made sure of first, and must be one that may act in it. */
  readonly role?: string | undefined;
  /** Whose turn it is. */
  readonly taker?: TurnTaker;
  /** Who knows of no leases waits until there is none, for as long as its signal lets it. */
  readonly waitsForLease?: boolean;
}

/** A card that is to be had at all is to be had by then, mostly. */
const LOOK_AFTER_MS = 100;
/** Most of a second for a real card; more is a card that hangs. */
const IDENTIFY_TIMEOUT_MS = 15_000;

/** Resolves the target, waits for its turn, and lends the card in one transaction. */
export async function useCard<R>(
  desk: Desk,
  target: CardTarget,
  use: CardUse,
  work: (session: CardSession) => Promise<R>,
): Promise<R> {
  const card = desk.resolve(target);
  const signal = AbortSignal.any([use.signal, card.removal.signal]);
  if (!use.waitsForLease) return await inTurn(desk, card, { ...use, signal }, work);
  for (;;) {
    await desk.leases.free(card, signal);
    try {
      return await inTurn(desk, card, { ...use, signal }, work);
    } catch (error) {
      if (!(error instanceof LeasedMeanwhileError)) throw error;
    }
  }
}

/** A lease was granted while the turn was waited for: nothing was done. */
class LeasedMeanwhileError extends Error {
  override readonly name = 'LeasedMeanwhileError';
}

function requireLease(desk: Desk, card: CardRecord, { lease, waitsForLease }: CardUse): void {
  if (waitsForLease && card.lease) throw new LeasedMeanwhileError('using the card: it was leased meanwhile');
  desk.leases.check(card, lease);
}

async function inTurn<R>(desk: Desk, card: CardRecord, use: CardUse, work: (session: CardSession) => Promise<R>): Promise<R> {
  const { signal } = use;
  requireLease(desk, card, use);
  const role = use.role === undefined ? undefined : await lookAround(desk, use.role, signal);
  const doWork = async (): Promise<R> => {
    requireLease(desk, card, use);
    if ((!use.raw || role) && (card.status === 'identifying' || card.status === 'failed'))
      await identifyInTurn(desk, card, signal);
    try {
      return await inTransaction(desk, card, { ...use, signal }, allowed(desk, role, work));
    } catch (error) {
      if (!(error instanceof DeviceResetError) || use.changes) throw error;
      return await inTransaction(desk, card, { ...use, signal }, allowed(desk, role, work));
    }
  };
  return await inItsTurn(desk, card, signal, doWork, use.taker);
}

/** How long the turn was waited for is told. */
async function inItsTurn<R>(
  ...[desk, card, signal, work, taker]: [Desk, CardRecord, AbortSignal, () => Promise<R>, TurnTaker?]
): Promise<R> {
  const ended = desk.telemetry.begin({ kind: 'wait', name: 'turn' });
  const begun = (): Promise<R> => {
    ended();
    return work();
  };
  try {
    return await card.reader.queue.run(signal, begun, taker);
  } catch (error) {
    ended(error);
    throw error;
  }
}

/** In the transaction: from here on no other card can take the place of the one that was checked. */
function allowed<R>(
  desk: Desk,
  role: RoleUse | undefined,
  work: (session: CardSession) => Promise<R>,
): (session: CardSession) => Promise<R> {
  if (role === undefined) return work;
  return async (session) => {
    await requireRole(desk, role, session);
    return await work(session);
  };
}

/** Makes sure of the cards that the rules of a role compare with. One that cannot be had or read is missed when they are compared; nothing is held here. */
async function lookAround(desk: Desk, role: string, signal: AbortSignal): Promise<RoleUse> {
  const sure = new Set<CardRecord>();
  for (const card of otherCards(desk, role)) {
    const wait = AbortSignal.any([signal, card.removal.signal]);
    const look = async (): Promise<void> => {
      if (card.status === 'identifying' || card.status === 'failed') await identifyInTurn(desk, card, wait);
      await inTransaction(desk, card, { signal: wait, isSame: true }, (session) => makeSureOfContents(session));
      sure.add(card);
    };
    await card.reader.queue.run(wait, look).catch((error: unknown) => {
      if (signal.aborted || !(error instanceof CardError || error instanceof DeviceError || error instanceof ApiError))
        throw error;
    });
  }
  return { role, sure };
}

async function makeSureOfContents(session: CardSession): Promise<void> {
  await session.makeSure();
  if (session.card.kind && !session.card.contents) await session.read();
}

/** What a card is and holds: once for each insertion. Never throws: a card that cannot be read says so in its record. */
export async function identify(
  desk: Desk,
  card: CardRecord,
  codeOf: (error: unknown) => NonNullable<CardRecord['problem']>,
): Promise<void> {
  const deadline = new AbortController();
  const late = new ApiError('deadline_exceeded', 'identifying the card: not done in time', { timeoutMs: IDENTIFY_TIMEOUT_MS });
  const timer = setTimeout(() => deadline.abort(late), IDENTIFY_TIMEOUT_MS);
  const signal = AbortSignal.any([card.removal.signal, deadline.signal]);
  try {
    await inItsTurn(desk, card, signal, () => identifyInTurn(desk, card, signal));
    desk.telemetry.recovered('card', Date.now() - card.insertedAt.getTime());
  } catch (error) {
    if (card.removal.signal.aborted) return;
    card.status = 'failed';
    card.problem = codeOf(error);
    desk.announce(card);
  } finally {
    clearTimeout(timer);
  }
}

/** By commands of ours, unless a module claims the card; through the modules, one after the other, when nothing of ours knows it. */
async function identifyInTurn(desk: Desk, card: CardRecord, signal: AbortSignal): Promise<void> {
  if (card.status === 'ready' || card.status === 'unknown') return;
  const claiming = desk.ways.find((way) => way.claims(card.atr));
  const isKnown = claiming
    ? await identifyThrough(desk, card, claiming, signal)
    : (await identifyHere(desk, card, signal)) || (await identifyThroughAny(desk, card, signal));
  if (!isKnown) card.status = 'unknown';
  card.problem = undefined;
  desk.announce(card);
}

/** True when the card is of a kind that is known. */
async function identifyHere(desk: Desk, card: CardRecord, signal: AbortSignal): Promise<boolean> {
  return await inTransaction(desk, card, { signal }, async (session) => {
    if (await session.recognise(desk.profiles)) {
      card.status = 'ready';
      return true;
    }
    const found = await session.find(desk.profiles);
    if (!found) return false;
    const serialNumber = await found.application.serialNumber();
    if (serialNumber !== undefined) card.serialNumber = serialNumber;
    card.kind = found.kind;
    if (found.profile) card.profile = found.profile;
    noteAbilities(card, found.application);
    const { token } = found.application;
    if (token) await readToken(session, token);
    card.status = 'ready';
    return true;
  });
}

/** A way that is away now may be the one that knows the card: then that is the answer, and the card is looked at again at its next use. */
async function identifyThroughAny(desk: Desk, card: CardRecord, signal: AbortSignal): Promise<boolean> {
  let problem: unknown;
  for (const way of desk.ways) {
    try {
      if (await identifyThrough(desk, card, way, signal)) return true;
    } catch (error) {
      if (!(error instanceof DeviceError || error instanceof CardError)) throw error;
      problem ??= error;
    }
  }
  if (problem instanceof Error) throw problem;
  return false;
}

/** Leaves `card.through` set when the way knows the card. */
async function identifyThrough(desk: Desk, card: CardRecord, way: ApplicationSource, signal: AbortSignal): Promise<boolean> {
  card.through = way;
  let isKnown = false;
  try {
    isKnown = await identifyHere(desk, card, signal);
  } catch (error) {
    if (!(error instanceof NoCardError)) throw error;
  } finally {
    if (!isKnown) delete card.through;
  }
  return isKnown;
}

/** Contents that do not parse leave the card usable: whoever wants them reads them again, and is told. */
async function readToken(session: CardSession, token: Token): Promise<void> {
  const { card } = session;
  const pins = await token.pins();
  notePins(card, pins);
  const first = pins.find(({ kind }) => kind === 'pin');
  if (first) card.firstPin = first.reference;
  try {
    await contentsOf(session, token);
  } catch (error) {
    if (!(error instanceof CardError)) throw error;
  }
}

function inTransaction<R>(desk: Desk, card: CardRecord, use: CardUse, work: (session: CardSession) => Promise<R>): Promise<R> {
  return desk.telemetry.watch({ kind: 'transaction', card: () => cardKindLabel(card) }, () => lend(desk, card, use, work));
}

async function lend<R>(desk: Desk, card: CardRecord, use: CardUse, work: (session: CardSession) => Promise<R>): Promise<R> {
  const { telemetry } = desk;
  await using connection = await waitFor(telemetry, () => connect(card, use.signal));
  if (usesCommands(connection) && !equalBytes(connection.atr, card.atr))
    throw new DeviceRemovedError(`using card ${card.id}: another card is in the reader`);
  const changes = use.changes === true;
  const makesSure = changes || use.isSame === true || use.role !== undefined;
  const told = telemetry.isObserved && usesCommands(connection) ? watchedConnection(connection, telemetry) : connection;
  const session = openCardSession(card, told, { signal: use.signal, makesSure, cache: desk.cache });
  card.quietSince = undefined;
  try {
    const result = await work(telemetry.isObserved ? watchedSession(session, telemetry) : session);
    if (session.isQuiet) card.quietSince = performance.now();
    return result;
  } catch (error) {
    if (changes && !(error instanceof PersonNeededError)) card.contents = undefined;
    throw error;
  }
}

async function waitFor<R>(telemetry: Telemetry, card: () => Promise<R>): Promise<R> {
  return await telemetry.watch({ kind: 'wait', name: 'card' }, card);
}

/** A deadline that passes while another program keeps the card is that program's doing, and said so: with its name, as far as the source can tell. */
async function connect(card: CardRecord, signal: AbortSignal): Promise<AnyConnection> {
  const { source, name } = card.reader;
  if (card.through) return await connectThrough(card.through, name, signal);
  let others: readonly string[] = [];
  const look = async (): Promise<void> => {
    others = (await source.otherPrograms?.()) ?? [];
  };
  // Looked for while there is time: when the deadline has passed there is none.
  const timer = setTimeout(() => void look(), LOOK_AFTER_MS);
  try {
    return await source.connect(name, { signal });
  } catch (error) {
    const isLate = error instanceof ApiError && error.code === 'deadline_exceeded';
    if (!isLate && !(error instanceof DeviceBusyError)) throw error;
    if (!isLate) await look();
    const perhaps = others.length > 0 ? `, perhaps ${others.join(', ')}` : '';
    throw new ApiError(
      'card_busy',
      `waiting for the card in ${name}: it was not to be had in time`,
      { holder: `another program${perhaps}` },
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}

async function connectThrough(way: ApplicationSource, readerName: string, signal: AbortSignal): Promise<AnyConnection> {
  const connection = await way.connectCard(readerName, { signal });
  if (connection) return connection;
  throw new NoCardError(`using the card in ${readerName} through ${way.id}: it knows no card there`);
}
