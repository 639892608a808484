/** The PIV card as a whole: which instruction answers which INS, and what happens before and after each. */
import type { CommandApdu } from '../../../../apdu/iso7816/command-apdu.ts';
import { SW_INS_NOT_SUPPORTED } from '../../../../apdu/iso7816/status-word.ts';
import { NO_BYTES } from '../../bytes.ts';
import type { SimulatedCard } from '../../card.ts';
import { SavedState } from '../saved-state.ts';
import { ApduTransport, Refusal, type CardAnswer } from '../../transport.ts';
import {
  INS_ATTEST,
  INS_CHANGE_REFERENCE_DATA,
  INS_GENERAL_AUTHENTICATE,
  INS_GENERATE_ASYMMETRIC_KEY_PAIR,
  INS_GET_DATA,
  INS_GET_METADATA,
  INS_GET_SERIAL,
  INS_GET_VERSION,
  INS_IMPORT_KEY,
  INS_MOVE_KEY,
  INS_PUT_DATA,
  INS_RESET,
  INS_RESET_RETRY_COUNTER,
  INS_SELECT,
  INS_SET_MANAGEMENT_KEY,
  INS_SET_PIN_RETRIES,
  INS_VERIFY,
} from './constants.ts';
import { getData, putData, select } from './data-objects.ts';
import { generalAuthenticate } from './general-authenticate.ts';
import type { Instruction } from './instruction.ts';
import { generate, getMetadata, importKey, moveKey } from './keys.ts';
import { newSession, secureRandomBytes, type Piv, type RandomBytes } from './memory.ts';
import { atrOf, isAtLeast, type FirmwareVersion } from './posture.ts';
import { changeReferenceData, resetRetryCounter, verify } from './reference-data.ts';
import { decodeState, encodeState, makeContents, type PivCardDescription, type PivCardState, type PivContents } from './state.ts';
import { attest, getSerial, getVersion, resetApplication, setManagementKey, setPinRetries } from './yubico.ts';

export interface PivCardOptions extends PivCardDescription {
  /** Goes on from a saved card; the description is then not looked at. */
  readonly state?: PivCardState;
  /** Default: the system's. Witnesses, challenges, the card UUID and serial numbers come from it; key pairs do not. */
  readonly randomBytes?: RandomBytes;
  /** For the dates in attestation certificates. Default: the system's clock. */
  readonly now?: () => Date;
  /** Keeps what a command changed, before it is answered. When it fails the card answers 6581, and saves again at the next change. */
  readonly save?: (state: PivCardState) => Promise<void>;
  /** Told of failures that the card answers with 6F00 or 6581. */
  readonly onInternalError?: (error: unknown) => void;
}

export interface SimulatedPivCard extends SimulatedCard {
  readonly kind: 'piv';
  /** Everything that it keeps without power. */
  state(): PivCardState;
}

interface InstructionRow {
  readonly instruction: Instruction;
  readonly acceptsChain?: boolean;
  /** Absent: of the standard. */
  readonly yubikeySince?: FirmwareVersion;
}

/** Chaining: SP 800-73-5 part 2, table 2. Versions: Yubico/yubikey-manager yubikit/piv.py. */
const INSTRUCTIONS: ReadonlyMap<number, InstructionRow> = new Map<number, InstructionRow>([
  [INS_VERIFY, { instruction: verify }],
  [INS_CHANGE_REFERENCE_DATA, { instruction: changeReferenceData }],
  [INS_RESET_RETRY_COUNTER, { instruction: resetRetryCounter }],
  [INS_GENERATE_ASYMMETRIC_KEY_PAIR, { instruction: generate, acceptsChain: true }],
  [INS_GENERAL_AUTHENTICATE, { instruction: generalAuthenticate, acceptsChain: true }],
  [INS_SELECT, { instruction: select }],
  [INS_GET_DATA, { instruction: getData }],
  [INS_PUT_DATA, { instruction: putData, acceptsChain: true }],
  [INS_MOVE_KEY, { instruction: moveKey, yubikeySince: [5, 7, 0] }],
  [INS_GET_METADATA, { instruction: getMetadata, yubikeySince: [5, 3, 0] }],
  [INS_GET_SERIAL, { instruction: getSerial, yubikeySince: [5, 0, 0] }],
  [INS_ATTEST, { instruction: attest, yubikeySince: [4, 3, 0] }],
  [INS_SET_PIN_RETRIES, { instruction: setPinRetries, yubikeySince: [0, 0, 0] }],
  [INS_RESET, { instruction: resetApplication, yubikeySince: [0, 0, 0] }],
  [INS_GET_VERSION, { instruction: getVersion, yubikeySince: [0, 0, 0] }],
  [INS_IMPORT_KEY, { instruction: importKey, acceptsChain: true, yubikeySince: [0, 0, 0] }],
  [INS_SET_MANAGEMENT_KEY, { instruction: setManagementKey, yubikeySince: [0, 0, 0] }],
]);

/** Makes a card in memory. Throws SimulationFileError, naming the field, for a description or state that makes no card. */
export function createPivCard(options: PivCardOptions = {}): SimulatedPivCard {
  const contents = options.state ? decodeState(options.state) : makeContents(options, options.randomBytes ?? secureRandomBytes);
  return new PivCard(contents, options);
}

class PivCard implements SimulatedPivCard {
  readonly kind = 'piv';
  readonly atr: Uint8Array;
  readonly #piv: Piv;
  readonly #transport: ApduTransport;
  readonly #saved: SavedState<PivCardState>;

  constructor(contents: PivContents, options: PivCardOptions) {
    this.#saved = new SavedState({ state: () => this.state(), save: options.save, onInternalError: options.onInternalError });
    this.atr = atrOf(contents.posture);
    this.#piv = {
      ...contents,
      session: newSession(),
      randomBytes: options.randomBytes ?? secureRandomBytes,
      now: options.now ?? (() => new Date()),
      markChanged: this.#saved.markChanged,
    };
    this.#transport = new ApduTransport({
      handle: (command) => handle(this.#piv, command),
      carriesExtendedLength: contents.posture.carriesExtendedLength,
      acceptsChain: (ins) => INSTRUCTIONS.get(ins)?.acceptsChain === true,
      ...(options.onInternalError ? { onInternalError: options.onInternalError } : {}),
    });
  }

  powerUp(): void {
    this.reset();
  }

  reset(): void {
    this.#transport.reset();
    this.#piv.session = newSession();
  }

  process(command: Uint8Array): Uint8Array | Promise<Uint8Array> {
    return this.#saved.before(this.#transport.process(command));
  }

  state(): PivCardState {
    return encodeState(this.#piv);
  }
}

/** What only the command right before left behind is taken out here, so that no instruction can forget to. */
function handle(piv: Piv, command: CommandApdu): CardAnswer | Promise<CardAnswer> {
  const { session } = piv;
  const { challenge: openChallenge, pinFresh } = session;
  session.challenge = undefined;
  session.pinFresh = false;
  const row = INSTRUCTIONS.get(command.ins);
  const isKnown = row !== undefined && (row.yubikeySince === undefined || isAtLeast(piv.posture, row.yubikeySince));
  if (!isKnown || (!session.selected && command.ins !== INS_SELECT)) throw new Refusal(SW_INS_NOT_SUPPORTED);
  return row.instruction(piv, { ...command, data: command.data ?? NO_BYTES, openChallenge, pinFresh });
}
