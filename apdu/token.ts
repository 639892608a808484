/**
 * What every card with keys can do, whatever its application: PINs, keys, certificates. The API, PKCS #11 and issuance use nothing else.
 */
import type { Secret } from './secret.ts';

export type RsaKeyAlgorithm = 'RSA-1024' | 'RSA-2048' | 'RSA-3072' | 'RSA-4096';
export type EllipticKeyAlgorithm = 'P-256' | 'P-384';
export type KeyAlgorithm = RsaKeyAlgorithm | EllipticKeyAlgorithm;

/** JWA names (RFC 7518, section 3.1). */
export type SignatureAlgorithm = 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384';

/** Names a PIN or PUK on its card: the key reference of VERIFY in two hexadecimal digits, "80". */
export type PinReference = string;

/** A PIN comes as bytes, or is typed on the reader's keypad. */
export type PinEntry = Secret | 'keypad';

export interface PinStatus {
  readonly reference: PinReference;
  readonly kind: 'pin' | 'puk';
  /** The standard's name for it: "PIV Card Application PIN". */
  readonly label: string;
  readonly minLength: number;
  readonly maxLength: number;
  /** Absent when the card does not tell. 0: blocked. */
  readonly attemptsRemaining?: number;
  readonly attemptsTotal?: number;
  /** True when verified in this transaction. */
  readonly verified: boolean;
  /** Still the value that the manufacturer set; absent when the card does not tell. */
  readonly isDefault?: boolean;
  /** The PUK that unblocks this PIN, on cards that tell it. */
  readonly unblockedBy?: PinReference;
}

/** When a key wants its PIN: never, once in a transaction, or right before each use. */
export type PinPolicy = 'never' | 'once' | 'always';
export type TouchPolicy = 'never' | 'always' | 'cached';

/** What a key is for, as the card's standard says. */
export type KeyUsage = 'authentication' | 'signature' | 'key agreement';

/**
 * What a card does with a key besides signing digests. `agree`: ECDH. `decipher`: RSA decryption, the padding left in its block. `decrypt`: RSA decryption, where the
 * card takes the padding of PKCS #1 v1.5 off itself. `sign block`: RSA over a block that was padded before.
 */
export type KeyAbility = 'agree' | 'decipher' | 'decrypt' | 'sign block';

export interface TokenKey {
  /** "9A": as the card's standard writes it. */
  readonly keyReference: string;
  readonly label: string;
  /** Absent when no key was made yet, or the card does not tell. */
  readonly algorithm?: KeyAlgorithm;
  readonly usage: KeyUsage;
  readonly pin: PinReference;
  readonly pinPolicy: PinPolicy;
  readonly touchPolicy?: TouchPolicy;
  readonly origin?: 'generated' | 'imported';
  /** SubjectPublicKeyInfo, DER (RFC 5280, section 4.1.2.7). Absent when the card does not tell. */
  readonly publicKey?: Uint8Array;
  /** What the card says that it signs by with this key. Absent when it does not tell: then whatever fits the key may be tried. */
  readonly signatureAlgorithms?: readonly SignatureAlgorithm[];
  /** Each is a method of the token. Absent: the key only signs. */
  readonly abilities?: readonly KeyAbility[];
}

export interface TokenCertificate {
  /** Of the key that it certifies; of an authority's, a name that no key on the card has. */
  readonly keyReference: string;
  /** An authority's, to which no key on the card belongs. */
  readonly isAuthority?: boolean;
  /** What the card calls it, where it has a name of its own. */
  readonly label?: string;
  /** X.509 certificate, DER. What the card holds, even when it does not parse. */
  readonly der: Uint8Array;
}

export interface GenerateKeyOptions {
  readonly keyReference: string;
  readonly algorithm: KeyAlgorithm;
  /** Left to the card when absent; an explicit one needs a card that can set it. */
  readonly pinPolicy?: PinPolicy;
  readonly touchPolicy?: TouchPolicy;
}

/** What programs know the keys of one PIN by: CK_TOKEN_INFO of PKCS #11. */
export interface TokenName {
  readonly pin: PinReference;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
}

/** Everything that stays the same on a card until somebody writes to it. */
export interface TokenContents {
  readonly keys: readonly TokenKey[];
  readonly certificates: readonly TokenCertificate[];
  /** Kinds of key that the card makes, as it or its standard tells. Absent: nothing is told beyond what each place is for. */
  readonly makes?: readonly KeyAlgorithm[];
  /** Of cards that have such names themselves, one for each PIN: those behind a vendor's module. */
  readonly names?: readonly TokenName[];
  /** Where things are on the card: for the card application alone, which is handed it again by `CardProfile.open`. */
  readonly directory?: object;
}

/** What `Token.contents` reads from the card, whatever is remembered of it. */
export type ContentsAnew = 'everything' | 'certificates';

