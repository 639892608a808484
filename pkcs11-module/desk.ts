/** What the module needs of a desk: slots with tokens, and turns on their cards. The daemon brings it; the module knows nothing of readers and leases. */
import type { Secret } from '../apdu/secret.ts';
import type { KeyAlgorithm, NextName, PinReference, PinStatus, Token, TokenContents } from '../apdu/token.ts';

/** A reader, seen with one of the PINs of its card: a card with two PINs is in two slots. */
export interface TokenSlot {
  /** The same for as long as the program runs. */
  readonly id: number;
  /** Of the reader and its role. */
  readonly description: string;
  readonly manufacturer: string;
  /** Undefined while no card with that PIN is in the reader. */
  readonly token: SlotToken | undefined;
}

export interface SlotToken {
  /** Another insertion has another. */
  readonly insertion: string;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly pin: PinReference;
  /** The first of its card: certificates of authorities are here. */
  readonly isFirst: boolean;
  /** PINs can be typed on the reader. */
  readonly hasKeypad: boolean;
  /** Further CKA_IDs by which programs know keys of such cards, in hexadecimal, and the key that each means. */
  readonly otherIds?: ReadonlyMap<string, string>;
}

export interface SlotReading {
  readonly pin: PinStatus;
  readonly contents: TokenContents;
  /** What programs may change on the card; undefined: nothing. */
  readonly abilities: TokenAbilities | undefined;
}

export interface TokenAbilities {
  /** Keys and certificates are changed by a management key, which is the security officer's PIN then, beside the PUK. */
  readonly hasManagementKey: boolean;
  readonly deletesKeys: boolean;
  /** A key can have more than one certificate; else a new one takes the place of the old. */
  readonly addsCertificates: boolean;
  /** Keys come wherever a program wants them; else into places that the card has for them. */
  readonly hasOpenPlaces: boolean;
  /** CKA_ID and CKA_LABEL of keys, and CKA_LABEL of certificates, are whatever they are set to. */
  readonly renames: boolean;
}

/** What is done with a card in one turn. */
export type TokenInUse = Pick<
  Token,
  'agree' | 'decipher' | 'decrypt' | 'sign' | 'signBlock' | 'signPadded' | 'verifyPin' | 'changePin' | 'unblockPin'
> & {
  /** That which unblocks the PIN. */
  changePuk(reference: PinReference, current: Secret, next: Secret): Promise<void>;
};

/** What a turn on a card is for: the audit log has it by this name. */
export type TokenAct =
  | 'pkcs11.changePin'
  | 'pkcs11.decrypt'
  | 'pkcs11.derive'
  | 'pkcs11.login'
  | 'pkcs11.sign'
  | 'pkcs11.unblockPin'
  | 'pkcs11.unwrap';

/** One change of what is on a card. The audit log has it by its act. */
export type TokenChange = { readonly keyReference: string } & (
  | { readonly act: 'pkcs11.generateKey'; readonly algorithm: KeyAlgorithm }
  | { readonly act: 'pkcs11.deleteKey' }
  | { readonly act: 'pkcs11.deleteCertificate'; readonly der: Uint8Array }
  | { readonly act: 'pkcs11.writeCertificate'; readonly der: Uint8Array }
  /** Of a key, or with `der` of that certificate. */
  | { readonly act: 'pkcs11.rename'; readonly der?: Uint8Array; readonly next: NextName }
);

/** What a program has given that may be the right to a change. Whoever asks for one keeps nothing of it. */
export interface TokenRight {
  /** Of a login that holds. */
  readonly pinOf: (reference: PinReference) => Secret | undefined;
  /** In hexadecimal digits; of a security officer's login. */
  readonly managementKey: Secret | undefined;
}

export interface ChangeRequest {
  readonly change: TokenChange;
  readonly right: TokenRight;
  readonly signal: AbortSignal;
}

export interface TokenUse {
  readonly act: TokenAct;
  readonly signal: AbortSignal;
  /** The person was shown how many tries are left, and typed the PIN all the same. */
  readonly allowsLastTry?: boolean;
  /** It verifies a PIN that the person types on the reader: that may take as long as people take. */
  readonly atKeypad?: boolean;
  /** It verifies its PIN and signs, and may do so beside others who bring the same PIN: `work` may then be begun twice. */
  readonly isShared?: boolean;
}

/** Rejects with CkError for what became of the reader, the card, or the wait. */
export interface TokenDesk {
  slots(): readonly TokenSlot[];
  /** What is on the card, from memory where that is right. */
  read(slot: TokenSlot, signal: AbortSignal): Promise<SlotReading>;
  /**
   * One turn on the card: nothing is known of it before, nothing stays verified after. The last try of a PIN is a person's to allow: `work` is begun anew when they
   * did, so that it does nothing before it verifies.
   */
  use<R>(slot: TokenSlot, use: TokenUse, work: (token: TokenInUse) => Promise<R>): Promise<R>;
  /** Done, read back from the card and told to everybody else when it resolves. */
  change(slot: TokenSlot, request: ChangeRequest): Promise<void>;
  /** Rejects with CKR_PIN_INCORRECT for a management key that is not the card's. */
  proveManagementKey(slot: TokenSlot, key: Secret, signal: AbortSignal): Promise<void>;
  /** Whether there is a trusted place where the person could type a PIN: programs that know do not ask for it themselves. */
  canAskPin(): boolean;
  /** A person types the PIN in a trusted place. The caller disposes of it. */
  askPin(slot: TokenSlot, signal: AbortSignal): Promise<Secret>;
  /** And a new one; `unblock`: the PUK, and a new PIN. The caller disposes of both. */
  askNewPin(
    slot: TokenSlot,
    action: 'change' | 'unblock',
    signal: AbortSignal,
  ): Promise<{ readonly current: Secret; readonly next: Secret }>;
  /** Told of a slot when a token comes or goes. */
  watch(onChange: (slotId: number) => void): Disposable;
}
