/**
 * Secret keys as session objects: what a template asks for (PKCS #11 v3.0, sections 4.10 and 5.18), and the attributes that the key then has. Nothing is done here with
 * secret keys, so that a key is for the program to read: a template that forbids it is refused, for the key would be of no use.
 */
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import { decodeUlong, encodeUlong, isBoolean, type Attribute } from '../rpc/attributes.ts';
import { UNAVAILABLE } from '../rpc/reader.ts';
import type { TokenObject } from './objects.ts';

export interface SecretTemplate {
  readonly keyType: number;
  /** In bytes; undefined: as long as it comes. */
  readonly length: number | undefined;
  readonly isPrivate: boolean;
  /** As they stand in the template. */
  readonly told: ReadonlyMap<number, Uint8Array>;
}

/** The longest secret: more than any key of a cipher or MAC has. */
export const MAX_SECRET_BYTES = 1_024;
const MAX_NAME_BYTES = 512;
/** FIPS 197, section 5. */
const AES_LENGTHS: readonly number[] = [16, 24, 32];

const yes = Uint8Array.of(1);
const no = Uint8Array.of(0);

/** What a program may say of its key as it likes. */
const FREE: ReadonlySet<number> = new Set([
  ...[ck.CKA_LABEL, ck.CKA_ID, ck.CKA_ENCRYPT, ck.CKA_DECRYPT, ck.CKA_SIGN, ck.CKA_VERIFY, ck.CKA_WRAP, ck.CKA_UNWRAP],
  ...[ck.CKA_DERIVE, ck.CKA_DESTROYABLE, ck.CKA_MODIFIABLE, ck.CKA_COPYABLE, ck.CKA_START_DATE, ck.CKA_END_DATE],
]);
/** What the token says (section 4.10, footnotes 2 to 4 of its table). */
const TOKENS_OWN: ReadonlySet<number> = new Set([
  ...[ck.CKA_LOCAL, ck.CKA_ALWAYS_SENSITIVE, ck.CKA_NEVER_EXTRACTABLE, ck.CKA_KEY_GEN_MECHANISM],
]);

/** Throws CkError for what cannot be made. */
export function parseSecretTemplate(template: readonly Attribute[]): SecretTemplate {
  const told = new Map<number, Uint8Array>();
  let keyType: number = ck.CKK_GENERIC_SECRET;
  let length: number | undefined;
  let isPrivate = true;
  for (const { type, value } of template) {
    if (!(value instanceof Uint8Array)) throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, `making a key: attribute ${type}`);
    const isTrue = isBoolean(type) && value[0] !== 0;
    if (type === ck.CKA_CLASS) requireOne(type, numberOf(type, value), ck.CKO_SECRET_KEY);
    else if (type === ck.CKA_KEY_TYPE) keyType = numberOf(type, value);
    else if (type === ck.CKA_VALUE_LEN) length = numberOf(type, value);
    else if (type === ck.CKA_PRIVATE) isPrivate = isTrue;
    else if (type === ck.CKA_TOKEN) requireFalse(type, isTrue);
    else if (type === ck.CKA_SENSITIVE) requireFalse(type, isTrue);
    else if (type === ck.CKA_EXTRACTABLE) requireFalse(type, !isTrue);
    else if (TOKENS_OWN.has(type)) throw new CkError(ck.CKR_ATTRIBUTE_READ_ONLY, `making a key: attribute ${type}`);
    else if (type === ck.CKA_VALUE) throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, 'making a key: its value is to come');
    else if (!FREE.has(type)) throw new CkError(ck.CKR_ATTRIBUTE_TYPE_INVALID, `making a key: attribute ${type}`);
    else if (value.length > MAX_NAME_BYTES) throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, `making a key: attribute ${type}`);
    else told.set(type, isBoolean(type) ? (isTrue ? yes : no) : value.slice());
  }
  requireLength(keyType, length);
  return { keyType, length, isPrivate, told };
}

function numberOf(type: number, value: Uint8Array): number {
  const number = decodeUlong(value);
  if (number !== undefined && number !== UNAVAILABLE) return number;
  throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, `making a key: attribute ${type}`);
}

function requireOne(type: number, value: number, wanted: number): void {
  if (value !== wanted) throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `making a key: attribute ${type} is ${value}`);
}

/** On a card it cannot be kept, and out of reach it would be of no use. */
function requireFalse(type: number, isAsked: boolean): void {
  if (isAsked) throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `making a key: attribute ${type} is not done`);
}

