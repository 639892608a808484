/**
 * Private-key operations on Node's crypto. ECDSA over a digest that was made elsewhere is not among what it offers (it always hashes itself), so the
 * few lines of FIPS 186-5, section 6.4.1, stand here over its elliptic-curve arithmetic. Not constant in time: for test keys only.
 */
import {
  constants,
  createECDH,
  createPrivateKey,
  generateKeyPair,
  generateKeyPairSync,
  privateEncrypt,
  publicDecrypt,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import { encodeTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { bigIntToBytes, bytesToBigInt, concatBytes, equalBytes } from '../../bytes.ts';
import {
  ALGORITHM_P256,
  ALGORITHM_P384,
  ALGORITHM_RSA_1024,
  ALGORITHM_RSA_2048,
  ALGORITHM_RSA_3072,
  ALGORITHM_RSA_4096,
  TAG_MODULUS,
  TAG_POINT,
  TAG_PUBLIC_EXPONENT,
} from './constants.ts';

interface Curve {
  readonly kind: 'curve';
  readonly algorithm: number;
  /** OpenSSL's name, and the one of RFC 7518, section 6.2.1.1. */
  readonly name: string;
  readonly jwkName: string;
  readonly lengthBytes: number;
  /** Order of the base point (SP 800-186, section 3.2.1). */
  readonly order: bigint;
}

interface Modulus {
  readonly kind: 'modulus';
  readonly algorithm: number;
  readonly lengthBytes: number;
}

export type KeyParameters = Curve | Modulus;

export const P256: Curve = {
  kind: 'curve',
  algorithm: ALGORITHM_P256,
  name: 'prime256v1',
  jwkName: 'P-256',
  lengthBytes: 32,
  order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
};

const P384: Curve = {
  kind: 'curve',
  algorithm: ALGORITHM_P384,
  name: 'secp384r1',
  jwkName: 'P-384',
  lengthBytes: 48,
  order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
};

const KEY_PARAMETERS: ReadonlyMap<number, KeyParameters> = new Map<number, KeyParameters>([
  [ALGORITHM_RSA_1024, { kind: 'modulus', algorithm: ALGORITHM_RSA_1024, lengthBytes: 128 }],
  [ALGORITHM_RSA_2048, { kind: 'modulus', algorithm: ALGORITHM_RSA_2048, lengthBytes: 256 }],
  [ALGORITHM_RSA_3072, { kind: 'modulus', algorithm: ALGORITHM_RSA_3072, lengthBytes: 384 }],
  [ALGORITHM_RSA_4096, { kind: 'modulus', algorithm: ALGORITHM_RSA_4096, lengthBytes: 512 }],
  [ALGORITHM_P256, P256],
  [ALGORITHM_P384, P384],
]);

/** Undefined for an algorithm identifier that is no asymmetric key here. */
export function keyParametersOf(algorithm: number): KeyParameters | undefined {
  return KEY_PARAMETERS.get(algorithm);
}

const PUBLIC_EXPONENT = 65_537n;

/** A private key with what its operations need, opened at first use. */
export class PrivateKey {
  readonly parameters: KeyParameters;
  /** PrivateKeyInfo, DER (RFC 5958). */
  readonly pkcs8: Uint8Array;
  #keyObject: KeyObject | undefined;
  #scalar: Uint8Array | undefined;
  #publicKey: Uint8Array | undefined;

  constructor(parameters: KeyParameters, pkcs8: Uint8Array, keyObject?: KeyObject) {
    this.parameters = parameters;
    this.pkcs8 = pkcs8;
    this.#keyObject = keyObject;
  }

  get keyObject(): KeyObject {
    return (this.#keyObject ??= createPrivateKey({ key: Buffer.from(this.pkcs8), format: 'der', type: 'pkcs8' }));
  }

  /** The public key's data objects, as GENERATE answers them: `86` point, or `81` modulus and `82` exponent. */
  get publicKey(): Uint8Array {
    return (this.#publicKey ??= encodePublicKey(this.keyObject));
  }

  /** The private scalar, for curves. */
  get scalar(): Uint8Array {
    return (this.#scalar ??= fromBase64Url(this.keyObject.export({ format: 'jwk' }).d));
  }
}

/** Opens PKCS #8, and tells its algorithm from it. Throws TypeError for keys that no PIV card holds. */
export function openPrivateKey(pkcs8: Uint8Array): PrivateKey {
  return fromKeyObject(createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }));
}

/** Makes a key pair: on the spot for curves, on another thread for RSA. */
export function generatePrivateKey(parameters: KeyParameters): PrivateKey | Promise<PrivateKey> {
  return parameters.kind === 'curve' ? generateCurveKey(parameters) : generateRsa(parameters);
}

export function generateCurveKey(curve: Curve): PrivateKey {
  return fromKeyObject(generateKeyPairSync('ec', { namedCurve: curve.name }).privateKey);
}

async function generateRsa(parameters: Modulus): Promise<PrivateKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: parameters.lengthBytes * 8,
    publicExponent: Number(PUBLIC_EXPONENT),
  });
  return fromKeyObject(privateKey);
}

