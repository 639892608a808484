/** Signatures by keys behind a module: the digest comes made, so that RSA wants a DigestInfo around it (RFC 8017, section 9.2) and the others take it as it is. */
import { AlgorithmNotSupportedError, KeyNotFoundError, SecurityStatusError } from '../../apdu/errors.ts';
import { PKCS1_OVERHEAD, SIGNATURE_SCHEMES, encodeDigestInfo, fitsKey } from '../../apdu/signature-encoding.ts';
import { COORDINATE_LENGTH, MODULUS_LENGTH } from '../../apdu/public-key.ts';
import { equalBytes } from '../../apdu/bytes.ts';
import type { KeyAlgorithm, RsaKeyAlgorithm, SignatureAlgorithm, SigningKey } from '../../apdu/token.ts';
import { DeviceProtocolError } from '../errors.ts';
import * as ck from './constants.ts';
import { CURVES, type DirectoryKey, type ModuleObject } from './key-directory.ts';
import { MAX_DIGESTS, type MechanismChoice } from './messages.ts';
import type { CardKeys } from './module-token.ts';

/** Sessions that sign at once: measured, a second one is worth it on two cores, and a card has one chip. */
const LANES = 2;
/** A chunk is one request: other cards of the module come in between. */
const DIGESTS_AT_ONCE = 256;

const READ = [
  { type: ck.CKA_KEY_TYPE, kind: 'number' },
  { type: ck.CKA_MODULUS, kind: 'bytes' },
  { type: ck.CKA_EC_PARAMS, kind: 'bytes' },
  { type: ck.CKA_ALWAYS_AUTHENTICATE, kind: 'boolean' },
] as const;

const PSS = {
  sha256: { hash: ck.CKM_SHA256, mgf: ck.CKG_MGF1_SHA256 },
  sha384: { hash: ck.CKM_SHA384, mgf: ck.CKG_MGF1_SHA384 },
  sha512: { hash: ck.CKM_SHA512, mgf: ck.CKG_MGF1_SHA512 },
} as const;

export async function sign(
  keys: CardKeys,
  key: SigningKey,
  ...[algorithm, digest]: [SignatureAlgorithm, Uint8Array]
): Promise<Uint8Array> {
  const place = await findKey(keys, key, algorithm, [digest]);
  return await signOne(keys, place, { mechanism: mechanismOf(algorithm), input: inputOf(algorithm, digest) });
}

/** RSA over content that the module pads as it is. */
export async function signPadded(
  keys: CardKeys,
  keyReference: string,
  algorithm: RsaKeyAlgorithm,
  content: Uint8Array,
): Promise<Uint8Array> {
  if (content.length > MODULUS_LENGTH[algorithm] - PKCS1_OVERHEAD)
    throw new AlgorithmNotSupportedError(`signing with key ${keyReference}: ${content.length} bytes are too long for it`);
  const place = await findKey(keys, { keyReference, algorithm }, 'RS256', []);
  return await signOne(keys, place, { mechanism: { type: ck.CKM_RSA_PKCS }, input: content });
}

async function signOne(
  keys: CardKeys,
  place: KeyPlace,
  { mechanism, input }: { readonly mechanism: MechanismChoice; readonly input: Uint8Array },
): Promise<Uint8Array> {
  const [signature] = await signWith(keys, place, mechanism, [input], { lanes: 1, onSigned: () => undefined });
  if (!signature) throw new DeviceProtocolError(`${place.attempt}: the module gave no signature`);
  return signature;
}

