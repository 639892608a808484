/** One transaction with a simulated card: carries commands, suffers the faults armed in its reader, and stays dead once the card is lost. */
import type { CardConnection, PinKeypad } from '../../apdu/card-connection.ts';
import {
  DeviceProtocolError,
  DeviceRemovedError,
  DeviceResetError,
  DeviceTimeoutError,
  ServiceUnavailableError,
  type DeviceError,
} from '../errors.ts';
import type { SimulatedCard } from './card.ts';
import type { SimulatedClock } from './clock.ts';
import type { ExchangeFaults, FaultSchedule } from './faults.ts';
import { createKeypad, type KeypadScript } from './keypad.ts';

export type LossReason = 'pulled' | 'unplugged' | 'reset' | 'service' | 'closed';

export interface SimulatedConnectionOptions {
  readonly readerName: string;
  readonly card: SimulatedCard;
  readonly supportsExtendedLength: boolean;
  readonly muteTimeoutMs: number;
  readonly clock: SimulatedClock;
  readonly faults: FaultSchedule;
  readonly onPull: () => void;
  readonly onReset: () => void;
  readonly onClose: () => void;
  readonly keypad?: KeypadScript;
}

/** A command is a header at least. */
const MIN_COMMAND_LENGTH = 4;
/** Header, Lc, 255 bytes, Le. */
const MAX_SHORT_COMMAND_LENGTH = 261;

export class SimulatedConnection implements CardConnection {
  readonly atr: Uint8Array;
  readonly supportsExtendedLength: boolean;
  readonly keypad?: PinKeypad;
  readonly #options: SimulatedConnectionOptions;
  /** Rejects when the card is lost: exchanges under way race against it. */
  readonly #loss = Promise.withResolvers<never>();
  #lost: LossReason | undefined;
  #isSensitive = false;
  #isClosed = false;
  #inFlight: Promise<unknown> | undefined;
  readonly #waits = new AbortController();

  constructor(options: SimulatedConnectionOptions) {
    this.#options = options;
    this.atr = options.card.atr.slice();
    this.supportsExtendedLength = options.supportsExtendedLength;
    this.#loss.promise.catch(() => undefined); // told again by whoever asks
    if (options.keypad)
      this.keypad = createKeypad(options.readerName, options.keypad, (command) => this.transmit(command, { sensitive: true }));
  }

  /** Ends the connection for good: every exchange under way and to come rejects. Only the first reason counts. */
  lose(reason: LossReason): void {
    if (this.#lost) return;
    this.#lost = reason;
    const error = this.#lossError(reason);
    this.#loss.reject(error);
    this.#waits.abort(error);
  }

  async transmit(command: Uint8Array, options: { readonly sensitive?: boolean } = {}): Promise<Uint8Array> {
    this.#requireCarriable(command);
    if (this.#isClosed) throw this.#lossError('closed');
    if (options.sensitive) this.#isSensitive = true;
    while (this.#inFlight) await this.#inFlight.catch(() => undefined);
    this.#requireCard();
    const effect = this.#options.faults.next();
    if (effect) return await this.#track(this.#suffer(command, effect));
    const response = this.#options.card.process(command);
    return response instanceof Promise ? await this.#track(response) : response;
  }

  /** Waits for the exchange under way. Resets the card after a sensitive command; gives the reader to the next in line. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    while (this.#inFlight) await this.#inFlight.catch(() => undefined);
    if (!this.#lost && this.#isSensitive) this.#options.card.reset();
    this.lose('closed');
    this.#options.onClose();
  }

  /** Nothing else is sent while this is under way, and a lost card ends the wait for it. */
  async #track(response: Promise<Uint8Array>): Promise<Uint8Array> {
    const raced = Promise.race([response, this.#loss.promise]);
    this.#inFlight = raced;
    try {
      return await raced;
    } finally {
      this.#inFlight = undefined;
    }
  }

  async #suffer(command: Uint8Array, effect: ExchangeFaults): Promise<Uint8Array> {
    if (effect.delayMs > 0) await this.#options.clock.wait(effect.delayMs, this.#waits.signal);
    if (effect.isMute) return await this.#waitInVain();
    if (effect.lost?.phase === 'before') return this.#suffered(effect.lost.kind);
    const response = effect.forced ?? (await this.#options.card.process(command));
    if (effect.lost) return this.#suffered(effect.lost.kind);
    return effect.alter ? effect.alter(response) : response;
  }

  #suffered(kind: 'pull' | 'reset'): never {
    if (kind === 'pull') this.#options.onPull();
    else this.#options.onReset();
    throw this.#lossError(kind === 'pull' ? 'pulled' : 'reset');
  }

  async #waitInVain(): Promise<never> {
    const { muteTimeoutMs: timeoutMs, readerName: device } = this.#options;
    await this.#options.clock.wait(timeoutMs, this.#waits.signal);
    throw new DeviceTimeoutError(`transmitting to the card in ${device}: it did not answer`, { device, timeoutMs });
  }

  #requireCard(): void {
    if (this.#lost) throw this.#lossError(this.#lost);
  }

  #requireCarriable(command: Uint8Array): void {
    const { readerName: device, supportsExtendedLength } = this.#options;
    const attempt = `transmitting to the card in ${device}`;
    if (command.length < MIN_COMMAND_LENGTH)
      throw new DeviceProtocolError(`${attempt}: ${command.length} bytes are no command`, { device });
    if (!supportsExtendedLength && command.length > MAX_SHORT_COMMAND_LENGTH) {
      throw new DeviceProtocolError(`${attempt}: ${command.length} bytes are more than the reader carries`, { device });
    }
  }

  #lossError(reason: LossReason): DeviceError {
    const { readerName: device } = this.#options;
    const attempt = `transmitting to the card in ${device}`;
    switch (reason) {
      case 'pulled':
        return new DeviceRemovedError(`${attempt}: it was removed`, { device });
      case 'unplugged':
        return new DeviceRemovedError(`${attempt}: the reader was unplugged`, { device });
      case 'reset':
        return new DeviceResetError(`${attempt}: it was reset`, { device });
      case 'service':
        return new ServiceUnavailableError(`${attempt}: the service went away`, { device });
      case 'closed':
        return new DeviceProtocolError(`${attempt}: the connection is closed`, { device });
    }
  }
}
