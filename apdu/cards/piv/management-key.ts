/**
 * The card management key 9B: mutual authentication by GENERAL AUTHENTICATE (NIST SP 800-73-5 part 2, section 3.2.4 and appendix A.1.2).
 * Blocks are enciphered in ECB mode without padding, as the standard has it: each is random and used once.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat, equalBytes } from '../../bytes.ts';
import type { CardChannel } from '../../card-channel.ts';
import {
  CardDataError,
  ManagementKeyRejectedError,
  NotSupportedByCardError,
  PinFormatError,
  StatusWordError,
} from '../../errors.ts';
import { MAX_SHORT_NE } from '../../iso7816/command-apdu.ts';
import {
  SW_INCORRECT_P1_P2,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
  SW_WRONG_DATA,
  SW_WRONG_P1_P2,
} from '../../iso7816/status-word.ts';
import type { Secret } from '../../secret.ts';
import { TlvError, decodeTlv, encodeTlv, requireTlv } from '../../tlv/ber-tlv.ts';
import {
  INS_GENERAL_AUTHENTICATE,
  MANAGEMENT_KEY_REFERENCE,
  TAG_CHALLENGE,
  TAG_DYNAMIC_AUTHENTICATION,
  TAG_RESPONSE,
  TAG_WITNESS,
} from './constants.ts';

export interface ManagementKeyAlgorithm {
  /** Algorithm identifier (SP 800-78-5, table 6-2). */
  readonly id: number;
  readonly name: '3DES' | 'AES-128' | 'AES-192' | 'AES-256';
  readonly cipher: string;
  readonly keyLength: number;
  readonly blockLength: number;
}

/** Trial order for a key of 24 bytes: 3DES, the standard's default, then AES-192. */
export const MANAGEMENT_KEY_ALGORITHMS: readonly ManagementKeyAlgorithm[] = [
  { id: 0x03, name: '3DES', cipher: 'des-ede3', keyLength: 24, blockLength: 8 },
  { id: 0x08, name: 'AES-128', cipher: 'aes-128-ecb', keyLength: 16, blockLength: 16 },
  { id: 0x0a, name: 'AES-192', cipher: 'aes-192-ecb', keyLength: 24, blockLength: 16 },
  { id: 0x0c, name: 'AES-256', cipher: 'aes-256-ecb', keyLength: 32, blockLength: 16 },
];

export interface MutualAuthenticationOptions {
  readonly managementKey: Secret;
  /** The card's own word for the algorithm, where it has one; else it is found by the key's length. */
  readonly algorithmId?: number;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** Proves the key to the card and the card's knowledge of it to us. Throws ManagementKeyRejectedError, PinFormatError. */
export async function authenticateManagementKey(channel: CardChannel, options: MutualAuthenticationOptions): Promise<void> {
  const { managementKey } = options;
  const candidates = MANAGEMENT_KEY_ALGORITHMS.filter((algorithm) => algorithm.keyLength === managementKey.lengthBytes).filter(
    (algorithm) => options.algorithmId === undefined || isSameAlgorithm(algorithm.id, options.algorithmId),
  );
  if (candidates.length === 0) {
    throw new PinFormatError(
      `authenticating the management key: ${managementKey.lengthBytes} bytes do not fit the algorithm of this card`,
    );
  }
  for (const algorithm of candidates) {
    const witness = await requestWitness(channel, algorithm);
    if (witness) {
      await answerWitness(channel, algorithm, witness, options);
      return;
    }
  }
  throw new NotSupportedByCardError('authenticating the management key: card accepts no algorithm that fits the key');
}

/** 00 and 03 both stand for 3DES. */
function isSameAlgorithm(ours: number, cards: number): boolean {
  return ours === cards || (ours === 0x03 && cards === 0x00);
}

/** Undefined when the card's key is of another algorithm; asking costs nothing. */
async function requestWitness(channel: CardChannel, algorithm: ManagementKeyAlgorithm): Promise<Uint8Array | undefined> {
  const attempt = `asking for a witness (${algorithm.name})`;
  const response = await exchange(channel, algorithm, encodeTlv(TAG_WITNESS));
  if ([SW_INCORRECT_P1_P2, SW_WRONG_DATA, SW_WRONG_P1_P2, SW_REFERENCED_DATA_NOT_FOUND].includes(response.statusWord))
    return undefined;
  if (response.statusWord !== SW_SUCCESS) throw new StatusWordError(attempt, response.statusWord, INS_GENERAL_AUTHENTICATE);
  const witness = readTemplate(attempt, response.data, TAG_WITNESS);
  if (witness.length !== algorithm.blockLength)
    throw new CardDataError(`${attempt}: card gave ${witness.length} bytes, not ${algorithm.blockLength}`);
  return witness;
}

async function answerWitness(
  channel: CardChannel,
  algorithm: ManagementKeyAlgorithm,
  witness: Uint8Array,
  options: MutualAuthenticationOptions,
): Promise<void> {
  const challenge = options.randomBytes(algorithm.blockLength);
  const { decrypted, expected } = options.managementKey.use((key) => ({
    decrypted: runBlockCipher(createDecipheriv(algorithm.cipher, key, null), witness),
    expected: runBlockCipher(createCipheriv(algorithm.cipher, key, null), challenge),
  }));
  const attempt = `authenticating the management key (${algorithm.name})`;
  const response = await exchange(
    channel,
    algorithm,
    concat(encodeTlv(TAG_WITNESS, decrypted), encodeTlv(TAG_CHALLENGE, challenge)),
  );
  const fields = { statusWord: response.statusWord, instruction: INS_GENERAL_AUTHENTICATE };
  if (response.statusWord === SW_SECURITY_STATUS_NOT_SATISFIED)
    throw new ManagementKeyRejectedError(`${attempt}: card refused the key`, fields);
  if (response.statusWord !== SW_SUCCESS) throw new StatusWordError(attempt, response.statusWord, INS_GENERAL_AUTHENTICATE);
  if (!equalBytes(readTemplate(attempt, response.data, TAG_RESPONSE), expected)) {
    throw new ManagementKeyRejectedError(`${attempt}: card did not prove that it knows the key`, fields);
  }
}

function exchange(
  channel: CardChannel,
  algorithm: ManagementKeyAlgorithm,
  content: Uint8Array,
): ReturnType<CardChannel['exchange']> {
  return channel.exchange({
    cla: 0x00,
    ins: INS_GENERAL_AUTHENTICATE,
    p1: algorithm.id,
    p2: MANAGEMENT_KEY_REFERENCE,
    data: encodeTlv(TAG_DYNAMIC_AUTHENTICATION, content),
    ne: MAX_SHORT_NE,
    sensitive: true,
  });
}

/** One data object out of a dynamic authentication template. */
export function readTemplate(attempt: string, data: Uint8Array, tag: number): Uint8Array {
  try {
    return requireTlv(decodeTlv(requireTlv(decodeTlv(data), TAG_DYNAMIC_AUTHENTICATION)), tag);
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`${attempt}: ${error.message}`, {}, { cause: error });
    throw error;
  }
}

interface BlockCipher {
  setAutoPadding(pad: boolean): unknown;
  update(data: Uint8Array): Uint8Array;
  final(): Uint8Array;
}

function runBlockCipher(cipher: BlockCipher, block: Uint8Array): Uint8Array {
  cipher.setAutoPadding(false);
  return concat(cipher.update(block), cipher.final());
}
