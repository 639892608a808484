/**
 * The lower half of a simulated card (ISO/IEC 7816-4:2020, sections 5.2 to 5.4): parses the command, collects chains, cuts the response to Le
 * and keeps the rest for GET RESPONSE. What commands mean is the upper half's: it gets whole ones, and gives whole answers.
 */
import { CommandApduError, MAX_SHORT_NE, parseCommandApdu, type CommandApdu } from '../../apdu/iso7816/command-apdu.ts';
import {
  SW1_BYTES_AVAILABLE,
  SW_CLA_NOT_SUPPORTED,
  SW_COMMAND_CHAINING_NOT_SUPPORTED,
  SW_COMMAND_NOT_ALLOWED,
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_INCORRECT_P1_P2,
  SW_LOGICAL_CHANNEL_NOT_SUPPORTED,
  SW_SECURE_MESSAGING_NOT_SUPPORTED,
  SW_SUCCESS,
  SW_UNKNOWN,
  SW_WRONG_DATA,
  SW_WRONG_LENGTH,
} from '../../apdu/iso7816/status-word.ts';
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';
import { NO_BYTES, concatBytes } from './bytes.ts';

/** A whole answer. A warning or error carries no data. */
export interface CardAnswer {
  readonly statusWord: number;
  readonly data?: Uint8Array;
}

/** Ends a command with a status word, from any depth of a card's code. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly statusWord: number;

  constructor(statusWord: number) {
    super('the simulated card refuses the command');
    this.statusWord = statusWord;
  }
}

export const SUCCESS: CardAnswer = { statusWord: SW_SUCCESS };

export interface TransportOptions {
  /** Answers a whole command; its data are a view that the caller may reuse: copy what is kept. Throws Refusal or TlvError (6A80). */
  readonly handle: (command: CommandApdu) => CardAnswer | Promise<CardAnswer>;
  readonly carriesExtendedLength: boolean;
  /** True for instructions that may come as a chain. */
  readonly acceptsChain: (ins: number) => boolean;
  /** True for instructions whose every command of a chain is answered, as those of PACE: they come whole, CLA tells which. Default: none. */
  readonly answersInChain?: (ins: number) => boolean;
  /** Commands with secure messaging (CLA 0C) are handed over as they come. Default: refused with 6882. */
  readonly hasSecureMessaging?: boolean;
  /** Told of what a real card would hide behind 6F00. */
  readonly onInternalError?: (error: unknown) => void;
}

/** INS of GET RESPONSE (section 11.7.1). */
const INS_GET_RESPONSE = 0xc0;
/** CLA of interindustry commands (section 5.4.1, tables 2 and 3). */
const CLA_CHAINING = 0x10;
const CLA_SECURE_MESSAGING = 0x0c;
const CLA_LOGICAL_CHANNEL = 0x03;
const CLA_FURTHER_INTERINDUSTRY = 0x40;
const CLA_FURTHER_SECURE_MESSAGING = 0x20;
const CLA_PROPRIETARY = 0x80;
/** Longest chain collected: what one extended command could carry. */
const MAX_CHAINED_BYTES = 65_535;

interface Chain {
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly parts: Uint8Array[];
  lengthBytes: number;
}

