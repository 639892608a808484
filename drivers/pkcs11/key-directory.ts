/**
 * Keys and certificates of one card as its module shows them, made out of objects of PKCS #11. Private keys are mostly hidden until a PIN was verified, so a key
 * is known by its public half or its certificate as well. A key is called by its CKA_ID.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { equalBytes, formatHex, parseHex } from '../../apdu/bytes.ts';
import { keyOfCertificate } from '../../apdu/certificate-key.ts';
import { CardDataError, KeyNotFoundError } from '../../apdu/errors.ts';
import { COORDINATE_LENGTH, encodeEllipticPublicKey, encodeRsaPublicKey, keyAlgorithmOf } from '../../apdu/public-key.ts';
import { TlvError, decodeFirstTlv } from '../../apdu/tlv/ber-tlv.ts';
import type { EllipticKeyAlgorithm, KeyAlgorithm, KeyUsage, TokenCertificate, TokenKey } from '../../apdu/token.ts';
import * as ck from './constants.ts';
import type { AttributeKind } from './messages.ts';
import { createPublicKey } from 'node:crypto';

/** The object classes that are read, with their attributes in the order of the properties of `ModuleObject`. */
export const READ_ATTRIBUTES = [
  { type: ck.CKA_CLASS, kind: 'number' },
  { type: ck.CKA_ID, kind: 'bytes' },
  { type: ck.CKA_LABEL, kind: 'bytes' },
  { type: ck.CKA_KEY_TYPE, kind: 'number' },
  { type: ck.CKA_MODULUS, kind: 'bytes' },
  { type: ck.CKA_PUBLIC_EXPONENT, kind: 'bytes' },
  { type: ck.CKA_EC_PARAMS, kind: 'bytes' },
  { type: ck.CKA_EC_POINT, kind: 'bytes' },
  { type: ck.CKA_DERIVE, kind: 'boolean' },
  { type: ck.CKA_SIGN, kind: 'boolean' },
  { type: ck.CKA_VERIFY, kind: 'boolean' },
  { type: ck.CKA_ENCRYPT, kind: 'boolean' },
  { type: ck.CKA_DECRYPT, kind: 'boolean' },
  { type: ck.CKA_ALWAYS_AUTHENTICATE, kind: 'boolean' },
  { type: ck.CKA_LOCAL, kind: 'boolean' },
  { type: ck.CKA_VALUE, kind: 'bytes' },
] as const satisfies readonly { readonly type: number; readonly kind: AttributeKind }[];

/** Attributes of private keys: asking a module for the value of one would be asking for the key. */
export const PRIVATE_KEY_ATTRIBUTES = READ_ATTRIBUTES.filter(({ type }) => type !== ck.CKA_VALUE);

export interface ModuleObject {
  readonly handle: string;
  /** Attributes by type; absent for what the object has not. */
  readonly numbers: ReadonlyMap<number, number>;
  readonly bytes: ReadonlyMap<number, Uint8Array>;
}

/** Objects of one slot. */
export interface SlotObjects {
  /** Its place among the card's. */
  readonly slot: number;
  readonly objects: readonly ModuleObject[];
}

export interface DirectoryKey {
  readonly keyReference: string;
  readonly slot: number;
  readonly id: Uint8Array;
  readonly keyType: number | undefined;
  readonly label: string;
  readonly algorithm?: KeyAlgorithm;
  readonly publicKey?: Uint8Array;
  readonly usage: KeyUsage;
  readonly deciphers: boolean;
  readonly alwaysAuthenticates: boolean;
}

export interface DirectoryCertificate extends TokenCertificate {
  readonly slot: number;
  readonly handle: string;
  readonly id: Uint8Array;
}

export interface KeyDirectory {
  readonly keys: readonly DirectoryKey[];
  readonly certificates: readonly DirectoryCertificate[];
}

/** CK_EC_PARAMS: the OID of the curve (SEC 2; RFC 5480, section 2.1.1.1). */
export const CURVES: Readonly<Record<EllipticKeyAlgorithm, Uint8Array>> = {
  'P-256': parseHex('06082A8648CE3D030107'),
  'P-384': parseHex('06052B81040022'),
};
const TAG_OCTET_STRING = 0x04;
/** As long as the API lets a key reference be. */
const MAX_ID_BYTES = 60;
/** id-ce-keyUsage (RFC 5280, section 4.2.1.3), and its bits of the first byte. */
const OID_KEY_USAGE = parseHex('0603551D0F');
const BIT_CONTENT_COMMITMENT = 0x40;
const BIT_KEY_AGREEMENT = 0x08;
const BIT_KEY_ENCIPHERMENT = 0x20;
const BIT_DIGITAL_SIGNATURE = 0x80;

