/** What a simulated card is: bytes in, bytes out. Readers, the vpcd bridge and fault wrappers know nothing else of it. */

/** A card without a reader. The model is that of frankmorgner/vsmartcard: power up, reset, process. */
export interface SimulatedCard {
  /** "piv": the name of its profile in `apdu/cards`. */
  readonly kind: string;
  /** Answer to Reset (ISO/IEC 7816-3). Empty: the card is mute. */
  readonly atr: Uint8Array;
  /** False: whatever its reader could, it is used with short commands. Default: what the reader can. */
  readonly supportsExtendedLength?: boolean;
  /** Cold reset: everything that is not in non-volatile memory is gone. */
  powerUp(): void;
  /** Warm reset, or loss of power: the same for what a card remembers. A command under way has no effect from here on. */
  reset(): void;
  /**
   * Answers one raw command APDU, of any bytes whatever, with a fresh array of at least SW1 SW2; never throws.
   * A promise only where the card has to work long (RSA key generation) or writes its state file. The next command follows the answer.
   */
  process(command: Uint8Array): Uint8Array | Promise<Uint8Array>;
}
