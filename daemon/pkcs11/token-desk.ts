/** The desk as the PKCS #11 module wants it: turns on cards, what is on them from memory, PINs from the person, and errors in its own words. */
import { CardError, PinRejectedError } from '../../apdu/errors.ts';
import type { PinReference, Token } from '../../apdu/token.ts';
import type { Secret } from '../../apdu/secret.ts';
import { DeviceBusyError, DeviceError, DeviceRemovedError, DeviceResetError, NoCardError } from '../../drivers/errors.ts';
import * as ck from '../../pkcs11-module/constants.ts';
import type { SlotReading, TokenDesk, TokenInUse, TokenSlot } from '../../pkcs11-module/desk.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import { useCard } from '../desk/card-access.ts';
import type { CardReading, CardSession } from '../desk/card-session.ts';
import type { Desk } from '../desk/desk.ts';
import type { CardRecord } from '../desk/records.ts';
import { ApiError } from '../errors.ts';
import { PromptCancelledError, PromptError, PromptTimedOutError } from '../prompt/errors.ts';
import type { PromptDesk } from '../prompt/prompt-desk.ts';
import { Readings } from './readings.ts';
import { Slots } from './slots.ts';

/** A program that calls is answered by then, whoever has the card. */
const CARD_TIMEOUT_MS = 30_000;

const NEVER = new AbortController().signal;

export interface TokenDeskOptions {
  readonly desk: Desk;
  readonly prompts: PromptDesk;
  readonly now?: () => number;
}

/** Slots are the same for all programs; the rest is one program's. */
export class SharedSlots {
  readonly #options: TokenDeskOptions;
  readonly #slots = new Slots();
  readonly #watchers = new Set<(slotId: number) => void>();
  readonly #seen = new Map<number, string | undefined>();
  readonly #readings: Readings;

  constructor(options: TokenDeskOptions) {
    this.#options = options;
    this.#readings = new Readings(options.now ?? (() => performance.now()));
  }

  /** For one program: whose it is, and what people know it by. */
  forProgram(program: { readonly user: string; readonly name: string }): TokenDesk {
    const { prompts } = this.#options;
    return {
      slots: () => this.#list(),
      read: async (slot, signal) => readingOf(await this.#read(slot, signal), slot),
      use: (slot, signal, work) => this.#use(slot, signal, (session) => useToken(session, work)),
      canAskPin: () => prompts.placesOf(program.user).length > 0,
      askPin: (slot, signal) => translated(() => askPin(prompts, this.#card(slot), slot, program, signal)),
      watch: (onChange) => {
        this.#watchers.add(onChange);
        return { [Symbol.dispose]: () => void this.#watchers.delete(onChange) };
      },
    };
  }

  /** A reader or card has changed. */
  review(): void {
    for (const card of this.#options.desk.cards) this.#readings.note(card);
    const slots = this.#list();
    for (const { id, token } of slots) {
      if (this.#seen.has(id) && this.#seen.get(id) !== token?.insertion) for (const tell of this.#watchers) tell(id);
      this.#seen.set(id, token?.insertion);
    }
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

  async #use<R>(slot: TokenSlot, signal: AbortSignal, work: (session: CardSession) => Promise<R>): Promise<R> {
    const { desk } = this.#options;
    const card = this.#card(slot);
    return await translated(async () => {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(CARD_TIMEOUT_MS)]);
      return await useCard(desk, card.id, { signal: deadline, isSame: true }, work);
    });
  }
}

function readingOf({ pins, contents }: CardReading, { token }: TokenSlot): SlotReading {
  const pin = pins.find(({ reference }) => reference === token?.pin);
  if (pin) return { pin, contents };
  throw new CkError(ck.CKR_TOKEN_NOT_RECOGNIZED, 'reading the token: its card has no such PIN');
}

/** What the card says of its tries is remembered, as for every other use of a PIN. */
async function useToken<R>(session: CardSession, work: (token: TokenInUse) => Promise<R>): Promise<R> {
  const token = await session.token();
  const { tries } = session.card;
  const verifyPin = async (reference: PinReference, entry: Parameters<Token['verifyPin']>[1]): Promise<void> => {
    try {
      await token.verifyPin(reference, entry);
      tries.observeSuccess(reference);
    } catch (error) {
      if (error instanceof PinRejectedError && error.attemptsRemaining !== undefined)
        tries.observe({ reference, attemptsRemaining: error.attemptsRemaining });
      else tries.forget(reference);
      throw error;
    }
  };
  return await work({ ...token, verifyPin });
}

async function askPin(
  prompts: PromptDesk,
  card: CardRecord,
  { token }: TokenSlot,
  program: { readonly user: string; readonly name: string },
  signal: AbortSignal,
): Promise<Secret> {
  const triesLeft = token && card.tries.last(token.pin);
  using entered = await prompts.ask(
    {
      kind: 'pin',
      action: 'verify',
      asker: { kind: 'program', name: program.name },
      card: `${card.kind?.id ?? 'card'} ${card.serialNumber ?? ''}, ${card.reader.name}`,
      pinLength: { min: 4, max: 16 },
      ...(triesLeft === undefined ? {} : { triesLeft }),
    },
    { user: program.user, signal: AbortSignal.any([signal, card.removal.signal]) },
  );
  const pin = entered.release().get('pin');
  if (pin) return pin;
  throw new CkError(ck.CKR_FUNCTION_CANCELED, 'asking for the PIN: none was typed');
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