export class ApduTransport {
  readonly #options: TransportOptions;
  #chain: Chain | undefined;
  #pending: Uint8Array = NO_BYTES;
  #busy = false;
  /** Grows at every reset: an answer of an earlier life is not given. */
  #life = 0;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  reset(): void {
    this.#life++;
    this.#busy = false;
    this.#chain = undefined;
    this.#pending = NO_BYTES;
  }

  process(bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (this.#busy) return encodeAnswer(NO_BYTES, SW_COMMAND_NOT_ALLOWED);
    try {
      const command = this.#receive(bytes);
      const isGetResponse = command.ins === INS_GET_RESPONSE;
      if (!isGetResponse) this.#pending = NO_BYTES;
      const whole = this.#collect(command);
      if (!whole) return encodeAnswer(NO_BYTES, SW_SUCCESS);
      if (isGetResponse) return this.#giveMore(whole);
      const answer = this.#options.handle(whole);
      return answer instanceof Promise ? this.#finishLater(answer, whole.ne) : this.#finish(answer, whole.ne);
    } catch (error) {
      return encodeAnswer(NO_BYTES, this.#statusWordOf(error));
    }
  }

  #receive(bytes: Uint8Array): CommandApdu {
    try {
      const command = parseCommandApdu(bytes);
      const isExtended = bytes.length >= 7 && bytes[4] === 0;
      if (isExtended && !this.#options.carriesExtendedLength) throw new Refusal(SW_WRONG_LENGTH);
      requireKnownClass(command.cla, this.#options.hasSecureMessaging ?? false);
      return command;
    } catch (error) {
      this.#chain = undefined;
      this.#pending = NO_BYTES;
      throw error;
    }
  }

  /** Undefined while the chain goes on. Any other command in between ends the chain, and what was collected is lost (section 5.3.3). */
  #collect(command: CommandApdu): CommandApdu | undefined {
    const chain = this.#chain;
    const continues = chain?.ins === command.ins && chain.p1 === command.p1 && chain.p2 === command.p2;
    this.#chain = undefined;
    const isLast = (command.cla & CLA_CHAINING) === 0;
    if (!isLast && this.#options.answersInChain?.(command.ins)) return command;
    if (!isLast && !this.#options.acceptsChain(command.ins)) throw new Refusal(SW_COMMAND_CHAINING_NOT_SUPPORTED);
    const part = command.data ?? NO_BYTES;
    if (isLast) return chain && continues ? { ...command, data: concatBytes(...chain.parts, part) } : command;
    const next = chain && continues ? chain : { ins: command.ins, p1: command.p1, p2: command.p2, parts: [], lengthBytes: 0 };
    next.lengthBytes += part.length;
    if (next.lengthBytes > MAX_CHAINED_BYTES) throw new Refusal(SW_WRONG_LENGTH);
    next.parts.push(part.slice());
    this.#chain = next;
    return undefined;
  }

  #giveMore(command: CommandApdu): Uint8Array {
    if (command.p1 !== 0 || command.p2 !== 0) throw new Refusal(SW_INCORRECT_P1_P2);
    if (this.#pending.length === 0) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
    return this.#finish({ statusWord: SW_SUCCESS, data: this.#pending }, command.ne);
  }

  /** An absent Le counts as 256: widespread host tools leave it out and expect data. */
  #finish(answer: CardAnswer, ne = MAX_SHORT_NE): Uint8Array {
    const data = answer.data ?? NO_BYTES;
    if (data.length <= ne) {
      this.#pending = NO_BYTES;
      return encodeAnswer(data, answer.statusWord);
    }
    this.#pending = data.subarray(ne);
    const remaining = this.#pending.length;
    return encodeAnswer(data.subarray(0, ne), (SW1_BYTES_AVAILABLE << 8) | (remaining > 0xff ? 0 : remaining));
  }

  async #finishLater(answer: Promise<CardAnswer>, ne: number | undefined): Promise<Uint8Array> {
    const life = this.#life;
    this.#busy = true;
    let statusWord = SW_UNKNOWN;
    try {
      const settled = await answer;
      if (life === this.#life) return this.#finish(settled, ne);
    } catch (error) {
      statusWord = this.#statusWordOf(error);
    } finally {
      if (life === this.#life) this.#busy = false;
    }
    return encodeAnswer(NO_BYTES, statusWord);
  }

  #statusWordOf(error: unknown): number {
    if (error instanceof Refusal) return error.statusWord;
    if (error instanceof CommandApduError) return SW_WRONG_LENGTH;
    if (error instanceof TlvError) return SW_WRONG_DATA;
    this.#options.onInternalError?.(error);
    return SW_UNKNOWN;
  }
}

/** Only the basic logical channel; secure messaging where the card has it, with an authenticated header. */
function requireKnownClass(cla: number, hasSecureMessaging: boolean): void {
  if (cla & CLA_PROPRIETARY) throw new Refusal(SW_CLA_NOT_SUPPORTED);
  if (cla & CLA_FURTHER_INTERINDUSTRY) {
    throw new Refusal(cla & CLA_FURTHER_SECURE_MESSAGING ? SW_SECURE_MESSAGING_NOT_SUPPORTED : SW_LOGICAL_CHANNEL_NOT_SUPPORTED);
  }
  if (cla & ~(CLA_CHAINING | CLA_SECURE_MESSAGING | CLA_LOGICAL_CHANNEL)) throw new Refusal(SW_CLA_NOT_SUPPORTED);
  const isSecure = (cla & CLA_SECURE_MESSAGING) === CLA_SECURE_MESSAGING && hasSecureMessaging;
  if (cla & CLA_SECURE_MESSAGING && !isSecure) throw new Refusal(SW_SECURE_MESSAGING_NOT_SUPPORTED);
  if (cla & CLA_LOGICAL_CHANNEL) throw new Refusal(SW_LOGICAL_CHANNEL_NOT_SUPPORTED);
}

function encodeAnswer(data: Uint8Array, statusWord: number): Uint8Array {
  const bytes = new Uint8Array(data.length + 2);
  bytes.set(data);
  bytes[data.length] = statusWord >> 8;
  bytes[data.length + 1] = statusWord;
  return bytes;
}
