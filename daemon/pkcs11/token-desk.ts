/** The desk as the PKCS #11 module wants it: turns on cards, what is on them from memory, PINs from the person, and errors in its own words. */
import { setTimeout as delay } from 'node:timers/promises';
import { CardError } from '../../apdu/errors.ts';
import type { PinReference, Token } from '../../apdu/token.ts';
import { DeviceBusyError, DeviceError, DeviceRemovedError, DeviceResetError, NoCardError } from '../../drivers/errors.ts';
import * as ck from '../../pkcs11-module/constants.ts';
import type { SlotReading, TokenDesk, TokenInUse, TokenSlot, TokenUse } from '../../pkcs11-module/desk.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import type { KnownSlot } from '../../pkcs11-module/front/messages.ts';
import type { Audit } from '../audit/trace.ts';
import { useCard } from '../desk/card-access.ts';
import type { CardReading, CardSession } from '../desk/card-session.ts';
import { NOT_LOOKED_AT, type Desk } from '../desk/desk.ts';
import type { CardRecord } from '../desk/records.ts';
import { ApiError } from '../errors.ts';
import { PromptCancelledError, PromptError, PromptTimedOutError } from '../prompt/errors.ts';
import type { PromptDesk } from '../prompt/prompt-desk.ts';
import { guardLastTry } from '../pin/tries.ts';
import { recorded } from './acts.ts';
import { askForLastTry, askPin, type Program } from './prompts.ts';
import { Readings } from './readings.ts';
import { Slots } from './slots.ts';

/** A program that calls is answered by then, whoever has the card. */
const CARD_TIMEOUT_MS = 30_000;

/** Readers come one after another when the daemon starts: they are all there when two looks find the same. */
const SETTLING_STEP_MS = 25;

const NEVER = new AbortController().signal;

export interface TokenDeskOptions {
  readonly desk: Desk;
  readonly prompts: PromptDesk;
  readonly audit: Audit;
  readonly now?: () => number;
}

/** Slots are the same for all programs; the rest is one program's. */
export class SharedSlots {
  readonly #options: TokenDeskOptions;
  readonly #slots = new Slots();
  readonly #watchers = new Set<(slotId: number) => void>();
  readonly #listWatchers = new Set<() => void>();
  readonly #seen = new Map<number, string | undefined>();
  readonly #readings: Readings;

  constructor(options: TokenDeskOptions) {
    this.#options = options;
    this.#readings = new Readings(options.now ?? (() => performance.now()));
  }

