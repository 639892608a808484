/**
 * What kind of PKCS #15 card the simulator poses as. Two are the image of cards that OpenSC has a driver for, found by their ATR, so that programs
 * that are not ours can use them; the third follows the standards alone. What differs from card to card, and is in no standard, is data here.
 */
import { concatBytes, parseHex } from '../../bytes.ts';
import { KEY_PARAMETERS, type Curve, type HashName, type KeyAlgorithm } from './private-key.ts';

/** `nidel`: SetCOS, "Swedish NIDEL card". `myeid`: Aventra MyEID. `plain`: ISO/IEC 7816 alone. */
export type EidProfile = 'nidel' | 'myeid' | 'plain';
export const EID_PROFILES: readonly EidProfile[] = ['nidel', 'myeid', 'plain'];

/** The three things that a person knows of a card. */
export type PinName = 'legitimering' | 'underskrift' | 'puk';
export const PIN_NAMES: readonly PinName[] = ['legitimering', 'underskrift', 'puk'];

export type SignatureScheme =
  | { readonly scheme: 'rsa' }
  | { readonly scheme: 'pkcs1'; readonly hash?: HashName }
  | { readonly scheme: 'pss'; readonly hash: HashName }
  | { readonly scheme: 'ecdsa'; readonly hash?: HashName };

export type AlgorithmUse = SignatureScheme | { readonly scheme: 'generate'; readonly algorithm: KeyAlgorithm };

/** One row of `supportedAlgorithms` in TokenInfo. */
export interface CardAlgorithm {
  /** What a key's `algReference` names. */
  readonly id: number;
  /** What MSE SET names (tag 80): the card's own numbers. */
  readonly reference: number;
  /** PKCS #11 v3.0, mechanisms. */
  readonly mechanism: number;
  readonly use: AlgorithmUse;
  /** Absent: for both kinds of keys, or none. */
  readonly keys?: readonly KeyAlgorithm[];
  /** Object identifier of the algorithm. */
  readonly oid?: string;
}

export interface Traits {
  readonly atr: (carriesExtendedLength: boolean) => Uint8Array;
  readonly carriesExtendedLength: boolean;
  /** T=0: data that answer a command with data are fetched by GET RESPONSE, and Le must be exact. */
  readonly isT0: boolean;
  readonly pinReferences: Readonly<Record<PinName, number>>;
  readonly pinPadding: number;
  readonly ecdsaFormat: 'der' | 'plain';
  /** What fills files after their content. */
  readonly filler: number;
  readonly algorithms: readonly CardAlgorithm[];
  /**
   * Keys say in `algReference` what they can be used with. OpenSC 0.23 then sends whole messages for the mechanisms that hash, whatever its driver for the
   * card does with them, and refuses those that are not listed; so the cards that it knows do without.
   */
  readonly listsKeyAlgorithms: boolean;
  /** A key for signatures deciphers too: OpenSC's MyEID driver has RSA blocks "deciphered" that the host padded. */
  readonly signingKeyDeciphers: boolean;
  /** What GET DATA answers, by tag; the card's serial number is given. */
  readonly dataObjects: (serialNumber: Uint8Array) => ReadonlyMap<number, Uint8Array>;
}

const RSA_KEYS: readonly KeyAlgorithm[] = ['RSA-2048'];

/**
 * References 00, 02 and 12 are those of SetCOS and MyEID (OpenSC 0.23, card-setcos.c and card-myeid.c): the host pads, the card pads, the card adds the
 * DigestInfo of SHA-1 and pads. 42 to 65 are those of Thales IDPrime (card-idprime.c); 04 is MyEID's for ECDSA; the others are this card's own. Mechanisms
 * (PKCS #11 v3.0, pkcs11t.h): CKM_RSA_PKCS 1, CKM_RSA_X_509 3, CKM_SHA1_RSA_PKCS 6, CKM_SHA256_RSA_PKCS 40 and so on, with PSS 43 and so on, CKM_ECDSA 1041,
 * CKM_ECDSA_SHA256 1044 and so on, CKM_RSA_PKCS_KEY_PAIR_GEN 0, CKM_EC_KEY_PAIR_GEN 1040. Object identifiers: RFC 8017, appendix C; RFC 5480, appendix A.
 */