function requireLength(keyType: number, length: number | undefined): void {
  if (keyType !== ck.CKK_AES && keyType !== ck.CKK_GENERIC_SECRET)
    throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `making a key: type ${keyType} is not done`);
  if (length === undefined) return;
  const fits = keyType === ck.CKK_AES ? AES_LENGTHS.includes(length) : length > 0 && length <= MAX_SECRET_BYTES;
  if (!fits) throw new CkError(ck.CKR_KEY_SIZE_RANGE, `making a key: ${length} bytes`);
}

/** Takes the value over. Throws for one that has not the length of such a key. */
export function secretKeyOf({ keyType, isPrivate, told }: SecretTemplate, value: Uint8Array): Omit<TokenObject, 'handle'> {
  requireLength(keyType, value.length);
  const booleans = [
    ...[ck.CKA_ENCRYPT, ck.CKA_DECRYPT, ck.CKA_SIGN, ck.CKA_VERIFY, ck.CKA_WRAP, ck.CKA_UNWRAP, ck.CKA_DERIVE],
    ...[ck.CKA_TOKEN, ck.CKA_SENSITIVE, ck.CKA_ALWAYS_SENSITIVE, ck.CKA_NEVER_EXTRACTABLE, ck.CKA_LOCAL],
  ];
  const attributes = new Map<number, Uint8Array>([
    [ck.CKA_CLASS, encodeUlong(ck.CKO_SECRET_KEY)],
    [ck.CKA_KEY_TYPE, encodeUlong(keyType)],
    [ck.CKA_KEY_GEN_MECHANISM, encodeUlong(UNAVAILABLE)],
    [ck.CKA_LABEL, new Uint8Array()],
    [ck.CKA_ID, new Uint8Array()],
    ...booleans.map((type) => [type, no] as const),
    [ck.CKA_DESTROYABLE, yes],
    [ck.CKA_MODIFIABLE, yes],
    ...told,
    [ck.CKA_COPYABLE, no],
    [ck.CKA_PRIVATE, isPrivate ? yes : no],
    [ck.CKA_EXTRACTABLE, yes],
    [ck.CKA_VALUE_LEN, encodeUlong(value.length)],
    [ck.CKA_VALUE, value],
  ]);
  return { isPrivate, isDestroyable: attributes.get(ck.CKA_DESTROYABLE)?.[0] === 1, attributes };
}

/** What can be changed of a key that was made (PKCS #11 v3.0, section 4: footnote 8 of its tables of attributes). */
const CHANGEABLE: ReadonlySet<number> = new Set([
  ...[ck.CKA_LABEL, ck.CKA_ID, ck.CKA_ENCRYPT, ck.CKA_DECRYPT, ck.CKA_SIGN, ck.CKA_VERIFY, ck.CKA_WRAP, ck.CKA_UNWRAP],
  ...[ck.CKA_DERIVE, ck.CKA_START_DATE, ck.CKA_END_DATE],
]);
/** CK_DATE: YYYYMMDD, or nothing. */
const DATE_BYTES: readonly number[] = [0, 8];

/** With the attributes of C_SetAttributeValue, all of them or none. Throws CkError. */
export function changedSecretKey(object: TokenObject, template: readonly Attribute[]): TokenObject {
  const what = (type: number): string => `changing a key: attribute ${type}`;
  const attributes = new Map(object.attributes);
  const isModifiable = attributes.get(ck.CKA_MODIFIABLE)?.[0] === 1;
  if (!isModifiable) throw new CkError(ck.CKR_ACTION_PROHIBITED, 'changing a key: it was made to stay as it is (CKA_MODIFIABLE)');
  for (const { type, value } of template) {
    if (!attributes.has(type) && !CHANGEABLE.has(type)) throw new CkError(ck.CKR_ATTRIBUTE_TYPE_INVALID, what(type));
    if (!CHANGEABLE.has(type)) throw new CkError(ck.CKR_ATTRIBUTE_READ_ONLY, what(type));
    if (!(value instanceof Uint8Array) || !fits(type, value)) throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, what(type));
    attributes.set(type, isBoolean(type) ? (value[0] === 0 ? no : yes) : value.slice());
  }
  return { ...object, attributes };
}

function fits(type: number, { length }: Uint8Array): boolean {
  if (isBoolean(type)) return length === 1;
  const isDate = type === ck.CKA_START_DATE || type === ck.CKA_END_DATE;
  return isDate ? DATE_BYTES.includes(length) : length <= MAX_NAME_BYTES;
}
