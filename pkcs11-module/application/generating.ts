/** Key pairs made on the card (PKCS #11 v3.0, section 5.13.2). The templates say what for; the place follows from it, and what cannot be stored is refused or left out. */
import type { KeyAlgorithm, TokenContents } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import type { SlotToken, TokenAbilities } from '../desk.ts';
import { CkError, valueOf } from '../errors.ts';
import type { Attribute } from '../rpc/attributes.ts';
import type { Mechanism } from '../rpc/mechanisms.ts';
import { beginChange, change, requireReadWrite } from './changing.ts';
import type { ApplicationContext, Functions } from './context.ts';
import type { MechanismInfo } from './mechanisms.ts';
import { makesKeys, placeForKey, type WantedKey } from './places.ts';
import { Template } from './template.ts';

/** What a key can be asked to be. Labels and dates have no place on a card: it has its own. */
const KNOWN: ReadonlySet<number> = new Set([
  ...[ck.CKA_CLASS, ck.CKA_TOKEN, ck.CKA_PRIVATE, ck.CKA_LABEL, ck.CKA_KEY_TYPE, ck.CKA_SUBJECT, ck.CKA_ID, ck.CKA_SENSITIVE],
  ...[ck.CKA_ENCRYPT, ck.CKA_DECRYPT, ck.CKA_WRAP, ck.CKA_UNWRAP, ck.CKA_SIGN, ck.CKA_SIGN_RECOVER, ck.CKA_VERIFY],
  ...[ck.CKA_VERIFY_RECOVER, ck.CKA_DERIVE, ck.CKA_START_DATE, ck.CKA_END_DATE, ck.CKA_MODULUS_BITS, ck.CKA_PUBLIC_EXPONENT],
  ...[ck.CKA_EXTRACTABLE, ck.CKA_MODIFIABLE, ck.CKA_COPYABLE, ck.CKA_DESTROYABLE, ck.CKA_EC_PARAMS, ck.CKA_ALWAYS_AUTHENTICATE],
]);
/** 65537: what cards make. */
const PUBLIC_EXPONENT = /^(?:00)*010001$/;
/** namedCurve of ECParameters (RFC 5480, section 2.1.1.1), DER. */
const CURVES: ReadonlyMap<string, KeyAlgorithm> = new Map([
  ['06082a8648ce3d030107', 'P-256'],
  ['06052b81040022', 'P-384'],
]);
const MODULI: ReadonlyMap<number, KeyAlgorithm> = new Map([
  [2048, 'RSA-2048'],
  [3072, 'RSA-3072'],
  [4096, 'RSA-4096'],
]);

export function generatingFunctions(context: ApplicationContext): Functions {
  return {
    C_GenerateKeyPair: async ([handle, mechanism, ofPublic, ofPrivate]) => {
      requireReadWrite(context.session(handle).session);
      const wanted = wantedKey(mechanism, ofPublic, ofPrivate);
      const changeable = await beginChange(context, handle);
      const keyReference = placeForKey(wanted, changeable);
      await change(context, changeable, { act: 'pkcs11.generateKey', keyReference, algorithm: wanted.algorithm }).catch(
        (error: unknown) => {
          if (valueOf(error) !== ck.CKR_MECHANISM_INVALID) throw error;
          const message = error instanceof Error ? error.message : '';
          throw new CkError(ck.CKR_KEY_SIZE_RANGE, message, { cause: error });
        },
      );
      const objects = await context.objectsOf(changeable.slot);
      const handleOf = (isPrivate: boolean): number => {
        const made = objects.find(({ key, isPrivate: own }) => key?.keyReference === keyReference && own === isPrivate);
        if (made) return made.handle;
        throw new CkError(ck.CKR_DEVICE_ERROR, `generating key ${keyReference}: the card does not show it`);
      };
      return [handleOf(false), handleOf(true)];
    },
  };
}