export async function signAll(
  keys: CardKeys,
  key: SigningKey,
  algorithm: SignatureAlgorithm,
  digests: readonly Uint8Array[],
  ...[{ signal, onSigned }]: [{ readonly signal: AbortSignal; readonly onSigned: (count: number) => void }]
): Promise<readonly Uint8Array[]> {
  if (digests.length > MAX_DIGESTS) throw new RangeError(`signing: ${digests.length} digests are more than ${MAX_DIGESTS}`);
  const place = await findKey(keys, key, algorithm, digests);
  if (place.wantsPin && digests.length > 1)
    throw new SecurityStatusError(`${place.attempt}: the key wants its PIN for each signature`);
  const signatures: Uint8Array[] = [];
  for (let start = 0; start < digests.length; start += DIGESTS_AT_ONCE) {
    signal.throwIfAborted();
    const chunk = digests.slice(start, start + DIGESTS_AT_ONCE);
    const tell = (done: number): void => onSigned(start + done);
    const inputs = chunk.map((digest) => inputOf(algorithm, digest));
    signatures.push(...(await signWith(keys, place, mechanismOf(algorithm), inputs, { lanes: LANES, onSigned: tell })));
    tell(chunk.length);
  }
  return signatures;
}

export interface KeyPlace {
  readonly attempt: string;
  readonly key: DirectoryKey;
  readonly handle: string;
  readonly wantsPin: boolean;
  readonly algorithm: KeyAlgorithm;
}

/** The private key, which may show itself only to who is logged in. Throws SecurityStatusError, KeyNotFoundError, AlgorithmNotSupportedError. */
async function findKey(
  keys: CardKeys,
  { keyReference, algorithm }: SigningKey,
  scheme: SignatureAlgorithm,
  digests: readonly Uint8Array[],
): Promise<KeyPlace> {
  const attempt = `signing with key ${keyReference}`;
  if (!fitsKey(scheme, algorithm)) throw new AlgorithmNotSupportedError(`${attempt}: ${scheme} does not go with ${algorithm}`);
  // Modules sign what they get: cut off, or padded as if it were a digest.
  const { digestLength } = SIGNATURE_SCHEMES[scheme];
  const wrong = digests.find(({ length }) => length !== digestLength);
  if (wrong) throw new AlgorithmNotSupportedError(`${attempt}: ${scheme} signs ${digestLength} bytes, not ${wrong.length}`);
  return await findPlace(keys, { keyReference, algorithm }, attempt);
}

/** Throws SecurityStatusError, KeyNotFoundError. */
export async function findPlace(keys: CardKeys, key: SigningKey, attempt: string): Promise<KeyPlace> {
  return await keys.place(key.keyReference, key.algorithm, () => lookFor(keys, key, attempt));
}

async function lookFor(keys: CardKeys, { keyReference, algorithm }: SigningKey, attempt: string): Promise<KeyPlace> {
  if (!(await keys.find(keyReference))) await keys.readAnew();
  const key = await keys.require(keyReference);
  const objects = await keys.findObjects(key.slot, ck.CKO_PRIVATE_KEY, READ, key.id);
  const fitting = objects.filter((object) => isOf(object, key, algorithm));
  const [object] = fitting;
  if (!object) {
    if (objects.length > 0) throw new KeyNotFoundError(`${attempt}: card has no ${algorithm} key there`);
    if (keys.session.loggedIn(key.slot) !== 'user') throw new SecurityStatusError(`${attempt}: its PIN must be verified first`);
    throw new KeyNotFoundError(`${attempt}: the card has a certificate or public key of it, and no private key`);
  }
  if (fitting.length > 1)
    throw new KeyNotFoundError(`${attempt}: ${fitting.length} keys have this CKA_ID and cannot be told apart`);
  const wantsPin = object.numbers.get(ck.CKA_ALWAYS_AUTHENTICATE) === 1;
  if (wantsPin) keys.noteWantsPin(key);
  return { attempt, key, handle: object.handle, wantsPin, algorithm };
}

