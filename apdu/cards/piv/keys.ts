/** Private-key operations and key generation of PIV (NIST SP 800-73-5 part 2, sections 3.2.4 and 3.3.2). */
import { concat } from '../../bytes.ts';
import type { CardChannel } from '../../card-channel.ts';
import {
  AlgorithmNotSupportedError,
  CardDataError,
  KeyNotFoundError,
  SecurityStatusError,
  StatusWordError,
} from '../../errors.ts';
import {
  SW_FILE_NOT_FOUND,
  SW_FUNCTION_NOT_SUPPORTED,
  SW_INCORRECT_P1_P2,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
  SW_WRONG_DATA,
} from '../../iso7816/status-word.ts';
import { COORDINATE_LENGTH, MODULUS_LENGTH, encodeEllipticPublicKey, encodeRsaPublicKey } from '../../public-key.ts';
import {
  PKCS1_OVERHEAD,
  SIGNATURE_SCHEMES,
  ecdsaFromDer,
  encodePkcs1,
  encodePss,
  fitsKey,
  padPkcs1,
} from '../../signature-encoding.ts';
import { TlvError, decodeTlv, encodeTlv, requireTlv } from '../../tlv/ber-tlv.ts';
import type {
  EllipticKeyAlgorithm,
  GenerateKeyOptions,
  KeyAbility,
  KeyAlgorithm,
  KeyUsage,
  PinPolicy,
  RsaKeyAlgorithm,
  SignatureAlgorithm,
  SigningKey,
  TouchPolicy,
} from '../../token.ts';
import {
  ALGORITHM_IDS,
  INS_GENERAL_AUTHENTICATE,
  INS_GENERATE_ASYMMETRIC_KEY_PAIR,
  TAG_CHALLENGE,
  TAG_CONTROL_REFERENCE,
  TAG_DYNAMIC_AUTHENTICATION,
  TAG_EXPONENTIATION,
  TAG_MECHANISM,
  TAG_MODULUS,
  TAG_POINT,
  TAG_PUBLIC_EXPONENT,
  TAG_PUBLIC_KEY,
  TAG_RESPONSE,
  TAG_YUBICO_PIN_POLICY,
  TAG_YUBICO_TOUCH_POLICY,
} from './constants.ts';
import { wholeNe } from './data.ts';
import { readTemplate } from './management-key.ts';

/** Yubico .NET SDK, users-manual/application-piv/apdu/generate-pair: values of AA and AB. */
const PIN_POLICY_VALUES: Readonly<Record<PinPolicy, number>> = { never: 1, once: 2, always: 3 };
const TOUCH_POLICY_VALUES: Readonly<Record<TouchPolicy, number>> = { never: 1, always: 2, cached: 3 };

/** Signs a digest of the algorithm's length. The card must have verified the PIN that the key wants. */
export async function sign(
  channel: CardChannel,
  key: SigningKey,
  algorithm: SignatureAlgorithm,
  digest: Uint8Array,
  randomBytes: (length: number) => Uint8Array,
): Promise<Uint8Array> {
  const scheme = SIGNATURE_SCHEMES[algorithm];
  const attempt = `signing with key ${key.keyReference}`;
  if (!fitsKey(algorithm, key.algorithm))
    throw new AlgorithmNotSupportedError(`${attempt}: ${algorithm} does not go with an ${key.algorithm} key`);
  if (digest.length !== scheme.digestLength)
    throw new AlgorithmNotSupportedError(`${attempt}: ${algorithm} signs ${scheme.digestLength} bytes, not ${digest.length}`);
  if (isElliptic(key.algorithm)) {
    const der = await usePrivateKey(channel, key, { attempt, tag: TAG_CHALLENGE, input: digest });
    return ecdsaFromDer(der, COORDINATE_LENGTH[key.algorithm]);
  }
  const modulusLength = MODULUS_LENGTH[key.algorithm];
  const input =
    scheme.family === 'pss'
      ? encodePss(scheme.hash, digest, randomBytes(scheme.digestLength), modulusLength)
      : encodePkcs1(scheme.hash, digest, modulusLength);
  return checkLength(attempt, await usePrivateKey(channel, key, { attempt, tag: TAG_CHALLENGE, input }), modulusLength);
}

