/**
 * Gets hold of the card in a reader: SCardConnect, SCardBeginTransaction, and the waiting for other programs in between.
 * With PCSCLITE_NO_BLOCKING in the environment pcsc-lite answers most calls with a sharing violation at once while another program is in
 * its transaction, and the wait is ours. Two block all the same (measured, 1.9.9): SCardConnect, which pcscd itself holds up, and
 * SCardBeginTransaction, which is therefore tried only after SCardStatus says that the card is free. A call that blocks is left behind
 * when the signal fires; `reader-contexts.ts` sees to it that there is one for each reader at most.
 */
import { DeviceBusyError } from '../errors.ts';
import {
  SCARD_LEAVE_CARD,
  SCARD_PROTOCOL_ANY,
  SCARD_PROTOCOL_UNDEFINED,
  SCARD_RESET_CARD,
  SCARD_SHARE_DIRECT,
  SCARD_SHARE_SHARED,
  SCARD_STATE_EXCLUSIVE,
  SCARD_STATE_UNAWARE,
} from './constants.ts';
import type { PcscLayer } from './pcsc-layer.ts';
import type { ContextLease } from './reader-contexts.ts';
import {
  SCARD_E_INVALID_HANDLE,
  SCARD_E_SHARING_VIOLATION,
  SCARD_W_RESET_CARD,
  SCARD_W_UNPOWERED_CARD,
  formatResultCode,
  meansServiceGone,
  resultError,
} from './result-code.ts';
import type { CardHandle, Connected } from './winscard.ts';

/** A card within a transaction that is ours. */
export interface OpenCard {
  readonly lease: ContextLease;
  readonly card: CardHandle;
  readonly protocol: number;
  readonly atr: Uint8Array;
}

const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;
/** A program that holds the card exclusively for longer than this is not waited for. */
export const EXCLUSIVE_PATIENCE_MS = 1000;
/** Programs that reset the card at the end of their transaction, one after the other, while we wait for ours. */
const MAX_RESETS = 8;

interface Attempt {
  readonly layer: PcscLayer;
  readonly lease: ContextLease;
  readonly reader: string;
  readonly signal: AbortSignal;
}

