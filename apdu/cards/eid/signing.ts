/**
 * Signatures: MANAGE SECURITY ENVIRONMENT and PERFORM SECURITY OPERATION (ISO/IEC 7816-4:2020, section 11.6.11; ISO/IEC 7816-8:2016, section 5.5).
 * The standards leave two things to each card: the number of an algorithm, and who pads. EF.CIAInfo may tell both; where it does not, `ALGORITHM_HABITS`
 * stands in.
 */
import type { CardChannel } from '../../card-channel.ts';
import {
  AlgorithmNotSupportedError,
  CardDataError,
  KeyNotFoundError,
  NotSupportedByCardError,
  SecurityStatusError,
  StatusWordError,
} from '../../errors.ts';
import { MAX_EXTENDED_NE, MAX_SHORT_NE } from '../../iso7816/command-apdu.ts';
import type { ResponseApdu } from '../../iso7816/response-apdu.ts';
import {
  SW_FILE_NOT_FOUND,
  SW_FUNCTION_NOT_SUPPORTED,
  SW_INCORRECT_P1_P2,
  SW_INS_NOT_SUPPORTED,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
  SW_WRONG_DATA,
  SW_WRONG_LENGTH,
} from '../../iso7816/status-word.ts';
import { parseHex, concat } from '../../bytes.ts';
import { COORDINATE_LENGTH, MODULUS_LENGTH } from '../../public-key.ts';
import {
  PKCS1_OVERHEAD,
  SIGNATURE_SCHEMES,
  ecdsaFromDer,
  encodePkcs1,
  encodePss,
  fitsKey,
  padPkcs1,
} from '../../signature-encoding.ts';
import { encodeTlv } from '../../tlv/ber-tlv.ts';
import type { KeyAlgorithm, RsaKeyAlgorithm, SignatureAlgorithm, SigningKey } from '../../token.ts';
import type { CardAlgorithm } from './card-information.ts';
import type { CardFiles } from './files.ts';
import { deciphers, usageOf, type KeyObject } from './keys.ts';
import { isAbsolute, parentOf } from './path.ts';

const INS_MANAGE_SECURITY_ENVIRONMENT = 0x22;
export const INS_PERFORM_SECURITY_OPERATION = 0x2a;
/** SET for computation, decipherment, internal authentication (ISO/IEC 7816-4:2020, section 11.6.11, table 112). */
const P1_SET_COMPUTATION = 0x41;
/** Control reference templates and what stands in them (section 10.3). */
const TEMPLATE_DIGITAL_SIGNATURE = 0xb6;
const TAG_ALGORITHM = 0x80;
const TAG_FILE = 0x81;
const TAG_PRIVATE_KEY = 0x84;
/** COMPUTE DIGITAL SIGNATURE: a signature comes out, what is to be signed goes in (ISO/IEC 7816-8:2016, section 5.5.3). */
const P1_DIGITAL_SIGNATURE = 0x9e;
const P2_SIGNATURE_INPUT = 0x9a;

/** What PSO is given: the padded block, DigestInfo that the card pads, or the digest alone. */
type SignatureInput = 'block' | 'digest info' | 'digest';

/** A way in which the card makes a signature. */
interface SignatureWay {
  readonly input: SignatureInput;
  /** Tag 80 of MSE SET. */
  readonly algorithmReference: number;
}

/** CKM_… (PKCS #11 v3.1, section 2.1 and 2.3), as EF.CIAInfo names algorithms. */
export const MECHANISM = {
  rsaKeyPair: 0x0000,
  rsaPkcs1: 0x0001,
  rsaRaw: 0x0003,
  rsaPss: 0x000d,
  ecdsaKeyPair: 0x1040,
  ecdsa: 0x1041,
} as const;
const MECHANISMS_WITH_HASH: Readonly<Record<SignatureAlgorithm, number>> = {
  RS256: 0x0040,
  RS384: 0x0041,
  RS512: 0x0042,
  PS256: 0x0043,
  PS384: 0x0044,
  PS512: 0x0045,
  ES256: 0x1044,
  ES384: 0x1045,
};

/**
 * For each family, the mechanisms that can make the signature, best first: those whose input leaves no doubt, and of these the shortest. A mechanism with a
 * hash is given the digest: a card that wants the whole message is not known.
 */
