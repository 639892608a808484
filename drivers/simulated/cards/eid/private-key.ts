/**
 * What a card does with a private key, on Node's crypto: RSA (RFC 8017) with and without padding, and ECDSA over a digest that was made elsewhere.
 * Node offers the last only with hashing, so the few lines of FIPS 186-5, section 6.4.1, stand here. Not constant in time: for test keys only.
 */
import {
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
} from 'node:crypto';
import { privateEncrypt, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bigIntToBytes, bytesToBigInt, concatBytes, parseHex } from '../../bytes.ts';
import { encodeInteger, octetString, sequence } from './der.ts';
import { TAG_MODULUS, TAG_POINT, TAG_PUBLIC_EXPONENT } from './constants.ts';

export type KeyAlgorithm = 'RSA-2048' | 'P-256' | 'P-384';
export const KEY_ALGORITHMS: readonly KeyAlgorithm[] = ['RSA-2048', 'P-256', 'P-384'];

export interface Modulus {
  readonly kind: 'modulus';
  readonly bits: number;
}

export interface Curve {
  readonly kind: 'curve';
  /** OpenSSL's name. */
  readonly name: string;
  readonly bits: number;
  /** RFC 5480, section 2.1.1.1. */
  readonly oid: string;
  /** Order of the base point (SP 800-186, sections 3.2.1.3 and 3.2.1.4). */
  readonly order: bigint;
}

export const KEY_PARAMETERS: Readonly<Record<KeyAlgorithm, Modulus | Curve>> = {
  'RSA-2048': { kind: 'modulus', bits: 2048 },
  'P-256': {
    kind: 'curve',
    name: 'prime256v1',
    bits: 256,
    oid: '1.2.840.10045.3.1.7',
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  'P-384': {
    kind: 'curve',
    name: 'secp384r1',
    bits: 384,
    oid: '1.3.132.0.34',
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
};

export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** DER of DigestInfo up to the digest (RFC 8017, section 9.2, note 1). */
const DIGEST_INFO_HEADS: Readonly<Record<HashName, Uint8Array>> = {
  sha1: parseHex('3021300906052b0e03021a05000414'),
  sha256: parseHex('3031300d060960864801650304020105000420'),
  sha384: parseHex('3041300d060960864801650304020205000430'),
  sha512: parseHex('3051300d060960864801650304020305000440'),
};

const HASH_LENGTHS: Readonly<Record<HashName, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };

const PUBLIC_EXPONENT = 65_537;
/** Bytes that PKCS #1 v1.5 adds to what it pads, at least (RFC 8017, section 9.2). */
const PKCS1_OVERHEAD = 11;

/** A private key with what its operations need, opened at first use. */
export class PrivateKey {
  readonly algorithm: KeyAlgorithm;
  /** PrivateKeyInfo, DER (RFC 5958). */
  readonly pkcs8: Uint8Array;
  #keyObject: KeyObject | undefined;

  constructor(algorithm: KeyAlgorithm, pkcs8: Uint8Array, keyObject?: KeyObject) {
    this.algorithm = algorithm;
    this.pkcs8 = pkcs8;
    this.#keyObject = keyObject;
  }

  get parameters(): Modulus | Curve {
    return KEY_PARAMETERS[this.algorithm];
  }

  get keyObject(): KeyObject {
    return (this.#keyObject ??= createPrivateKey({ key: Buffer.from(this.pkcs8), format: 'der', type: 'pkcs8' }));
  }

  /** SubjectPublicKeyInfo, DER. */
  get publicKeyInfo(): Uint8Array {
    return new Uint8Array(createPublicKey(this.keyObject).export({ format: 'der', type: 'spki' }));
  }

  /** `81` modulus and `82` exponent, or `86` point: what stands in a public key template. */
  get publicKeyObjects(): Uint8Array {
    const jwk = this.keyObject.export({ format: 'jwk' });
    if (jwk.kty === 'EC') return encodeTlv(TAG_POINT, pointOf(jwk));
    return concatBytes(encodeTlv(TAG_MODULUS, fromBase64Url(jwk.n)), encodeTlv(TAG_PUBLIC_EXPONENT, fromBase64Url(jwk.e)));
  }

  /** As a file of PKCS #15 holds it: RSAPublicKey, or the point as an OCTET STRING. */
  get publicKeyFile(): Uint8Array {
    const jwk = this.keyObject.export({ format: 'jwk' });
    if (jwk.kty === 'EC') return octetString(pointOf(jwk));
    return sequence(...[jwk.n, jwk.e].map((value) => encodeInteger(bytesToBigInt(fromBase64Url(value)))));
  }
}

/** Opens PKCS #8, and tells its algorithm from it. Throws TypeError for a key that no such card holds. */
export function openPrivateKey(pkcs8: Uint8Array): PrivateKey {
  return fromKeyObject(createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }));
}

/** Makes a key pair: on the spot for curves, on another thread for RSA. */
export function generatePrivateKey(algorithm: KeyAlgorithm): PrivateKey | Promise<PrivateKey> {
  const parameters = KEY_PARAMETERS[algorithm];
  if (parameters.kind === 'curve') return fromKeyObject(generateKeyPairSync('ec', { namedCurve: parameters.name }).privateKey);
  return generateRsa(parameters);
}

async function generateRsa(parameters: Modulus): Promise<PrivateKey> {
  const options = { modulusLength: parameters.bits, publicExponent: PUBLIC_EXPONENT };
  return fromKeyObject((await promisify(generateKeyPair)('rsa', options)).privateKey);
}

