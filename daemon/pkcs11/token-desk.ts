/** The desk as the PKCS #11 module wants it: turns on cards, what is on them from memory, PINs from the person, and errors in its own words. */
import { setTimeout as delay } from 'node:timers/promises';
import { CardError } from '../../apdu/errors.ts';
import type { Secret } from '../../apdu/secret.ts';
import type { PinReference } from '../../apdu/token.ts';
import type { ErrorCode } from '../../api-spec/errors.ts';
import { DeviceBusyError, DeviceError, DeviceRemovedError, DeviceResetError, NoCardError } from '../../drivers/errors.ts';
import * as ck from '../../pkcs11-module/constants.ts';
import type { SlotReading, TokenAct, TokenDesk, TokenInUse, TokenSlot, TokenUse } from '../../pkcs11-module/desk.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import type { KnownSlot } from '../../pkcs11-module/front/messages.ts';
import { managementOf, type CardReading, type CardSession } from '../desk/card-session.ts';
import { NOT_LOOKED_AT } from '../desk/desk.ts';
import type { CardRecord } from '../desk/records.ts';
import { ApiError } from '../errors.ts';
import { fullNameOf } from '../full-name.ts';
import { PromptCancelledError, PromptError, PromptTimedOutError } from '../prompt/errors.ts';
import { parseManagementKey } from '../management/management-key.ts';
import { recorded } from './acts.ts';
import { CardChanges, type CardChangesOptions } from './changes.ts';
import { guardedToken } from './guarded-token.ts';
import { askForLastTry, askNewPin, askPin, atKeypad, type Program } from './prompts.ts';
import { Readings } from './readings.ts';
import { SharedTurns, type OpenTurn } from './shared-turns.ts';
import { readCompletely } from './untold-keys.ts';
import { Slots } from './slots.ts';
import { takeTurn, type ProgramTurn } from './turn.ts';

/** Readers come one after another when the daemon starts: they are all there when two looks find the same. */
const SETTLING_STEP_MS = 25;

/** Readers give up a keypad that nobody touches after half a minute or so; then the key is used. */
const KEYPAD_WORK_MS = 90_000;

const NEVER = new AbortController().signal;
const PIN_CHANGES: ReadonlySet<TokenAct> = new Set<TokenAct>(['pkcs11.changePin', 'pkcs11.unblockPin']);

export interface TokenDeskOptions extends CardChangesOptions {
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
  readonly #changes: CardChanges;
  readonly #shared = new SharedTurns();
  #listed: { readonly facts: readonly unknown[]; readonly slots: readonly TokenSlot[] } | undefined;

  constructor(options: TokenDeskOptions) {
    this.#options = options;
    this.#changes = new CardChanges(options);
    this.#readings = new Readings(options.now ?? (() => performance.now()));
  }

