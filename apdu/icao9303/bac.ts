/** Basic Access Control (ICAO Doc 9303-11, section 4.3): card and reader prove to each other that they know what is printed in the machine-readable zone. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { CardChannel } from '../card-channel.ts';
import { concat, equalBytes } from '../bytes.ts';
import { DocumentAccessError, SecureMessagingError, StatusWordError } from '../errors.ts';
import { SW_SUCCESS } from '../iso7816/status-word.ts';
import { CIPHER_SUITES, MAC_LENGTH } from '../secure-messaging/cipher-suite.ts';
import type { SecureSession } from '../secure-messaging/secure-messaging.ts';
import { deriveKey } from './key-derivation.ts';

const INS_GET_CHALLENGE = 0x84;
const INS_EXTERNAL_AUTHENTICATE = 0x82;
const NONCE_LENGTH = 8;
const KEY_LENGTH = 16;
const CRYPTOGRAM_LENGTH = 2 * NONCE_LENGTH + KEY_LENGTH;
const SEED_LENGTH = 16;
/** The half of each nonce that the counter begins with. */
const HALF = NONCE_LENGTH / 2;
const SUITE = CIPHER_SUITES['3DES'];

/** `information` is `Mrz.information`. Throws DocumentAccessError when the card does not take it; the next try may be made to wait by the card. */
export async function performBac(
  channel: Pick<CardChannel, 'exchange'>,
  information: string,
  randomBytes: (length: number) => Uint8Array,
): Promise<SecureSession> {
  const keys = keysOf(createHash('sha1').update(information, 'ascii').digest().subarray(0, SEED_LENGTH));
  const cardNonce = await getChallenge(channel);
  const nonce = randomBytes(NONCE_LENGTH);
  const secret = randomBytes(KEY_LENGTH);
  const cryptogram = SUITE.encrypt(keys.encryptionKey, concat(nonce, cardNonce, secret));
  const answer = await authenticate(channel, concat(cryptogram, SUITE.mac(keys.macKey, cryptogram)));
  const opened = open(answer, keys);
  const [first, second] = [opened.subarray(0, NONCE_LENGTH), opened.subarray(NONCE_LENGTH, 2 * NONCE_LENGTH)];
  if (!equalBytes(first, cardNonce) || !equalBytes(second, nonce))
    throw new SecureMessagingError('opening the document by BAC: card answered to another question');
  const cardSecret = opened.subarray(2 * NONCE_LENGTH);
  const seed = secret.map((byte, index) => byte ^ (cardSecret[index] ?? 0));
  return { suite: '3DES', ...keysOf(seed), sequenceCounter: concat(cardNonce.slice(-HALF), nonce.slice(-HALF)) };
}

interface Keys {
  readonly encryptionKey: Uint8Array;
  readonly macKey: Uint8Array;
}

function keysOf(seed: Uint8Array): Keys {
  return { encryptionKey: deriveKey(seed, SUITE, 'encryption'), macKey: deriveKey(seed, SUITE, 'mac') };
}

async function getChallenge({ exchange }: Pick<CardChannel, 'exchange'>): Promise<Uint8Array> {
  const { data, statusWord } = await exchange({ cla: 0x00, ins: INS_GET_CHALLENGE, p1: 0x00, p2: 0x00, ne: NONCE_LENGTH });
  const attempt = 'asking the document for a challenge';
  if (statusWord !== SW_SUCCESS) throw new StatusWordError(attempt, statusWord, INS_GET_CHALLENGE);
  if (data.length !== NONCE_LENGTH) throw new SecureMessagingError(`${attempt}: card gave ${data.length} bytes`);
  return data;
}

/** Any refusal says that the keys are not the card's: 6300 by the document, others by cards that exist. */
async function authenticate({ exchange }: Pick<CardChannel, 'exchange'>, data: Uint8Array): Promise<Uint8Array> {
  const ne = CRYPTOGRAM_LENGTH + MAC_LENGTH;
  const response = await exchange({ cla: 0x00, ins: INS_EXTERNAL_AUTHENTICATE, p1: 0x00, p2: 0x00, data, ne });
  const { statusWord } = response;
  if (statusWord === SW_SUCCESS && response.data.length === ne) return response.data;
  throw new DocumentAccessError('opening the document by BAC: the card does not take what the machine-readable zone says', {
    ...{ statusWord, instruction: INS_EXTERNAL_AUTHENTICATE },
  });
}

function open(answer: Uint8Array, { encryptionKey, macKey }: Keys): Uint8Array {
  const cryptogram = answer.subarray(0, CRYPTOGRAM_LENGTH);
  if (!timingSafeEqual(SUITE.mac(macKey, cryptogram), answer.subarray(CRYPTOGRAM_LENGTH)))
    throw new SecureMessagingError('opening the document by BAC: the authentication code of the answer is wrong');
  return SUITE.decrypt(encryptionKey, cryptogram);
}