function fromKeyObject(keyObject: KeyObject): PrivateKey {
  const details = keyObject.asymmetricKeyDetails ?? {};
  const parameters = [...KEY_PARAMETERS.values()].find((row) =>
    row.kind === 'curve'
      ? row.name === details.namedCurve
      : keyObject.asymmetricKeyType === 'rsa' && row.lengthBytes * 8 === details.modulusLength,
  );
  if (!parameters)
    throw new TypeError(`opening a private key: ${keyObject.asymmetricKeyType ?? 'unknown'} is no key of a PIV card`);
  return new PrivateKey(parameters, new Uint8Array(keyObject.export({ format: 'der', type: 'pkcs8' })), keyObject);
}

/** The private-key operation alone, without padding. Undefined when the block is not smaller than the modulus. */
export function computeRsa(key: PrivateKey, block: Uint8Array): Uint8Array | undefined {
  const modulus = fromBase64Url(key.keyObject.export({ format: 'jwk' }).n);
  if (bytesToBigInt(block) >= bytesToBigInt(modulus)) return undefined;
  return new Uint8Array(privateEncrypt({ key: key.keyObject, padding: constants.RSA_NO_PADDING }, block));
}

/** A secret number used once, and its point. */
export interface EphemeralKey {
  readonly scalar: Uint8Array;
  /** Uncompressed. */
  readonly point: Uint8Array;
}

function makeEphemeralKey(curve: Curve): EphemeralKey {
  const ecdh = createECDH(curve.name);
  const point = new Uint8Array(ecdh.generateKeys());
  return { scalar: new Uint8Array(ecdh.getPrivateKey()), point };
}

/**
 * ECDSA over a digest of at most the curve's length (FIPS 186-5, section 6.4.1): DER SEQUENCE { r, s }. Undefined for an RSA key.
 * `makeEphemeral` is for test vectors.
 */
export function signDigest(
  key: PrivateKey,
  digest: Uint8Array,
  makeEphemeral: (curve: Curve) => EphemeralKey = makeEphemeralKey,
): Uint8Array | undefined {
  const curve = key.parameters;
  if (curve.kind !== 'curve') return undefined;
  const privateScalar = bytesToBigInt(key.scalar);
  for (;;) {
    const ephemeral = makeEphemeral(curve);
    const r = bytesToBigInt(ephemeral.point.subarray(1, 1 + curve.lengthBytes)) % curve.order;
    const inverse = invert(bytesToBigInt(ephemeral.scalar), curve.order);
    const s = (inverse * ((bytesToBigInt(digest) + r * privateScalar) % curve.order)) % curve.order;
    if (r !== 0n && s !== 0n) return encodeTlv(0x30, encodeInteger(r), encodeInteger(s));
  }
}

/** ECDH: the x-coordinate of the shared point. Undefined when the peer's point is not on the key's curve. */
export function agree(key: PrivateKey, peerPoint: Uint8Array): Uint8Array | undefined {
  if (key.parameters.kind !== 'curve' || peerPoint.length !== 1 + 2 * key.parameters.lengthBytes || peerPoint[0] !== 0x04)
    return undefined;
  const ecdh = createECDH(key.parameters.name);
  ecdh.setPrivateKey(key.scalar);
  try {
    return new Uint8Array(ecdh.computeSecret(peerPoint));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY') return undefined;
    throw error;
  }
}

/** The five numbers of an RSA key in CRT form, as Yubico's import takes them. */
export interface RsaComponents {
  readonly p: Uint8Array;
  readonly q: Uint8Array;
  readonly dp: Uint8Array;
  readonly dq: Uint8Array;
  readonly qinv: Uint8Array;
}

