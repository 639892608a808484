/** EF.PrKD and EF.PuKD: what the card tells of its keys (ISO/IEC 7816-15:2016, sections 8.4 and 8.5). */
import { CardDataError } from '../../errors.ts';
import { COORDINATE_LENGTH, encodeEllipticPublicKey, encodeRsaPublicKey } from '../../public-key.ts';
import { decodeFirstTlv, encodeTlv } from '../../tlv/ber-tlv.ts';
import type { EllipticKeyAlgorithm, KeyAlgorithm, KeyUsage, PinPolicy } from '../../token.ts';
import { curveOf, type CardAlgorithm } from './card-information.ts';
import {
  Elements,
  TAG_BIT_STRING,
  TAG_BOOLEAN,
  TAG_GENERALIZED_TIME,
  TAG_INTEGER,
  TAG_OBJECT_IDENTIFIER,
  TAG_OCTET_STRING,
  TAG_SEQUENCE,
  parseBits,
  parseIdentifier,
  parseInteger,
  parseReference,
  parseSize,
  parsing,
} from './der.ts';
import { parseEntries, type DirectoryEntry } from './object-directory.ts';
import { parsePath, type FilePath } from './path.ts';

export interface KeyObject {
  /** iD, in hexadecimal: what a certificate and its key have in common. */
  readonly id: string;
  readonly label: string;
  readonly family: 'rsa' | 'elliptic';
  /** Bits of KeyUsageFlags. */
  readonly usage: ReadonlySet<number>;
  readonly isPrivate: boolean;
  readonly authenticationId?: string;
  readonly userConsent?: number;
  /** What MSE SET takes in tag 84. */
  readonly reference?: number;
  /** References of the card's algorithms that this key does; empty: any that fits. */
  readonly algorithms: readonly number[];
  readonly path?: FilePath;
  /** RSA: of the modulus. */
  readonly lengthBits?: number;
  readonly curve?: EllipticKeyAlgorithm;
  /** The algorithm of the card whose parameters are those of the key. */
  readonly parameterReference?: number;
  /** A public key that stands in the directory itself. */
  readonly value?: Uint8Array;
}

/** KeyUsageFlags (section 8.4.2). */
const USAGE_DECRYPT = 1;
const USAGE_SIGN = 2;
const USAGE_SIGN_RECOVER = 3;
const USAGE_UNWRAP = 5;
const USAGE_NON_REPUDIATION = 9;

const TAG_ELLIPTIC = 0xa0;
const TAG_END_DATE = 0x80;
const TAG_ALGORITHMS = 0xa1;
const TAG_DIRECT_VALUE = 0xa0;
const RSA_ALGORITHMS: ReadonlyMap<number, KeyAlgorithm> = new Map([
  [1024, 'RSA-1024'],
  [2048, 'RSA-2048'],
  [3072, 'RSA-3072'],
  [4096, 'RSA-4096'],
]);
/** Cards made with OpenSC's tools write the field size where KeyInfo belongs. */
const FIELD_SIZES: ReadonlyMap<number, EllipticKeyAlgorithm> = new Map([
  [256, 'P-256'],
  [384, 'P-384'],
]);

export function parseKeys(what: 'EF.PrKD' | 'EF.PuKD', content: Uint8Array): readonly KeyObject[] {
  const entries = parseEntries(what, content);
  return parsing(what, () => entries.filter(({ tag }) => tag === TAG_SEQUENCE || tag === TAG_ELLIPTIC).map(parseKey));
}

function parseKey(entry: DirectoryEntry): KeyObject {
  const family = entry.tag === TAG_SEQUENCE ? 'rsa' : 'elliptic';
  const common = new Elements(entry.classAttributes);
  const id = parseIdentifier(common.require(TAG_OCTET_STRING, 'iD'), 'iD');
  const usage = parseBits(common.require(TAG_BIT_STRING, 'usage of a key'), 'usage of a key');
  common.take(TAG_BOOLEAN); // native
  common.take(TAG_BIT_STRING); // access flags
  const reference = common.take(TAG_INTEGER);
  common.take(TAG_GENERALIZED_TIME);
  common.take(TAG_END_DATE);
  const algorithms = common.take(TAG_ALGORITHMS);
  const { label, isPrivate, authenticationId, userConsent } = entry;
  return {
    id,
    label,
    family,
    usage,
    isPrivate,
    ...(authenticationId === undefined ? {} : { authenticationId }),
    ...(userConsent === undefined ? {} : { userConsent }),
    ...(reference ? { reference: parseReference(reference, 'reference of a key') } : {}),
    algorithms: algorithms ? parseReferences(algorithms) : [],
    ...parseType(family, entry.typeAttributes),
  };
}

function parseReferences(content: Uint8Array): readonly number[] {
  const elements = new Elements(content);
  const references: number[] = [];
  for (let value = elements.take(TAG_INTEGER); value; value = elements.take(TAG_INTEGER))
    references.push(parseInteger(value, 'reference of an algorithm'));
  return references;
}

