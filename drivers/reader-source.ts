/** Where readers come from: PC/SC on this machine, or a simulated desk. */
import type { CardConnection } from '../apdu/card-connection.ts';

export interface ReaderSource {
  /** Name on the wire, never changed once released: "pcsc", "simulated". */
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
  connect(readerName: string, options: { readonly signal: AbortSignal }): Promise<CardConnection>;
  /** Other programs that may hold a card, in plain words for a person: a hint. Absent where none can be told. Never rejects. */
  otherPrograms?(): Promise<readonly string[]>;
}

export interface ReaderState {
  /** The name of the reader in its source; unique there at any one time. */
  readonly name: string;
  /** `removed`: the reader itself is gone. `mute`: a card is in it and does not answer to reset. */
  readonly status: 'empty' | 'present' | 'mute' | 'removed';
  /** Grows at every card insertion that the source sees; the same number means the same card. Present with `present` and `mute`. */
  readonly insertion?: number;
  /** Present with `present`. */
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