/** RSA over content that is padded as it is. */
export async function signPadded(
  channel: CardChannel,
  keyReference: string,
  algorithm: RsaKeyAlgorithm,
  content: Uint8Array,
): Promise<Uint8Array> {
  const attempt = `signing with key ${keyReference}`;
  const modulusLength = MODULUS_LENGTH[algorithm];
  if (content.length > modulusLength - PKCS1_OVERHEAD)
    throw new AlgorithmNotSupportedError(`${attempt}: ${content.length} bytes are too long for it`);
  const input = padPkcs1(content, modulusLength);
  const signature = await usePrivateKey(channel, { keyReference, algorithm }, { attempt, tag: TAG_CHALLENGE, input });
  return checkLength(attempt, signature, modulusLength);
}

/** RSA over a block that was padded before. */
export async function signBlock(
  channel: CardChannel,
  keyReference: string,
  algorithm: RsaKeyAlgorithm,
  block: Uint8Array,
): Promise<Uint8Array> {
  const attempt = `signing with key ${keyReference}`;
  const input = checkLength(attempt, block, MODULUS_LENGTH[algorithm]);
  const signature = await usePrivateKey(channel, { keyReference, algorithm }, { attempt, tag: TAG_CHALLENGE, input });
  return checkLength(attempt, signature, MODULUS_LENGTH[algorithm]);
}

/** The card knows no padding: whatever its use, an RSA key takes any block (NIST SP 800-73-5 part 2, section 3.2.4). Keys for signatures are not for decryption. */
export function abilitiesOf(usage: KeyUsage, algorithm: KeyAlgorithm): readonly KeyAbility[] {
  const isAgreement = usage === 'key agreement';
  if (isElliptic(algorithm)) return isAgreement ? ['agree'] : [];
  return isAgreement ? ['decipher', 'sign block'] : ['sign block'];
}

/** ECDH: resolves with the x-coordinate of the shared point. */
export async function agree(
  channel: CardChannel,
  keyReference: string,
  algorithm: EllipticKeyAlgorithm,
  peerPublicKey: Uint8Array,
): Promise<Uint8Array> {
  const attempt = `agreeing on a secret with key ${keyReference}`;
  encodeEllipticPublicKey(algorithm, peerPublicKey); // refuses a point that is not on the curve
  const shared = await usePrivateKey(
    channel,
    { keyReference, algorithm },
    { attempt, tag: TAG_EXPONENTIATION, input: peerPublicKey, sensitive: true },
  );
  return checkLength(attempt, shared, COORDINATE_LENGTH[algorithm]);
}

/** The RSA primitive: the padding is the caller's to remove. */
export async function decipher(
  channel: CardChannel,
  keyReference: string,
  algorithm: RsaKeyAlgorithm,
  cryptogram: Uint8Array,
): Promise<Uint8Array> {
  const attempt = `deciphering with key ${keyReference}`;
  const input = checkLength(attempt, cryptogram, MODULUS_LENGTH[algorithm]);
  return checkLength(
    attempt,
    await usePrivateKey(channel, { keyReference, algorithm }, { attempt, tag: TAG_CHALLENGE, input, sensitive: true }),
    MODULUS_LENGTH[algorithm],
  );
}

