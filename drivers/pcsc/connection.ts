/**
 * One transaction with the card in one PC/SC reader, from the moment that it is ours until it is closed: exchanges, one after the other,
 * and the end. What the card is left like is decided here: reset after anything sensitive, untouched otherwise.
 */
import type { CardConnection, PinKeypad } from '../../apdu/card-connection.ts';
import { DeviceError, DeviceProtocolError } from '../errors.ts';
import {
  SCARD_LEAVE_CARD,
  SCARD_PROTOCOL_T0,
  SCARD_PROTOCOL_T1,
  SCARD_RESET_CARD,
  SCARD_STATE_CHANGED,
  SCARD_STATE_UNAWARE,
} from './constants.ts';
import { createKeypad } from './keypad.ts';
import { openCard, type OpenCard } from './open-card.ts';
import type { PcscLayer } from './pcsc-layer.ts';
import type { ReaderFeatures } from './reader-features.ts';
import {
  SCARD_E_COMM_DATA_LOST,
  SCARD_E_NOT_TRANSACTED,
  SCARD_E_NO_SMARTCARD,
  SCARD_E_READER_UNAVAILABLE,
  SCARD_W_REMOVED_CARD,
  SCARD_W_RESET_CARD,
  SCARD_W_UNPOWERED_CARD,
  meansServiceGone,
  resultError,
} from './result-code.ts';

/** A header. One byte alone reaches some reader drivers as a control, and none blocks them for ever (vpcd, measured). */
const MIN_COMMAND_LENGTH = 4;
/** Header, extended Lc and Le, 65,535 bytes of data: 4 + 3 + 65,535 + 2. */
const MAX_COMMAND_LENGTH = 65_544;
/** Commands up to this length are sent from one buffer that lives as long as the connection: a short one, and the 5th byte of case 1 in T=0. */
const SEND_BYTES = 264;
/** Greatest data size of a short APDU, beyond which dwMaxAPDUDataSize promises extended ones (PC/SC part 10, section 2.6.14). */
const SHORT_APDU_DATA = 256;
/** After a failed exchange: how long a removal may take to be noticed (pcscd looks every 400 ms). */
const REMOVAL_NOTICE_MS = 1000;

/** The handle is of no more use: the card is another one, or forgot everything. */
const ENDS_HANDLE: ReadonlySet<number> = new Set([
  SCARD_W_REMOVED_CARD,
  SCARD_W_RESET_CARD,
  SCARD_W_UNPOWERED_CARD,
  SCARD_E_NO_SMARTCARD,
  SCARD_E_READER_UNAVAILABLE,
]);
/** The exchange broke off, and the reason may only show in a moment. */
const BROKEN_OFF: ReadonlySet<number> = new Set([SCARD_E_NOT_TRANSACTED, SCARD_E_COMM_DATA_LOST]);

/** Waits for the card and begins the transaction. `signal` ends the wait only. */
export async function openConnection(layer: PcscLayer, reader: string, signal: AbortSignal): Promise<CardConnection> {
  const open = await openCard(layer, reader, signal);
  try {
    return createConnection(layer, reader, open, await layer.features.ask(reader, open.card));
  } catch (error) {
    open.lease.discard();
    await open.lease[Symbol.asyncDispose]();
    throw error;
  }
}

/** What is known of one connection; `end` is the result that made its handle useless. */
interface ConnectionState {
  readonly layer: PcscLayer;
  readonly reader: string;
  readonly open: OpenCard;
  readonly send: Uint8Array;
  sensitive: boolean;
  end: number | undefined;
}

function createConnection(layer: PcscLayer, reader: string, open: OpenCard, features: ReaderFeatures): CardConnection {
  const send = new Uint8Array(SEND_BYTES);
  const state: ConnectionState = { layer, reader, open, send, sensitive: false, end: undefined };
  let last: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  /** One call at a time on the handle, in the order asked. */
  const inTurn = async <T>(call: () => Promise<T>): Promise<T> => {
    if (closing) throw new DeviceError(`using the card in ${reader}: the connection is closed`, { device: reader });
    const turn = last.then(call);
    last = turn.catch(() => undefined); // its caller handles the error
    return turn;
  };
  const control = async (code: number, input: Uint8Array): Promise<Uint8Array> =>
    inTurn(async () => {
      state.sensitive = true;
      return sendControl(state, code, input);
    });
  const keypad: PinKeypad | undefined = createKeypad({ reader, languageId: layer.keypadLanguageId, control }, features);

  return {
    atr: open.atr,
    supportsExtendedLength: carriesExtendedLength(open.protocol, features),
    transmit: async (command, options) => inTurn(async () => exchange(state, command, options?.sensitive === true)),
    ...(keypad ? { keypad } : {}),
    async [Symbol.asyncDispose]() {
      closing ??= last.then(async () => close(state));
      return closing;
    },
  };
}

function carriesExtendedLength(protocol: number, { maxApduDataSize }: ReaderFeatures): boolean {
  if (maxApduDataSize === undefined) return protocol === SCARD_PROTOCOL_T1;
  return maxApduDataSize > SHORT_APDU_DATA;
}

