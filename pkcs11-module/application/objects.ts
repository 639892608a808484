/** The objects of a token as PKCS #11 has them: certificates, public keys, private keys, and profiles. Pure: made anew of what the card holds. */
import { X509Certificate, createHash, createPublicKey, type KeyObject } from 'node:crypto';
import type { KeyAlgorithm, TokenContents, TokenKey } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import type { SlotReading, SlotToken } from '../desk.ts';
import { encodeUlong, isBoolean, type Attribute } from '../rpc/attributes.ts';
import { derField, derTlv } from './der.ts';
import { hasAbility, isDeciphering, isRsaKey } from './mechanisms.ts';

/** An object by its handle, which stays the same while the card is in. */
export interface TokenObject {
  readonly handle: number;
  readonly isPrivate: boolean;
  readonly attributes: ReadonlyMap<number, Uint8Array>;
  /** Further CKA_IDs that it is found by. */
  readonly otherIds?: readonly Uint8Array[];
  readonly isDestroyable: boolean;
  /** Of certificates of the card's keys. */
  readonly certificate?: { readonly keyReference: string; readonly der: Uint8Array };
  /** Of keys. */
  readonly key?: TokenKey & { readonly algorithm: KeyAlgorithm };
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey?: Uint8Array;
}

/** As a card holds it, without the number that its client knows it by. */
export type HeldObject = Omit<TokenObject, 'handle'>;

/** Keys of one PIN, their certificates, and with the first PIN those of authorities. */
export function objectsOf({ contents, abilities }: SlotReading, { pin, isFirst, otherIds }: SlotToken): readonly HeldObject[] {
  const keys = contents.keys.filter((key) => key.pin === pin);
  const objects: HeldObject[] = PROFILES.map((profile) => ({
    isPrivate: false,
    isDestroyable: false,
    attributes: profileOf(profile),
  }));
  const ofKeys = keys.flatMap((key) => keyObjects(key, contents, abilities));
  const found = (keyReference: string): Pick<HeldObject, 'otherIds'> => {
    const named = [...(otherIds ?? [])].filter(([, one]) => one === keyReference).map(([id]) => idOf(id));
    const key = ofKeys.find((object) => object.key?.keyReference === keyReference);
    const ids = key ? [...named, madeUpId(key)] : named;
    return ids.length > 0 ? { otherIds: ids } : {};
  };
  for (const { keyReference, der, label, isAuthority } of contents.certificates) {
    const key = keys.find((one) => one.keyReference === keyReference);
    const isDestroyable = key !== undefined && abilities !== undefined;
    const isShown = key !== undefined || (isFirst && isAuthority);
    const isModifiable = isDestroyable && abilities.renames;
    const named = { id: keyReference, label: label ?? key?.label, isDestroyable, isModifiable };
    const attributes = isShown ? certificateAttributes(der, named) : undefined;
    const certificate = key && { certificate: { keyReference, der } };
    if (attributes) objects.push({ isPrivate: false, isDestroyable, attributes, ...certificate, ...found(keyReference) });
  }
  for (const object of ofKeys) objects.push({ ...object, ...found(object.key?.keyReference ?? '') });
  return objects;
}

/**
 * SHA-1 of the modulus or of the point: what NSS names a key by after it was made, and looks for then (PK11_MakeIDFromPubKey, NSS 3.87). As it follows from the
 * key, the key is found by it for good, whatever its card calls it.
 */
function madeUpId({ attributes }: HeldObject): Uint8Array {
  const point = attributes.get(ck.CKA_EC_POINT);
  const value = point ? derField(point, []).value : (attributes.get(ck.CKA_MODULUS) ?? new Uint8Array());
  return new Uint8Array(createHash('sha1').update(value).digest());
}

const PROFILES = [
  ck.CKP_BASELINE_PROVIDER,
  ck.CKP_EXTENDED_PROVIDER,
  ck.CKP_AUTHENTICATION_TOKEN,
  ck.CKP_PUBLIC_CERTIFICATES_TOKEN,
];

const yes = Uint8Array.of(1);
const no = Uint8Array.of(0);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const idOf = (keyReference: string): Uint8Array => new Uint8Array(Buffer.from(keyReference, 'hex'));

