/** PERFORM SECURITY OPERATION (ISO/IEC 7816-8:2021, section 5.2): HASH, COMPUTE DIGITAL SIGNATURE, DECIPHER. */
import {
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_FUNCTION_NOT_SUPPORTED,
  SW_INCORRECT_P1_P2,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_WRONG_DATA,
  SW_WRONG_LENGTH,
} from '../../../../apdu/iso7816/status-word.ts';
import { decodeTlv, encodeTlv, findTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bigIntToBytes, concatBytes } from '../../bytes.ts';
import { encodeInteger } from '../../certificate.ts';
import { Refusal, SUCCESS, type CardAnswer } from '../../transport.ts';
import type { EidCommand } from './instruction.ts';
import type { Eid, KeyFile, KeyUse, SecurityEnvironment } from './memory.ts';
import {
  computeRsa,
  encodeDigestInfo,
  hash,
  hashLengthOf,
  removePkcs1Padding,
  signEcdsa,
  signPkcs1,
  signPss,
  type EcdsaSignature,
  type HashName,
  type PrivateKey,
} from './private-key.ts';
import { defaultAlgorithm, findAlgorithm, type CardAlgorithm } from './profile.ts';
import { requireKeyFile } from './security-environment.ts';

/** P1 and P2: tags of what comes out and of what goes in (sections 5.2.4, 5.2.7 and 5.2.12). */
const HASH_OF_PLAIN = 0x9080;
const HASH_OF_TEMPLATE = 0x90a0;
const COMPUTE_DIGITAL_SIGNATURE = 0x9e9a;
const DECIPHER = 0x8086;
/** In the template of HASH: a digest, the last of the text. */
const TAG_DIGEST = 0x90;
const TAG_LAST_TEXT = 0x80;
/** Padding indicators before a cryptogram (table 4): none given; this card's own, as MyEID has them: first and second half. */
const INDICATOR_NONE = 0x00;
const INDICATOR_FIRST_HALF = 0x81;
const INDICATOR_SECOND_HALF = 0x82;
/** The longest digest that is signed. */
const MAX_DIGEST_LENGTH = 64;

export function performSecurityOperation(eid: Eid, command: EidCommand): CardAnswer {
  const operation = (command.p1 << 8) | command.p2;
  switch (operation) {
    case HASH_OF_PLAIN:
      eid.session.digest = hash(requireHash(eid), command.data);
      return SUCCESS;
    case HASH_OF_TEMPLATE:
      eid.session.digest = readDigest(eid, command.data);
      return SUCCESS;
    case COMPUTE_DIGITAL_SIGNATURE:
      return computeSignature(eid, command.data);
    case DECIPHER:
      return decipher(eid, command.data);
    default:
      throw new Refusal(SW_INCORRECT_P1_P2);
  }
}

/** The one that the signature will have, or the one of the hash template. */
function requireHash(eid: Eid): HashName {
  const { signature, hashAlgorithm } = eid.session;
  if (hashAlgorithm) return hashAlgorithm;
  const row = eid.posture.traits.algorithms.find(({ reference }) => reference === signature.algorithm);
  const fromSignature = row && 'hash' in row.use ? row.use.hash : undefined;
  if (!fromSignature) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  return fromSignature;
}

/** `90` a digest that the host made, or `80` all of the text; both, a digest that the card goes on with, it cannot. */
function readDigest(eid: Eid, data: Uint8Array): Uint8Array {
  const objects = decodeTlv(data);
  const digest = findTlv(objects, TAG_DIGEST);
  const text = findTlv(objects, TAG_LAST_TEXT);
  if (digest && text) throw new Refusal(SW_FUNCTION_NOT_SUPPORTED);
  if (text) return hash(requireHash(eid), text);
  if (!digest || digest.length === 0 || digest.length > MAX_DIGEST_LENGTH) throw new Refusal(SW_WRONG_DATA);
  return digest.slice();
}

/** Over the data field, or, where that is empty, over what HASH left. */
function computeSignature(eid: Eid, data: Uint8Array): CardAnswer {
  const { session } = eid;
  const { digest } = session;
  session.digest = undefined;
  const { file, key, row } = requireUse(eid, session.signature, 'sign');
  const isHashed = data.length === 0;
  const input = isHashed ? digest : data;
  if (!input) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  const signature = sign(eid, key, row, isHashed ? withDigestInfo(row, input) : input);
  if (!signature) throw new Refusal(SW_WRONG_DATA);
  if (file.needsConsent) session.verified.delete(file.pin);
  return { ...SUCCESS, data: signature };
}