/** Later keys with the CKA_ID of an earlier one, by slots and then as the module lists them, are called by it and their number: 45, 4502, 4503. */
export function buildDirectory(slots: readonly SlotObjects[]): KeyDirectory {
  const certificates = slots.flatMap(({ slot, objects }) =>
    ofClass(objects, ck.CKO_CERTIFICATE).flatMap((object) => readCertificate(slot, object)),
  );
  const keys: DirectoryKey[] = [];
  for (const { slot, objects } of slots) {
    for (const key of keysOfSlot(slot, objects, certificates)) {
      if (keys.some((known) => isSameKey(known, key))) continue;
      keys.push({ ...key, keyReference: freeReference(key.keyReference, keys) });
    }
  }
  return { keys, certificates };
}

/** In the API's terms. */
export function describeKey(key: DirectoryKey, pin: { readonly reference: string; readonly isWanted: boolean }): TokenKey {
  const { keyReference, label, algorithm, publicKey, usage, deciphers, alwaysAuthenticates } = key;
  return {
    keyReference,
    label: label === '' ? keyReference : label,
    usage,
    pin: pin.reference,
    pinPolicy: alwaysAuthenticates ? 'always' : pin.isWanted ? 'once' : 'never',
    ...(algorithm ? { algorithm } : {}),
    ...(publicKey ? { publicKey } : {}),
    ...(deciphers ? { abilities: ['decipher'] as const } : {}),
  };
}

function ofClass(objects: readonly ModuleObject[], objectClass: number): readonly ModuleObject[] {
  return objects.filter(({ numbers }) => numbers.get(ck.CKA_CLASS) === objectClass);
}

/** Some modules show the same public objects in every slot of a card. */
function isSameKey(left: DirectoryKey, right: DirectoryKey): boolean {
  if (!left.publicKey || !right.publicKey) return false;
  return equalBytes(left.id, right.id) && equalBytes(left.publicKey, right.publicKey);
}

function freeReference(wanted: string, keys: readonly DirectoryKey[]): string {
  const isTaken = (reference: string): boolean => keys.some(({ keyReference }) => keyReference === reference);
  let reference = wanted;
  for (let number = 2; isTaken(reference); number++) reference = wanted + formatHex(Uint8Array.of(number & 0xff));
  return reference;
}

/** Of the CKA_ID; of the label's hash for an object that has none, or one too long to be a name. */
export function referenceOf(id: Uint8Array, label: string): string {
  if (id.length > 0 && id.length <= MAX_ID_BYTES) return formatHex(id);
  const hash = createHash('sha256').update(id).update(label).digest();
  return formatHex(hash.subarray(0, 8));
}

