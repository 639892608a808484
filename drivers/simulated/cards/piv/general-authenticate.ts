/** GENERAL AUTHENTICATE (NIST SP 800-73-5 part 2, section 3.2.4 and appendix A): the management key, signatures, key agreement. */
import { createCipheriv } from 'node:crypto';
import {
  SW_INCORRECT_P1_P2,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { encodeTlv, findTlv, type TlvObject } from '../../../../apdu/tlv/ber-tlv.ts';
import { equalBytes } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import {
  ALGORITHM_3DES,
  ALGORITHM_3DES_DEFAULT,
  ALGORITHM_AES_128,
  ALGORITHM_AES_192,
  ALGORITHM_AES_256,
  KEY_MANAGEMENT_KEY,
  TAG_CHALLENGE,
  TAG_DYNAMIC_AUTHENTICATION,
  TAG_EXPONENTIATION,
  TAG_RESPONSE,
  TAG_WITNESS,
} from './constants.ts';
import { decodeTemplate, type PivCommand } from './instruction.ts';
import { satisfiesPinPolicy, type ManagementKey, type OpenChallenge, type Piv } from './memory.ts';
import { isKeyReference } from './posture.ts';
import { agree, computeRsa, signDigest, type PrivateKey } from './private-key.ts';

interface BlockCipher {
  /** OpenSSL's name. */
  readonly name: string;
  readonly blockLengthBytes: number;
}

const BLOCK_CIPHERS: ReadonlyMap<number, BlockCipher> = new Map([
  [ALGORITHM_3DES, { name: 'des-ede3-ecb', blockLengthBytes: 8 }],
  [ALGORITHM_AES_128, { name: 'aes-128-ecb', blockLengthBytes: 16 }],
  [ALGORITHM_AES_192, { name: 'aes-192-ecb', blockLengthBytes: 16 }],
  [ALGORITHM_AES_256, { name: 'aes-256-ecb', blockLengthBytes: 16 }],
]);

export function generalAuthenticate(piv: Piv, command: PivCommand): CardAnswer {
  return command.p2 === KEY_MANAGEMENT_KEY ? authenticateManagement(piv, command) : usePrivateKey(piv, command);
}

function authenticateManagement(piv: Piv, command: PivCommand): CardAnswer {
  const { managementKey } = piv.memory;
  const algorithm = command.p1 === ALGORITHM_3DES_DEFAULT ? ALGORITHM_3DES : command.p1;
  const cipher = BLOCK_CIPHERS.get(algorithm);
  if (!cipher || algorithm !== managementKey.algorithm) throw new Refusal(SW_INCORRECT_P1_P2);
  const objects = decodeTemplate(command.data, TAG_DYNAMIC_AUTHENTICATION);
  const [witness, challenge, response] = [TAG_WITNESS, TAG_CHALLENGE, TAG_RESPONSE].map((tag) => findTlv(objects, tag));
  if (witness?.length === 0) return openWitness(piv, cipher);
  if (witness && challenge) return proveMutually(piv, command, { witness, challenge });
  if (challenge?.length === 0) return openChallenge(piv, cipher);
  if (response && !challenge && !witness) return acceptResponse(piv, command, response);
  throw new Refusal(SW_WRONG_DATA);
}

function openWitness(piv: Piv, cipher: BlockCipher): CardAnswer {
  const plain = piv.randomBytes(cipher.blockLengthBytes);
  piv.session.challenge = { kind: 'witness', plain };
  return answerTemplate(TAG_WITNESS, encrypt(piv.memory.managementKey, plain));
}

function openChallenge(piv: Piv, cipher: BlockCipher): CardAnswer {
  const plain = piv.randomBytes(cipher.blockLengthBytes);
  piv.session.challenge = { kind: 'challenge', plain };
  return answerTemplate(TAG_CHALLENGE, plain);
}

function proveMutually(
  piv: Piv,
  command: PivCommand,
  proof: { readonly witness: Uint8Array; readonly challenge: Uint8Array },
): CardAnswer {
  const open = requireOpenChallenge(piv, command, 'witness');
  if (proof.challenge.length !== open.plain.length) throw new Refusal(SW_WRONG_DATA);
  if (!equalBytes(open.plain, proof.witness)) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  piv.session.managementAuthenticated = true;
  return answerTemplate(TAG_RESPONSE, encrypt(piv.memory.managementKey, proof.challenge));
}

function acceptResponse(piv: Piv, command: PivCommand, response: Uint8Array): CardAnswer {
  const open = requireOpenChallenge(piv, command, 'challenge');
  if (!equalBytes(encrypt(piv.memory.managementKey, open.plain), response)) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  piv.session.managementAuthenticated = true;
  return SUCCESS;
}

/** Single-use, and of the command right before. A failed proof takes an earlier one away. */
function requireOpenChallenge(piv: Piv, command: PivCommand, kind: OpenChallenge['kind']): OpenChallenge {
  piv.session.managementAuthenticated = false;
  if (command.openChallenge?.kind !== kind) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  return command.openChallenge;
}

/** ECB without padding: one block (appendix A). */
function encrypt(managementKey: ManagementKey, block: Uint8Array): Uint8Array {
  const cipher = createCipheriv(BLOCK_CIPHERS.get(managementKey.algorithm)?.name ?? '', managementKey.key, null);
  return new Uint8Array(cipher.setAutoPadding(false).update(block));
}

function usePrivateKey(piv: Piv, command: PivCommand): CardAnswer {
  if (!isKeyReference(piv.posture, command.p2)) throw new Refusal(SW_INCORRECT_P1_P2);
  const key = piv.memory.keys.get(command.p2);
  if (!key) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  if (key.privateKey.parameters.algorithm !== command.p1) throw new Refusal(SW_INCORRECT_P1_P2);
  if (!satisfiesPinPolicy(piv.session, key.pinPolicy, command.pinFresh)) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  const objects = decodeTemplate(command.data, TAG_DYNAMIC_AUTHENTICATION);
  if (findTlv(objects, TAG_RESPONSE)?.length !== 0) throw new Refusal(SW_WRONG_DATA);
  const result = compute(key.privateKey, objects);
  if (!result) throw new Refusal(SW_WRONG_DATA);
  return answerTemplate(TAG_RESPONSE, result);
}

/** Undefined for input that the key cannot take. */
function compute(key: PrivateKey, objects: readonly TlvObject[]): Uint8Array | undefined {
  const challenge = findTlv(objects, TAG_CHALLENGE);
  const point = findTlv(objects, TAG_EXPONENTIATION);
  if (point) return challenge ? undefined : agree(key, point);
  if (!challenge) return undefined;
  if (key.parameters.kind === 'modulus')
    return challenge.length === key.parameters.lengthBytes ? computeRsa(key, challenge) : undefined;
  return challenge.length > 0 && challenge.length <= key.parameters.lengthBytes ? signDigest(key, challenge) : undefined;
}

function answerTemplate(tag: number, value: Uint8Array): CardAnswer {
  return { ...SUCCESS, data: encodeTlv(TAG_DYNAMIC_AUTHENTICATION, encodeTlv(tag, value)) };
}
