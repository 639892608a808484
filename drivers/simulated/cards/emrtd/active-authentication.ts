/** Active authentication (ICAO Doc 9303-11, section 6.1): the chip signs what the reader drew, by a key whose public part is DG15. */
import { constants, createHash, privateEncrypt, sign, type KeyObject } from 'node:crypto';
import {
  SW_INCORRECT_P1_P2,
  SW_INS_NOT_SUPPORTED,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
  SW_WRONG_LENGTH,
} from '../../../../apdu/iso7816/status-word.ts';
import { concatBytes } from '../../bytes.ts';
import { Refusal, type CardAnswer } from '../../transport.ts';
import type { Chip, WholeCommand } from './chip.ts';

export const ACTIVE_AUTHENTICATION_HASHES = ['SHA-1', 'SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'] as const;
export type ActiveAuthenticationHash = (typeof ACTIVE_AUTHENTICATION_HASHES)[number];

export interface ActiveAuthenticationKey {
  readonly privateKey: KeyObject;
  readonly hash: ActiveAuthenticationHash;
}

const CHALLENGE_BYTES = 8;
/** Partial recovery, and more than the message is signed (ISO/IEC 9796-2:2010, section 7 and appendix). */
const HEADER = 0x6a;
/** Trailers of option 1 (SHA-1) and option 2 with the numbers of ISO/IEC 10118-3. */
const TRAILERS: Readonly<Record<ActiveAuthenticationHash, readonly number[]>> = {
  'SHA-1': [0xbc],
  'SHA-224': [0x38, 0xcc],
  'SHA-256': [0x34, 0xcc],
  'SHA-384': [0x36, 0xcc],
  'SHA-512': [0x35, 0xcc],
};

export function internalAuthenticate(chip: Chip, { p1, p2, data }: WholeCommand): CardAnswer {
  const { activeAuthentication: key, session } = chip;
  if (!key) throw new Refusal(SW_INS_NOT_SUPPORTED);
  if (session.access === 'none' || !session.isApplicationSelected) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  if (p1 !== 0 || p2 !== 0) throw new Refusal(SW_INCORRECT_P1_P2);
  if (data.length !== CHALLENGE_BYTES) throw new Refusal(SW_WRONG_LENGTH);
  // A clone has no key to sign this challenge with, and gives what it once heard.
  const challenge = chip.isCloned ? new Uint8Array(CHALLENGE_BYTES) : data;
  return { statusWord: SW_SUCCESS, data: signChallenge(key, challenge, chip.random) };
}

export function signChallenge(
  { privateKey, hash }: ActiveAuthenticationKey,
  challenge: Uint8Array,
  random: (lengthBytes: number) => Uint8Array,
): Uint8Array {
  const digestName = hash.toLowerCase().replace('-', '');
  if (privateKey.asymmetricKeyType === 'ec')
    return new Uint8Array(sign(digestName, challenge, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
  const modulusBytes = (privateKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const trailer = Uint8Array.from(TRAILERS[hash]);
  const digestBytes = createHash(digestName).digest().length;
  const recoverable = random(modulusBytes - 1 - digestBytes - trailer.length);
  const digest = createHash(digestName).update(recoverable).update(challenge).digest();
  const message = concatBytes(Uint8Array.of(HEADER), recoverable, new Uint8Array(digest), trailer);
  return new Uint8Array(privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, message));
}