const WAYS: Readonly<
  Record<'pkcs1' | 'pss' | 'ecdsa', readonly (readonly [mechanism: number | 'with hash', input: SignatureInput])[]>
> = {
  pkcs1: [
    [MECHANISM.rsaPkcs1, 'digest info'],
    ['with hash', 'digest'],
    [MECHANISM.rsaRaw, 'block'],
  ],
  pss: [
    ['with hash', 'digest'],
    [MECHANISM.rsaRaw, 'block'],
    [MECHANISM.rsaPss, 'digest'],
  ],
  ecdsa: [
    [MECHANISM.ecdsa, 'digest'],
    ['with hash', 'digest'],
    [MECHANISM.ecdsaKeyPair, 'digest'], // a key pair's mechanism, with the operation "compute signature", stands on some cards for ECDSA
  ],
};

/**
 * Numbers for cards that name no algorithm. RSA 02 (the card pads DigestInfo) and 00 (the host pads) are those of SetCOS, MyEID and IDPrime; EC 04 is MyEID's.
 * Unconfirmed for Swedish cards: their EF.CIAInfo is not public.
 */
export const ALGORITHM_HABITS: Readonly<Record<'pkcs1' | 'pss' | 'ecdsa', SignatureWay>> = {
  pkcs1: { input: 'digest info', algorithmReference: 0x02 },
  pss: { input: 'block', algorithmReference: 0x00 },
  ecdsa: { input: 'digest', algorithmReference: 0x04 },
};
/** For mechanisms that EF.CIAInfo names without a number. */
export const HABITUAL_REFERENCE: ReadonlyMap<number, number> = new Map([
  [MECHANISM.rsaPkcs1, 0x02],
  [MECHANISM.rsaRaw, 0x00],
  [MECHANISM.ecdsa, 0x04],
]);

/** Bits of Operations (ISO/IEC 7816-15:2016, section 8.10). */
export const OPERATION_COMPUTE_SIGNATURE = 1;
const DIGEST_INFO_END_OF_PADDING = 0x00;

export interface SigningTools {
  readonly files: CardFiles;
  /** What the card's directory tells of the key. */
  readonly object: KeyObject;
  /** What EF.CIAInfo names. */
  readonly algorithms: readonly CardAlgorithm[];
  readonly randomBytes: (length: number) => Uint8Array;
}

/** Signs a digest of the algorithm's length. The card must have verified the PIN that the key wants. */
export async function sign(
  tools: SigningTools,
  key: SigningKey,
  algorithm: SignatureAlgorithm,
  digest: Uint8Array,
): Promise<Uint8Array> {
  const { files, object } = tools;
  const attempt = `signing with key ${key.keyReference}`;
  const scheme = SIGNATURE_SCHEMES[algorithm];
  if (!fitsKey(algorithm, key.algorithm))
    throw new AlgorithmNotSupportedError(`${attempt}: ${algorithm} does not go with an ${key.algorithm} key`);
  if (digest.length !== scheme.digestLength)
    throw new AlgorithmNotSupportedError(`${attempt}: ${algorithm} signs ${scheme.digestLength} bytes, not ${digest.length}`);
  if (usageOf(object) === 'key agreement')
    throw new NotSupportedByCardError(
      `${attempt}: the card has it for ${deciphers(object) ? 'deciphering' : 'agreeing on secrets'} only`,
    );
  const way = chooseWay(attempt, tools, key.algorithm, algorithm);
  await enterDirectoryOf(files, object);
  await setEnvironment(attempt, files.channel, { object, algorithmReference: way.algorithmReference });
  const input = encodeInput(way.input, key.algorithm, algorithm, digest, tools.randomBytes);
  const signature = await computeSignature(attempt, files.channel, input);
  return normalise(attempt, key.algorithm, signature);
}

