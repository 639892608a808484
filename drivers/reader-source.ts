/** Where readers come from: PC/SC on this machine, a simulated desk, a vendor's module. */
import type { CardConnection } from '../apdu/card-connection.ts';
import type { CardApplication, CardKind } from '../apdu/card-profile.ts';
import type { TokenContents } from '../apdu/token.ts';

/** What a source gives of a card: its commands, or its application. */
export type AnyConnection = CardConnection | ApplicationConnection;

export interface ReaderSource<C extends AnyConnection = CardConnection> {
  /** Name on the wire, never changed once released: "pcsc", "simulated", "pkcs11:NAME". */
  readonly id: string;
  /**
   * Every reader as it stands, then each change, until `signal` fires (the iteration then ends without an error).
   * Throws ServiceUnavailableError when the service goes; the caller watches again.
   * A card that is swapped between two looks gives a state with a new `insertion`.
   */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<ReaderState>;
  /**
   * Waits for the card while another program uses it, then begins the transaction. `signal` ends the wait only.
   * Throws NoCardError, DeviceBusyError (held exclusively), DeviceTimeoutError (mute), DeviceRemovedError, ServiceUnavailableError,
   * and the signal's reason when it fires.
   */
  connect(readerName: string, options: { readonly signal: AbortSignal }): Promise<C>;
  /** Other programs that may hold a card, in plain words for a person: a hint. Absent where none can be told. Never rejects. */
  otherPrograms?(): Promise<readonly string[]>;
}

/** One exclusive transaction with a card that no command of ours reaches: the source brings its application, ready. Whoever opened it disposes of it. */
export interface ApplicationConnection extends AsyncDisposable {
  readonly kind: CardKind;
  readonly hasKeypad: boolean;
  /** `remembered` is what an earlier transaction with this card read, unchanged since. Valid until the connection is disposed of. */
  open(remembered?: TokenContents): CardApplication;
  /** Every call into a vendor's code is told from now on: as numbers, without anything that it was given or gave. */
  record?(onCall: (call: SeenCall) => void): void;
}

/** Of a function of PKCS #11 that came back: numbers, and nothing of what was given or came. */
export interface CompletedCall {
  /** "C_Sign". */
  readonly function: string;
  /** CK_RV. */
  readonly value: number;
  readonly mechanism?: number;
  /** In templates. */
  readonly attributes?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly found?: number;
}

/** `slot`: of the card's slots, from 1 on. A call that came back, or an operation whose calls nobody knows: the process went, or was too late. */
export type SeenCall = { readonly slot: number; readonly durationMs: number } & (
  CompletedCall | { readonly operation: string; readonly problem: Error }
);

/** Uses cards in the readers of other sources, in a way of its own: a vendor's module. */
export interface ApplicationSource {
  readonly id: string;
  /** True for cards that are used through this even when kortd knows them itself. */
  claims(atr: Uint8Array): boolean;
  /**
   * Begins a transaction with the card in the reader of this name. Undefined when it knows no card there. Throws like `ReaderSource.connect`. No other
   * connection to the card may be open: both would wait for each other.
   */
  connectCard(readerName: string, options: { readonly signal: AbortSignal }): Promise<ApplicationConnection | undefined>;
}

export interface ReaderState {
  /** The name of the reader in its source; unique there at any one time. */
  readonly name: string;
  /** `removed`: the reader itself is gone. `mute`: a card is in it and does not answer to reset. */
  readonly status: 'empty' | 'present' | 'mute' | 'removed';
  /** Grows at every card insertion that the source sees; the same number means the same card. Present with `present` and `mute`. */
  readonly insertion?: number;
  /** Present with `present`, of sources that know it. */
  readonly atr?: Uint8Array;
  /** True while another program holds the card exclusively, where the source can tell. */
  readonly heldElsewhere?: boolean;
  /** What the reader can do, where the source can tell without a card. */
  readonly hasKeypad?: boolean;
  /** Of the reader itself, where it tells one; hardly two readers of one model have the same. */
  readonly serialNumber?: string;
  /** The USB port that it is plugged into, hubs and all: "1-2.3". */
  readonly usbPath?: string;
  /** True while `serialNumber` and `usbPath` are still being read: another state follows. */
  readonly isIdentityPending?: boolean;
}
