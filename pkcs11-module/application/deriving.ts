/**
 * ECDH (PKCS #11 v3.0, section 2.3.17) with key agreement keys of cards: the card multiplies the point, the functions that derive a key from what comes out are done
 * here. CKM_ECDH1_COFACTOR_DERIVE would be the same, the curves' cofactor being 1, but no client of the protocol lets it through.
 */
import { createHash } from 'node:crypto';
import { CardError } from '../../apdu/errors.ts';
import { COORDINATE_LENGTH, encodeEllipticPublicKey } from '../../apdu/public-key.ts';
import { TlvError } from '../../apdu/tlv/ber-tlv.ts';
import type { EllipticKeyAlgorithm } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { Arguments } from '../rpc/arguments.ts';
import type { EcdhParameters, Mechanism } from '../rpc/mechanisms.ts';
import type { ApplicationContext, Functions, KeyObject } from './context.ts';
import { derField } from './der.ts';
import { HASH_LENGTH, type HashName } from './hashes.ts';
import { requirePermission } from './permissions.ts';
import { parseSecretTemplate, secretKeyOf, type SecretTemplate } from './secret-keys.ts';

interface Kdf {
  readonly hash: HashName;
  /** Whether the counter goes before the secret (SP 800-56C, section 4.1) or after it (ANSI X9.63, section 5.6.3; SEC 1, section 3.6.1). */
  readonly isCounterFirst: boolean;
}

const KDFS: ReadonlyMap<number, Kdf> = new Map<number, Kdf>([
  [ck.CKD_SHA1_KDF, { hash: 'sha1', isCounterFirst: false }],
  [ck.CKD_SHA224_KDF, { hash: 'sha224', isCounterFirst: false }],
  [ck.CKD_SHA256_KDF, { hash: 'sha256', isCounterFirst: false }],
  [ck.CKD_SHA384_KDF, { hash: 'sha384', isCounterFirst: false }],
  [ck.CKD_SHA512_KDF, { hash: 'sha512', isCounterFirst: false }],
  [ck.CKD_SHA1_KDF_SP800, { hash: 'sha1', isCounterFirst: true }],
  [ck.CKD_SHA224_KDF_SP800, { hash: 'sha224', isCounterFirst: true }],
  [ck.CKD_SHA256_KDF_SP800, { hash: 'sha256', isCounterFirst: true }],
  [ck.CKD_SHA384_KDF_SP800, { hash: 'sha384', isCounterFirst: true }],
  [ck.CKD_SHA512_KDF_SP800, { hash: 'sha512', isCounterFirst: true }],
]);
/** Of what both sides put beside the secret: more than any protocol does. */
const MAX_SHARED_DATA = 4_096;
const TAG_OCTET_STRING = 0x04;

export function deriveFunctions(context: ApplicationContext): Functions {
  return {
    C_DeriveKey: async (args) => [await derive(context, args)],
    C_DeriveKey2: async (args) => [ck.CKR_OK, undefined, await derive(context, args)],
  };
}

async function derive(
  context: ApplicationContext,
  [handle, mechanism, keyHandle, attributes]: Arguments<'C_DeriveKey'>,
): Promise<number> {
  const { session } = context.session(handle);
  const parameters = requireParameters(mechanism);
  const object = await context.key(handle, keyHandle, true);
  const algorithm = requireElliptic(object);
  requirePermission(object, ck.CKA_DERIVE);
  const template = parseSecretTemplate(attributes);
  const length = lengthOf(template, parameters, COORDINATE_LENGTH[algorithm]);
  const peer = requirePoint(algorithm, parameters.publicData);
  context.sessions.objects.requireRoom();
  const { key } = object;
  const shared = await context.useKey({ act: 'pkcs11.derive', session, key, pin: undefined }, async (token) => {
    if (!token.agree) throw new CkError(ck.CKR_MECHANISM_INVALID, 'deriving: the card does not do it');
    return await token.agree(key.keyReference, algorithm, peer);
  });
  try {
    context.session(handle); // it may have ended meanwhile
    return context.sessions.objects.add(session, secretKeyOf(template, stretch(shared, parameters, length)));
  } finally {
    shared.fill(0);
  }
}

function requireParameters(mechanism: Mechanism | undefined): EcdhParameters {
  if (mechanism?.type !== ck.CKM_ECDH1_DERIVE)
    throw new CkError(ck.CKR_MECHANISM_INVALID, `deriving: mechanism ${mechanism?.type} is not known`);
  const { parameters } = mechanism;
  if (parameters?.kind !== 'ecdh') throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, 'deriving: ECDH has no parameters');
  const { kdf, sharedData } = parameters;
  const isKnown = kdf === ck.CKD_NULL ? sharedData.length === 0 : KDFS.has(kdf) && sharedData.length <= MAX_SHARED_DATA;
  if (isKnown) return parameters;
  throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, `deriving: function ${kdf} is not done so`);
}

function requireElliptic({ key: { algorithm } }: KeyObject): EllipticKeyAlgorithm {
  if (algorithm === 'P-256' || algorithm === 'P-384') return algorithm;
  throw new CkError(ck.CKR_KEY_TYPE_INCONSISTENT, `deriving: ${algorithm} is no kind of key for it`);
}

/** A key of a cipher says how long it is; a secret of any length is as long as it comes. */
function lengthOf({ keyType, length }: SecretTemplate, { kdf }: EcdhParameters, secretLength: number): number {
  const made = KDFS.get(kdf);
  if (length === undefined && keyType !== ck.CKK_GENERIC_SECRET)
    throw new CkError(ck.CKR_TEMPLATE_INCOMPLETE, 'deriving: how long is the key to be?');
  if (!made && length !== undefined && length > secretLength)
    throw new CkError(ck.CKR_KEY_SIZE_RANGE, `deriving: ${length} bytes of a secret of ${secretLength}`);
  return length ?? (made ? HASH_LENGTH[made.hash] : secretLength);
}

/** As it is, or as an OCTET STRING: programs give both. A point that is not on the curve would tell something of the key. */
function requirePoint(algorithm: EllipticKeyAlgorithm, publicData: Uint8Array): Uint8Array {
  try {
    const isWrapped = publicData.length !== 1 + 2 * COORDINATE_LENGTH[algorithm] && publicData[0] === TAG_OCTET_STRING;
    const point = isWrapped ? derField(publicData, []).value : publicData;
    encodeEllipticPublicKey(algorithm, point);
    return point;
  } catch (error) {
    if (!(error instanceof CardError || error instanceof TlvError)) throw error;
    throw new CkError(ck.CKR_MECHANISM_PARAM_INVALID, 'deriving: the other key is no point of the curve', { cause: error });
  }
}

/** Without a function, the last bytes of the secret (PKCS #11 v3.0, section 2.3.17). */
function stretch(shared: Uint8Array, { kdf, sharedData }: EcdhParameters, length: number): Uint8Array {
  const made = KDFS.get(kdf);
  if (!made) return shared.slice(shared.length - length);
  const key = new Uint8Array(length);
  for (let counter = 1, filled = 0; filled < length; counter++) {
    const count = Uint8Array.of(counter >>> 24, counter >>> 16, counter >>> 8, counter);
    const order = made.isCounterFirst ? [count, shared] : [shared, count];
    const hash = createHash(made.hash);
    for (const part of [...order, sharedData]) hash.update(part);
    const block = hash.digest();
    key.set(block.subarray(0, length - filled), filled);
    filled += block.length;
    block.fill(0);
  }
  return key;
}