/** What the card itself hashed and is to pad gets its DigestInfo, which the length of the digest names. */
function withDigestInfo(row: CardAlgorithm, digest: Uint8Array): Uint8Array {
  if (row.use.scheme !== 'pkcs1' || row.use.hash) return digest;
  const name = (['sha1', 'sha256', 'sha384', 'sha512'] as const).find((candidate) => hashLengthOf(candidate) === digest.length);
  return name ? encodeDigestInfo(name, digest) : digest;
}

/** Undefined for a block that is no number below the modulus. */
function sign(eid: Eid, key: PrivateKey, row: CardAlgorithm, input: Uint8Array): Uint8Array | undefined {
  const { use } = row;
  switch (use.scheme) {
    case 'rsa':
      requireLengthIn(input, key.parameters.bits / 8, key.parameters.bits / 8);
      return computeRsa(key, input);
    case 'pkcs1': {
      if (use.hash) requireLengthIn(input, hashLengthOf(use.hash), hashLengthOf(use.hash));
      const signature = signPkcs1(key, use.hash ? encodeDigestInfo(use.hash, input) : input);
      if (!signature) throw new Refusal(SW_WRONG_LENGTH);
      return signature;
    }
    case 'pss':
      requireLengthIn(input, hashLengthOf(use.hash), hashLengthOf(use.hash));
      return signPss(key, use.hash, input);
    case 'ecdsa': {
      requireLengthIn(input, use.hash ? hashLengthOf(use.hash) : 1, use.hash ? hashLengthOf(use.hash) : MAX_DIGEST_LENGTH);
      const { parameters } = key;
      if (parameters.kind !== 'curve') throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
      return encodeEcdsa(signEcdsa(key, parameters, input), eid.posture.traits.ecdsaFormat, parameters.bits / 8);
    }
    case 'generate':
      throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  }
}

function encodeEcdsa({ r, s }: EcdsaSignature, format: 'der' | 'plain', lengthBytes: number): Uint8Array {
  if (format === 'der') return encodeTlv(0x30, encodeInteger(r), encodeInteger(s));
  return concatBytes(bigIntToBytes(r, lengthBytes), bigIntToBytes(s, lengthBytes));
}

function requireLengthIn(data: Uint8Array, least: number, most: number): void {
  if (data.length < least || data.length > most) throw new Refusal(SW_WRONG_LENGTH);
}

function decipher(eid: Eid, data: Uint8Array): CardAnswer {
  const { session } = eid;
  const [indicator] = data;
  const half = session.halfCryptogram;
  session.halfCryptogram = undefined;
  const { file, key, row } = requireUse(eid, session.confidentiality, 'decipher');
  if (indicator === INDICATOR_FIRST_HALF) {
    session.halfCryptogram = data.slice(1);
    return SUCCESS;
  }
  if (indicator === INDICATOR_SECOND_HALF && !half) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  if (indicator !== INDICATOR_NONE && indicator !== INDICATOR_SECOND_HALF) throw new Refusal(SW_WRONG_DATA);
  const cryptogram = indicator === INDICATOR_SECOND_HALF && half ? concatBytes(half, data.subarray(1)) : data.subarray(1);
  requireLengthIn(cryptogram, key.parameters.bits / 8, key.parameters.bits / 8);
  const block = computeRsa(key, cryptogram);
  const plain = block && row.use.scheme === 'pkcs1' ? removePkcs1Padding(block) : block;
  if (!plain) throw new Refusal(SW_WRONG_DATA);
  if (file.needsConsent) session.verified.delete(file.pin);
  return { ...SUCCESS, data: plain };
}

interface UsableKey {
  readonly file: KeyFile;
  readonly key: PrivateKey;
  readonly row: CardAlgorithm;
}

/** The key of an environment, after everything that forbids its use: not there, not for this, another kind of key, no PIN. */
function requireUse(eid: Eid, environment: SecurityEnvironment, use: KeyUse): UsableKey {
  const file = requireKeyFile(eid, environment);
  const { key } = file;
  if (!key) throw new Refusal(SW_REFERENCED_DATA_NOT_FOUND);
  const { traits } = eid.posture;
  const row =
    environment.algorithm === undefined
      ? defaultAlgorithm(traits, key.algorithm)
      : findAlgorithm(traits, environment.algorithm, key.algorithm);
  const fits = use === 'sign' || row?.use.scheme === 'rsa' || (row?.use.scheme === 'pkcs1' && row.use.hash === undefined);
  if (!row || !fits || !file.uses.includes(use)) throw new Refusal(SW_CONDITIONS_OF_USE_NOT_SATISFIED);
  if (!eid.session.verified.has(file.pin)) throw new Refusal(SW_SECURITY_STATUS_NOT_SATISFIED);
  return { file, key, row };
}
