/** Basic access control, the chip's part (ICAO Doc 9303-11, section 4.3 and appendix D.3). */
import { createHash } from 'node:crypto';
import {
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_INCORRECT_P1_P2,
  SW_INS_NOT_SUPPORTED,
  SW_SUCCESS,
  SW_WRONG_LENGTH,
} from '../../../../apdu/iso7816/status-word.ts';
import { concatBytes, equalBytes } from '../../bytes.ts';
import { Refusal, type CardAnswer } from '../../transport.ts';
import type { Chip, WholeCommand } from './chip.ts';
import { CODE_BYTES, FOR_AUTHENTICATION, FOR_ENCRYPTION, SUITES, deriveKey } from './cipher.ts';
import { SW_AUTHENTICATION_FAILED } from './constants.ts';
import { SecureChannel } from './secure-channel.ts';

const CHALLENGE_BYTES = 8;
const KEY_MATERIAL_BYTES = 16;
const CRYPTOGRAM_BYTES = 2 * CHALLENGE_BYTES + KEY_MATERIAL_BYTES;
const SEED_BYTES = 16;
const suite = SUITES['3DES'];

export function getChallenge(chip: Chip, { p1, p2, ne }: WholeCommand): CardAnswer {
  requireBac(chip);
  if (p1 !== 0 || p2 !== 0) throw new Refusal(SW_INCORRECT_P1_P2);
  if (ne !== CHALLENGE_BYTES && ne !== 256) throw new Refusal(SW_WRONG_LENGTH);
  const challenge = chip.random(CHALLENGE_BYTES);
  chip.session.challenge = challenge;
  return { statusWord: SW_SUCCESS, data: challenge };
}

/** A challenge is good for one try. */
export function externalAuthenticate(chip: Chip, { p1, p2, data }: WholeCommand): CardAnswer {
  requireBac(chip);
  const { session } = chip;
  const { challenge } = session;
  session.challenge = undefined;
  if (p1 !== 0 || p2 !== 0) throw new Refusal(SW_INCORRECT_P1_P2);
  if (data.length !== CRYPTOGRAM_BYTES + CODE_BYTES) throw new Refusal(SW_WRONG_LENGTH);
  if (!challenge) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  const { encryption, authentication } = documentKeys(chip.passwords.mrz);
  const cryptogram = data.subarray(0, CRYPTOGRAM_BYTES);
  if (!equalBytes(suite.authenticate(authentication, cryptogram), data.subarray(CRYPTOGRAM_BYTES)))
    throw new Refusal(SW_AUTHENTICATION_FAILED);
  const plain = suite.decrypt(encryption, cryptogram);
  const readerChallenge = plain.subarray(0, CHALLENGE_BYTES);
  const readerMaterial = plain.subarray(2 * CHALLENGE_BYTES);
  if (!equalBytes(plain.subarray(CHALLENGE_BYTES, 2 * CHALLENGE_BYTES), challenge)) throw new Refusal(SW_AUTHENTICATION_FAILED);
  const material = chip.random(KEY_MATERIAL_BYTES);
  session.access = 'BAC';
  session.nextChannel = openChannel(material, readerMaterial, concatBytes(challenge.slice(-4), readerChallenge.slice(-4)));
  const answer = suite.encrypt(encryption, concatBytes(challenge, readerChallenge, material));
  return { statusWord: SW_SUCCESS, data: concatBytes(answer, suite.authenticate(authentication, answer)) };
}

function requireBac({ allowsBac, session }: Chip): void {
  if (!allowsBac) throw new Refusal(SW_INS_NOT_SUPPORTED);
  if (!session.isApplicationSelected || session.channel) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
}

function documentKeys(information: string): { readonly encryption: Uint8Array; readonly authentication: Uint8Array } {
  const seed = new Uint8Array(createHash('sha1').update(information, 'latin1').digest()).subarray(0, SEED_BYTES);
  return {
    encryption: deriveKey(suite, seed, FOR_ENCRYPTION),
    authentication: deriveKey(suite, seed, FOR_AUTHENTICATION),
  };
}

function openChannel(material: Uint8Array, readerMaterial: Uint8Array, counter: Uint8Array): SecureChannel {
  const seed = material.map((byte, index) => byte ^ (readerMaterial[index] ?? 0));
  return new SecureChannel({
    ...{ suite, counter },
    encryption: deriveKey(suite, seed, FOR_ENCRYPTION),
    authentication: deriveKey(suite, seed, FOR_AUTHENTICATION),
  });
}
