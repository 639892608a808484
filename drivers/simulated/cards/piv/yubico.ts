/** Yubico's instructions about the whole card (Yubico.NET.SDK docs/users-manual/application-piv/apdu). */
import {
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_INCORRECT_P1_P2,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import { attestKey } from './attestation.ts';
import {
  ALGORITHM_3DES,
  KEY_ATTESTATION,
  KEY_MANAGEMENT_KEY,
  TAG_ATTESTATION_CERTIFICATE,
  TOUCH_POLICY_ALWAYS,
  TOUCH_POLICY_CACHED,
  TOUCH_POLICY_NEVER,
} from './constants.ts';
import { requireManagement, requireParameters, type PivCommand } from './instruction.ts';
import {
  DEFAULT_ATTEMPTS,
  DEFAULT_PIN,
  DEFAULT_PUK,
  MANAGEMENT_KEY_LENGTHS,
  defaultManagementKey,
  initialObjects,
  newSession,
  type Piv,
  type ReferenceData,
} from './memory.ts';
import { isAtLeast } from './posture.ts';

export function getVersion(piv: Piv, command: PivCommand): CardAnswer {
  requireParameters(command, 0x00, 0x00);
  return { ...SUCCESS, data: Uint8Array.from(piv.posture.firmware) };
}

export function getSerial(piv: Piv, command: PivCommand): CardAnswer {
  requireParameters(command, 0x00, 0x00);
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, piv.posture.serialNumber);
  return { ...SUCCESS, data };
}

export function attest(piv: Piv, command: PivCommand): CardAnswer {
  if (command.p2 !== 0x00) throw new Refusal(SW_INCORRECT_P1_P2);
  return { ...SUCCESS, data: attestKey(piv, command.p1) };
}

/** PIN and PUK get their defaults back, with new counters. */
export function setPinRetries(piv: Piv, command: PivCommand): CardAnswer {
  requireManagement(piv);
  if (!piv.session.pinVerified) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  if (command.p1 === 0 || command.p2 === 0) throw new Refusal(SW_WRONG_DATA);
  restore(piv.memory.pin, DEFAULT_PIN, command.p1);
  restore(piv.memory.puk, DEFAULT_PUK, command.p2);
  piv.session.pinVerified = false;
  piv.markChanged();
  return SUCCESS;
}

/** Everything but F9 and its certificate becomes as it left the factory; only with PIN and PUK blocked. */
export function resetApplication(piv: Piv, command: PivCommand): CardAnswer {
  requireParameters(command, 0x00, 0x00);
  const { memory } = piv;
  if (memory.pin.attemptsRemaining > 0 || memory.puk.attemptsRemaining > 0) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  for (const reference of [...memory.keys.keys()]) if (reference !== KEY_ATTESTATION) memory.keys.delete(reference);
  const attestation = memory.objects.get(TAG_ATTESTATION_CERTIFICATE);
  memory.objects.clear();
  for (const [tag, object] of initialObjects(piv.randomBytes)) memory.objects.set(tag, object);
  if (attestation) memory.objects.set(TAG_ATTESTATION_CERTIFICATE, attestation);
  restore(memory.pin, DEFAULT_PIN, DEFAULT_ATTEMPTS);
  restore(memory.puk, DEFAULT_PUK, DEFAULT_ATTEMPTS);
  memory.managementKey = defaultManagementKey(piv.posture);
  piv.session = { ...newSession(), selected: true };
  piv.markChanged();
  return SUCCESS;
}

function restore(data: ReferenceData, block: Uint8Array, attempts: number): void {
  data.block = block.slice();
  data.attemptsTotal = attempts;
  data.attemptsRemaining = attempts;
}

/** P2 of FF: who must touch (apdu/set-mgmt-key). */
const TOUCH_BY_P2: ReadonlyMap<number, number> = new Map([
  [0xff, TOUCH_POLICY_NEVER],
  [0xfe, TOUCH_POLICY_ALWAYS],
  [0xfd, TOUCH_POLICY_CACHED],
]);

/** Data: algorithm, 9B, length, key. AES from firmware 5.4. */
export function setManagementKey(piv: Piv, command: PivCommand): CardAnswer {
  const touchPolicy = TOUCH_BY_P2.get(command.p2);
  if (command.p1 !== 0xff || touchPolicy === undefined) throw new Refusal(SW_INCORRECT_P1_P2);
  requireManagement(piv);
  const [algorithm = 0, reference, length] = command.data;
  const key = command.data.subarray(3);
  const isKnown = algorithm === ALGORITHM_3DES || isAtLeast(piv.posture, [5, 4, 0]);
  const isRightLength = key.length === length && key.length === MANAGEMENT_KEY_LENGTHS.get(algorithm);
  if (!isKnown || reference !== KEY_MANAGEMENT_KEY || !isRightLength) throw new Refusal(SW_WRONG_DATA);
  piv.memory.managementKey = { algorithm, key: key.slice(), touchPolicy };
  piv.markChanged();
  return SUCCESS;
}
