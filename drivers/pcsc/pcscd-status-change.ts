/**
 * SCardGetStatusChange over pcscd's table of readers. The service only says that something changed; what changed is worked out by its
 * clients, here as libpcsclite does it (pcsc-lite 1.9.9, src/winscard_clnt.c, SCardGetStatusChange), with two differences:
 * the pseudo-reader tells of a list of readers that is not the one last asked for, so that none is missed between two calls; and a reader
 * that goes during the wait ends the call with SCARD_E_UNKNOWN_READER.
 */
import {
  PNP_NOTIFICATION,
  SCARD_STATE_CHANGED,
  SCARD_STATE_EMPTY,
  SCARD_STATE_EXCLUSIVE,
  SCARD_STATE_IGNORE,
  SCARD_STATE_INUSE,
  SCARD_STATE_MUTE,
  SCARD_STATE_PRESENT,
  SCARD_STATE_UNAVAILABLE,
  SCARD_STATE_UNAWARE,
  SCARD_STATE_UNKNOWN,
} from './constants.ts';
import type { PcscdLink } from './pcscd-link.ts';
import {
  CMD_GET_READERS_STATE,
  CMD_STOP_WAITING_READER_STATE_CHANGE,
  CMD_WAIT_READER_STATE_CHANGE,
  READERS_ANSWER,
  WAIT_ANSWER,
  encodeReadersCommand,
  type ReaderRow,
} from './pcscd-messages.ts';
import type { ReaderEvent, ReaderQuery } from './reader-state.ts';
import { SCARD_E_CANCELLED, SCARD_E_TIMEOUT, SCARD_E_UNKNOWN_READER } from './result-code.ts';

/** Bits of READER_STATE.readerState (PCSC/pcsclite.h). */
const SCARD_UNKNOWN = 0x0001;
const SCARD_ABSENT = 0x0002;
const SCARD_PRESENT = 0x0004;
const SCARD_SWALLOWED = 0x0008;
/** Values of READER_STATE.readerSharing (src/eventhandler.h). */
const PCSCLITE_SHARING_EXCLUSIVE_CONTEXT = -1;
const PCSCLITE_SHARING_NO_CONTEXT = 0;

/** Longest delay of setTimeout, to which a wait is cut: 24 days. */
const MAX_TIMER_MS = 0x7fffffff;

export interface StatusChange {
  readonly result: number;
  readonly events: readonly ReaderEvent[];
}

export interface StatusChangeRequest {
  readonly timeoutMs: number;
  readonly queries: readonly ReaderQuery[];
  /** The readers as their list was last given out; undefined when it was not. */
  readonly knownNames: readonly string[] | undefined;
  /** Ends the wait with SCARD_E_CANCELLED. */
  readonly signal: AbortSignal;
}

/** No other request may be made on the link until this ends. */
export async function getStatusChange(link: PcscdLink, request: StatusChangeRequest): Promise<StatusChange> {
  const { timeoutMs, queries } = request;
  if (queries.every(({ currentState }) => (currentState & SCARD_STATE_IGNORE) !== 0)) {
    return { result: 0, events: queries.map(({ name }) => ({ name, eventState: 0, atr: new Uint8Array() })) };
  }
  if (timeoutMs === 0) {
    const { result, readers } = await link.request(encodeReadersCommand(CMD_GET_READERS_STATE), READERS_ANSWER);
    return result === 0 ? resultOf(request, compareReaders(request, readers)) : { result, events: [] };
  }
  return waitForChange(link, request);
}

async function waitForChange(link: PcscdLink, request: StatusChangeRequest): Promise<StatusChange> {
  const deadlineMs = performance.now() + request.timeoutMs;
  let knownNames = request.knownNames;
  for (;;) {
    const table = link.request(encodeReadersCommand(CMD_WAIT_READER_STATE_CHANGE), READERS_ANSWER);
    // One message follows for certain: an event, or the answer to our asking for no more.
    const event = link.expect(WAIT_ANSWER);
    const { result, readers } = await table;
    if (result !== 0) return { result, events: [] };
    knownNames ??= readers.map(({ name }) => name);
    const outcome = resultOf(request, compareReaders({ ...request, knownNames }, readers));
    const remainingMs = deadlineMs - performance.now();
    if (outcome.result !== SCARD_E_TIMEOUT || request.signal.aborted || remainingMs <= 0) {
      await stopWaiting(link, event);
      return outcome.result === SCARD_E_TIMEOUT && request.signal.aborted ? { ...outcome, result: SCARD_E_CANCELLED } : outcome;
    }
    if (await comesInTime(event, remainingMs, request.signal)) {
      const { result: eventResult } = await event;
      if (eventResult !== 0) return { ...outcome, result: eventResult };
      continue;
    }
    const stopped = await stopWaiting(link, event);
    if (stopped !== 0) return { ...outcome, result: stopped };
    return { ...outcome, result: isAborted(request.signal) ? SCARD_E_CANCELLED : SCARD_E_TIMEOUT };
  }
}

