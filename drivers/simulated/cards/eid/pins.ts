/** VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO/IEC 7816-4:2020, sections 11.6.6 to 11.6.10). */
import {
  SW_AUTHENTICATION_METHOD_BLOCKED,
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_INCORRECT_P1_P2,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_WRONG_DATA,
  SW_WRONG_LENGTH,
} from '../../../../apdu/iso7816/status-word.ts';
import { equalBytes } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import { SW_NC_INCONSISTENT_WITH_P1_P2 } from './constants.ts';
import type { EidCommand } from './instruction.ts';
import type { Eid, ReferenceData } from './memory.ts';

/** VERIFY: compare, or forget that it was verified (table 97, "FF"). CHANGE: old and new data. */
const P1_COMPARE = 0x00;
const P1_FORGET = 0xff;
const P1_OLD_AND_NEW = 0x00;
/** RESET RETRY COUNTER: what the data field holds (section 11.6.10, table 101). */
const P1_PUK_AND_NEW = 0x00;
const P1_PUK = 0x01;
const P1_NEW = 0x02;
const P1_NOTHING = 0x03;
const SW_COUNTER = 0x63c0;
/** What `63CX` can say. */
const MAX_COUNTER = 0x0f;

/** Stored length, and fewest digits; a PIN of a Swedish e-ID has six (SS 614332 profiles; measured cards: stored 8, padded). */
export const STORED_PIN_LENGTH = 8;
export const MIN_PIN_LENGTH = 6;

export function verify(eid: Eid, command: EidCommand): CardAnswer {
  const { verified } = eid.session;
  if (command.p1 !== P1_COMPARE && command.p1 !== P1_FORGET) throw new Refusal(SW_INCORRECT_P1_P2);
  const target = requirePin(eid, command.p2);
  if (command.p1 === P1_FORGET) {
    if (command.data.length > 0) throw new Refusal(SW_NC_INCONSISTENT_WITH_P1_P2);
    verified.delete(command.p2);
    return SUCCESS;
  }
  if (command.data.length === 0) {
    if (verified.has(command.p2)) return SUCCESS;
    throw new Refusal(target.attemptsRemaining === 0 ? SW_AUTHENTICATION_METHOD_BLOCKED : counterOf(target));
  }
  requireUnblocked(target);
  requireLength(command.data, STORED_PIN_LENGTH);
  compare(eid, command.p2, target, command.data);
  verified.add(command.p2);
  return SUCCESS;
}

export function changeReferenceData(eid: Eid, command: EidCommand): CardAnswer {
  if (command.p1 !== P1_OLD_AND_NEW) throw new Refusal(SW_INCORRECT_P1_P2);
  const target = requirePin(eid, command.p2);
  // A PUK stays as it was printed: the holder cannot change it.
  if (isPuk(eid, command.p2)) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  requireUnblocked(target);
  requireLength(command.data, 2 * STORED_PIN_LENGTH);
  const next = requirePinBlock(eid, command.data.subarray(STORED_PIN_LENGTH));
  compare(eid, command.p2, target, command.data.subarray(0, STORED_PIN_LENGTH));
  target.block = next;
  eid.markChanged();
  eid.session.verified.add(command.p2);
  return SUCCESS;
}

/** The PIN is not verified by it. A PUK that was verified is used up by one reset. */
export function resetRetryCounter(eid: Eid, command: EidCommand): CardAnswer {
  const takesPuk = command.p1 === P1_PUK_AND_NEW || command.p1 === P1_PUK;
  const takesNew = command.p1 === P1_PUK_AND_NEW || command.p1 === P1_NEW;
  if (!takesPuk && !takesNew && command.p1 !== P1_NOTHING) throw new Refusal(SW_INCORRECT_P1_P2);
  const target = requirePin(eid, command.p2);
  if (isPuk(eid, command.p2)) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  const puk = eid.posture.traits.pinReferences.puk;
  const pukData = requirePin(eid, puk);
  requireUnblocked(pukData);
  requireLength(command.data, ((takesPuk ? 1 : 0) + (takesNew ? 1 : 0)) * STORED_PIN_LENGTH);
  const next = takesNew ? requirePinBlock(eid, command.data.subarray(takesPuk ? STORED_PIN_LENGTH : 0)) : undefined;
  if (takesPuk) compare(eid, puk, pukData, command.data.subarray(0, STORED_PIN_LENGTH));
  else if (!eid.session.verified.has(puk)) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  eid.session.verified.delete(puk);
  eid.session.verified.delete(command.p2);
  if (next) target.block = next;
  target.attemptsRemaining = target.attemptsTotal;
  eid.markChanged();
  return SUCCESS;
}

/** Right: the counter is full again. Wrong: one try less, told as `63CX`; the last one too (`63C0`), and only after it `6983`. */
function compare(eid: Eid, reference: number, target: ReferenceData, block: Uint8Array): void {
  eid.session.verified.delete(reference);
  if (!equalBytes(target.block, block)) {
    target.attemptsRemaining--;
    eid.markChanged();
    throw new Refusal(counterOf(target));
  }
  if (target.attemptsRemaining === target.attemptsTotal) return;
  target.attemptsRemaining = target.attemptsTotal;
  eid.markChanged();
}

function requirePin(eid: Eid, reference: number): ReferenceData {
  const target = eid.memory.pins.get(reference);
  if (!target) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  return target;
}

function isPuk(eid: Eid, reference: number): boolean {
  return reference === eid.posture.traits.pinReferences.puk;
}

function requireUnblocked(target: ReferenceData): void {
  if (target.attemptsRemaining === 0) throw new Refusal(SW_AUTHENTICATION_METHOD_BLOCKED);
}

/** A block of another length is refused before it is compared, and uses no try. */
function requireLength(data: Uint8Array, lengthBytes: number): void {
  if (data.length !== lengthBytes) throw new Refusal(SW_WRONG_LENGTH);
}

/** What a PIN may become: six to eight digits, padded. */
function requirePinBlock(eid: Eid, block: Uint8Array): Uint8Array {
  const padding = block.findIndex((byte) => byte === eid.posture.traits.pinPadding);
  const digits = padding === -1 ? block : block.subarray(0, padding);
  const isPadded = block.subarray(digits.length).every((byte) => byte === eid.posture.traits.pinPadding);
  const isNumeric = digits.every((byte) => byte >= 0x30 && byte <= 0x39);
  if (digits.length < MIN_PIN_LENGTH || !isPadded || !isNumeric) throw new Refusal(SW_WRONG_DATA);
  return block.slice();
}

function counterOf(target: ReferenceData): number {
  return SW_COUNTER | Math.min(target.attemptsRemaining, MAX_COUNTER);
}