const RSA_ALGORITHMS: readonly CardAlgorithm[] = [
  { id: 1, reference: 0x02, mechanism: 0x01, use: { scheme: 'pkcs1' }, keys: RSA_KEYS, oid: '1.2.840.113549.1.1.1' },
  { id: 2, reference: 0x00, mechanism: 0x03, use: { scheme: 'rsa' }, keys: RSA_KEYS },
  {
    id: 3,
    reference: 0x12,
    mechanism: 0x06,
    use: { scheme: 'pkcs1', hash: 'sha1' },
    keys: RSA_KEYS,
    oid: '1.2.840.113549.1.1.5',
  },
  {
    id: 4,
    reference: 0x42,
    mechanism: 0x40,
    use: { scheme: 'pkcs1', hash: 'sha256' },
    keys: RSA_KEYS,
    oid: '1.2.840.113549.1.1.11',
  },
  {
    id: 5,
    reference: 0x52,
    mechanism: 0x41,
    use: { scheme: 'pkcs1', hash: 'sha384' },
    keys: RSA_KEYS,
    oid: '1.2.840.113549.1.1.12',
  },
  {
    id: 6,
    reference: 0x62,
    mechanism: 0x42,
    use: { scheme: 'pkcs1', hash: 'sha512' },
    keys: RSA_KEYS,
    oid: '1.2.840.113549.1.1.13',
  },
  {
    id: 7,
    reference: 0x45,
    mechanism: 0x43,
    use: { scheme: 'pss', hash: 'sha256' },
    keys: RSA_KEYS,
    oid: '1.2.840.113549.1.1.10',
  },
  {
    id: 8,
    reference: 0x55,
    mechanism: 0x44,
    use: { scheme: 'pss', hash: 'sha384' },
    keys: RSA_KEYS,
    oid: '1.2.840.113549.1.1.10',
  },
  {
    id: 9,
    reference: 0x65,
    mechanism: 0x45,
    use: { scheme: 'pss', hash: 'sha512' },
    keys: RSA_KEYS,
    oid: '1.2.840.113549.1.1.10',
  },
  { id: 10, reference: 0xa1, mechanism: 0x00, use: { scheme: 'generate', algorithm: 'RSA-2048' } },
];
const EC_KEYS: readonly KeyAlgorithm[] = ['P-256', 'P-384'];
const EC_ALGORITHMS: readonly CardAlgorithm[] = [
  { id: 11, reference: 0x04, mechanism: 0x1041, use: { scheme: 'ecdsa' }, keys: ['P-256'], oid: '1.2.840.10045.2.1' },
  { id: 12, reference: 0x04, mechanism: 0x1041, use: { scheme: 'ecdsa' }, keys: ['P-384'], oid: '1.2.840.10045.2.1' },
  { id: 13, reference: 0xa2, mechanism: 0x1040, use: { scheme: 'generate', algorithm: 'P-256' } },
  { id: 14, reference: 0xa3, mechanism: 0x1040, use: { scheme: 'generate', algorithm: 'P-384' } },
  {
    id: 15,
    reference: 0x44,
    mechanism: 0x1044,
    use: { scheme: 'ecdsa', hash: 'sha256' },
    keys: EC_KEYS,
    oid: '1.2.840.10045.4.3.2',
  },
  {
    id: 16,
    reference: 0x54,
    mechanism: 0x1045,
    use: { scheme: 'ecdsa', hash: 'sha384' },
    keys: EC_KEYS,
    oid: '1.2.840.10045.4.3.3',
  },
];

const GLOBAL_PINS = { legitimering: 0x01, underskrift: 0x02, puk: 0x03 } as const;
/** b8: specific to the DF (7816-4, section 11.6.1, table 94). */
const LOCAL_PINS = { legitimering: 0x81, underskrift: 0x82, puk: 0x83 } as const;
const PAD_ZERO = 0x00;
const PAD_ONES = 0xff;

