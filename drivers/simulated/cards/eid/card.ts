/** The PKCS #15 card as a whole: which instruction answers which INS, and what happens before and after each. */
import type { CommandApdu } from '../../../../apdu/iso7816/command-apdu.ts';
import { SW_INS_NOT_SUPPORTED } from '../../../../apdu/iso7816/status-word.ts';
import { NO_BYTES } from '../../bytes.ts';
import type { SimulatedCard } from '../../card.ts';
import { SavedState } from '../saved-state.ts';
import { ApduTransport, Refusal, type CardAnswer } from '../../transport.ts';
import { readBinary, updateBinary } from './binary.ts';
import {
  INS_CHANGE_REFERENCE_DATA,
  INS_CREATE_FILE,
  INS_DELETE_FILE,
  INS_GENERATE_ASYMMETRIC_KEY_PAIR,
  INS_GET_DATA,
  INS_MANAGE_SECURITY_ENVIRONMENT,
  INS_PERFORM_SECURITY_OPERATION,
  INS_READ_BINARY,
  INS_RESET_RETRY_COUNTER,
  INS_SELECT,
  INS_UPDATE_BINARY,
  INS_VERIFY,
} from './constants.ts';
import { createFile, deleteFile } from './create-delete.ts';
import { generate } from './generate.ts';
import type { Instruction } from './instruction.ts';
import { newSession, type Eid } from './memory.ts';
import { describePersona } from './personas.ts';
import { changeReferenceData, resetRetryCounter, verify } from './pins.ts';
import { manageSecurityEnvironment } from './security-environment.ts';
import { performSecurityOperation } from './security-operations.ts';
import { getData, select } from './select.ts';
import { decodeState, encodeState, makeContents, type EidCardDescription, type EidCardState, type EidContents } from './state.ts';
import { T0Responses } from './t0.ts';

export interface EidCardOptions extends EidCardDescription {
  /** Goes on from a saved card; the description is then not looked at. */
  readonly state?: EidCardState;
  /** Keeps what a command changed, before it is answered. When it fails the card answers 6581, and saves again at the next change. */
  readonly save?: (state: EidCardState) => Promise<void>;
  /** Told of failures that the card answers with 6F00 or 6581. */
  readonly onInternalError?: (error: unknown) => void;
}

export interface SimulatedEidCard extends SimulatedCard {
  readonly kind: 'eid';
  /** Everything that it keeps without power. */
  state(): EidCardState;
}

const INSTRUCTIONS: ReadonlyMap<number, Instruction> = new Map<number, Instruction>([
  [INS_VERIFY, verify],
  [INS_MANAGE_SECURITY_ENVIRONMENT, manageSecurityEnvironment],
  [INS_CHANGE_REFERENCE_DATA, changeReferenceData],
  [INS_PERFORM_SECURITY_OPERATION, performSecurityOperation],
  [INS_RESET_RETRY_COUNTER, resetRetryCounter],
  [INS_GENERATE_ASYMMETRIC_KEY_PAIR, generate],
  [INS_SELECT, select],
  [INS_READ_BINARY, readBinary],
  [INS_UPDATE_BINARY, updateBinary],
  [INS_CREATE_FILE, createFile],
  [INS_DELETE_FILE, deleteFile],
]);

/** Makes a card in memory. Throws SimulationFileError, naming the field, for a description or state that makes no card. */
export function createEidCard(options: EidCardOptions = {}): SimulatedEidCard {
  return new EidCard(options.state ? decodeState(options.state) : makeContents(describePersona(options)), options);
}

class EidCard implements SimulatedEidCard {
  readonly kind = 'eid';
  readonly atr: Uint8Array;
  readonly #eid: Eid;
  readonly #transport: ApduTransport;
  readonly #t0: T0Responses | undefined;
  readonly #saved: SavedState<EidCardState>;

  constructor(contents: EidContents, options: EidCardOptions) {
    const { traits, carriesExtendedLength } = contents.posture;
    this.#saved = new SavedState({ state: () => this.state(), save: options.save, onInternalError: options.onInternalError });
    this.atr = traits.atr(carriesExtendedLength);
    this.#t0 = traits.isT0 ? new T0Responses() : undefined;
    this.#eid = {
      ...contents,
      session: newSession(),
      markChanged: this.#saved.markChanged,
    };
    this.#transport = new ApduTransport({
      handle: (command) => handle(this.#eid, command),
      carriesExtendedLength,
      acceptsChain: (ins) => ins === INS_PERFORM_SECURITY_OPERATION,
      ...(options.onInternalError ? { onInternalError: options.onInternalError } : {}),
    });
  }

  powerUp(): void {
    this.reset();
  }

  reset(): void {
    this.#transport.reset();
    this.#t0?.reset();
    this.#eid.session = newSession();
  }

  process(command: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const process = (bytes: Uint8Array): Uint8Array | Promise<Uint8Array> => this.#transport.process(bytes);
    const response = this.#t0 ? this.#t0.exchange(command, process) : process(command);
    return this.#saved.before(response);
  }

  state(): EidCardState {
    return encodeState(this.#eid);
  }
}

function handle(eid: Eid, command: CommandApdu): CardAnswer | Promise<CardAnswer> {
  const instruction = command.ins === INS_GET_DATA && hasDataObjects(eid) ? getData : INSTRUCTIONS.get(command.ins);
  if (!instruction) throw new Refusal(SW_INS_NOT_SUPPORTED);
  return instruction(eid, { ...command, data: command.data ?? NO_BYTES });
}

function hasDataObjects({ posture }: Eid): boolean {
  return posture.traits.dataObjects(posture.serialNumber).size > 0;
}
