/** VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (NIST SP 800-73-5 part 2, section 3.2). */
import {
  SW_AUTHENTICATION_METHOD_BLOCKED,
  SW_INCORRECT_P1_P2,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { equalBytes } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import { REFERENCE_PIN, REFERENCE_PUK } from './constants.ts';
import type { PivCommand } from './instruction.ts';
import type { Piv, ReferenceData } from './memory.ts';
import type { Posture } from './posture.ts';

const P1_PROVE = 0x00;
const P1_LOGOUT = 0xff;
const BLOCK_LENGTH = 8;
const MIN_LENGTH = 6;
const PADDING = 0xff;
const SW_COUNTER = 0x63c0;
/** What `63CX` can say. */
const MAX_COUNTER = 0x0f;

export function verify(piv: Piv, command: PivCommand): CardAnswer {
  if (command.p1 !== P1_PROVE && command.p1 !== P1_LOGOUT) throw new Refusal(SW_INCORRECT_P1_P2);
  if (command.p2 !== REFERENCE_PIN) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  if (command.p1 === P1_LOGOUT) return logOut(piv, command);
  const { pin } = piv.memory;
  if (command.data.length === 0) {
    if (pin.attemptsRemaining === 0) throw new Refusal(SW_AUTHENTICATION_METHOD_BLOCKED);
    if (!piv.session.pinVerified) throw new Refusal(counterOf(pin));
    piv.session.pinFresh = command.pinFresh;
    return SUCCESS;
  }
  requireUnblocked(pin);
  requireFormat(piv.posture, REFERENCE_PIN, command.data);
  piv.session.pinVerified = false;
  compare(piv, pin, command.data);
  piv.session.pinVerified = true;
  piv.session.pinFresh = true;
  return SUCCESS;
}

function logOut(piv: Piv, command: PivCommand): CardAnswer {
  if (command.data.length > 0) throw new Refusal(SW_WRONG_DATA);
  piv.session.pinVerified = false;
  return SUCCESS;
}

export function changeReferenceData(piv: Piv, command: PivCommand): CardAnswer {
  if (command.p1 !== P1_PROVE) throw new Refusal(SW_INCORRECT_P1_P2);
  const target = referenceDataOf(piv, command.p2);
  requireUnblocked(target);
  const [current, next] = splitBlocks(command.data);
  requireFormat(piv.posture, command.p2, current);
  requireFormat(piv.posture, command.p2, next);
  const isPin = command.p2 === REFERENCE_PIN;
  if (isPin) piv.session.pinVerified = false;
  compare(piv, target, current);
  target.block = next.slice();
  piv.markChanged();
  if (isPin) {
    piv.session.pinVerified = true;
    piv.session.pinFresh = true;
  }
  return SUCCESS;
}

/** The security status of the PIN stays as it was (section 3.2.3). */
export function resetRetryCounter(piv: Piv, command: PivCommand): CardAnswer {
  if (command.p1 !== P1_PROVE) throw new Refusal(SW_INCORRECT_P1_P2);
  if (command.p2 !== REFERENCE_PIN) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  const { pin, puk } = piv.memory;
  requireUnblocked(puk);
  const [typedPuk, next] = splitBlocks(command.data);
  requireFormat(piv.posture, REFERENCE_PUK, typedPuk);
  requireFormat(piv.posture, REFERENCE_PIN, next);
  compare(piv, puk, typedPuk);
  pin.block = next.slice();
  pin.attemptsRemaining = pin.attemptsTotal;
  piv.markChanged();
  return SUCCESS;
}

/** Right: the counter is full again. Wrong: one try less, told as `63CX`. */
function compare(piv: Piv, target: ReferenceData, block: Uint8Array): void {
  if (!equalBytes(target.block, block)) {
    target.attemptsRemaining--;
    piv.markChanged();
    throw new Refusal(counterOf(target));
  }
  if (target.attemptsRemaining === target.attemptsTotal) return;
  target.attemptsRemaining = target.attemptsTotal;
  piv.markChanged();
}

function referenceDataOf(piv: Piv, reference: number): ReferenceData {
  if (reference === REFERENCE_PIN) return piv.memory.pin;
  if (reference === REFERENCE_PUK) return piv.memory.puk;
  throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
}

function requireUnblocked(target: ReferenceData): void {
  if (target.attemptsRemaining === 0) throw new Refusal(SW_AUTHENTICATION_METHOD_BLOCKED);
}

function splitBlocks(data: Uint8Array): readonly [Uint8Array, Uint8Array] {
  if (data.length !== 2 * BLOCK_LENGTH) throw new Refusal(SW_WRONG_DATA);
  return [data.subarray(0, BLOCK_LENGTH), data.subarray(BLOCK_LENGTH)];
}

function counterOf(target: ReferenceData): number {
  return SW_COUNTER | Math.min(target.attemptsRemaining, MAX_COUNTER);
}

/**
 * Part 1, section 2.4.3: a PIN has six to eight digits, padded with FF; a PUK eight bytes of any value. A YubiKey takes any six to eight
 * bytes for both. A malformed block is refused before it is compared, and uses no try.
 */
function requireFormat(posture: Posture, reference: number, block: Uint8Array): void {
  if (!isWellFormed(posture, reference, block)) throw new Refusal(SW_WRONG_DATA);
}

export function isWellFormed(posture: Posture, reference: number, block: Uint8Array): boolean {
  if (block.length !== BLOCK_LENGTH) return false;
  if (posture.profile === 'plain' && reference === REFERENCE_PUK) return true;
  const padding = block.indexOf(PADDING);
  const lengthBytes = padding === -1 ? BLOCK_LENGTH : padding;
  if (lengthBytes < MIN_LENGTH || block.subarray(lengthBytes).some((byte) => byte !== PADDING)) return false;
  return posture.profile === 'yubikey' || block.subarray(0, lengthBytes).every((byte) => byte >= 0x30 && byte <= 0x39);
}
