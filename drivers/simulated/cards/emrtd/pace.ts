/** PACE, the chip's part (ICAO Doc 9303-11, section 4.4): MSE:SET AT chooses, four steps of GENERAL AUTHENTICATE agree. Any step out of order ends the run. */
import { createHash } from 'node:crypto';
import {
  SW_AUTHENTICATION_METHOD_BLOCKED,
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SUCCESS,
  SW_WRONG_DATA,
} from '../../../../apdu/iso7816/status-word.ts';
import { decodeTlv, encodeTlv, findTlv, requireTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { NO_BYTES, bigIntToBytes, bytesToBigInt, concatBytes, equalBytes } from '../../bytes.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import type { Chip, PaceVariant, WholeCommand } from './chip.ts';
import { FOR_AUTHENTICATION, FOR_ENCRYPTION, FOR_PASSWORD, SUITES, deriveKey, padBlocks, type Suite } from './cipher.ts';
import {
  SW_AUTHENTICATION_FAILED,
  SW_TRIES_LEFT,
  TAG_CHIP_AUTHENTICATION_DATA,
  TAG_DYNAMIC_DATA,
  TAG_EPHEMERAL_KEY,
  TAG_MAPPING,
  TAG_NONCE,
  TAG_TOKEN,
} from './constants.ts';
import { drawScalar, groupOf, power, type Group } from './groups.ts';
import { expandNonces } from './integrated-mapping.ts';
import { paceOid } from './protocols.ts';
import { SecureChannel } from './secure-channel.ts';

/** Data objects of MSE:SET AT (section 4.4.4.1). */
const TAG_PROTOCOL = 0x80;
const TAG_PASSWORD = 0x83;
const TAG_PARAMETERS = 0x84;
const PASSWORD_MRZ = 1;
const PASSWORD_CAN = 2;
/** Of the authentication token (section 4.4.3.4). */
const TAG_PUBLIC_KEY = 0x7f49;
const TAG_POINT = 0x86;
const TAG_DH_KEY = 0x84;

/** What a run has come to. */
export interface PaceRun {
  readonly variant: PaceVariant;
  readonly suite: Suite;
  readonly group: Group;
  readonly isCan: boolean;
  /** The tag that the next step must have; 0 for an empty one. */
  expects: number;
  nonce: Uint8Array;
  generator: Uint8Array;
  mappingScalar: bigint;
  ownKey: Uint8Array;
  readerKey: Uint8Array;
  secret: Uint8Array;
}

/** `22 C1 A4`. */
export function setPace(chip: Chip, { data }: WholeCommand): CardAnswer {
  const { session } = chip;
  session.pace = undefined;
  if (session.isApplicationSelected) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  const objects = decodeTlv(data);
  const variant = findVariant(chip, requireTlv(objects, TAG_PROTOCOL), findTlv(objects, TAG_PARAMETERS));
  const isCan = requirePassword(chip, requireTlv(objects, TAG_PASSWORD)) === PASSWORD_CAN;
  session.isChipAuthenticationSet = false;
  session.pace = {
    ...{ variant, suite: SUITES[variant.suite], group: groupOf(variant.parameters), isCan, expects: 0, mappingScalar: 0n },
    ...{ nonce: NO_BYTES, generator: NO_BYTES, ownKey: NO_BYTES, readerKey: NO_BYTES, secret: NO_BYTES },
  };
  const { total, remaining } = chip.canTries;
  return isCan && total !== undefined && remaining < total ? { statusWord: SW_TRIES_LEFT | remaining } : SUCCESS;
}

function findVariant({ pace }: Chip, protocol: Uint8Array, parameters: Uint8Array | undefined): PaceVariant {
  const fitting = pace.filter((one) => equalBytes(paceOid(one).subarray(2), protocol));
  const number = parameters && Number(bytesToBigInt(parameters));
  const chosen = number === undefined ? fitting : fitting.filter((one) => one.parameters === number);
  const [variant, second] = chosen;
  if (!variant || second) throw new Refusal(fitting.length === 0 ? SW_WRONG_DATA : SW_REFERENCED_DATA_NOT_FOUND);
  return variant;
}

function requirePassword({ passwords, canTries }: Chip, reference: Uint8Array): number {
  const number = Number(bytesToBigInt(reference));
  if (number === PASSWORD_MRZ) return number;
  if (number !== PASSWORD_CAN || passwords.can === undefined) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  if (canTries.total !== undefined && canTries.remaining === 0) throw new Refusal(SW_AUTHENTICATION_METHOD_BLOCKED);
  return number;
}

/** One step; the run is over unless it went well. */
export function stepPace(chip: Chip, run: PaceRun, isLast: boolean, template: Uint8Array): CardAnswer {
  chip.session.pace = undefined;
  const [object, second] = decodeTlv(template);
  if ((object?.tag ?? 0) !== run.expects || second) throw new Refusal(SW_WRONG_DATA);
  if (isLast !== (run.expects === TAG_TOKEN)) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  const value = object?.value ?? NO_BYTES;
  const answer = STEPS[run.expects]?.(chip, run, value);
  if (!answer) throw new Refusal(SW_WRONG_DATA);
  if (!isLast) chip.session.pace = run;
  return { statusWord: SW_SUCCESS, data: encodeTlv(TAG_DYNAMIC_DATA, ...answer) };
}

type Step = (chip: Chip, run: PaceRun, value: Uint8Array) => readonly Uint8Array[];

const STEPS: Readonly<Record<number, Step>> = {
  0: giveNonce,
  [TAG_MAPPING]: map,
  [TAG_EPHEMERAL_KEY]: agree,
  [TAG_TOKEN]: confirm,
};

/** As long as the key, in whole blocks (section 4.4.3.3). */
function giveNonce({ passwords, random }: Chip, run: PaceRun): readonly Uint8Array[] {
  const { suite, isCan } = run;
  run.nonce = random(suite.keyBytes > 16 ? 32 : 16);
  run.expects = TAG_MAPPING;
  const password = isCan
    ? Buffer.from(passwords.can ?? '', 'latin1')
    : createHash('sha1').update(passwords.mrz, 'latin1').digest();
  return [encodeTlv(TAG_NONCE, suite.encrypt(deriveKey(suite, new Uint8Array(password), FOR_PASSWORD), run.nonce))];
}

function map(chip: Chip, run: PaceRun, value: Uint8Array): readonly Uint8Array[] {
  const { group, suite, variant } = run;
  run.expects = TAG_EPHEMERAL_KEY;
  if (variant.mapping === 'integrated') {
    if (value.length !== suite.keyBytes || !group.mapToElement) throw new Refusal(SW_WRONG_DATA);
    run.generator = group.mapToElement(expandNonces(suite, { nonce: run.nonce, readerNonce: value, fieldBits: group.fieldBits }));
    return [encodeTlv(TAG_MAPPING + 1)];
  }
  run.mappingScalar = drawScalar(group, chip.random);
  const shared = group.multiply(value, run.mappingScalar);
  const own = group.multiply(group.generator, run.mappingScalar);
  const nonce = bytesToBigInt(run.nonce) % group.order;
  run.generator = nonce === 0n ? shared : group.add(group.multiply(group.generator, nonce), shared);
  return [encodeTlv(TAG_MAPPING + 1, own)];
}

function agree(chip: Chip, run: PaceRun, value: Uint8Array): readonly Uint8Array[] {
  const { group, generator } = run;
  run.expects = TAG_TOKEN;
  const scalar = drawScalar(group, chip.random);
  run.ownKey = group.multiply(generator, scalar);
  run.readerKey = value.slice();
  if (equalBytes(run.ownKey, run.readerKey)) throw new Refusal(SW_WRONG_DATA);
  run.secret = group.secretOf(group.multiply(value, scalar));
  return [encodeTlv(TAG_EPHEMERAL_KEY + 1, run.ownKey)];
}

function confirm(chip: Chip, run: PaceRun, value: Uint8Array): readonly Uint8Array[] {
  const { suite, secret } = run;
  const encryption = deriveKey(suite, secret, FOR_ENCRYPTION);
  const authentication = deriveKey(suite, secret, FOR_AUTHENTICATION);
  const isRight = equalBytes(tokenOver(run, run.ownKey, authentication), value);
  countTry(chip, run, isRight);
  const token = encodeTlv(TAG_TOKEN + 1, tokenOver(run, run.readerKey, authentication));
  const isProved = run.variant.mapping === 'chip authentication';
  const proof = isProved ? [encodeTlv(TAG_CHIP_AUTHENTICATION_DATA, proveChip(chip, run, encryption))] : [];
  chip.session.access = 'PACE';
  chip.session.nextChannel = new SecureChannel({ suite, encryption, authentication });
  return [token, ...proof];
}

/** Refuses a wrong token; a number on the card may have only so many. */
function countTry({ canTries }: Chip, { isCan }: PaceRun, isRight: boolean): void {
  if (isCan && canTries.total !== undefined) {
    canTries.remaining = isRight ? canTries.total : canTries.remaining - 1;
    if (!isRight) throw new Refusal(SW_TRIES_LEFT | canTries.remaining);
  }
  if (!isRight) throw new Refusal(SW_AUTHENTICATION_FAILED);
}

function tokenOver({ suite, group, variant }: PaceRun, key: Uint8Array, authentication: Uint8Array): Uint8Array {
  const number = bytesToBigInt(key);
  const unsigned = bigIntToBytes(number, Math.ceil(number.toString(16).length / 2));
  const object = group.kind === 'ECDH' ? encodeTlv(TAG_POINT, key) : encodeTlv(TAG_DH_KEY, unsigned);
  return suite.authenticate(authentication, encodeTlv(TAG_PUBLIC_KEY, paceOid(variant), object));
}

/** Section 4.4.3.3.3: the quotient of the mapping's scalar and the chip's own, encrypted from the vector E(K, FF…). */
function proveChip({ chipAuthentication, isCloned }: Chip, run: PaceRun, encryption: Uint8Array): Uint8Array {
  const { group, suite, mappingScalar } = run;
  const { order } = group;
  const own = (chipAuthentication?.scalar ?? 1n) + (isCloned ? 1n : 0n);
  const quotient = (power(own % order, order - 2n, order) * mappingScalar) % order;
  const scalar = bigIntToBytes(quotient, Math.ceil(order.toString(2).length / 8));
  const vector = suite.encrypt(encryption, new Uint8Array(suite.blockBytes).fill(0xff));
  return suite.encrypt(encryption, padBlocks(scalar, suite.blockBytes), vector);
}

/** The template of a GENERAL AUTHENTICATE. */
export function dynamicDataOf(data: Uint8Array): Uint8Array {
  const [object, second] = decodeTlv(data);
  if (object?.tag !== TAG_DYNAMIC_DATA || second) throw new Refusal(SW_WRONG_DATA);
  return concatBytes(object.value);
}
