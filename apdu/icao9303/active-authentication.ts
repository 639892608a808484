/**
 * Active Authentication (ICAO Doc 9303-11, section 6.1): the chip signs what the reader drew, by the key whose public half DG15 has. RSA by ISO/IEC 9796-2:2010, scheme 1,
 * where the message comes out of the signature; or plain ECDSA (BSI TR-03111, section 4.2.1).
 */
import { constants, createHash, createPublicKey, publicDecrypt, verify, type KeyObject } from 'node:crypto';
import { concat, equalBytes, formatHex } from '../bytes.ts';
import { CardDataError, StatusWordError } from '../errors.ts';
import type { Exchange } from '../iso7816/exchange.ts';
import { MAX_SHORT_NE } from '../iso7816/command-apdu.ts';
import { SW_SUCCESS } from '../iso7816/status-word.ts';
import type { SecurityInfo } from './security-infos.ts';

const INS_INTERNAL_AUTHENTICATE = 0x88;
const CHALLENGE_LENGTH = 8;
const ATTEMPT = 'proving the chip by active authentication';
/** The first byte of what is recovered, and the trailers with and without a number of the hash (ISO/IEC 9796-2:2010, sections 8.1 and 9.2). */
const HEADER = 0x6a;
const TRAILER_IMPLICIT = 0xbc;
const TRAILER_EXPLICIT = 0xcc;
/** Numbers of hashes in a trailer (ISO/IEC 10118-3:2018, section 6). */
const TRAILER_HASHES: Readonly<Record<number, string>> = {
  0x33: 'sha1',
  0x34: 'sha256',
  0x35: 'sha512',
  0x36: 'sha384',
  0x38: 'sha224',
};
/** ActiveAuthenticationInfo, 2.23.136.1.1.5, names the hash of ECDSA (9303-11, section 9.2.4); BSI TR-03111's identifiers of plain ECDSA. */
const ACTIVE_AUTHENTICATION = '678108010105';
const ECDSA_HASHES: Readonly<Record<number, string>> = { 1: 'sha1', 2: 'sha224', 3: 'sha256', 4: 'sha384', 5: 'sha512' };
const PLAIN_ECDSA = '04007F000701010401';
const TAG_OBJECT_IDENTIFIER = 0x06;

/** True when the signature is the key's. `publicKey` is SubjectPublicKeyInfo as DG15 has it; `infos` are those of DG14, if it is there. Throws StatusWordError, CardDataError. */
export async function performActiveAuthentication(
  exchange: Exchange,
  publicKey: Uint8Array,
  options: {
    readonly infos: readonly SecurityInfo[];
    readonly randomBytes: (length: number) => Uint8Array;
    readonly ne?: number;
  },
): Promise<boolean> {
  const challenge = options.randomBytes(CHALLENGE_LENGTH);
  const ne = options.ne ?? MAX_SHORT_NE;
  const command = { cla: 0x00, ins: INS_INTERNAL_AUTHENTICATE, p1: 0x00, p2: 0x00, data: challenge, ne };
  const { data, statusWord } = await exchange(command);
  if (statusWord !== SW_SUCCESS) throw new StatusWordError(ATTEMPT, statusWord, INS_INTERNAL_AUTHENTICATE);
  const key = importKey(publicKey);
  return key.asymmetricKeyType === 'rsa'
    ? isRecovered(key, data, challenge)
    : isPlainEcdsa(key, data, challenge, hashOf(options.infos));
}

function importKey(publicKey: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  } catch (error) {
    throw new CardDataError(`${ATTEMPT}: DG15 has no public key that can be used`, {}, { cause: error });
  }
}

function isRecovered(key: KeyObject, signature: Uint8Array, challenge: Uint8Array): boolean {
  let message: Uint8Array;
  try {
    message = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    return false; // of another length, or not below the modulus
  }
  const last = message.at(-1);
  const trailerLength = last === TRAILER_IMPLICIT ? 1 : 2;
  const hash = last === TRAILER_IMPLICIT ? 'sha1' : last === TRAILER_EXPLICIT ? TRAILER_HASHES[message.at(-2) ?? 0] : undefined;
  if (message[0] !== HEADER || hash === undefined) return false;
  const digestLength = createHash(hash).digest().length;
  const digestAt = message.length - trailerLength - digestLength;
  if (digestAt < 1) return false;
  const recovered = message.subarray(1, digestAt);
  const expected = createHash(hash).update(concat(recovered, challenge)).digest();
  return equalBytes(expected, message.subarray(digestAt, digestAt + digestLength));
}

function isPlainEcdsa(key: KeyObject, signature: Uint8Array, challenge: Uint8Array, named: string | undefined): boolean {
  const hash = named ?? 'sha1';
  // A few chips give a signature in DER.
  return (
    verify(hash, challenge, { key, dsaEncoding: 'ieee-p1363' }, signature) ||
    verify(hash, challenge, { key, dsaEncoding: 'der' }, signature)
  );
}

function hashOf(infos: readonly SecurityInfo[]): string | undefined {
  const algorithm = infos.find(({ protocol }) => formatHex(protocol) === ACTIVE_AUTHENTICATION)?.optional;
  if (algorithm?.tag !== TAG_OBJECT_IDENTIFIER || formatHex(algorithm.value.subarray(0, -1)) !== PLAIN_ECDSA) return undefined;
  return ECDSA_HASHES[algorithm.value.at(-1) ?? 0];
}
