/**
 * A reader in memory: cards go in and out by hand, programs queue for it, faults are armed in it. It behaves as a PC/SC reader does behind
 * `ReaderSource`: one transaction at a time, and a connection whose card was pulled or reset stays dead.
 */
import type { CardConnection } from '../../apdu/card-connection.ts';
import { DeviceBusyError, DeviceRemovedError, DeviceTimeoutError, NoCardError } from '../errors.ts';
import type { ReaderState } from '../reader-source.ts';
import type { SimulatedCard } from './card.ts';
import { systemClock, type SimulatedClock } from './clock.ts';
import { SimulatedConnection, type LossReason } from './connection.ts';
import { FaultSchedule, type Fault } from './faults.ts';
import type { KeypadScript } from './keypad.ts';

export interface SimulatedReaderOptions {
  /** Unique in its source; as PC/SC names readers: "Simulated Holder 00 00". */
  readonly name: string;
  /** Has a keypad, which this types on. */
  readonly keypad?: KeypadScript;
  /** Default: true. */
  readonly supportsExtendedLength?: boolean;
  /** After this a card that does not answer is given up. Default: 2,000. */
  readonly muteTimeoutMs?: number;
  readonly clock?: SimulatedClock;
  readonly serialNumber?: string;
  /** "1-2.3": as Linux names USB ports. */
  readonly usbPath?: string;
}

const DEFAULT_MUTE_TIMEOUT_MS = 2_000;

/** One counter for the whole process, so that a reader unplugged and put back never says the same number of another card. */
let insertions = 0;

export class SimulatedReader {
  readonly name: string;
  readonly hasKeypad: boolean;
  readonly #options: SimulatedReaderOptions;
  readonly #clock: SimulatedClock;
  readonly #faults = new FaultSchedule();
  readonly #listeners = new Set<() => void>();
  readonly #queue: Waiter[] = [];
  #isHeld = false;
  #card: SimulatedCard | undefined;
  #insertion = 0;
  #plugs = 1;
  #isPlugged = true;
  #holdsElsewhere = 0;
  #connection: SimulatedConnection | undefined;
  #flapping: AbortController | undefined;