/** Keys, certificates and PINs of the selected card application. Valid until its transaction ends. */
export interface Token {
  /**
   * Reads keys and certificates, each object once. `certificates`: of a card whose layout is remembered, what people write to it alone is read again, as before
   * and after a change of ours; the places of its keys were set when it was made.
   */
  contents(anew?: ContentsAnew): Promise<TokenContents>;
  /** One key as the card itself tells of it now. Undefined when there is none, or the card does not tell. Throws KeyNotFoundError for an impossible reference. */
  key(keyReference: string): Promise<TokenKey | undefined>;
  pins(): Promise<readonly PinStatus[]>;
  /** The one PIN or PUK. Throws ObjectNotFoundError for a reference that the card has not. */
  pin(reference: PinReference): Promise<PinStatus>;
  /** Throws PinFormatError (never sent), PinRejectedError, PinBlockedError. */
  verifyPin(reference: PinReference, entry: PinEntry): Promise<void>;
  /** Both entries come the same way: two secrets, or both typed on the keypad. */
  changePin(reference: PinReference, current: PinEntry, next: PinEntry): Promise<void>;
  /** Sets a new PIN by the PUK. */
  unblockPin(reference: PinReference, puk: PinEntry, next: PinEntry): Promise<void>;
  /** `digest` has the length of the algorithm's hash. ECDSA comes back as r‖s, as JWA and PKCS #11 both want it. */
  sign(key: SigningKey, algorithm: SignatureAlgorithm, digest: Uint8Array): Promise<Uint8Array>;
  /**
   * RSA with the padding of PKCS #1 v1.5 around content as it comes, with no DigestInfo of ours (RFC 8017, section 9.2, from step 3 on): for callers whose
   * hash has no name here. Throws AlgorithmNotSupportedError for content that is too long, and where the card's keys do not sign so.
   */
  signPadded?(keyReference: string, algorithm: RsaKeyAlgorithm, content: Uint8Array): Promise<Uint8Array>;
  /** Several digests at once, in their order, where the token does that faster than one by one. `onSigned` is told how many are done. */
  signAll?(
    key: SigningKey,
    algorithm: SignatureAlgorithm,
    digests: readonly Uint8Array[],
    options: { readonly signal: AbortSignal; readonly onSigned: (count: number) => void },
  ): Promise<readonly Uint8Array[]>;
  /** ECDH (SP 800-56A, section 5.7.1.2): `peerPublicKey` is an uncompressed point; resolves with the x-coordinate. */
  agree?(keyReference: string, algorithm: EllipticKeyAlgorithm, peerPublicKey: Uint8Array): Promise<Uint8Array>;
  /** RSA decryption primitive: resolves with the padded block, of the modulus' length. */
  decipher?(keyReference: string, algorithm: RsaKeyAlgorithm, cryptogram: Uint8Array): Promise<Uint8Array>;
  /** RSA decryption (RFC 8017, section 7.2.2) by the card alone. Undefined for what does not hold. */
  decrypt?(keyReference: string, algorithm: RsaKeyAlgorithm, cryptogram: Uint8Array): Promise<Uint8Array | undefined>;
  /** RSA over a block of the modulus' length, which is a number below it (RFC 8017, section 5.2.1). */
  signBlock?(keyReference: string, algorithm: RsaKeyAlgorithm, block: Uint8Array): Promise<Uint8Array>;
  readonly management?: TokenManagement;
}

/** What `sign` needs to know about a key. */
export interface SigningKey {
  readonly keyReference: string;
  readonly algorithm: KeyAlgorithm;
}

/** A key that cards of some kinds want proven before they let themselves be changed. */
export interface ManagementKey {
  /** The one that cards of this kind leave the factory with; the caller disposes of it. */
  factoryKey(): Secret;
  /** Proves it, for this transaction. Throws ManagementKeyRejectedError, PinFormatError for a key of impossible length. */
  authenticate(managementKey: Secret): Promise<void>;
}

/** A key; with `der` that certificate of it. */
export interface NamedObject {
  readonly keyReference: string;
  readonly der?: Uint8Array;
}

export interface NextName {
  /** Of a key alone; none on the card has it. */
  readonly keyReference?: string;
  readonly label?: string;
}

/** Changing what is on the card: after the management key was proven, or a PIN verified, in the same transaction. */
export interface TokenManagement {
  /** Present on cards that want it. */
  readonly managementKey?: ManagementKey;
  /** The PIN that gives the right to change this key, or its certificates. Present on cards where a PIN does. Throws KeyNotFoundError. */
  pinFor?(keyReference: string, what: 'key' | 'certificate'): Promise<PinReference>;
  /** Makes a key pair on the card, in place of an earlier one; resolves with the SubjectPublicKeyInfo, DER. */
  generateKey(options: GenerateKeyOptions): Promise<Uint8Array>;
  /** Throws CardFullError; the card then holds what it held. */
  writeCertificate(keyReference: string, der: Uint8Array): Promise<void>;
  /** All certificates of the key, or of those the one that is `der`, on cards that have more than one. */
  deleteCertificate(keyReference: string, der?: Uint8Array): Promise<void>;
  /** One more certificate for the same key, on cards that have room for more than one. Throws CardFullError. */
  addCertificate?(keyReference: string, der: Uint8Array): Promise<void>;
  /** Absent on cards that cannot delete a key. */
  deleteKey?(keyReference: string): Promise<void>;
  /**
   * Another name or label of a key, which its certificates follow in the name; or another label of one certificate. All of it or nothing. Absent where
   * names are the card's own.
   */
  rename?(object: NamedObject, next: NextName): Promise<void>;
  /** The card tells the key's public half no longer; the key itself stays where it is, until one is made in its place. For cards that cannot delete a key. */
  forgetPublicKey?(keyReference: string): Promise<void>;
}