/** Throws what C_GenerateKeyPair returns for templates that say too little, or what cannot be. */
function wantedKey(mechanism: Mechanism | undefined, ofPublic: readonly Attribute[], ofPrivate: readonly Attribute[]): WantedKey {
  if (!mechanism) throw new CkError(ck.CKR_ARGUMENTS_BAD, 'generating a key: no mechanism was given');
  const isRsa = mechanism.type === ck.CKM_RSA_PKCS_KEY_PAIR_GEN;
  if (!isRsa && mechanism.type !== ck.CKM_EC_KEY_PAIR_GEN)
    throw new CkError(ck.CKR_MECHANISM_INVALID, `generating a key: mechanism ${mechanism.type} makes none`);
  const publicKey = new Template('generating a key, its public half', ofPublic, KNOWN);
  const privateKey = new Template('generating a key, its private half', ofPrivate, KNOWN);
  for (const [template, objectClass] of [
    [publicKey, ck.CKO_PUBLIC_KEY],
    [privateKey, ck.CKO_PRIVATE_KEY],
  ] as const) {
    template.expectUlong(ck.CKA_CLASS, objectClass);
    template.expectUlong(ck.CKA_KEY_TYPE, isRsa ? ck.CKK_RSA : ck.CKK_EC);
  }
  privateKey.requireToken();
  privateKey.refuseFlag(ck.CKA_EXTRACTABLE, true);
  const id = privateKey.bytes(ck.CKA_ID) ?? publicKey.bytes(ck.CKA_ID);
  if (id) publicKey.expectBytes(ck.CKA_ID, id);
  const has = (types: readonly number[]): boolean => types.some((type) => privateKey.flag(type) === true);
  return {
    algorithm: isRsa ? wantedModulus(publicKey) : wantedCurve(publicKey),
    id,
    signs: has([ck.CKA_SIGN, ck.CKA_SIGN_RECOVER]),
    agrees: has([ck.CKA_DECRYPT, ck.CKA_UNWRAP, ck.CKA_DERIVE]),
    isGuarded: privateKey.flag(ck.CKA_ALWAYS_AUTHENTICATE) === true,
  };
}

function wantedModulus(template: Template): KeyAlgorithm {
  const exponent = template.bytes(ck.CKA_PUBLIC_EXPONENT);
  if (exponent && !PUBLIC_EXPONENT.test(Buffer.from(exponent).toString('hex')))
    throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, 'generating a key: its public exponent can only be 65537');
  const bits = template.require(template.ulong(ck.CKA_MODULUS_BITS), 'CKA_MODULUS_BITS');
  const algorithm = MODULI.get(bits);
  if (algorithm) return algorithm;
  throw new CkError(ck.CKR_KEY_SIZE_RANGE, `generating an RSA key: ${bits} bits are no size that is made`);
}

function wantedCurve(template: Template): KeyAlgorithm {
  const parameters = template.require(template.bytes(ck.CKA_EC_PARAMS), 'CKA_EC_PARAMS');
  const algorithm = CURVES.get(Buffer.from(parameters).toString('hex'));
  if (algorithm) return algorithm;
  throw new CkError(ck.CKR_CURVE_NOT_SUPPORTED, 'generating a key: its curve is neither P-256 nor P-384');
}

/** Of the places of a token: those that say nothing take every kind that the card makes. */
export function generatingMechanisms(
  { keys, makes }: Pick<TokenContents, 'keys' | 'makes'>,
  { token, abilities }: { readonly token: SlotToken; readonly abilities: TokenAbilities | undefined },
): readonly (readonly [number, MechanismInfo])[] {
  if (!abilities || !makesKeys(token, abilities)) return [];
  const places = keys.filter((key) => key.pin === token.pin);
  const isFixed = (place: (typeof places)[number]): boolean => place.algorithm !== undefined && !abilities.hasManagementKey;
  const takesAll = abilities.hasOpenPlaces || abilities.hasManagementKey || !places.every(isFixed);
  const made = [...MODULI.values(), ...CURVES.values()].filter((kind) => makes?.includes(kind) ?? true);
  const kinds = takesAll ? made : places.flatMap(({ algorithm }) => algorithm ?? []);
  const row = (type: number, kind: 'P-' | 'RSA-', flags: number): readonly (readonly [number, MechanismInfo])[] => {
    const sizes = kinds.filter((one) => one.startsWith(kind)).map((one) => Number(one.slice(kind.length)));
    if (sizes.length === 0) return [];
    return [[type, { min: Math.min(...sizes), max: Math.max(...sizes), flags: ck.CKF_HW | ck.CKF_GENERATE_KEY_PAIR | flags }]];
  };
  return [
    ...row(ck.CKM_RSA_PKCS_KEY_PAIR_GEN, 'RSA-', 0),
    ...row(ck.CKM_EC_KEY_PAIR_GEN, 'P-', ck.CKF_EC_F_P | ck.CKF_EC_NAMEDCURVE | ck.CKF_EC_UNCOMPRESS),
  ];
}