/** A reference is a CKA_ID. Throws KeyNotFoundError for what is none. */
export function idOf(keyReference: string): Uint8Array {
  try {
    const id = parseHex(keyReference);
    if (id.length > 0 && id.length <= MAX_ID_BYTES) return id;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new KeyNotFoundError(`looking up key ${keyReference}: keys are called by 1 to ${MAX_ID_BYTES} bytes in hexadecimal`);
}

function readCertificate(slot: number, { handle, bytes }: ModuleObject): readonly DirectoryCertificate[] {
  const der = bytes.get(ck.CKA_VALUE);
  if (!der || der.length === 0) return [];
  const id = bytes.get(ck.CKA_ID) ?? new Uint8Array();
  const label = labelOf(bytes);
  const keyReference = referenceOf(id, label);
  return [{ keyReference, ...(label === '' ? {} : { label }), slot, handle, id, der: Uint8Array.from(der) }];
}

/** Private keys that show themselves, public keys, and certificates of others than authorities: one key each CKA_ID and kind. */
function keysOfSlot(
  slot: number,
  objects: readonly ModuleObject[],
  certificates: readonly DirectoryCertificate[],
): readonly DirectoryKey[] {
  const found: DirectoryKey[] = [];
  const privateKeys = ofClass(objects, ck.CKO_PRIVATE_KEY);
  const publicKeys = ofClass(objects, ck.CKO_PUBLIC_KEY);
  const own = certificates.filter((certificate) => certificate.slot === slot);
  for (const object of [...privateKeys, ...publicKeys]) {
    const key = describeObject(slot, object, own);
    const index = found.findIndex(
      (other) => equalBytes(other.id, key.id) && (other.keyType ?? key.keyType) === (key.keyType ?? other.keyType),
    );
    const known = found[index];
    if (!known) found.push(key);
    else if (object.numbers.get(ck.CKA_CLASS) === ck.CKO_PUBLIC_KEY) found[index] = { ...key, ...known, usage: known.usage };
    else found.push(key);
  }
  for (const { id, der, keyReference } of own) {
    const certified = keyOfCertificate(der);
    if (!certified || isAuthority(der) || found.some((key) => equalBytes(key.id, id))) continue;
    found.push({
      keyReference,
      slot,
      id,
      keyType: keyTypeOf(certified.algorithm),
      label: '',
      ...certified,
      usage: usageOf(der),
      deciphers: isRsa(certified.algorithm) && (keyUsageBits(der) & BIT_KEY_ENCIPHERMENT) !== 0,
      alwaysAuthenticates: false,
    });
  }
  const issuers = certificates.filter((certificate) => hasIssued(certificate, certificates));
  const isHeld = (object: ModuleObject): boolean => isMadeHere(object) && !issuers.some(({ id }) => hasId(object, id));
  const held = [...privateKeys, ...publicKeys.filter(isHeld)];
  return found.filter((key) => !isOfAuthority(key, own, held));
}

/**
 * Of a pair that the token made itself (Base Specification, section 4.7, CKA_LOCAL). Modules say so of public keys that they took out of certificates, too: OpenSC does of
 * the authorities above a card's own certificates.
 */
function isMadeHere({ numbers }: ModuleObject): boolean {
  return numbers.get(ck.CKA_LOCAL) === 1;
}

/** `held`: what shows that the token has the private half, which may not show itself. */
function isOfAuthority(key: DirectoryKey, certificates: readonly DirectoryCertificate[], held: readonly ModuleObject[]): boolean {
  if (held.some((object) => hasId(object, key.id))) return false;
  const own = certificates.filter(({ id }) => equalBytes(id, key.id));
  return own.length > 0 && own.every(({ der }) => isAuthority(der));
}

function describeObject(slot: number, object: ModuleObject, certificates: readonly DirectoryCertificate[]): DirectoryKey {
  const { numbers, bytes } = object;
  const id = bytes.get(ck.CKA_ID) ?? new Uint8Array();
  const label = labelOf(bytes);
  const told = readPublicKey(object);
  const certificate = certificates.find((candidate) => equalBytes(candidate.id, id));
  const certified = certificate && keyOfCertificate(certificate.der);
  return {
    keyReference: referenceOf(id, label),
    slot,
    id,
    keyType: numbers.get(ck.CKA_KEY_TYPE),
    label,
    ...(told ?? certified),
    usage: certificate ? usageOf(certificate.der) : usageOfObject(numbers),
    deciphers: numbers.get(ck.CKA_KEY_TYPE) === ck.CKK_RSA && isAnyOf(numbers, [ck.CKA_DECRYPT, ck.CKA_ENCRYPT]),
    alwaysAuthenticates: numbers.get(ck.CKA_ALWAYS_AUTHENTICATE) === 1,
  };
}

function labelOf(bytes: ModuleObject['bytes']): string {
  const text = Buffer.from(bytes.get(ck.CKA_LABEL) ?? []).toString('utf8');
  return text
    .replaceAll(/[\u0000-\u001f\u007f]/g, ' ')
    .trim()
    .slice(0, 200);
}

/** Undefined when the module does not tell, or tells what is no key of a kind that kortd knows. */
export function readPublicKey({
  numbers,
  bytes,
}: ModuleObject): { readonly algorithm: KeyAlgorithm; readonly publicKey: Uint8Array } | undefined {
  try {
    const publicKey = numbers.get(ck.CKA_KEY_TYPE) === ck.CKK_EC ? ellipticKey(bytes) : rsaKey(bytes);
    const algorithm = publicKey && keyAlgorithmOf(createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' }));
    return publicKey && algorithm && { algorithm, publicKey };
  } catch (error) {
    if (error instanceof CardDataError) return undefined;
    throw error;
  }
}

function rsaKey(bytes: ModuleObject['bytes']): Uint8Array | undefined {
  const [modulus, exponent] = [bytes.get(ck.CKA_MODULUS), bytes.get(ck.CKA_PUBLIC_EXPONENT)];
  return modulus?.length && exponent?.length ? encodeRsaPublicKey(modulus, exponent) : undefined;
}

/** CKA_EC_POINT is an OCTET STRING around the point (Current Mechanisms, section 2.3.3); older modules give the point as it is. */
function ellipticKey(bytes: ModuleObject['bytes']): Uint8Array | undefined {
  const [params, point] = [bytes.get(ck.CKA_EC_PARAMS), bytes.get(ck.CKA_EC_POINT)];
  const curve = (Object.keys(CURVES) as EllipticKeyAlgorithm[]).find((name) => params && equalBytes(CURVES[name], params));
  if (!curve || !point) return undefined;
  // Told apart by its length: a point too begins with 04, and what follows may look like the length of an OCTET STRING.
  return encodeEllipticPublicKey(curve, point.length === 1 + 2 * COORDINATE_LENGTH[curve] ? point : unwrapPoint(point));
}

function unwrapPoint(point: Uint8Array): Uint8Array {
  try {
    const { object, rest } = decodeFirstTlv(point);
    return object.tag === TAG_OCTET_STRING && rest.length === 0 ? object.value : point;
  } catch (error) {
    if (error instanceof TlvError) return point;
    throw error;
  }
}

function keyTypeOf(algorithm: KeyAlgorithm): number {
  return isRsa(algorithm) ? ck.CKK_RSA : ck.CKK_EC;
}

/** PKCS #11 has no word for signatures that commit; without a certificate a key counts as one to authenticate with, which web pages may not use. */
function usageOfObject(numbers: ModuleObject['numbers']): KeyUsage {
  const signs = isAnyOf(numbers, [ck.CKA_SIGN, ck.CKA_VERIFY]);
  return !signs && numbers.get(ck.CKA_DERIVE) === 1 ? 'key agreement' : 'authentication';
}

function isAnyOf(numbers: ModuleObject['numbers'], types: readonly number[]): boolean {
  return types.some((type) => numbers.get(type) === 1);
}

function isRsa(algorithm: KeyAlgorithm): boolean {
  return algorithm.startsWith('RSA');
}

function usageOf(der: Uint8Array): KeyUsage {
  const bits = keyUsageBits(der);
  if ((bits & BIT_CONTENT_COMMITMENT) !== 0) return 'signature';
  return (bits & BIT_KEY_AGREEMENT) !== 0 && (bits & BIT_DIGITAL_SIGNATURE) === 0 ? 'key agreement' : 'authentication';
}

/** First byte of the BIT STRING in the extension; 0 without one. */
function keyUsageBits(der: Uint8Array): number {
  const bytes = Buffer.from(der);
  const at = bytes.indexOf(OID_KEY_USAGE);
  if (at < 0) return 0;
  let value = at + OID_KEY_USAGE.length;
  if (bytes[value] === 0x01) value += 3; // critical
  const isBitString = bytes[value] === TAG_OCTET_STRING && bytes[value + 2] === 0x03;
  return isBitString ? (bytes[value + 5] ?? 0) : 0;
}

function isAuthority(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).ca;
  } catch {
    return false; // whatever it is, it certifies nobody
  }
}

/** Another certificate of the card stands on it. */
function hasIssued(issuer: DirectoryCertificate, certificates: readonly DirectoryCertificate[]): boolean {
  if (!isAuthority(issuer.der)) return false;
  const others = certificates.filter(({ id, der }) => !equalBytes(id, issuer.id) && !equalBytes(der, issuer.der));
  return others.some(({ der }) => {
    try {
      return new X509Certificate(der).checkIssued(new X509Certificate(issuer.der));
    } catch {
      return false;
    }
  });
}

function hasId({ bytes }: ModuleObject, id: Uint8Array): boolean {
  return equalBytes(bytes.get(ck.CKA_ID) ?? new Uint8Array(), id);
}
