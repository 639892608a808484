/**
 * A program's turn on a card: it has it within its deadline, or is told CKR_FUNCTION_REJECTED by then, and the log says what had the card. Not CKR_DEVICE_ERROR: to
 * programs that is a broken card, and what p11-kit's client says of a lost connection (NSS and GnuTLS report a broken device then); CKR_FUNCTION_REJECTED
 * ends this one call for every client, and the next one is made on the same session.
 */
import { DeviceBusyError } from '../../drivers/errors.ts';
import * as ck from '../../pkcs11-module/constants.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import { useCard } from '../desk/card-access.ts';
import type { CardSession } from '../desk/card-session.ts';
import type { Desk } from '../desk/desk.ts';
import type { CardRecord } from '../desk/records.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Program } from './prompts.ts';
import { Seldom } from './seldom.ts';

/** A program that calls is answered by then, whoever has the card. People wait at the program for as long; servers close a TLS handshake after a minute at the earliest. */
export const TURN_TIMEOUT_MS = 30_000;

export interface TurnDesk {
  readonly desk: Desk;
  readonly log: Log;
  readonly timeoutMs?: number;
}

export interface ProgramTurn {
  readonly program: Program;
  /** "pkcs11.sign". */
  readonly act: string;
  readonly signal: AbortSignal;
  /** What is begun has this long to end; unless given, the wait and the work have one deadline together. */
  readonly workMs?: number;
  readonly changes?: boolean;
}

interface Holder {
  readonly holder: string;
  /** For how long, as far as it is known. */
  readonly heldMs?: number;
}

/** Programs know of no leases: they wait for one to end, as for every other turn. All connections of one program take turns together. */
export async function takeTurn<R>(
  { desk, log, timeoutMs = TURN_TIMEOUT_MS }: TurnDesk,
  card: CardRecord,
  ...[{ program, act, signal, workMs, changes = false }, work]: [ProgramTurn, (session: CardSession) => Promise<R>]
): Promise<R> {
  const late = new AbortController();
  const wait: { holder?: Holder; isOver: boolean } = { isOver: false };
  const giveUp = (): void => {
    wait.holder = holderOf(card);
    const attempt = `waiting for the card in ${card.reader.name}: it was not to be had in time`;
    late.abort(new ApiError('deadline_exceeded', attempt, { timeoutMs }));
  };
  let timer = setTimeout(giveUp, timeoutMs);
  const taker = { caller: `${program.user} ${program.name}`, name: `${act} of ${program.name}` };
  const use = { signal: AbortSignal.any([signal, late.signal]), isSame: true, changes, waitsForLease: true, taker };
  try {
    return await useCard(desk, card.id, use, async (session) => {
      wait.isOver = true;
      if (workMs !== undefined) {
        clearTimeout(timer);
        timer = setTimeout(giveUp, workMs);
      }
      return await work(session);
    });
  } catch (error) {
    if (wait.isOver && error === late.signal.reason)
      throw new CkError(ck.CKR_DEVICE_ERROR, 'using the card: it took too long', { cause: error });
    const busy = wait.isOver ? undefined : busyWith(error, wait.holder);
    if (!busy) throw error;
    seldomOf(desk).about(program.name, (omitted) =>
      log.warn(
        { program: program.name, act, reader: card.reader.name, ...busy, omitted },
        'a program did not get its turn on the card',
      ),
    );
    throw new CkError(ck.CKR_FUNCTION_REJECTED, `waiting for the card in ${card.reader.name}: ${busy.holder} has it`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

const seldoms = new WeakMap<Desk, Seldom>();

function seldomOf(desk: Desk): Seldom {
  const seldom = seldoms.get(desk) ?? new Seldom();
  seldoms.set(desk, seldom);
  return seldom;
}

/** Asked while the wait lasts: afterwards it may be somebody else. */
function holderOf({ lease, reader }: CardRecord): Holder {
  if (lease) {
    const holder = lease.purpose === undefined ? lease.holder : `${lease.holder} (${lease.purpose})`;
    return { holder: `lease of ${holder}`, heldMs: Date.now() - lease.grantedAt };
  }
  const { current } = reader.queue;
  return current ? { holder: current.name ?? 'kortd itself', heldMs: Date.now() - current.since } : { holder: 'nobody' };
}

/** Undefined for an error that is about something else than the wait. */
function busyWith(error: unknown, holder: Holder | undefined): Holder | undefined {
  if (error instanceof DeviceBusyError) return { holder: 'another program' };
  if (!(error instanceof ApiError)) return undefined;
  if (error.code === 'card_busy') return { holder: String(error.details['holder'] ?? 'another program') };
  if (error.code === 'too_many_calls') return { holder: 'too many who wait' };
  return error.code === 'deadline_exceeded' ? (holder ?? { holder: 'nobody' }) : undefined;
}