/** Rejects with a DeviceError, or the signal's reason; nothing stays open then. */
export async function openCard(layer: PcscLayer, reader: string, signal: AbortSignal): Promise<OpenCard> {
  for (;;) {
    const lease = await layer.contexts.acquire(reader, signal);
    const attempt = { layer, lease, reader, signal };
    try {
      const connected = await connectCard(attempt);
      if (connected !== 'stale context') return await beginTransaction(attempt, connected);
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
    lease.discard();
    await lease[Symbol.asyncDispose]();
  }
}

/** `stale context`: the service was restarted since the context was made, and a new one may work. */
async function connectCard(attempt: Attempt): Promise<Connected | 'stale context'> {
  const { layer, lease, reader } = attempt;
  const options = { shareMode: SCARD_SHARE_SHARED, protocols: SCARD_PROTOCOL_ANY };
  const outcome = await waitForOthers(attempt, () => layer.winscard.connect(lease.context, reader, options));
  if (outcome.result === 0) return outcome;
  if (outcome.result === SCARD_W_UNPOWERED_CARD) return powerUp(attempt);
  if (meansServiceGone(outcome.result)) {
    lease.discard();
    if (lease.reused) return 'stale context';
  }
  throw resultError('connecting to the card', outcome.result, reader);
}

/** Another program took the card's power with handles still open; only a reset over a handle brings it back. */
async function powerUp(attempt: Attempt): Promise<Connected> {
  const { layer, lease, reader } = attempt;
  const direct = { shareMode: SCARD_SHARE_DIRECT, protocols: SCARD_PROTOCOL_UNDEFINED };
  const { result, card } = await waitForOthers(attempt, () => layer.winscard.connect(lease.context, reader, direct));
  if (result !== 0) throw resultError('connecting to the reader', result, reader);
  return reconnect(attempt, card, SCARD_RESET_CARD);
}

/** Leaves nothing open when it fails. */
async function reconnect(attempt: Attempt, card: CardHandle, initialization: number): Promise<Connected> {
  const options = { shareMode: SCARD_SHARE_SHARED, protocols: SCARD_PROTOCOL_ANY, initialization };
  try {
    const { result, protocol } = await waitForOthers(attempt, () => attempt.layer.winscard.reconnect(card, options));
    if (result !== 0) throw resultError('reconnecting to the card', result, attempt.reader);
    return { card, protocol };
  } catch (error) {
    await abandonCard(attempt, card);
    throw error;
  }
}

async function beginTransaction(attempt: Attempt, connected: Connected): Promise<OpenCard> {
  let { card, protocol } = connected;
  for (let resets = 0; ; resets++) {
    const { result, atr } = await beginOnce(attempt, card);
    if (result === 0) return { lease: attempt.lease, card, protocol, atr };
    const isReset = result === SCARD_W_RESET_CARD || result === SCARD_W_UNPOWERED_CARD;
    if (!isReset || resets === MAX_RESETS) {
      await abandonCard(attempt, card);
      throw resultError('beginning a transaction', result, attempt.reader);
    }
    ({ card, protocol } = await reconnect(attempt, card, result === SCARD_W_RESET_CARD ? SCARD_LEAVE_CARD : SCARD_RESET_CARD));
  }
}

/** The ATR read before the transaction is that of the card in it: after a swap or a reset in between, the transaction does not begin. */
async function beginOnce(attempt: Attempt, card: CardHandle): Promise<{ readonly result: number; readonly atr: Uint8Array }> {
  const { winscard } = attempt.layer;
  try {
    return await waitForOthers(attempt, async () => {
      const { result, atr } = await winscard.status(card);
      return { result: result === 0 ? await winscard.beginTransaction(card) : result, atr };
    });
  } catch (error) {
    await abandonCard(attempt, card);
    throw error;
  }
}

/** Closes a handle without touching the card. Where that fails, another program being in its transaction, its context goes and takes it along. */
async function abandonCard({ layer, lease }: Attempt, card: CardHandle): Promise<void> {
  const result = await layer.winscard.disconnect(card, SCARD_LEAVE_CARD);
  if (result !== 0 && result !== SCARD_E_INVALID_HANDLE) lease.discard();
}

/** Repeats a call that another program keeps out, until the signal fires or that program turns out to hold the card exclusively. */
async function waitForOthers<T extends { readonly result: number }>(attempt: Attempt, call: () => Promise<T>): Promise<T> {
  const { layer, signal } = attempt;
  let exclusiveSinceMs: number | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    const outcome = await call();
    if (outcome.result !== SCARD_E_SHARING_VIOLATION) return outcome;
    exclusiveSinceMs = (await isHeldExclusively(attempt)) ? (exclusiveSinceMs ?? layer.clock.now()) : undefined;
    if (exclusiveSinceMs !== undefined && layer.clock.now() - exclusiveSinceMs >= EXCLUSIVE_PATIENCE_MS)
      throw heldExclusively(attempt.reader);
    await layer.clock.pause(pauseMs, signal);
  }
}

async function isHeldExclusively({ layer, lease, reader }: Attempt): Promise<boolean> {
  const { result, events } = await layer.winscard.getStatusChange(lease.context, 0, [
    { name: reader, currentState: SCARD_STATE_UNAWARE },
  ]);
  return result === 0 && events.some(({ eventState }) => (eventState & SCARD_STATE_EXCLUSIVE) !== 0);
}

function heldExclusively(reader: string): DeviceBusyError {
  return new DeviceBusyError(`connecting to the card in ${reader}: another program holds it exclusively`, {
    device: reader,
    driverCode: formatResultCode(SCARD_E_SHARING_VIOLATION),
  });
}