async function exchange(state: ConnectionState, command: Uint8Array, sensitive: boolean): Promise<Uint8Array> {
  const { layer, reader, open } = state;
  if (command.length < MIN_COMMAND_LENGTH || command.length > MAX_COMMAND_LENGTH) {
    const limits = `${MIN_COMMAND_LENGTH} to ${MAX_COMMAND_LENGTH}`;
    throw new DeviceProtocolError(`transmitting to ${reader}: a command of ${command.length} bytes is not ${limits} long`, {
      device: reader,
    });
  }
  throwIfEnded(state);
  if (sensitive) state.sensitive = true;
  const sent = prepareCommand(state, command);
  try {
    const { result, response } = await layer.winscard.transmit(open.card, open.protocol, sent);
    if (result !== 0) throw await exchangeError(state, result);
    if (response.length < 2) throw await responseError(state, response.length);
    return response;
  } finally {
    if (sensitive) sent.fill(0);
  }
}

/**
 * Our own copy, because the caller's array may be wiped or reused while the call is on its way. In T=0 it takes the form of a TPDU
 * (ISO/IEC 7816-3:2006, section 12.2): case 1 gets P3 = 00; short case 4 goes out without Le, and the card answers 61XX.
 */
function prepareCommand({ open, send }: ConnectionState, command: Uint8Array): Uint8Array {
  const target = command.length < send.length ? send : new Uint8Array(command.length);
  target.set(command);
  if (open.protocol !== SCARD_PROTOCOL_T0) return target.subarray(0, command.length);
  const p3 = command[4] ?? 0;
  if (command.length === 4) {
    target[4] = 0;
    return target.subarray(0, 5);
  }
  return target.subarray(0, p3 > 0 && command.length === 6 + p3 ? command.length - 1 : command.length);
}

async function sendControl(state: ConnectionState, code: number, input: Uint8Array): Promise<Uint8Array> {
  throwIfEnded(state);
  const { result, output } = await state.layer.winscard.control(state.open.card, code, input);
  if (result !== 0) throw await exchangeError(state, result);
  return output;
}

function throwIfEnded({ end, reader }: ConnectionState): void {
  if (end !== undefined) throw resultError('using the card', end, reader);
}

/** The error for a failed exchange, and the connection's end where the result says so. */
async function exchangeError(state: ConnectionState, result: number): Promise<DeviceError> {
  const cause = BROKEN_OFF.has(result) ? ((await findRemoval(state)) ?? result) : result;
  if (ENDS_HANDLE.has(cause) || meansServiceGone(cause)) state.end = cause;
  return resultError('transmitting to the card', cause, state.reader);
}

/** A card pulled in mid-command may also give a response of no bytes (vpcd). */
async function responseError(state: ConnectionState, length: number): Promise<DeviceError> {
  const removal = await findRemoval(state);
  if (removal !== undefined) return exchangeError(state, removal);
  return new DeviceProtocolError(`transmitting to ${state.reader}: the reader gave a response of ${length} bytes`, {
    device: state.reader,
  });
}

/** A card pulled in mid-command breaks the exchange off before the service notices: waits for the next change of the reader, and asks again. */
async function findRemoval({ layer, reader, open }: ConnectionState): Promise<number | undefined> {
  const { winscard } = layer;
  const now = await winscard.getStatusChange(open.lease.context, 0, [{ name: reader, currentState: SCARD_STATE_UNAWARE }]);
  const before = await winscard.status(open.card);
  if (before.result !== 0) return before.result;
  const queries = now.events.map(({ name, eventState }) => ({ name, currentState: eventState & ~SCARD_STATE_CHANGED }));
  await winscard.getStatusChange(open.lease.context, REMOVAL_NOTICE_MS, queries);
  const after = await winscard.status(open.card);
  return after.result === 0 ? undefined : after.result;
}

/** Ends the transaction and lets the card go. Rejects only when a card that must be reset could not be. */
async function close(state: ConnectionState): Promise<void> {
  const { layer, open, reader } = state;
  try {
    const result = await letGo(state);
    if (result === 0) return;
    open.lease.discard(); // releasing the context closes the handle
    if (state.sensitive && state.end === undefined && !ENDS_HANDLE.has(result) && !meansServiceGone(result)) {
      throw resultError('resetting the card', result, reader);
    }
  } finally {
    if (state.end !== undefined && meansServiceGone(state.end)) open.lease.discard();
    if (state.end === SCARD_E_READER_UNAVAILABLE) layer.features.forget(reader);
    await open.lease[Symbol.asyncDispose]();
  }
}

async function letGo({ layer, open, sensitive, end }: ConnectionState): Promise<number> {
  const { winscard } = layer;
  const disposition = sensitive && end === undefined ? SCARD_RESET_CARD : SCARD_LEAVE_CARD;
  if (winscard.platform.disconnectEndsTransaction) return winscard.disconnect(open.card, disposition);
  const ended = await winscard.endTransaction(open.card, disposition);
  const disconnected = await winscard.disconnect(open.card, ended === 0 ? SCARD_LEAVE_CARD : disposition);
  return disconnected === 0 ? 0 : ended === 0 ? disconnected : ended;
}