type Rows = readonly (readonly [number, Uint8Array])[];

function common(objectClass: number, { isPrivate = false, isDestroyable = false, isModifiable = false } = {}): Rows {
  return [
    [ck.CKA_CLASS, encodeUlong(objectClass)],
    [ck.CKA_TOKEN, yes],
    [ck.CKA_PRIVATE, isPrivate ? yes : no],
    [ck.CKA_MODIFIABLE, isModifiable ? yes : no],
    [ck.CKA_COPYABLE, no],
    [ck.CKA_DESTROYABLE, isDestroyable ? yes : no],
  ];
}

function profileOf(profile: number): ReadonlyMap<number, Uint8Array> {
  return new Map([...common(ck.CKO_PROFILE), [ck.CKA_PROFILE_ID, encodeUlong(profile)]]);
}

interface Can {
  readonly isDestroyable: boolean;
  readonly isModifiable: boolean;
}

/** Undefined for bytes that are no certificate. One that has no other name goes by its subject's. */
function certificateAttributes(
  der: Uint8Array,
  { id, label, ...can }: { readonly id: string; readonly label: string | undefined } & Can,
): ReadonlyMap<number, Uint8Array> | undefined {
  const fields = certificateFields(der);
  if (!fields) return undefined;
  const { certificate, serialNumber, issuer, subject } = fields;
  const category = certificate.ca ? ck.CK_CERTIFICATE_CATEGORY_AUTHORITY : ck.CK_CERTIFICATE_CATEGORY_TOKEN_USER;
  return new Map([
    ...common(ck.CKO_CERTIFICATE, can),
    [ck.CKA_CERTIFICATE_TYPE, encodeUlong(ck.CKC_X_509)],
    [ck.CKA_CERTIFICATE_CATEGORY, encodeUlong(category)],
    [ck.CKA_TRUSTED, no],
    [ck.CKA_LABEL, text(label ?? commonNameOf(certificate) ?? id)],
    [ck.CKA_ID, idOf(id)],
    [ck.CKA_SUBJECT, subject],
    [ck.CKA_ISSUER, issuer],
    [ck.CKA_SERIAL_NUMBER, serialNumber],
    [ck.CKA_VALUE, der],
  ]);
}

/** Of several common names the last, which is the most specific; else the organisation. */
function commonNameOf(certificate: X509Certificate): string | undefined {
  const { CN, O } = certificate.toLegacyObject().subject as Readonly<Record<string, string | readonly string[] | undefined>>;
  const name = CN ?? O;
  return typeof name === 'object' ? name.at(-1) : name;
}

/** TBSCertificate (RFC 5280, section 4.1): version, serialNumber, signature, issuer, validity, subject. */
export function certificateFields(der: Uint8Array):
  | {
      readonly certificate: X509Certificate;
      readonly serialNumber: Uint8Array;
      readonly issuer: Uint8Array;
      readonly subject: Uint8Array;
    }
  | undefined {
  try {
    const certificate = new X509Certificate(der);
    const tbs = derField(derField(der, []).value, [0]);
    const hasVersion = tbs.value[0] === 0xa0 ? 1 : 0;
    const at = (index: number): Uint8Array => derField(tbs.value, [hasVersion + index]).whole;
    return { certificate, serialNumber: at(0), issuer: at(2), subject: at(4) };
  } catch {
    return undefined; // a card may hold anything
  }
}

