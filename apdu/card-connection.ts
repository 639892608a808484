/**
 * What a reader gives to the card protocols: one transaction with the card in it. The protocols see nothing else of a reader.
 */

/** One exclusive transaction with the card in one reader. A driver opens it; whoever opened it disposes of it. */
export interface CardConnection extends AsyncDisposable {
  /** Answer to Reset, unparsed (ISO/IEC 7816-3), at most 33 bytes. */
  readonly atr: Uint8Array;
  /** What the reader can carry. The card application may still refuse extended length. */
  readonly supportsExtendedLength: boolean;
  /**
   * Carries one encoded command APDU and resolves with the response, SW1 SW2 included (2 to 65,538 bytes).
   * Rejects with a DeviceError when the bytes could not be carried, and never because of a status word.
   * A `sensitive` command stays out of every trace, and the card is reset when the connection is disposed of.
   */
  transmit(command: Uint8Array, options?: { readonly sensitive?: boolean }): Promise<Uint8Array>;
  /** Present on readers with a keypad that can verify a PIN: PC/SC part 10, FEATURE_VERIFY_PIN_DIRECT. */
  readonly keypad?: PinKeypad;
}

/** How a PIN stands in a command that a keypad completes (PC/SC part 10 v2.02.09, section 2.5.2). */
export interface KeypadPinFormat {
  readonly minLength: number;
  readonly maxLength: number;
  /** Length in bytes of one PIN block in the command's data field, padded as `command` already is. */
  readonly blockLengthBytes: number;
}

/** PIN entry on the reader. Every call resolves with the card's response, SW1 SW2 included; reader refusals are DeviceErrors. */
export interface PinKeypad {
  /** `command` is the whole VERIFY APDU with its PIN block filled with padding. */
  verifyPin(command: Uint8Array, format: KeypadPinFormat): Promise<Uint8Array>;
  /** `command` is the whole CHANGE REFERENCE DATA or RESET RETRY COUNTER APDU: old block, then new block. Absent on readers without FEATURE_MODIFY_PIN_DIRECT. */
  modifyPin?(command: Uint8Array, format: KeypadPinFormat): Promise<Uint8Array>;
}