/** RSA over content that is padded as it is. A card that puts its own DigestInfo around a digest cannot do it. */
export async function signPadded(
  tools: SigningTools,
  keyReference: string,
  algorithm: RsaKeyAlgorithm,
  content: Uint8Array,
): Promise<Uint8Array> {
  const { files, object } = tools;
  const attempt = `signing with key ${keyReference}`;
  const modulusLength = MODULUS_LENGTH[algorithm];
  const way = findWay(tools, algorithm, 'RS256').way;
  if (usageOf(object) === 'key agreement' || !way || way.input === 'digest' || content.length > modulusLength - PKCS1_OVERHEAD)
    throw new AlgorithmNotSupportedError(`${attempt}: the card does not sign ${content.length} bytes as they are`);
  await enterDirectoryOf(files, object);
  await setEnvironment(attempt, files.channel, { object, algorithmReference: way.algorithmReference });
  const input = way.input === 'block' ? padPkcs1(content, modulusLength) : content;
  return normalise(attempt, algorithm, await computeSignature(attempt, files.channel, input));
}

/** The reference of a key holds in the DF of its path. */
export async function enterDirectoryOf(files: CardFiles, { path }: KeyObject): Promise<void> {
  const directory = path && isAbsolute(path.file) ? parentOf(path.file) : '';
  await files.enter(files.isElsewhere(directory) ? directory : '');
}

export type Told = Pick<SigningTools, 'object' | 'algorithms'>;

/** The signatures that the card's own list lets the key make; undefined where it lists nothing for keys of its kind. */
export function signatureAlgorithmsOf(told: Told, key: KeyAlgorithm): readonly SignatureAlgorithm[] | undefined {
  if (usageOf(told.object) === 'key agreement') return [];
  const fitting = (Object.keys(SIGNATURE_SCHEMES) as SignatureAlgorithm[]).filter((algorithm) => fitsKey(algorithm, key));
  const ways = fitting.map((algorithm) => [algorithm, findWay(told, key, algorithm)] as const);
  if (ways.every(([, { isTold }]) => !isTold)) return undefined;
  return ways.flatMap(([algorithm, { way }]) => (way ? [algorithm] : []));
}

function chooseWay(attempt: string, told: Told, key: KeyAlgorithm, algorithm: SignatureAlgorithm): SignatureWay {
  const { way } = findWay(told, key, algorithm);
  if (way) return way;
  throw new AlgorithmNotSupportedError(`${attempt}: the card names its algorithms, and ${algorithm} is none of them`);
}

/** As the card names its algorithms; those that the key does not do, or that do not sign, are left out. A card that names none is taken for a usual one. */
function findWay(
  { object, algorithms }: Told,
  key: KeyAlgorithm,
  algorithm: SignatureAlgorithm,
): { readonly way?: SignatureWay; readonly isTold: boolean } {
  const { family } = SIGNATURE_SCHEMES[algorithm];
  const named = algorithmsFor({ object, algorithms }, OPERATION_COMPUTE_SIGNATURE).filter(
    ({ curve }) => curve === undefined || curve === key,
  );
  const ours = named.filter(({ mechanism }) => mechanism >= MECHANISM.ecdsaKeyPair === (family === 'ecdsa'));
  for (const [wanted, input] of WAYS[family]) {
    const found = ours.find(({ mechanism }) => mechanism === (wanted === 'with hash' ? MECHANISMS_WITH_HASH[algorithm] : wanted));
    const algorithmReference = found && (found.algorithmReference ?? HABITUAL_REFERENCE.get(found.mechanism));
    if (algorithmReference !== undefined) return { way: { input, algorithmReference }, isTold: true };
  }
  return ours.length > 0 ? { isTold: true } : { way: ALGORITHM_HABITS[family], isTold: false };
}

/** What the card names for an operation with the key; a row that tells no operations is for any. */
export function algorithmsFor({ object, algorithms }: Told, operation: number): readonly CardAlgorithm[] {
  return algorithms.filter(
    ({ reference, operations }) =>
      (object.algorithms.length === 0 || object.algorithms.includes(reference)) &&
      (operations.size === 0 || operations.has(operation)),
  );
}

/**
 * By its key reference, as most cards have it; on a card that will not, by its file, or by both. Which of the two a card goes by is nowhere written on it.
 */