type TypeAttributes = Pick<KeyObject, 'path' | 'lengthBits' | 'curve' | 'parameterReference' | 'value'>;

function parseType(family: KeyObject['family'], content: Uint8Array): TypeAttributes {
  const elements = new Elements(content);
  const reference = elements.take(TAG_SEQUENCE);
  const value = elements.take(TAG_DIRECT_VALUE);
  const path = reference && parsePath(reference);
  const where = { ...(path ? { path } : {}), ...(value ? { value } : {}) };
  const number = elements.take(TAG_INTEGER);
  if (family === 'rsa') return { ...where, ...(number ? { lengthBits: parseSize(number, 'length of a modulus') } : {}) };
  if (number) {
    const size = parseInteger(number, 'parameters of a key');
    const curve = FIELD_SIZES.get(size);
    return { ...where, ...(curve ? { curve } : { parameterReference: size }) };
  }
  const parameters = elements.take(TAG_SEQUENCE);
  const named = elements.take(TAG_OBJECT_IDENTIFIER) ?? (parameters && new Elements(parameters).take(TAG_OBJECT_IDENTIFIER));
  const curve = named && curveOf(named);
  return { ...where, ...(curve ? { curve } : {}) };
}

/** Undefined for a kind that the Token contract has not, and where the card tells no curve. */
export function algorithmOf(key: KeyObject, algorithms: readonly CardAlgorithm[]): KeyAlgorithm | undefined {
  if (key.family === 'rsa') return RSA_ALGORITHMS.get(key.lengthBits ?? 0);
  return key.curve ?? algorithms.find(({ reference }) => reference === key.parameterReference)?.curve;
}

/** A key for signatures that bind a person is for nothing else, whatever bits stand beside it. */
export function usageOf({ usage }: KeyObject): KeyUsage {
  if (usage.has(USAGE_NON_REPUDIATION)) return 'signature';
  return usage.has(USAGE_SIGN) || usage.has(USAGE_SIGN_RECOVER) ? 'authentication' : 'key agreement';
}

/** A signature that binds a person has its PIN each time, whether the card insists or not. */
export function pinPolicyOf(key: KeyObject): PinPolicy {
  const isGuarded = key.authenticationId !== undefined || key.isPrivate;
  if (!isGuarded) return 'never';
  return key.usage.has(USAGE_NON_REPUDIATION) || (key.userConsent ?? 0) > 0 ? 'always' : 'once';
}

/** True for a key that deciphers: keys for data are seldom told apart from keys for login. */
export function deciphers({ usage }: KeyObject): boolean {
  return usage.has(USAGE_DECRYPT) || usage.has(USAGE_UNWRAP);
}

/**
 * SubjectPublicKeyInfo out of what a public key file holds: RSAPublicKey (RFC 8017, appendix A.1.1), an OCTET STRING around an uncompressed point, the
 * bare point, or SubjectPublicKeyInfo itself.
 */
export function decodePublicKey(attempt: string, algorithm: KeyAlgorithm, content: Uint8Array): Uint8Array {
  return parsing(attempt, () => {
    const curve = algorithm === 'P-256' || algorithm === 'P-384' ? algorithm : undefined;
    if (curve && content[0] === TAG_OCTET_STRING) return encodeEllipticPublicKey(curve, pointOf(curve, content));
    const { object, rest } = decodeFirstTlv(content);
    if (object.tag !== TAG_SEQUENCE) throw new CardDataError(`reading ${attempt}: no public key of a kind that is known`);
    const elements = new Elements(object.value);
    const modulus = elements.take(TAG_INTEGER);
    if (modulus && !curve)
      return encodeRsaPublicKey(unsigned(modulus), unsigned(elements.require(TAG_INTEGER, 'public exponent')));
    if (elements.take(TAG_SEQUENCE)) return content.slice(0, content.length - rest.length);
    throw new CardDataError(`reading ${attempt}: no ${algorithm} key`);
  });
}

/** A bare point begins with 04, as an OCTET STRING does: the second has its length and 04 again behind it. */
function pointOf(curve: EllipticKeyAlgorithm, content: Uint8Array): Uint8Array {
  const length = 1 + 2 * COORDINATE_LENGTH[curve];
  const start = content[1] === length && content[2] === TAG_OCTET_STRING && content.length >= 2 + length ? 2 : 0;
  return content.subarray(start, start + length);
}

function unsigned(integer: Uint8Array): Uint8Array {
  let start = 0;
  while (start < integer.length - 1 && integer[start] === 0) start++;
  return integer.subarray(start);
}

/** What stands in the directory itself, [0] explicit or implicit, as it would stand in a file. */
export function directValue(content: Uint8Array): Uint8Array {
  const { object, rest } = decodeFirstTlv(content);
  const isWhole = rest.length === 0 && (object.tag === TAG_SEQUENCE || object.tag === TAG_OCTET_STRING);
  return isWhole ? content : encodeTlv(TAG_SEQUENCE, content);
}
