/** What the module needs of a desk: slots with tokens, and turns on their cards. The daemon brings it; the module knows nothing of readers and leases. */
import type { Secret } from '../apdu/secret.ts';
import type { PinReference, PinStatus, Token, TokenContents } from '../apdu/token.ts';

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
}

export interface SlotReading {
  readonly pin: PinStatus;
  readonly contents: TokenContents;
}

/** What is done with a card in one turn. */
export type TokenInUse = Pick<Token, 'agree' | 'decipher' | 'sign' | 'signPadded' | 'verifyPin' | 'changePin' | 'unblockPin'>;

/** What a turn on a card is for: the audit log has it by this name. */
export type TokenAct = 'pkcs11.changePin' | 'pkcs11.decrypt' | 'pkcs11.login' | 'pkcs11.sign' | 'pkcs11.unblockPin';

export interface TokenUse {
  readonly act: TokenAct;
  readonly signal: AbortSignal;
  /** The person was shown how many tries are left, and typed the PIN all the same. */
  readonly allowsLastTry?: boolean;
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
  /** Whether there is a trusted place where the person could type a PIN: programs that know do not ask for it themselves. */
  canAskPin(): boolean;
  /** A person types the PIN in a trusted place. The caller disposes of it. */
  askPin(slot: TokenSlot, signal: AbortSignal): Promise<Secret>;
  /** Told of a slot when a token comes or goes. */
  watch(onChange: (slotId: number) => void): Disposable;
}