  constructor(options: SimulatedReaderOptions) {
    this.name = options.name;
    this.hasKeypad = options.keypad !== undefined;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get card(): SimulatedCard | undefined {
    return this.#card;
  }

  /** Grows when the reader is plugged in again: who looks rarely can tell that it was away. */
  get plugs(): number {
    return this.#plugs;
  }

  /** Powers the card up; one that is in already is taken out first. A card with an empty ATR is mute. */
  insert(card: SimulatedCard): void {
    this.#takeOut();
    this.#card = card;
    this.#insertion = ++insertions;
    card.powerUp();
    this.#tell();
  }

  /** Pulls the card, whatever is under way. Nothing happens to an empty reader. */
  remove(): SimulatedCard | undefined {
    const card = this.#takeOut();
    if (card) this.#tell();
    return card;
  }

  /** Resets the card, as another program or a dip of power does. */
  resetCard(): void {
    this.#card?.reset();
    this.#connection?.lose('reset');
  }

  /** Unplugs the reader with the card in it; waiting and working programs lose it. */
  unplug(): void {
    if (!this.#isPlugged) return;
    this.#isPlugged = false;
    this.#card?.reset();
    this.#connection?.lose('unplugged');
    this.failWaiting(
      new DeviceRemovedError(`waiting for the card in ${this.name}: the reader was unplugged`, { device: this.name }),
    );
    this.#tell();
  }

  /** The card in it is powered up anew, as another insertion. */
  plug(): void {
    if (this.#isPlugged) return;
    this.#isPlugged = true;
    this.#plugs++;
    if (this.#card) {
      this.#insertion = ++insertions;
      this.#card.powerUp();
    }
    this.#tell();
  }

  /** Each fault counts the exchanges from here on, over all cards and connections. */
  arm(faults: readonly Fault[]): void {
    this.#faults.arm(faults);
    for (const fault of faults) if (fault.kind === 'flap') this.#startFlapping(fault.times, fault.periodMs);
  }

  disarm(): void {
    this.#faults.disarm();
    this.#flapping?.abort();
  }

  /** Another program takes the card for itself alone until the result is disposed of. */
  holdExclusively(): Disposable {
    this.#holdsElsewhere++;
    this.#tell();
    let isReleased = false;
    return {
      [Symbol.dispose]: () => {
        if (isReleased) return;
        isReleased = true;
        this.#holdsElsewhere--;
        this.#tell();
      },
    };
  }

  state(): ReaderState {
    const { serialNumber, usbPath } = this.#options;
    const base = {
      name: this.name,
      hasKeypad: this.hasKeypad,
      ...(serialNumber === undefined ? {} : { serialNumber }),
      ...(usbPath === undefined ? {} : { usbPath }),
    };
    if (!this.#isPlugged) return { ...base, status: 'removed' };
    if (!this.#card) return { ...base, status: 'empty' };
    const heldElsewhere = this.#holdsElsewhere > 0;
    if (this.#card.atr.length === 0) return { ...base, status: 'mute', insertion: this.#insertion };
    return { ...base, status: 'present', insertion: this.#insertion, atr: this.#card.atr.slice(), heldElsewhere };
  }

  /** Calls `listener` after each change, until the result is disposed of. */
  watch(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Another program's transaction: waits its turn, and holds the card until the result is disposed of. */
  async occupy(signal: AbortSignal = new AbortController().signal): Promise<Disposable> {
    await this.#takeTurn(signal);
    let isReleased = false;
    return {
      [Symbol.dispose]: () => {
        if (isReleased) return;
        isReleased = true;
        this.#passTurn();
      },
    };
  }

  /** As `ReaderSource.connect`. First come, first served. */
  async connect(signal: AbortSignal): Promise<CardConnection> {
    signal.throwIfAborted();
    this.#requireCard();
    await this.#takeTurn(signal);
    try {
      const card = this.#requireCard();
      const connection = new SimulatedConnection({
        readerName: this.name,
        card,
        supportsExtendedLength: (this.#options.supportsExtendedLength ?? true) && (card.supportsExtendedLength ?? true),
        muteTimeoutMs: this.#options.muteTimeoutMs ?? DEFAULT_MUTE_TIMEOUT_MS,
        clock: this.#clock,
        faults: this.#faults,
        onPull: () => this.remove(),
        onReset: () => this.resetCard(),
        onClose: () => this.#close(connection),
        ...(this.#options.keypad ? { keypad: this.#options.keypad } : {}),
      });
      this.#connection = connection;
      return connection;
    } catch (error) {
      this.#passTurn();
      throw error;
    }
  }

  /** Rejects every program that waits, and cuts the one that works: for a source whose service goes. */
  failAll(error: Error): void {
    this.#connection?.lose('service');
    this.failWaiting(error);
  }

  failWaiting(error: Error): void {
    for (const waiter of this.#queue.splice(0)) waiter.fail(error);
  }

  #requireCard(): SimulatedCard {
    const attempt = `connecting to ${this.name}`;
    const fields = { device: this.name };
    if (!this.#isPlugged) throw new DeviceRemovedError(`${attempt}: the reader is not there`, fields);
    if (!this.#card) throw new NoCardError(`${attempt}: no card is in it`, fields);
    if (this.#holdsElsewhere > 0) throw new DeviceBusyError(`${attempt}: another program holds the card exclusively`, fields);
    if (this.#card.atr.length === 0) throw new DeviceTimeoutError(`${attempt}: the card does not answer to reset`, fields);
    return this.#card;
  }

  async #takeTurn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#isHeld) {
      this.#isHeld = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
        fail: (error) => {
          signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(waiter);
    });
  }

  #passTurn(): void {
    const next = this.#queue.shift();
    if (next) next.start();
    else this.#isHeld = false;
  }

  #close(connection: SimulatedConnection): void {
    if (this.#connection === connection) this.#connection = undefined;
    this.#passTurn();
  }

  #takeOut(): SimulatedCard | undefined {
    const card = this.#card;
    this.#card = undefined;
    card?.reset();
    this.#lose('pulled');
    return card;
  }

  #lose(reason: LossReason): void {
    this.#connection?.lose(reason);
  }

  #startFlapping(times: number, periodMs: number): void {
    this.#flapping?.abort();
    const flapping = new AbortController();
    this.#flapping = flapping;
    void this.#flap(times, periodMs, flapping.signal);
  }

  /** Ends plugged in, also when it is cut short. */
  async #flap(times: number, periodMs: number, signal: AbortSignal): Promise<void> {
    try {
      for (let left = times; left > 0; left--) {
        this.unplug();
        await this.#clock.wait(periodMs, signal);
        this.plug();
        if (left > 1) await this.#clock.wait(periodMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      this.plug();
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

interface Waiter {
  readonly start: () => void;
  readonly fail: (error: Error) => void;
}
