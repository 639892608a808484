/** The passport's chip as a whole: which instruction answers which INS, and when a session begins, changes its keys and ends. */
import type { CommandApdu } from '../../../../apdu/iso7816/command-apdu.ts';
import {
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_INCORRECT_P1_P2,
  SW_INS_NOT_SUPPORTED,
  SW_SECURE_MESSAGING_NOT_SUPPORTED,
  SW_SUCCESS,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { TlvError } from '../../../../apdu/tlv/ber-tlv.ts';
import { NO_BYTES } from '../../bytes.ts';
import type { SimulatedCard } from '../../card.ts';
import { SavedState } from '../saved-state.ts';
import { ApduTransport, Refusal, type CardAnswer } from '../../transport.ts';
import { internalAuthenticate } from './active-authentication.ts';
import { externalAuthenticate, getChallenge } from './bac.ts';
import { agreeOnKeys, setChipAuthentication, setKeyAgreement } from './chip-authentication.ts';
import { newSession, type Chip, type Instruction, type WholeCommand } from './chip.ts';
import {
  INS_EXTERNAL_AUTHENTICATE,
  INS_GENERAL_AUTHENTICATE,
  INS_GET_CHALLENGE,
  INS_INTERNAL_AUTHENTICATE,
  INS_MANAGE_SECURITY_ENVIRONMENT,
  INS_READ_BINARY,
  INS_READ_BINARY_ODD,
  INS_SELECT,
  SW_SECURE_MESSAGING_OBJECTS_WRONG,
} from './constants.ts';
import type { EmrtdDescription } from './description.ts';
import { makeDocument } from './document.ts';
import { readBinary, readBinaryOdd, select } from './files.ts';
import { dynamicDataOf, setPace, stepPace } from './pace.ts';
import type { EmrtdState } from './state.ts';

export interface EmrtdCardOptions extends EmrtdDescription {
  /** Goes on from a saved card; the description is then not looked at. */
  readonly state?: EmrtdState;
  /** Keeps what a command changed, before it is answered. When it fails the card answers 6581, and saves again at the next change. */
  readonly save?: (state: EmrtdState) => Promise<void>;
  /** Where the chip draws from; default: the system's source. */
  readonly random?: (lengthBytes: number) => Uint8Array;
  /** Told of failures that the chip answers with 6F00. */
  readonly onInternalError?: (error: unknown) => void;
}

export interface SimulatedEmrtdCard extends SimulatedCard {
  readonly kind: 'emrtd';
  /** What is printed on it. */
  readonly printed: PrintedDocument;
  /** Everything that it keeps without power. */
  state(): EmrtdState;
}

export interface PrintedDocument {
  /** Lines of the machine-readable zone. */
  readonly mrz: readonly string[];
  /** From the zone, for the keys of BAC and PACE. */
  readonly mrzInformation: string;
  readonly can?: string;
}

const CLA_CHAINING = 0x10;
const CLA_SECURE_MESSAGING = 0x0c;
const INS_GET_RESPONSE = 0xc0;
/** An absent Le is taken for this one. */
const DEFAULT_NE = 256;
/** P1 P2 of MSE:SET (9303-11, sections 4.4.4.1, 6.2.4.1 and 6.2.4.2). */
const SET_PACE = 0xc1a4;
const SET_KEY_AGREEMENT = 0x41a6;
const SET_CHIP_AUTHENTICATION = 0x41a4;

const INSTRUCTIONS: ReadonlyMap<number, Instruction> = new Map<number, Instruction>([
  [INS_MANAGE_SECURITY_ENVIRONMENT, manageSecurityEnvironment],
  [INS_EXTERNAL_AUTHENTICATE, externalAuthenticate],
  [INS_GET_CHALLENGE, getChallenge],
  [INS_GENERAL_AUTHENTICATE, generalAuthenticate],
  [INS_INTERNAL_AUTHENTICATE, internalAuthenticate],
  [INS_SELECT, select],
  [INS_READ_BINARY, readBinary],
  [INS_READ_BINARY_ODD, readBinaryOdd],
]);

/** Makes a passport in memory. Throws SimulationFileError, naming the field, for a description that makes none. */
export function createEmrtdCard(options: EmrtdCardOptions = {}): SimulatedEmrtdCard {
  return new EmrtdCard(options);
}

class EmrtdCard implements SimulatedEmrtdCard {
  readonly kind = 'emrtd';
  readonly atr: Uint8Array;
  readonly printed: PrintedDocument;
  readonly #chip: Chip;
  readonly #description: EmrtdDescription;
  readonly #saved: SavedState<EmrtdState>;
  readonly #transport: ApduTransport;
  /** Commands that came as far as to the chip's instructions. */
  #handled = 0;

  constructor(options: EmrtdCardOptions) {
    const { random, onInternalError, save, state, ...description } = options;
    this.#description = state?.description ?? description;
    const { chip, printed, atr, carriesExtendedLength } = makeDocument(this.#description, random);
    if (state) chip.canTries.remaining = state.canTriesRemaining;
    this.#chip = chip;
    this.#saved = new SavedState({ state: () => this.state(), save, onInternalError });
    this.printed = printed;
    this.atr = atr;
    this.#transport = new ApduTransport({
      handle: (command) => {
        this.#handled++;
        return handle(chip, command);
      },
      carriesExtendedLength,
      // A key of 2,048 bits fits no short command.
      acceptsChain: (ins) => ins === INS_MANAGE_SECURITY_ENVIRONMENT,
      answersInChain: (ins) => ins === INS_GENERAL_AUTHENTICATE,
      hasSecureMessaging: true,
      ...(onInternalError ? { onInternalError } : {}),
    });
  }

  powerUp(): void {
    this.reset();
  }

  reset(): void {
    this.#transport.reset();
    this.#chip.session = newSession();
  }

  /** What is no command at all is not protected either, and ends the session. */
  process(command: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const handled = this.#handled;
    const { canTries } = this.#chip;
    const before = canTries.remaining;
    const response = this.#transport.process(command);
    if (this.#handled === handled && !isPartOf(command, response)) endSession(this.#chip);
    if (canTries.remaining !== before) this.#saved.markChanged();
    return this.#saved.before(response);
  }

  state(): EmrtdState {
    const description = this.#description;
    return { format: 'kortd-simulated-emrtd', version: 1, description, canTriesRemaining: this.#chip.canTries.remaining };
  }
}

/** What does not come as far as to the instructions and is right all the same: the rest of a long answer, and the parts of a long command that is protected. */
function isPartOf([cla = 0, ins]: Uint8Array, response: Uint8Array | Promise<Uint8Array>): boolean {
  if (ins === INS_GET_RESPONSE) return true;
  const isChained = (cla & CLA_CHAINING) !== 0 && (cla & CLA_SECURE_MESSAGING) === CLA_SECURE_MESSAGING;
  return isChained && response instanceof Uint8Array && response[0] === SW_SUCCESS >> 8;
}

function handle(chip: Chip, command: CommandApdu): CardAnswer {
  if ((command.cla & CLA_SECURE_MESSAGING) === CLA_SECURE_MESSAGING) return handleProtected(chip, command);
  endSession(chip);
  const answer = run(chip, { ...command, data: command.data ?? NO_BYTES, ...plainTraits(command) });
  takeNextChannel(chip);
  return answer;
}

function plainTraits({ ne }: CommandApdu): Pick<WholeCommand, 'capacityBytes' | 'isProtected'> {
  return { capacityBytes: ne ?? DEFAULT_NE, isProtected: false };
}

/** Whatever is wrong with the protection is said in plain, and ends the session (9303-11, section 9.8.7). */
function handleProtected(chip: Chip, command: CommandApdu): CardAnswer {
  const { channel } = chip.session;
  if (!channel) throw new Refusal(SW_SECURE_MESSAGING_OBJECTS_WRONG);
  const opened = orEnd(chip, () => {
    if (command.cla & CLA_CHAINING && command.ins !== INS_GENERAL_AUTHENTICATE)
      throw new Refusal(SW_SECURE_MESSAGING_NOT_SUPPORTED);
    return channel.open(command);
  });
  const capacityBytes = channel.capacity(command.ne ?? DEFAULT_NE);
  const answer = orEnd(chip, () =>
    runProtected(chip, { ...opened, data: opened.data ?? NO_BYTES, capacityBytes, isProtected: true }),
  );
  const data = channel.seal(answer, command.ins);
  takeNextChannel(chip);
  return { statusWord: answer.statusWord, data };
}

function orEnd<T>(chip: Chip, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    endSession(chip);
    throw error;
  }
}

/** A refusal goes protected as every answer does. */
function runProtected(chip: Chip, command: WholeCommand): CardAnswer {
  try {
    return run(chip, command);
  } catch (error) {
    if (error instanceof Refusal) return { statusWord: error.statusWord };
    if (error instanceof TlvError) return { statusWord: SW_WRONG_DATA };
    throw error;
  }
}

function run(chip: Chip, command: WholeCommand): CardAnswer {
  const instruction = INSTRUCTIONS.get(command.ins);
  if (!instruction) throw new Refusal(SW_INS_NOT_SUPPORTED);
  if (command.ins !== INS_GENERAL_AUTHENTICATE) forgetSteps(chip, command);
  return instruction(chip, command);
}

/** What was begun is begun anew when another command comes between. */
function forgetSteps({ session }: Chip, { ins }: WholeCommand): void {
  session.pace = undefined;
  session.isChipAuthenticationSet = false;
  if (ins !== INS_EXTERNAL_AUTHENTICATE) session.challenge = undefined;
}

/** Keys and rights are gone; what is selected stays. */
function endSession(chip: Chip): void {
  const { session } = chip;
  if (!session.channel) return;
  const { isApplicationSelected } = session;
  chip.session = { ...newSession(), isApplicationSelected };
}

function takeNextChannel({ session }: Chip): void {
  session.channel = session.nextChannel ?? session.channel;
  session.nextChannel = undefined;
}

function manageSecurityEnvironment(chip: Chip, command: WholeCommand): CardAnswer {
  switch ((command.p1 << 8) | command.p2) {
    case SET_PACE:
      return setPace(chip, command);
    case SET_KEY_AGREEMENT:
      return setKeyAgreement(chip, command);
    case SET_CHIP_AUTHENTICATION:
      return setChipAuthentication(chip, command);
    default:
      throw new Refusal(SW_INCORRECT_P1_P2);
  }
}

function generalAuthenticate(chip: Chip, command: WholeCommand): CardAnswer {
  const { pace, isChipAuthenticationSet } = chip.session;
  if (command.p1 !== 0 || command.p2 !== 0) throw new Refusal(SW_INCORRECT_P1_P2);
  const isLast = (command.cla & CLA_CHAINING) === 0;
  if (pace) {
    chip.session.pace = undefined;
    return stepPace(chip, pace, isLast, dynamicDataOf(command.data));
  }
  if (!isChipAuthenticationSet || !isLast) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  return agreeOnKeys(chip, command, dynamicDataOf(command.data));
}