/** A card that deletes a key deletes both halves of it. */
function keyObjects(
  key: TokenKey,
  ...[{ certificates }, abilities]: readonly [TokenContents, SlotReading['abilities']]
): readonly HeldObject[] {
  const isDestroyable = abilities?.deletesKeys === true;
  const isModifiable = abilities?.renames === true;
  const publicKey = publicKeyOf(key, certificates.find(({ keyReference }) => keyReference === key.keyReference)?.der);
  const { algorithm } = key;
  if (!publicKey || !algorithm) return [];
  const known = { ...key, algorithm };
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  const material = keyMaterial(publicKey, spki, algorithm);
  const isRsa = isRsaKey(known);
  const decrypts = isDeciphering(known);
  const signs = key.usage !== 'key agreement' || hasAbility(known, 'sign block');
  const named: Rows = [
    [ck.CKA_KEY_TYPE, encodeUlong(isRsa ? ck.CKK_RSA : ck.CKK_EC)],
    [ck.CKA_LABEL, text(key.label)],
    [ck.CKA_ID, idOf(key.keyReference)],
    [ck.CKA_LOCAL, key.origin === 'imported' ? no : yes],
  ];
  const isOf = (condition: boolean): Uint8Array => (condition ? yes : no);
  const ofPublic: Rows = [
    ...common(ck.CKO_PUBLIC_KEY, { isModifiable }),
    ...named,
    ...material,
    [ck.CKA_VERIFY, yes],
    [ck.CKA_ENCRYPT, isOf(decrypts)],
    [ck.CKA_WRAP, no],
    [ck.CKA_VERIFY_RECOVER, isOf(isRsa)],
    [ck.CKA_DERIVE, no],
  ];
  const ofPrivate: Rows = [
    ...common(ck.CKO_PRIVATE_KEY, { isPrivate: true, isDestroyable, isModifiable }),
    ...named,
    ...material,
    [ck.CKA_SIGN, isOf(signs)],
    [ck.CKA_DECRYPT, isOf(decrypts)],
    [ck.CKA_UNWRAP, isOf(decrypts)],
    [ck.CKA_SIGN_RECOVER, isOf(signs && isRsa)],
    [ck.CKA_DERIVE, isOf(hasAbility(known, 'agree'))],
    [ck.CKA_SENSITIVE, yes],
    [ck.CKA_ALWAYS_SENSITIVE, yes],
    [ck.CKA_EXTRACTABLE, no],
    [ck.CKA_NEVER_EXTRACTABLE, yes],
    [ck.CKA_ALWAYS_AUTHENTICATE, isOf(key.pinPolicy === 'always')],
  ];
  return [
    { isPrivate: false, isDestroyable: false, attributes: new Map(ofPublic), key: known, publicKey: spki },
    { isPrivate: true, isDestroyable, attributes: new Map(ofPrivate), key: known, publicKey: spki },
  ];
}

function publicKeyOf({ publicKey }: TokenKey, certificate: Uint8Array | undefined): KeyObject | undefined {
  try {
    if (publicKey) return createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    return certificate && new X509Certificate(certificate).publicKey;
  } catch {
    return undefined;
  }
}

/** PKCS #11 v3.0, sections 2.1.2 and 2.3.3: a point is an OCTET STRING of it. */
function keyMaterial(publicKey: KeyObject, spki: Uint8Array, algorithm: KeyAlgorithm): Rows {
  const jwk = publicKey.export({ format: 'jwk' });
  const info: Rows = [[ck.CKA_PUBLIC_KEY_INFO, spki]];
  const base64 = (value: unknown): Uint8Array => new Uint8Array(Buffer.from(typeof value === 'string' ? value : '', 'base64url'));
  if (algorithm.startsWith('RSA'))
    return [
      ...info,
      [ck.CKA_MODULUS, base64(jwk.n)],
      [ck.CKA_MODULUS_BITS, encodeUlong(Number(algorithm.slice(4)))],
      [ck.CKA_PUBLIC_EXPONENT, base64(jwk.e)],
    ];
  const point = Buffer.concat([Uint8Array.of(0x04), base64(jwk.x), base64(jwk.y)]);
  // SubjectPublicKeyInfo: algorithm (identifier, curve), key.
  const curve = derField(derField(derField(spki, []).value, [0]).value, [1]).whole;
  return [...info, [ck.CKA_EC_PARAMS, curve], [ck.CKA_EC_POINT, derTlv(0x04, point)]];
}

/** Whether it has all of the template. A boolean may come as any byte but 0. */
export function matches({ attributes, otherIds = [] }: HeldObject, template: readonly Attribute[]): boolean {
  return template.every(({ type, value }) => {
    const own = attributes.get(type);
    if (!own || !(value instanceof Uint8Array)) return false;
    if (isBoolean(type) && value.length === 1) return (own[0] !== 0) === (value[0] !== 0);
    if (Buffer.compare(own, value) === 0) return true;
    return type === ck.CKA_ID && otherIds.some((id) => Buffer.compare(id, value) === 0);
  });
}