  /** For one program: whose it is, and what people know it by. */
  forProgram(program: Program): TokenDesk {
    const { prompts } = this.#options;
    return {
      slots: () => this.#list(),
      read: (slot, signal) => translated(() => this.#reading(program, slot, signal)),
      use: (slot, use, work) => translated(() => this.#act(program, slot, use, work)),
      change: (slot, request) => translated(() => this.#changes.change({ program, ...this.#pin(slot) }, request)),
      proveManagementKey: (slot, key, signal) => translated(() => this.#proveManagementKey(program, slot, key, signal)),
      canAskPin: () => prompts.placesOf(program.user).length > 0,
      askPin: (slot, signal) => translated(() => askPin(prompts, { program, signal, ...this.#pin(slot) })),
      askNewPin: (slot, action, signal) => translated(() => askNewPin(prompts, { program, action, signal, ...this.#pin(slot) })),
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

  /** Programs ask for it with each call: made anew when a reader, or the card in it, is otherwise. */
  #list(): readonly TokenSlot[] {
    const { readers } = this.#options.desk;
    const facts = readers.flatMap((reader) => [
      reader,
      reader.role,
      reader.hasKeypad,
      reader.card,
      reader.card?.status,
      reader.card?.contents,
    ]);
    const known = this.#listed;
    if (known?.facts.length === facts.length && known.facts.every((fact, index) => fact === facts[index])) return known.slots;
    const slots = this.#slots.list(readers);
    this.#listed = { facts, slots };
    return slots;
  }

  #card(slot: TokenSlot): CardRecord {
    const card = this.#options.desk.cards.find(({ id }) => id === slot.token?.insertion);
    if (card) return card;
    throw new CkError(ck.CKR_DEVICE_REMOVED, `using slot ${slot.id}: its card is gone`);
  }

  async #reading(program: Program, slot: TokenSlot, signal: AbortSignal): Promise<SlotReading> {
    const { pins, contents } = await this.#read(program, slot, signal);
    const pin = pins.find(({ reference }) => reference === slot.token?.pin);
    if (!pin) throw new CkError(ck.CKR_TOKEN_NOT_RECOGNIZED, 'reading the token: its card has no such PIN');
    const { abilities, profile } = this.#card(slot);
    const allowed = this.#changes.isAllowed ? abilities : undefined;
    return { pin, contents, abilities: allowed && { ...allowed, hasOpenPlaces: profile === undefined } };
  }

  async #proveManagementKey(program: Program, slot: TokenSlot, ...[given, signal]: [Secret, AbortSignal]): Promise<void> {
    const { audit } = this.#options;
    await recorded(audit, { act: 'pkcs11.login', program: fullNameOf(program), card: this.#card(slot) }, () =>
      this.#use(slot, { program, act: 'pkcs11.login', signal }, async (session) => {
        const { managementKey } = managementOf(await session.token());
        using key = parseManagementKey(given);
        await managementKey?.authenticate(key);
      }),
    );
  }

  /** One program that gives up takes nothing from the others who wait for the same answer: the card's own deadline ends it. */
  async #read(program: Program, slot: TokenSlot, signal: AbortSignal): Promise<CardReading> {
    const turn = { program, act: 'reading the card', signal: NEVER };
    const read = this.#readings.of(this.#card(slot), () => this.#use(slot, turn, readCompletely));
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
    ...[{ act, signal, allowsLastTry = false, isShared = false, atKeypad: isTyped = false }, work]: [
      TokenUse,
      (token: TokenInUse) => Promise<R>,
    ]
  ): Promise<R> {
    const { audit, prompts } = this.#options;
    const { card, pin } = this.#pin(slot);
    const turn = (isAllowed: boolean): Promise<R> =>
      this.#use(slot, { program, act, signal, ...(isTyped ? { workMs: KEYPAD_WORK_MS } : {}) }, async (session) => {
        if (PIN_CHANGES.has(act)) this.#changes.requireAllowed(card);
        const token = guardedToken(session, await session.token(), { allowsLastTry: () => isAllowed });
        return await work({
          ...token,
          verifyPin: (reference, entry) => {
            const verify = (): Promise<void> => token.verifyPin(reference, entry);
            return entry === 'keypad' ? atKeypad(prompts, { program, card, pin: reference, signal }, verify) : verify();
          },
        });
      });
    return await recorded(audit, { act, program: fullNameOf(program), card }, async () => {
      try {
        // A card that is used by commands verifies a PIN in no time: it is left as soon as may be.
        const shared =
          isShared && !card.profile ? this.#shared.use({ card, open: this.#opener(program, slot), work }) : undefined;
        const done = shared && (await orAborted(shared, signal));
        return done ? done.value : await turn(allowsLastTry);
      } catch (error) {
        const canAsk = prompts.placesOf(program.user).length > 0;
        if (!(error instanceof ApiError && error.code === 'pin_last_try' && canAsk)) throw error;
      }
      await askForLastTry(prompts, { program, card, pin, signal });
      return await turn(true);
    });
  }

  /** Of the program that was first; it keeps those who come in, too. */
  #opener(program: Program, slot: TokenSlot): OpenTurn {
    return (work) =>
      this.#use(slot, { program, act: 'pkcs11.sign', signal: NEVER }, async (session) => {
        const token = await session.token();
        await work({ ...token, ...guardedToken(session, token, { allowsLastTry: () => false }) });
      });
  }

  #use<R>(slot: TokenSlot, turn: ProgramTurn, work: (session: CardSession) => Promise<R>): Promise<R> {
    return takeTurn(this.#options, this.#card(slot), turn, work);
  }
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

const API_VALUES: ReadonlyMap<ErrorCode, number> = new Map<ErrorCode, number>([
  ['certificate_key_mismatch', ck.CKR_TEMPLATE_INCONSISTENT],
  ['not_found', ck.CKR_DEVICE_REMOVED],
]);

function valueOf(error: unknown): number | undefined {
  if (error instanceof CkError || error instanceof CardError) return undefined;
  if (error instanceof DeviceRemovedError || error instanceof NoCardError) return ck.CKR_DEVICE_REMOVED;
  if (error instanceof DeviceResetError) return ck.CKR_DEVICE_ERROR;
  if (error instanceof PromptCancelledError || error instanceof PromptTimedOutError) return ck.CKR_FUNCTION_CANCELED;
  if (error instanceof PromptError) return ck.CKR_FUNCTION_REJECTED;
  if (error instanceof ApiError) return API_VALUES.get(error.code) ?? ck.CKR_FUNCTION_REJECTED;
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