export const TRAITS: Readonly<Record<EidProfile, Traits>> = {
  nidel: {
    // OpenSC 0.23, card-setcos.c, setcos_atrs: "Swedish NIDEL card". No TD1: T=0 alone.
    atr: () => parseHex('3b9f94801fc30068104405014649534531c807900018'),
    ...{ carriesExtendedLength: false, isT0: true, pinReferences: GLOBAL_PINS, pinPadding: PAD_ZERO, ecdsaFormat: 'plain' },
    ...{ listsKeyAlgorithms: false, signingKeyDeciphers: false, filler: PAD_ZERO, algorithms: RSA_ALGORITHMS },
    dataObjects: () => new Map(),
  },
  myeid: {
    // OpenSC 0.23, card-myeid.c, myeid_atrs. The driver itself pads PINs with FF.
    atr: () => parseHex('3bf51800008131fe454d794549449a'),
    ...{ carriesExtendedLength: false, isT0: false, pinReferences: GLOBAL_PINS, pinPadding: PAD_ONES, ecdsaFormat: 'der' },
    ...{ listsKeyAlgorithms: false, signingKeyDeciphers: true, filler: PAD_ZERO },
    algorithms: [...RSA_ALGORITHMS, ...EC_ALGORITHMS],
    dataObjects: myeidDataObjects,
  },
  plain: {
    atr: plainAtr,
    ...{ carriesExtendedLength: true, isT0: false, pinReferences: LOCAL_PINS, pinPadding: PAD_ZERO, ecdsaFormat: 'plain' },
    // A SITHS card of 2017 filled its files with FF (appcorn/SITHSManager, SITHSManager.swift).
    ...{ listsKeyAlgorithms: true, signingKeyDeciphers: false, filler: PAD_ONES },
    algorithms: [...RSA_ALGORITHMS, ...EC_ALGORITHMS],
    dataObjects: () => new Map(),
  },
};

/** TS, T0 (TD1, 13 historical bytes), TD1 (T=1), then category 80, card capabilities (7816-4, section 12.1.1.9), issuer's data "EID-SIM". */
const PLAIN_ATR_HEAD = [0x3b, 0x8d, 0x01, 0x80, 0x73, 0xf4, 0x21];
const PLAIN_ATR_TAIL = [0x57, 0x45, 0x49, 0x44, 0x2d, 0x53, 0x49, 0x4d];
const CAPABILITY_CHAINING = 0x80;
const CAPABILITY_EXTENDED = 0x40;

/** TCK makes the XOR of T0 to TCK zero (7816-3, section 8.2.5). */
function plainAtr(carriesExtendedLength: boolean): Uint8Array {
  const capabilities = CAPABILITY_CHAINING | (carriesExtendedLength ? CAPABILITY_EXTENDED : 0);
  const bytes = [...PLAIN_ATR_HEAD, capabilities, ...PLAIN_ATR_TAIL];
  return Uint8Array.from([...bytes, bytes.slice(1).reduce((xor, byte) => xor ^ byte, 0)]);
}

/**
 * Read by OpenSC's card-myeid.c. 01A0: five bytes, applet version 4.0.1, ten bytes of serial number, change counter. 01AA: format 1, RSA and
 * elliptic curves, then the longest key in bits of RSA, DES, AES and curves.
 */
function myeidDataObjects(serialNumber: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const serial = new Uint8Array(10);
  serial.set(serialNumber.subarray(0, 10));
  return new Map([
    [0x01a0, concatBytes(new Uint8Array(5), Uint8Array.of(4, 0, 1), serial, new Uint8Array(2))],
    [0x01aa, parseHex('01 0009 0800 0000 0000 0180')],
  ]);
}

/** The row that MSE SET means, for a key or for making one. */
export function findAlgorithm(traits: Traits, reference: number, key?: KeyAlgorithm): CardAlgorithm | undefined {
  return traits.algorithms.find(
    (row) => row.reference === reference && (key === undefined ? row.use.scheme === 'generate' : row.keys?.includes(key)),
  );
}

export function knowsReference(traits: Traits, reference: number): boolean {
  return traits.algorithms.some((row) => row.reference === reference);
}

/** The algorithms that a key can be used with, as its `algReference` lists them. */
export function algorithmsOf(traits: Traits, key: KeyAlgorithm): readonly CardAlgorithm[] {
  return traits.algorithms.filter((row) => row.keys?.includes(key));
}

/** When MSE SET names none: the card pads what it is given, or signs the digest. */
export function defaultAlgorithm(traits: Traits, key: KeyAlgorithm): CardAlgorithm | undefined {
  return algorithmsOf(traits, key)[0];
}

/** Parameters in TokenInfo: the curve, or else NULL. OpenSC 0.23 takes nothing else, and without TokenInfo no card at all. */
export function curveOf(row: CardAlgorithm): Curve | undefined {
  const only = row.keys?.length === 1 ? row.keys[0] : undefined;
  const key = row.use.scheme === 'generate' ? row.use.algorithm : only;
  const parameters = key === undefined ? undefined : KEY_PARAMETERS[key];
  return parameters?.kind === 'curve' ? parameters : undefined;
}