  /** For one program: whose it is, and what people know it by. */
  forProgram(program: Program): TokenDesk {
    const { prompts } = this.#options;
    return {
      slots: () => this.#list(),
      read: async (slot, signal) => readingOf(await translated(() => this.#read(slot, signal)), slot),
      use: (slot, use, work) => translated(() => this.#act(program, slot, use, work)),
      canAskPin: () => prompts.placesOf(program.user).length > 0,
      askPin: (slot, signal) => translated(() => askPin(prompts, { program, signal, ...this.#pin(slot) })),
      watch: (onChange) => {
        this.#watchers.add(onChange);
        return { [Symbol.dispose]: () => void this.#watchers.delete(onChange) };
      },
    };
  }

  /** As they are seen without a card in any. */
  known(): readonly KnownSlot[] {
    return this.#list().map(({ id, description }) => ({ id, description }));
  }

  /** Told when slots may have come or gone. */
  watchList(onChange: () => void): Disposable {
    this.#listWatchers.add(onChange);
    return { [Symbol.dispose]: () => void this.#listWatchers.delete(onChange) };
  }

  /** Resolves when the readers are known, and the cards in them. Rejects with the signal's reason. */
  async settled(signal: AbortSignal): Promise<void> {
    const { desk } = this.#options;
    const look = (): string =>
      desk.health.some(({ problem }) => problem === NOT_LOOKED_AT) || desk.cards.some(({ status }) => status === 'identifying')
        ? ''
        : `${desk.readers.length} readers`;
    for (let before = ''; before === '' || before !== look();) {
      before = look();
      await delay(SETTLING_STEP_MS, undefined, { signal });
    }
  }

  /** A reader or card has changed. */
  review(): void {
    for (const card of this.#options.desk.cards) this.#readings.note(card);
    const slots = this.#list();
    for (const { id, token } of slots) {
      if (this.#seen.has(id) && this.#seen.get(id) !== token?.insertion) for (const tell of this.#watchers) tell(id);
      this.#seen.set(id, token?.insertion);
    }
    for (const tell of this.#listWatchers) tell();
  }

  #list(): readonly TokenSlot[] {
    return this.#slots.list(this.#options.desk.readers);
  }

  #card(slot: TokenSlot): CardRecord {
    const card = this.#options.desk.cards.find(({ id }) => id === slot.token?.insertion);
    if (card) return card;
    throw new CkError(ck.CKR_DEVICE_REMOVED, `using slot ${slot.id}: its card is gone`);
  }

  /** One program that gives up takes nothing from the others who wait for the same answer: the card's own deadline ends it. */
  async #read(slot: TokenSlot, signal: AbortSignal): Promise<CardReading> {
    const read = this.#readings.of(this.#card(slot), () => this.#use(slot, NEVER, (session) => session.read()));
    return await orAborted(read, signal);
  }

  #pin(slot: TokenSlot): { readonly card: CardRecord; readonly pin: PinReference } {
    const card = this.#card(slot);
    if (slot.token) return { card, pin: slot.token.pin };
    throw new CkError(ck.CKR_TOKEN_NOT_PRESENT, `using slot ${slot.id}: no card is there`);
  }

  /** With the last try at stake, the person is asked while nothing is held, and what is done is begun anew. */
  async #act<R>(
    program: Program,
    slot: TokenSlot,
    ...[{ act, signal, allowsLastTry = false }, work]: [TokenUse, (token: TokenInUse) => Promise<R>]
  ): Promise<R> {
    const { audit, prompts } = this.#options;
    const { card, pin } = this.#pin(slot);
    const turn = (isAllowed: boolean): Promise<R> =>
      this.#use(slot, signal, async (session) => await work(tokenInUse(session, await session.token(), isAllowed)));
    return await recorded(audit, { act, program: program.name, card }, async () => {
      try {
        return await turn(allowsLastTry);
      } catch (error) {
        const canAsk = prompts.placesOf(program.user).length > 0;
        if (!(error instanceof ApiError && error.code === 'pin_last_try' && canAsk)) throw error;
      }
      await askForLastTry(prompts, { program, card, pin, signal });
      return await turn(true);
    });
  }

  async #use<R>(slot: TokenSlot, signal: AbortSignal, work: (session: CardSession) => Promise<R>): Promise<R> {
    const { desk } = this.#options;
    const card = this.#card(slot);
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(CARD_TIMEOUT_MS)]);
    return await useCard(desk, card.id, { signal: deadline, isSame: true }, work);
  }
}

function readingOf({ pins, contents }: CardReading, { token }: TokenSlot): SlotReading {
  const pin = pins.find(({ reference }) => reference === token?.pin);
  if (pin) return { pin, contents };
  throw new CkError(ck.CKR_TOKEN_NOT_RECOGNIZED, 'reading the token: its card has no such PIN');
}

/** Tries are guarded before, and remembered after, as for every other use of a PIN. A card that does not tell of them is tried. */
function tokenInUse(session: CardSession, token: Token, allowsLastTry: boolean): TokenInUse {
  const { tries } = session.card;
  const spend = async (reference: PinReference, work: () => Promise<void>): Promise<void> => {
    await guardLastTry(token, tries, reference, allowsLastTry).catch((error: unknown) => {
      const isUntold = error instanceof ApiError && tries.last(reference) === undefined;
      if (!isUntold) throw error;
    });
    try {
      await work();
      tries.observeSuccess(reference);
    } catch (error) {
      const left = error instanceof CardError ? error.attemptsRemaining : undefined;
      if (left === undefined) tries.forget(reference);
      else tries.observe({ reference, attemptsRemaining: left });
      throw error;
    }
  };
  return {
    ...token,
    verifyPin: (reference, entry) => spend(reference, () => token.verifyPin(reference, entry)),
    changePin: (reference, current, next) => spend(reference, () => token.changePin(reference, current, next)),
    unblockPin: async (reference, puk, next) => {
      const { unblockedBy } = await token.pin(reference);
      await spend(unblockedBy ?? reference, () => token.unblockPin(reference, puk, next));
      tries.observeSuccess(reference);
    },
  };
}

/** Errors of devices, prompts and calls, as functions of PKCS #11 return them. Those of cards the module knows itself. */
async function translated<R>(work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    const value = valueOf(error);
    if (value === undefined) throw error;
    throw new CkError(value, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function valueOf(error: unknown): number | undefined {
  if (error instanceof CkError || error instanceof CardError) return undefined;
  if (error instanceof DeviceRemovedError || error instanceof NoCardError) return ck.CKR_DEVICE_REMOVED;
  if (error instanceof DeviceResetError) return ck.CKR_DEVICE_ERROR;
  if (error instanceof PromptCancelledError || error instanceof PromptTimedOutError) return ck.CKR_FUNCTION_CANCELED;
  if (error instanceof PromptError) return ck.CKR_FUNCTION_REJECTED;
  if (error instanceof ApiError) return error.code === 'not_found' ? ck.CKR_DEVICE_REMOVED : ck.CKR_FUNCTION_REJECTED;
  if (error instanceof DeviceBusyError || (error instanceof DOMException && error.name === 'TimeoutError'))
    return ck.CKR_FUNCTION_REJECTED;
  return error instanceof DeviceError ? ck.CKR_DEVICE_ERROR : undefined;
}

/** Rejects with the signal's reason when that comes first; the work goes on for whoever else waits for it. */
async function orAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