function isOf({ numbers, bytes }: ModuleObject, key: DirectoryKey, algorithm: KeyAlgorithm): boolean {
  const isRsa = algorithm.startsWith('RSA');
  if (numbers.get(ck.CKA_KEY_TYPE) !== (isRsa ? ck.CKK_RSA : ck.CKK_EC)) return false;
  if (algorithm === 'P-256' || algorithm === 'P-384') {
    const params = bytes.get(ck.CKA_EC_PARAMS);
    return !params || params.length === 0 || equalBytes(params, CURVES[algorithm]);
  }
  const modulus = bytes.get(ck.CKA_MODULUS);
  if (!modulus || modulus.length === 0) return true;
  const significant = modulus[0] === 0 ? modulus.subarray(1) : modulus;
  if (significant.length !== MODULUS_LENGTH[algorithm]) return false;
  // Two keys of one CKA_ID are told apart by the public half, which ends with modulus and exponent.
  return !key.publicKey || key.algorithm !== algorithm || Buffer.from(key.publicKey).includes(Buffer.from(significant));
}

async function signWith(
  keys: CardKeys,
  { attempt, key, handle, wantsPin, algorithm }: KeyPlace,
  mechanism: MechanismChoice,
  inputs: readonly Uint8Array[],
  ...[{ lanes: laneCount, onSigned }]: [{ readonly lanes: number; readonly onSigned: (done: number) => void }]
): Promise<readonly Uint8Array[]> {
  const { session } = keys;
  const entry = wantsPin ? session.takeEntry(key.slot) : undefined;
  if (wantsPin && !entry) throw new SecurityStatusError(`${attempt}: the key wants its PIN for each signature`);
  const lanes = [];
  for (let number = 0; number < Math.min(laneCount, inputs.length); number++)
    lanes.push({ session: await session.session(key.slot, number), key: handle });
  const pin = entry === undefined || entry === 'keypad' ? undefined : entry.use((bytes) => Buffer.from(bytes));
  const authenticate = !entry ? ('no' as const) : entry === 'keypad' ? ('keypad' as const) : ('pin' as const);
  try {
    const { blobs } = await session.call(
      attempt,
      'sign',
      { lanes, mechanism, authenticate },
      {
        blobs: pin ? [...inputs, pin] : inputs,
        ...{ isLong: authenticate === 'keypad', isIndependent: authenticate === 'no', onDone: onSigned },
      },
    );
    return checked(attempt, blobs, inputs.length, signatureLength(algorithm));
  } finally {
    pin?.fill(0);
    if (entry && entry !== 'keypad') entry[Symbol.dispose]();
  }
}

/** Views of the frame become arrays of their own. */
function checked(attempt: string, signatures: readonly Uint8Array[], count: number, length: number): readonly Uint8Array[] {
  if (signatures.length !== count)
    throw new DeviceProtocolError(`${attempt}: ${signatures.length} signatures came for ${count} digests`);
  const wrong = signatures.find((signature) => signature.length !== length);
  if (wrong) throw new DeviceProtocolError(`${attempt}: the module gave a signature of ${wrong.length} bytes, not ${length}`);
  return signatures.map((signature) => Uint8Array.from(signature));
}

function signatureLength(algorithm: KeyAlgorithm): number {
  if (algorithm === 'P-256' || algorithm === 'P-384') return 2 * COORDINATE_LENGTH[algorithm];
  return MODULUS_LENGTH[algorithm];
}

function inputOf(scheme: SignatureAlgorithm, digest: Uint8Array): Uint8Array {
  const { family, hash } = SIGNATURE_SCHEMES[scheme];
  return family === 'pkcs1' ? encodeDigestInfo(hash, digest) : digest;
}

function mechanismOf(scheme: SignatureAlgorithm): MechanismChoice {
  const { family, hash, digestLength } = SIGNATURE_SCHEMES[scheme];
  if (family === 'ecdsa') return { type: ck.CKM_ECDSA };
  if (family === 'pkcs1') return { type: ck.CKM_RSA_PKCS };
  return { type: ck.CKM_RSA_PKCS_PSS, pss: { ...PSS[hash], saltLength: digestLength } };
}