/** A call, so that the compiler does not take the first answer for the last. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function stopWaiting(link: PcscdLink, event: Promise<{ readonly result: number }>): Promise<number> {
  link.send(encodeReadersCommand(CMD_STOP_WAITING_READER_STATE_CHANGE));
  return (await event).result;
}

async function comesInTime(event: Promise<unknown>, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const giveUp = (): void => resolve(false);
  const timer = setTimeout(giveUp, Math.min(Math.ceil(timeoutMs), MAX_TIMER_MS));
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([event.then(() => true), promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

/** Undefined: a name is asked for that no reader has. */
function compareReaders(
  { queries, knownNames }: Pick<StatusChangeRequest, 'queries' | 'knownNames'>,
  readers: readonly ReaderRow[],
): readonly ReaderEvent[] | undefined {
  const rows = new Map(readers.map((row) => [row.name, row]));
  const events: ReaderEvent[] = [];
  for (const query of queries) {
    const row = rows.get(query.name);
    if (row) events.push(compareReader(query, row));
    else if (isPnpNotification(query.name)) events.push(compareList(query, rows, knownNames));
    else return undefined;
  }
  return events;
}

function resultOf({ queries }: StatusChangeRequest, events: readonly ReaderEvent[] | undefined): StatusChange {
  if (!events) return { result: SCARD_E_UNKNOWN_READER, events: [] };
  const isNews = events.some(
    ({ eventState }, index) =>
      (eventState & SCARD_STATE_CHANGED) !== 0 && ((queries[index]?.currentState ?? 0) & SCARD_STATE_IGNORE) === 0,
  );
  return { result: isNews ? 0 : SCARD_E_TIMEOUT, events };
}

function isPnpNotification(name: string): boolean {
  return name.toLowerCase() === PNP_NOTIFICATION.toLowerCase();
}

function compareList(
  { name }: ReaderQuery,
  rows: ReadonlyMap<string, ReaderRow>,
  knownNames: readonly string[] | undefined,
): ReaderEvent {
  const isSame = knownNames === undefined || (knownNames.length === rows.size && knownNames.every((known) => rows.has(known)));
  return { name, eventState: isSame ? 0 : SCARD_STATE_CHANGED, atr: new Uint8Array() };
}

/** The upper half of the state is the count of card events, compared only when the caller knows one. */
export function compareReader({ name, currentState }: ReaderQuery, row: ReaderRow): ReaderEvent {
  const isPresent = (row.state & SCARD_PRESENT) !== 0 && (row.state & SCARD_ABSENT) === 0;
  const atr = isPresent ? row.atr : new Uint8Array();
  if ((row.state & SCARD_UNKNOWN) !== 0) {
    const isKnown = (currentState & SCARD_STATE_UNAVAILABLE) !== 0;
    return { name, eventState: SCARD_STATE_UNAVAILABLE | (isKnown ? 0 : SCARD_STATE_CHANGED), atr };
  }
  const knownCount = currentState >>> 16;
  const state = presenceOf(row) | sharingOf(row, isPresent);
  const isChanged =
    currentState === SCARD_STATE_UNAWARE ||
    (currentState & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE)) !== 0 ||
    (knownCount !== 0 && knownCount !== (row.eventCounter & 0xffff)) ||
    isOtherPresence(currentState, state) ||
    isOtherSharing(currentState, row, isPresent);
  const eventState = (row.eventCounter << 16) | state | (isChanged ? SCARD_STATE_CHANGED : 0);
  return { name, eventState: eventState >>> 0, atr };
}

function presenceOf({ state }: ReaderRow): number {
  if ((state & SCARD_ABSENT) !== 0) return SCARD_STATE_EMPTY;
  if ((state & SCARD_PRESENT) === 0) return 0;
  return SCARD_STATE_PRESENT | ((state & SCARD_SWALLOWED) === 0 ? 0 : SCARD_STATE_MUTE);
}

function sharingOf({ sharing }: ReaderRow, isPresent: boolean): number {
  if (sharing === PCSCLITE_SHARING_EXCLUSIVE_CONTEXT) return SCARD_STATE_EXCLUSIVE;
  return sharing > PCSCLITE_SHARING_NO_CONTEXT && isPresent ? SCARD_STATE_INUSE : 0;
}

function isOtherPresence(currentState: number, state: number): boolean {
  if ((state & SCARD_STATE_EMPTY) !== 0) return (currentState & SCARD_STATE_PRESENT) !== 0;
  if ((state & SCARD_STATE_PRESENT) === 0) return false;
  return (currentState & SCARD_STATE_EMPTY) !== 0 || ((currentState ^ state) & SCARD_STATE_MUTE) !== 0;
}

/** A use that the caller does not know of is no news, its end is; exclusive use and its end are told against the other kind. */
function isOtherSharing(currentState: number, { sharing }: ReaderRow, isPresent: boolean): boolean {
  if (sharing === PCSCLITE_SHARING_EXCLUSIVE_CONTEXT) return (currentState & SCARD_STATE_INUSE) !== 0;
  if (sharing === PCSCLITE_SHARING_NO_CONTEXT) return (currentState & (SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE)) !== 0;
  return isPresent && (currentState & SCARD_STATE_EXCLUSIVE) !== 0;
}
