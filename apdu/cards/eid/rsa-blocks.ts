/**
 * RSA apart from signatures over digests: PERFORM SECURITY OPERATION, DECIPHER (ISO/IEC 7816-8:2021, section 5.2.12), and signatures over blocks that were padded
 * before. Whether the card takes a padding off is told by the mechanism that EF.CIAInfo names; a card that names none is taken for one that leaves it.
 */
import { concat } from '../../bytes.ts';
import type { CardChannel } from '../../card-channel.ts';
import { AlgorithmNotSupportedError, CardDataError } from '../../errors.ts';
import { MAX_EXTENDED_NE, MAX_SHORT_NE } from '../../iso7816/command-apdu.ts';
import { SW_SUCCESS, SW_WRONG_DATA } from '../../iso7816/status-word.ts';
import { MODULUS_LENGTH } from '../../public-key.ts';
import type { KeyAbility, RsaKeyAlgorithm } from '../../token.ts';
import { deciphers, usageOf } from './keys.ts';
import {
  HABITUAL_REFERENCE,
  INS_PERFORM_SECURITY_OPERATION,
  MECHANISM,
  OPERATION_COMPUTE_SIGNATURE,
  algorithmsFor,
  computeSignature,
  enterDirectoryOf,
  setEnvironment,
  throwRefusal,
  type SigningTools,
  type Told,
} from './signing.ts';

/** Bit of Operations (ISO/IEC 7816-15:2016, section 8.10). */
const OPERATION_DECIPHER = 5;
/** Control reference template for confidentiality (ISO/IEC 7816-4:2020, section 10.3). */
const TEMPLATE_CONFIDENTIALITY = 0xb8;
/** DECIPHER: plain data come out, a padding indicator and a cryptogram go in. */
const P1_PLAIN = 0x80;
const P2_CRYPTOGRAM = 0x86;
/** Nothing is said of how the cryptogram was padded (ISO/IEC 7816-8:2021, table 4). */
const INDICATOR_NONE = 0x00;

/** Undefined where the card names mechanisms, and this is none of them. */
function referenceOf(told: Told, mechanism: number, operation: number): number | undefined {
  const isNaming = told.algorithms.some((row) => row.mechanism > MECHANISM.rsaKeyPair && row.mechanism < MECHANISM.ecdsaKeyPair);
  if (!isNaming) return mechanism === MECHANISM.rsaRaw ? HABITUAL_REFERENCE.get(mechanism) : undefined;
  const found = algorithmsFor(told, operation).find((row) => row.mechanism === mechanism);
  return found && (found.algorithmReference ?? HABITUAL_REFERENCE.get(mechanism));
}

/** A key for signatures that bind a person deciphers nothing, whatever the card would do. */
export function abilitiesOf(told: Told): readonly KeyAbility[] {
  const usage = usageOf(told.object);
  if (told.object.family !== 'rsa') return [];
  const can = (mechanism: number, operation: number): boolean => referenceOf(told, mechanism, operation) !== undefined;
  const isDeciphering = usage !== 'signature' && deciphers(told.object);
  return [
    ...(isDeciphering && can(MECHANISM.rsaRaw, OPERATION_DECIPHER) ? (['decipher'] as const) : []),
    ...(isDeciphering && can(MECHANISM.rsaPkcs1, OPERATION_DECIPHER) ? (['decrypt'] as const) : []),
    ...(usage !== 'key agreement' && can(MECHANISM.rsaRaw, OPERATION_COMPUTE_SIGNATURE) ? (['sign block'] as const) : []),
  ];
}

/** The block with its padding. */
export async function decipher(tools: SigningTools, algorithm: RsaKeyAlgorithm, cryptogram: Uint8Array): Promise<Uint8Array> {
  const { attempt, algorithmReference } = prepare(tools, 'decipher', MECHANISM.rsaRaw, OPERATION_DECIPHER);
  const block = await performDecipher(tools, { attempt, algorithmReference, cryptogram, algorithm });
  if (!block) throw new CardDataError(`${attempt}: card takes the cryptogram for no number below the modulus`);
  return checkLength(attempt, block, MODULUS_LENGTH[algorithm]);
}

/** What was in the block; undefined for padding that does not hold. */
export async function decrypt(
  tools: SigningTools,
  algorithm: RsaKeyAlgorithm,
  cryptogram: Uint8Array,
): Promise<Uint8Array | undefined> {
  const { attempt, algorithmReference } = prepare(tools, 'decrypt', MECHANISM.rsaPkcs1, OPERATION_DECIPHER);
  return await performDecipher(tools, { attempt, algorithmReference, cryptogram, algorithm });
}

export async function signBlock(tools: SigningTools, algorithm: RsaKeyAlgorithm, block: Uint8Array): Promise<Uint8Array> {
  const { files, object } = tools;
  const { attempt, algorithmReference } = prepare(tools, 'sign block', MECHANISM.rsaRaw, OPERATION_COMPUTE_SIGNATURE);
  checkLength(attempt, block, MODULUS_LENGTH[algorithm]);
  await enterDirectoryOf(files, object);
  await setEnvironment(attempt, files.channel, { object, algorithmReference });
  return checkLength(attempt, await computeSignature(attempt, files.channel, block), MODULUS_LENGTH[algorithm]);
}

/** Throws AlgorithmNotSupportedError. */
function prepare(
  tools: SigningTools,
  ability: KeyAbility,
  ...[mechanism, operation]: [number, number]
): { readonly attempt: string; readonly algorithmReference: number } {
  const attempt = `${ability === 'sign block' ? 'signing' : 'deciphering'} with key ${tools.object.id}`;
  const algorithmReference = abilitiesOf(tools).includes(ability) ? referenceOf(tools, mechanism, operation) : undefined;
  if (algorithmReference !== undefined) return { attempt, algorithmReference };
  throw new AlgorithmNotSupportedError(`${attempt}: the card does not do it`);
}

interface Cryptogram {
  readonly attempt: string;
  readonly algorithmReference: number;
  readonly algorithm: RsaKeyAlgorithm;
  readonly cryptogram: Uint8Array;
}

/** Undefined for one that the card finds wrong in itself. */
async function performDecipher(
  { files, object }: SigningTools,
  { attempt, algorithmReference, algorithm, cryptogram }: Cryptogram,
): Promise<Uint8Array | undefined> {
  checkLength(attempt, cryptogram, MODULUS_LENGTH[algorithm]);
  await enterDirectoryOf(files, object);
  await setEnvironment(attempt, files.channel, { object, algorithmReference, template: TEMPLATE_CONFIDENTIALITY });
  const { statusWord, data } = await exchangeCryptogram(files.channel, cryptogram);
  if (statusWord === SW_SUCCESS) return data;
  if (statusWord === SW_WRONG_DATA) return undefined;
  throwRefusal(attempt, INS_PERFORM_SECURITY_OPERATION, statusWord);
}

function exchangeCryptogram(channel: CardChannel, cryptogram: Uint8Array): ReturnType<CardChannel['exchange']> {
  return channel.exchange({
    cla: 0x00,
    ins: INS_PERFORM_SECURITY_OPERATION,
    p1: P1_PLAIN,
    p2: P2_CRYPTOGRAM,
    data: concat(Uint8Array.of(INDICATOR_NONE), cryptogram),
    ne: channel.supportsExtendedLength ? MAX_EXTENDED_NE : MAX_SHORT_NE,
    sensitive: true,
  });
}

function checkLength(attempt: string, bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new CardDataError(`${attempt}: ${bytes.length} bytes where ${length} belong`);
  return bytes;
}