function fromKeyObject(keyObject: KeyObject): PrivateKey {
  const { modulusLength, namedCurve } = keyObject.asymmetricKeyDetails ?? {};
  const algorithm = KEY_ALGORITHMS.find((name) => {
    const row = KEY_PARAMETERS[name];
    return row.kind === 'curve' ? row.name === namedCurve : keyObject.asymmetricKeyType === 'rsa' && row.bits === modulusLength;
  });
  if (!algorithm) throw new TypeError(`${keyObject.asymmetricKeyType ?? 'unknown'} is no key of such a card`);
  return new PrivateKey(algorithm, new Uint8Array(keyObject.export({ format: 'der', type: 'pkcs8' })), keyObject);
}

export function hash(name: HashName, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(name).update(bytes).digest());
}

export function hashLengthOf(name: HashName): number {
  return HASH_LENGTHS[name];
}

/** RSA alone, without padding. Undefined when the block has not the modulus's length or is not smaller. */
export function computeRsa(key: PrivateKey, block: Uint8Array): Uint8Array | undefined {
  const modulus = fromBase64Url(key.keyObject.export({ format: 'jwk' }).n);
  if (block.length !== modulus.length || bytesToBigInt(block) >= bytesToBigInt(modulus)) return undefined;
  return new Uint8Array(privateEncrypt({ key: key.keyObject, padding: constants.RSA_NO_PADDING }, block));
}

/** RSASSA-PKCS1-v1_5 over a DigestInfo, or whatever is given for one. Undefined when it is too long for the key. */
export function signPkcs1(key: PrivateKey, digestInfo: Uint8Array): Uint8Array | undefined {
  if (digestInfo.length > key.parameters.bits / 8 - PKCS1_OVERHEAD) return undefined;
  return new Uint8Array(privateEncrypt({ key: key.keyObject, padding: constants.RSA_PKCS1_PADDING }, digestInfo));
}

export function encodeDigestInfo(name: HashName, digest: Uint8Array): Uint8Array {
  return concatBytes(DIGEST_INFO_HEADS[name], digest);
}

/** RSASSA-PSS over a digest: MGF1 with the same hash, salt as long as the hash (RFC 8017, section 9.1.1). */
export function signPss(key: PrivateKey, name: HashName, digest: Uint8Array): Uint8Array | undefined {
  const lengthBytes = key.parameters.bits / 8;
  const salt = new Uint8Array(randomBytes(HASH_LENGTHS[name]));
  const proof = hash(name, concatBytes(new Uint8Array(8), digest, salt));
  const maskLength = lengthBytes - proof.length - 1;
  const dataBlock = concatBytes(new Uint8Array(maskLength - salt.length - 1), Uint8Array.of(0x01), salt);
  const masked = makeMask(name, proof, maskLength).map((byte, index) => byte ^ (dataBlock[index] ?? 0));
  masked[0] = (masked[0] ?? 0) & 0x7f;
  return computeRsa(key, concatBytes(masked, proof, Uint8Array.of(0xbc)));
}

/** MGF1 (RFC 8017, appendix B.2.1). */
function makeMask(name: HashName, seed: Uint8Array, lengthBytes: number): Uint8Array {
  const count = Math.ceil(lengthBytes / HASH_LENGTHS[name]);
  const parts = Array.from({ length: count }, (_, index) => hash(name, concatBytes(seed, bigIntToBytes(BigInt(index), 4))));
  return concatBytes(...parts).subarray(0, lengthBytes);
}

/** Takes the padding off what RSAES-PKCS1-v1_5 has decrypted (RFC 8017, section 7.2.2). Undefined when there is none. */
export function removePkcs1Padding(block: Uint8Array): Uint8Array | undefined {
  const end = block.indexOf(0x00, 2);
  return block[0] === 0x00 && block[1] === 0x02 && end >= PKCS1_OVERHEAD - 1 ? block.subarray(end + 1) : undefined;
}

export interface EcdsaSignature {
  readonly r: bigint;
  readonly s: bigint;
}

/** ECDSA over a digest, of which the leftmost bits count when it is longer than the curve's order (FIPS 186-5, section 6.4.1). */
export function signEcdsa(key: PrivateKey, curve: Curve, digest: Uint8Array): EcdsaSignature {
  const lengthBytes = curve.bits / 8;
  const secret = bytesToBigInt(fromBase64Url(key.keyObject.export({ format: 'jwk' }).d));
  const message = bytesToBigInt(digest.subarray(0, lengthBytes));
  for (;;) {
    const ephemeral = createECDH(curve.name);
    const point = new Uint8Array(ephemeral.generateKeys());
    const r = bytesToBigInt(point.subarray(1, 1 + lengthBytes)) % curve.order;
    const inverse = invert(bytesToBigInt(new Uint8Array(ephemeral.getPrivateKey())), curve.order);
    const s = (inverse * ((message + r * secret) % curve.order)) % curve.order;
    if (r !== 0n && s !== 0n) return { r, s };
  }
}

/** The inverse modulo a prime, by Fermat's little theorem. */
function invert(value: bigint, prime: bigint): bigint {
  let [result, base, exponent] = [1n, value % prime, prime - 2n];
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % prime;
    base = (base * base) % prime;
  }
  return result;
}

function pointOf(jwk: { x?: string; y?: string }): Uint8Array {
  return concatBytes(Uint8Array.of(0x04), fromBase64Url(jwk.x), fromBase64Url(jwk.y));
}

function fromBase64Url(text: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? '', 'base64url'));
}
