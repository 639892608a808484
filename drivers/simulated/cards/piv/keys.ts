/** GENERATE ASYMMETRIC KEY PAIR (NIST SP 800-73-5 part 2, section 3.3.2) and Yubico's import, move, delete and metadata of keys. */
import {
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_INCORRECT_P1_P2,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_UNKNOWN,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { decodeTlv, encodeTlv, findTlv, requireTlv, type TlvObject } from '../../../../apdu/tlv/ber-tlv.ts';
import { concatBytes, equalBytes } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import {
  KEY_ATTESTATION,
  KEY_MANAGEMENT_KEY,
  ORIGIN_GENERATED,
  ORIGIN_IMPORTED,
  PIN_POLICY_DEFAULT,
  PIN_POLICY_MATCH_ALWAYS,
  REFERENCE_PIN,
  REFERENCE_PUK,
  TAG_CONTROL_REFERENCE,
  TAG_MECHANISM,
  TAG_PARAMETER,
  TAG_PIN_POLICY,
  TAG_PUBLIC_KEY,
  TAG_TOUCH_POLICY,
  TOUCH_POLICY_CACHED,
  TOUCH_POLICY_NEVER,
} from './constants.ts';
import { decodeTemplate, requireManagement, type PivCommand } from './instruction.ts';
import {
  DEFAULT_PIN,
  DEFAULT_PUK,
  defaultManagementKey,
  pinPolicyOf,
  type Piv,
  type ReferenceData,
  type StoredKey,
} from './memory.ts';
import { algorithmsOf, isGenerable, isKeyReference } from './posture.ts';
import {
  generatePrivateKey,
  importCurve,
  importRsa,
  keyParametersOf,
  type KeyParameters,
  type PrivateKey,
} from './private-key.ts';

/** The only public exponent offered: 65537. */
const PUBLIC_EXPONENT = Uint8Array.of(0x01, 0x00, 0x01);
/** F6 with this target deletes (Yubico.NET.SDK apdu/move-key). */
const P1_DELETE = 0xff;
/** F7 of a PIN or PUK tells no algorithm. */
const ALGORITHM_NONE = 0xff;

export function generate(piv: Piv, command: PivCommand): CardAnswer | Promise<CardAnswer> {
  if (command.p1 !== 0x00 || !isGenerable(piv.posture, command.p2)) throw new Refusal(SW_INCORRECT_P1_P2);
  requireManagement(piv);
  const objects = decodeTemplate(command.data, TAG_CONTROL_REFERENCE);
  const parameters = readAlgorithm(piv, requireTlv(objects, TAG_MECHANISM));
  const exponent = findTlv(objects, TAG_PARAMETER);
  if (exponent && (parameters.kind !== 'modulus' || !equalBytes(exponent, PUBLIC_EXPONENT))) throw new Refusal(SW_WRONG_DATA);
  const policies = readPolicies(piv, command.p2, objects);
  const made = generatePrivateKey(parameters);
  const { session } = piv;
  const finish = (privateKey: PrivateKey): CardAnswer => {
    if (piv.session !== session) throw new Refusal(SW_UNKNOWN);
    storeKey(piv, command.p2, { privateKey, ...policies, origin: ORIGIN_GENERATED });
    return { ...SUCCESS, data: encodeTlv(TAG_PUBLIC_KEY, privateKey.publicKey) };
  };
  return made instanceof Promise ? made.then(finish) : finish(made);
}

export function importKey(piv: Piv, command: PivCommand): CardAnswer {
  if (!isKeyReference(piv.posture, command.p2)) throw new Refusal(SW_INCORRECT_P1_P2);
  requireManagement(piv);
  const parameters = readAlgorithm(piv, Uint8Array.of(command.p1));
  const objects = decodeTlv(command.data);
  const privateKey = readPrivateKey(parameters, objects);
  if (!privateKey) throw new Refusal(SW_WRONG_DATA);
  storeKey(piv, command.p2, { privateKey, ...readPolicies(piv, command.p2, objects), origin: ORIGIN_IMPORTED });
  return SUCCESS;
}

/** Yubico.NET.SDK apdu/import-asym: RSA as 01 p, 02 q, 03 dp, 04 dq, 05 qinv; curves as 06 scalar. */
function readPrivateKey(parameters: KeyParameters, objects: readonly TlvObject[]): PrivateKey | undefined {
  if (parameters.kind === 'curve') return importCurve(parameters, requireTlv(objects, 0x06));
  const [p, q, dp, dq, qinv] = [0x01, 0x02, 0x03, 0x04, 0x05].map((tag) => requireTlv(objects, tag));
  if (!p || !q || !dp || !dq || !qinv) return undefined;
  if ([p, q, dp, dq, qinv].some((part) => part.length !== parameters.lengthBytes / 2)) return undefined;
  return importRsa(parameters, { p, q, dp, dq, qinv });
}

/** `F6 to from`; to = FF deletes. The target must be empty, and F9 stays where it is (Yubico.NET.SDK MoveKeyCommand). */
export function moveKey(piv: Piv, command: PivCommand): CardAnswer {
  const { p1: to, p2: from } = command;
  const isMovable = (reference: number): boolean => isKeyReference(piv.posture, reference) && reference !== KEY_ATTESTATION;
  if (!isKeyReference(piv.posture, from) || (to !== P1_DELETE && !(isMovable(to) && isMovable(from))))
    throw new Refusal(SW_INCORRECT_P1_P2);
  requireManagement(piv);
  const { keys } = piv.memory;
  const key = keys.get(from);
  if (!key) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  if (to !== P1_DELETE) {
    if (keys.has(to)) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
    keys.set(to, key);
  }
  keys.delete(from);
  piv.markChanged();
  return SUCCESS;
}

/** Yubico.NET.SDK apdu/metadata. */
export function getMetadata(piv: Piv, command: PivCommand): CardAnswer {
  if (command.p1 !== 0x00) throw new Refusal(SW_INCORRECT_P1_P2);
  return { ...SUCCESS, data: concatBytes(...metadataOf(piv, command.p2)) };
}

function metadataOf(piv: Piv, reference: number): readonly Uint8Array[] {
  const { pin, puk, managementKey } = piv.memory;
  if (reference === REFERENCE_PIN) return referenceMetadata(pin, DEFAULT_PIN);
  if (reference === REFERENCE_PUK) return referenceMetadata(puk, DEFAULT_PUK);
  if (reference === KEY_MANAGEMENT_KEY) {
    const byDefault = defaultManagementKey(piv.posture);
    const isDefault = managementKey.algorithm === byDefault.algorithm && equalBytes(managementKey.key, byDefault.key);
    return [
      metadata(0x01, managementKey.algorithm),
      metadata(0x02, PIN_POLICY_DEFAULT, managementKey.touchPolicy),
      metadata(0x05, isDefault ? 1 : 0),
    ];
  }
  const key = piv.memory.keys.get(reference);
  if (!key) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  return [
    metadata(0x01, key.privateKey.parameters.algorithm),
    metadata(0x02, key.pinPolicy, key.touchPolicy),
    metadata(0x03, key.origin),
    encodeTlv(0x04, key.privateKey.publicKey),
  ];
}

function referenceMetadata(data: ReferenceData, byDefault: Uint8Array): readonly Uint8Array[] {
  const isDefault = equalBytes(data.block, byDefault);
  return [
    metadata(0x01, ALGORITHM_NONE),
    metadata(0x05, isDefault ? 1 : 0),
    metadata(0x06, data.attemptsTotal, data.attemptsRemaining),
  ];
}

function metadata(tag: number, ...bytes: readonly number[]): Uint8Array {
  return encodeTlv(tag, Uint8Array.from(bytes));
}

function readAlgorithm(piv: Piv, value: Uint8Array): KeyParameters {
  const [algorithm = 0, ...others] = value;
  const parameters = algorithmsOf(piv.posture).includes(algorithm) ? keyParametersOf(algorithm) : undefined;
  if (!parameters || others.length > 0) throw new Refusal(SW_WRONG_DATA);
  return parameters;
}

/** AA and AB are a YubiKey's alone; 0 or absent leaves the choice to the card. */
function readPolicies(piv: Piv, reference: number, objects: readonly TlvObject[]): Pick<StoredKey, 'pinPolicy' | 'touchPolicy'> {
  const read = (tag: number, max: number): number => {
    const value = findTlv(objects, tag);
    if (!value) return 0;
    const policy = value[0] ?? 0;
    if (piv.posture.profile === 'plain' || value.length !== 1 || policy > max) throw new Refusal(SW_WRONG_DATA);
    return policy;
  };
  const pinPolicy = pinPolicyOf(reference, read(TAG_PIN_POLICY, PIN_POLICY_MATCH_ALWAYS));
  return { pinPolicy, touchPolicy: read(TAG_TOUCH_POLICY, TOUCH_POLICY_CACHED) || TOUCH_POLICY_NEVER };
}

function storeKey(piv: Piv, reference: number, key: StoredKey): void {
  piv.memory.keys.set(reference, key);
  piv.markChanged();
}
