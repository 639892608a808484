/** What can be done with the keys of a token, mechanism by mechanism, and how C_GetMechanismInfo tells of it (PKCS #11 v3.0, section 5.5.6). */
import type { KeyAbility, KeyAlgorithm } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import type { Dialect } from '../rpc/calls.ts';
import { isKnownMechanism } from '../rpc/mechanisms.ts';
import { DIGEST_MECHANISMS, type HashName } from './hashes.ts';

export type Family = 'ecdsa' | 'pkcs1' | 'pss' | 'raw';
export interface SigningRow {
  readonly family: Family;
  /** The message is hashed here; absent: it comes as a digest (ECDSA, PSS), as what is to be padded (PKCS #1) or as the block. */
  readonly hash?: HashName;
}

export const SIGNING: ReadonlyMap<number, SigningRow> = new Map<number, SigningRow>([
  [ck.CKM_RSA_PKCS, { family: 'pkcs1' }],
  [ck.CKM_SHA1_RSA_PKCS, { family: 'pkcs1', hash: 'sha1' }],
  [ck.CKM_SHA224_RSA_PKCS, { family: 'pkcs1', hash: 'sha224' }],
  [ck.CKM_SHA256_RSA_PKCS, { family: 'pkcs1', hash: 'sha256' }],
  [ck.CKM_SHA384_RSA_PKCS, { family: 'pkcs1', hash: 'sha384' }],
  [ck.CKM_SHA512_RSA_PKCS, { family: 'pkcs1', hash: 'sha512' }],
  [ck.CKM_RSA_PKCS_PSS, { family: 'pss' }],
  [ck.CKM_SHA1_RSA_PKCS_PSS, { family: 'pss', hash: 'sha1' }],
  [ck.CKM_SHA224_RSA_PKCS_PSS, { family: 'pss', hash: 'sha224' }],
  [ck.CKM_SHA256_RSA_PKCS_PSS, { family: 'pss', hash: 'sha256' }],
  [ck.CKM_SHA384_RSA_PKCS_PSS, { family: 'pss', hash: 'sha384' }],
  [ck.CKM_SHA512_RSA_PKCS_PSS, { family: 'pss', hash: 'sha512' }],
  [ck.CKM_RSA_X_509, { family: 'raw' }],
  [ck.CKM_ECDSA, { family: 'ecdsa' }],
  [ck.CKM_ECDSA_SHA1, { family: 'ecdsa', hash: 'sha1' }],
  [ck.CKM_ECDSA_SHA224, { family: 'ecdsa', hash: 'sha224' }],
  [ck.CKM_ECDSA_SHA256, { family: 'ecdsa', hash: 'sha256' }],
  [ck.CKM_ECDSA_SHA384, { family: 'ecdsa', hash: 'sha384' }],
  [ck.CKM_ECDSA_SHA512, { family: 'ecdsa', hash: 'sha512' }],
]);
/** Those by which data can be recovered from a signature. */
export const RECOVERING: readonly number[] = [ck.CKM_RSA_PKCS, ck.CKM_RSA_X_509];

export interface MechanismInfo {
  readonly min: number;
  readonly max: number;
  readonly flags: number;
}

/** Of a key, as far as mechanisms go by it. */
export interface AbleKey {
  readonly algorithm: KeyAlgorithm;
  readonly abilities?: readonly KeyAbility[];
}

interface MechanismUse {
  readonly type: number;
  readonly flags: number;
  /** Whether the key is one for it. */
  readonly fits: (key: AbleKey) => boolean;
}

const EC_FLAGS = ck.CKF_EC_F_P | ck.CKF_EC_NAMEDCURVE | ck.CKF_EC_UNCOMPRESS;

export const isRsaKey = ({ algorithm }: AbleKey): boolean => algorithm.startsWith('RSA-');
const isElliptic = (key: AbleKey): boolean => !isRsaKey(key);
export const hasAbility = ({ abilities }: AbleKey, ability: KeyAbility): boolean => abilities?.includes(ability) ?? false;
/** RSA decryption in one of its two ways. */
export const isDeciphering = (key: AbleKey): boolean => hasAbility(key, 'decipher') || hasAbility(key, 'decrypt');

function signingUses(): readonly MechanismUse[] {
  return [...SIGNING].flatMap(([type, { family, hash }]) => {
    const isOnCard = hash === undefined ? ck.CKF_HW : 0;
    const fits = family === 'ecdsa' ? isElliptic : isRsaKey;
    const recovery = RECOVERING.includes(type) ? [ck.CKF_SIGN_RECOVER, ck.CKF_VERIFY_RECOVER] : [0, 0];
    const sign = ck.CKF_SIGN | isOnCard | (recovery[0] ?? 0) | (family === 'ecdsa' ? EC_FLAGS : 0);
    const verify = ck.CKF_VERIFY | (recovery[1] ?? 0);
    const signs = family === 'raw' ? (key: AbleKey) => hasAbility(key, 'sign block') : fits;
    return [
      { type, flags: sign, fits: signs },
      { type, flags: verify, fits },
    ];
  });
}

const USES: readonly MechanismUse[] = [
  ...signingUses(),
  ...[ck.CKM_RSA_PKCS, ck.CKM_RSA_PKCS_OAEP, ck.CKM_RSA_X_509].flatMap((type): readonly MechanismUse[] => {
    const unwrap = type === ck.CKM_RSA_X_509 ? 0 : ck.CKF_UNWRAP;
    const decrypts = type === ck.CKM_RSA_PKCS ? isDeciphering : (key: AbleKey) => hasAbility(key, 'decipher');
    return [
      { type, flags: ck.CKF_DECRYPT | unwrap | ck.CKF_HW, fits: decrypts },
      { type, flags: ck.CKF_ENCRYPT, fits: isDeciphering },
    ];
  }),
  { type: ck.CKM_ECDH1_DERIVE, flags: ck.CKF_DERIVE | ck.CKF_HW | EC_FLAGS, fits: (key) => hasAbility(key, 'agree') },
];

/** Of a token with these keys, as far as the client's dialect has them. */
export function mechanismsOf(keys: readonly AbleKey[], dialect: Dialect): ReadonlyMap<number, MechanismInfo> {
  const rows = new Map<number, MechanismInfo>();
  for (const { type, flags, fits } of USES) {
    const sizes = keys.filter(fits).map(({ algorithm }) => Number(algorithm.slice(algorithm.indexOf('-') + 1)));
    if (sizes.length === 0 || !isKnownMechanism(type, dialect)) continue;
    const known = rows.get(type);
    const all = known ? [...sizes, known.min, known.max] : sizes;
    rows.set(type, { min: Math.min(...all), max: Math.max(...all), flags: flags | (known?.flags ?? 0) });
  }
  for (const type of DIGEST_MECHANISMS)
    if (isKnownMechanism(type, dialect)) rows.set(type, { min: 0, max: 0, flags: ck.CKF_DIGEST });
  return rows;
}