export async function setEnvironment(
  attempt: string,
  channel: CardChannel,
  {
    object,
    algorithmReference,
    template = TEMPLATE_DIGITAL_SIGNATURE,
  }: { readonly object: KeyObject; readonly algorithmReference?: number | undefined; readonly template?: number },
): Promise<void> {
  const algorithm =
    algorithmReference === undefined ? new Uint8Array() : encodeTlv(TAG_ALGORITHM, Uint8Array.of(algorithmReference));
  const reference = object.reference === undefined ? undefined : encodeTlv(TAG_PRIVATE_KEY, Uint8Array.of(object.reference));
  const file =
    object.path && object.path.file.length >= 4 ? encodeTlv(TAG_FILE, parseHex(object.path.file.slice(-4))) : undefined;
  const namings = [reference, file, reference && file && concat(file, reference)].filter((naming) => naming !== undefined);
  let statusWord: number = SW_REFERENCED_DATA_NOT_FOUND;
  for (const naming of namings) {
    const response = await channel.exchange({
      cla: 0x00,
      ins: INS_MANAGE_SECURITY_ENVIRONMENT,
      p1: P1_SET_COMPUTATION,
      p2: template,
      data: concat(algorithm, naming),
    });
    ({ statusWord } = response);
    if (statusWord === SW_SUCCESS) return;
    if (!REFUSES_NAMING.has(statusWord)) break;
  }
  throwRefusal(attempt, INS_MANAGE_SECURITY_ENVIRONMENT, statusWord);
}

const REFUSES_NAMING: ReadonlySet<number> = new Set([
  SW_WRONG_DATA,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_FILE_NOT_FOUND,
  SW_WRONG_LENGTH,
]);

function encodeInput(
  input: SignatureInput,
  key: KeyAlgorithm,
  algorithm: SignatureAlgorithm,
  digest: Uint8Array,
  randomBytes: (length: number) => Uint8Array,
): Uint8Array {
  const { family, hash, digestLength } = SIGNATURE_SCHEMES[algorithm];
  if (input === 'digest' || key === 'P-256' || key === 'P-384') return digest;
  const modulusLength = MODULUS_LENGTH[key];
  if (family === 'pss') return encodePss(hash, digest, randomBytes(digestLength), modulusLength);
  const block = encodePkcs1(hash, digest, modulusLength);
  return input === 'block' ? block : block.subarray(block.indexOf(DIGEST_INFO_END_OF_PADDING, 2) + 1);
}

export async function computeSignature(attempt: string, channel: CardChannel, data: Uint8Array): Promise<Uint8Array> {
  const response: ResponseApdu = await channel.exchange({
    cla: 0x00,
    ins: INS_PERFORM_SECURITY_OPERATION,
    p1: P1_DIGITAL_SIGNATURE,
    p2: P2_SIGNATURE_INPUT,
    data,
    ne: channel.supportsExtendedLength ? MAX_EXTENDED_NE : MAX_SHORT_NE,
  });
  if (response.statusWord !== SW_SUCCESS) throwRefusal(attempt, INS_PERFORM_SECURITY_OPERATION, response.statusWord);
  return response.data;
}

export function throwRefusal(attempt: string, instruction: number, statusWord: number): never {
  const fields = { statusWord, instruction };
  switch (statusWord) {
    case SW_SECURITY_STATUS_NOT_SATISFIED:
      throw new SecurityStatusError(`${attempt}: card wants a PIN first`, fields);
    case SW_REFERENCED_DATA_NOT_FOUND:
    case SW_FILE_NOT_FOUND:
      throw new KeyNotFoundError(`${attempt}: card has no such key`, fields);
    case SW_WRONG_DATA:
    case SW_WRONG_LENGTH:
    case SW_FUNCTION_NOT_SUPPORTED:
    case SW_INCORRECT_P1_P2:
      throw new AlgorithmNotSupportedError(`${attempt}: card does not make such a signature`, fields);
    case SW_INS_NOT_SUPPORTED:
      throw new NotSupportedByCardError(`${attempt}: card does not let this key sign`, fields);
    default:
      throw new StatusWordError(attempt, statusWord, instruction);
  }
}

/** r‖s, from r‖s or from DER: the length tells, since DER of just that length would want several leading zeros in r or s. */
function normalise(attempt: string, key: KeyAlgorithm, signature: Uint8Array): Uint8Array {
  if (key === 'P-256' || key === 'P-384') {
    const coordinate = COORDINATE_LENGTH[key];
    return signature.length === 2 * coordinate ? signature : ecdsaFromDer(signature, coordinate);
  }
  if (signature.length === MODULUS_LENGTH[key]) return signature;
  throw new CardDataError(`${attempt}: ${signature.length} bytes where ${MODULUS_LENGTH[key]} belong`);
}