/** Undefined when the numbers are no key of that length with the public exponent 65537. */
export function importRsa(parameters: Modulus, components: RsaComponents): PrivateKey | undefined {
  const p = bytesToBigInt(components.p);
  const q = bytesToBigInt(components.q);
  const modulus = p * q;
  if (p < 3n || q < 3n || modulus.toString(2).length !== parameters.lengthBytes * 8) return undefined;
  const dp = invert(PUBLIC_EXPONENT, p - 1n);
  const dq = invert(PUBLIC_EXPONENT, q - 1n);
  if (
    dp !== bytesToBigInt(components.dp) ||
    dq !== bytesToBigInt(components.dq) ||
    invert(q, p) !== bytesToBigInt(components.qinv)
  )
    return undefined;
  const half = parameters.lengthBytes / 2;
  const text = (value: bigint, lengthBytes: number): string =>
    Buffer.from(bigIntToBytes(value, lengthBytes)).toString('base64url');
  const key = {
    kty: 'RSA',
    n: text(modulus, parameters.lengthBytes),
    e: text(PUBLIC_EXPONENT, 3),
    d: text(invert(PUBLIC_EXPONENT, (p - 1n) * (q - 1n)), parameters.lengthBytes),
    ...{ p: text(p, half), q: text(q, half), dp: text(dp, half), dq: text(dq, half), qi: text(invert(q, p), half) },
  };
  try {
    const opened = fromKeyObject(createPrivateKey({ key, format: 'jwk' }));
    return isConsistent(opened) ? opened : undefined;
  } catch (error) {
    if (isOpensslError(error)) return undefined;
    throw error;
  }
}

/** Undefined when the scalar is not in 1..order - 1. */
export function importCurve(curve: Curve, scalar: Uint8Array): PrivateKey | undefined {
  const value = bytesToBigInt(scalar);
  if (scalar.length !== curve.lengthBytes || value === 0n || value >= curve.order) return undefined;
  const ecdh = createECDH(curve.name);
  ecdh.setPrivateKey(scalar);
  const point = ecdh.getPublicKey();
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  const [x, y] = [point.subarray(1, 1 + curve.lengthBytes), point.subarray(1 + curve.lengthBytes)];
  return fromKeyObject(
    createPrivateKey({ key: { kty: 'EC', crv: curve.jwkName, d: text(scalar), x: text(x), y: text(y) }, format: 'jwk' }),
  );
}

function isConsistent(key: PrivateKey): boolean {
  const block = new Uint8Array(key.parameters.lengthBytes);
  block[block.length - 1] = 2;
  const signature = computeRsa(key, block);
  return (
    signature !== undefined &&
    equalBytes(new Uint8Array(publicDecrypt({ key: key.keyObject, padding: constants.RSA_NO_PADDING }, signature)), block)
  );
}

function isOpensslError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('ERR_');
}

function encodePublicKey(keyObject: KeyObject): Uint8Array {
  const jwk = keyObject.export({ format: 'jwk' });
  if (jwk.kty === 'EC') return encodeTlv(TAG_POINT, Uint8Array.of(0x04), fromBase64Url(jwk.x), fromBase64Url(jwk.y));
  return concatBytes(encodeTlv(TAG_MODULUS, fromBase64Url(jwk.n)), encodeTlv(TAG_PUBLIC_EXPONENT, fromBase64Url(jwk.e)));
}

function fromBase64Url(text: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? '', 'base64url'));
}

/** INTEGER, DER (X.690, section 8.3): positive, shortest. */
function encodeInteger(value: bigint): Uint8Array {
  const digits = value.toString(16);
  const bytes = bigIntToBytes(value, Math.ceil(digits.length / 2));
  return (bytes[0] ?? 0) & 0x80 ? encodeTlv(0x02, Uint8Array.of(0), bytes) : encodeTlv(0x02, bytes);
}

/** The inverse modulo `modulus`, or 0 where there is none. */
function invert(value: bigint, modulus: bigint): bigint {
  let [remainder, next] = [modulus, ((value % modulus) + modulus) % modulus];
  let [coefficient, nextCoefficient] = [0n, 1n];
  while (next !== 0n) {
    const quotient = remainder / next;
    [remainder, next] = [next, remainder - quotient * next];
    [coefficient, nextCoefficient] = [nextCoefficient, coefficient - quotient * nextCoefficient];
  }
  return remainder === 1n ? ((coefficient % modulus) + modulus) % modulus : 0n;
}