/** Resolves with SubjectPublicKeyInfo, DER. Needs the management key. */
export async function generateKey(channel: CardChannel, options: GenerateKeyOptions): Promise<Uint8Array> {
  const attempt = `generating an ${options.algorithm} key in ${options.keyReference}`;
  const parts = [encodeTlv(TAG_MECHANISM, Uint8Array.of(ALGORITHM_IDS[options.algorithm]))];
  if (options.pinPolicy) parts.push(encodeTlv(TAG_YUBICO_PIN_POLICY, Uint8Array.of(PIN_POLICY_VALUES[options.pinPolicy])));
  if (options.touchPolicy)
    parts.push(encodeTlv(TAG_YUBICO_TOUCH_POLICY, Uint8Array.of(TOUCH_POLICY_VALUES[options.touchPolicy])));
  const response = await channel.exchange({
    cla: 0x00,
    ins: INS_GENERATE_ASYMMETRIC_KEY_PAIR,
    p1: 0x00,
    p2: Number.parseInt(options.keyReference, 16),
    data: encodeTlv(TAG_CONTROL_REFERENCE, ...parts),
    ne: wholeNe(channel),
    sensitive: true,
  });
  const fields = { statusWord: response.statusWord, instruction: INS_GENERATE_ASYMMETRIC_KEY_PAIR };
  switch (response.statusWord) {
    case SW_SUCCESS:
      return decodePublicKey(attempt, options.algorithm, response.data);
    case SW_SECURITY_STATUS_NOT_SATISFIED:
      throw new SecurityStatusError(`${attempt}: card wants the management key first`, fields);
    case SW_WRONG_DATA:
    case SW_FUNCTION_NOT_SUPPORTED:
    case SW_INCORRECT_P1_P2:
      throw new AlgorithmNotSupportedError(`${attempt}: card does not make such a key there`, fields);
    default:
      throw new StatusWordError(attempt, response.statusWord, INS_GENERATE_ASYMMETRIC_KEY_PAIR);
  }
}

/** SubjectPublicKeyInfo out of 7F49, or out of its content alone (metadata). */
export function decodePublicKey(attempt: string, algorithm: KeyAlgorithm, data: Uint8Array): Uint8Array {
  try {
    const objects = decodeTlv(data);
    const template = objects.find((object) => object.tag === TAG_PUBLIC_KEY);
    const content = template ? decodeTlv(template.value) : objects;
    if (isElliptic(algorithm)) return encodeEllipticPublicKey(algorithm, requireTlv(content, TAG_POINT));
    const modulus = requireTlv(content, TAG_MODULUS);
    checkLength(attempt, modulus, MODULUS_LENGTH[algorithm]);
    return encodeRsaPublicKey(modulus, requireTlv(content, TAG_PUBLIC_EXPONENT));
  } catch (error) {
    if (error instanceof TlvError) throw new CardDataError(`${attempt}: ${error.message}`, {}, { cause: error });
    throw error;
  }
}

function isElliptic(algorithm: KeyAlgorithm): algorithm is EllipticKeyAlgorithm {
  return algorithm === 'P-256' || algorithm === 'P-384';
}

interface PrivateKeyUse {
  readonly attempt: string;
  /** What the input is: a challenge (sign, decipher) or an exponentiation (ECDH). */
  readonly tag: number;
  readonly input: Uint8Array;
  /** What comes back is secret: a shared secret, a deciphered block. */
  readonly sensitive?: boolean;
}

async function usePrivateKey(
  channel: CardChannel,
  key: SigningKey,
  { attempt, tag, input, sensitive }: PrivateKeyUse,
): Promise<Uint8Array> {
  const response = await channel.exchange({
    cla: 0x00,
    ins: INS_GENERAL_AUTHENTICATE,
    p1: ALGORITHM_IDS[key.algorithm],
    p2: Number.parseInt(key.keyReference, 16),
    data: encodeTlv(TAG_DYNAMIC_AUTHENTICATION, concat(encodeTlv(TAG_RESPONSE), encodeTlv(tag, input))),
    ne: wholeNe(channel),
    ...(sensitive ? { sensitive } : {}),
  });
  const fields = { statusWord: response.statusWord, instruction: INS_GENERAL_AUTHENTICATE };
  switch (response.statusWord) {
    case SW_SUCCESS:
      return readTemplate(attempt, response.data, TAG_RESPONSE);
    case SW_SECURITY_STATUS_NOT_SATISFIED:
      throw new SecurityStatusError(`${attempt}: card wants a PIN first`, fields);
    case SW_REFERENCED_DATA_NOT_FOUND:
    case SW_FILE_NOT_FOUND:
      throw new KeyNotFoundError(`${attempt}: card has no key there`, fields);
    case SW_WRONG_DATA:
    case SW_INCORRECT_P1_P2:
      throw new KeyNotFoundError(`${attempt}: card has no ${key.algorithm} key there`, fields);
    default:
      throw new StatusWordError(attempt, response.statusWord, INS_GENERAL_AUTHENTICATE);
  }
}

function checkLength(attempt: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new CardDataError(`${attempt}: ${bytes.length} bytes where ${length} belong`);
  return bytes;
}
