/**
 * What a card answered, as errors. A status word becomes one of these where its meaning is known, and its raw value is kept.
 * Message: what was attempted, then what came back; lower case, no full stop.
 */
import { formatStatusWord, describeStatusWord } from './iso7816/status-word.ts';

export interface CardErrorFields {
  /** SW1 SW2, where the card gave one. */
  readonly statusWord?: number;
  /** INS of the command that failed. */
  readonly instruction?: number;
  readonly attemptsRemaining?: number;
}

export class CardError extends Error {
  override readonly name: string = 'CardError';
  readonly statusWord?: number;
  readonly instruction?: number;
  readonly attemptsRemaining?: number;

  constructor(message: string, fields: CardErrorFields = {}, options?: ErrorOptions) {
    super(message, options);
    if (fields.statusWord !== undefined) this.statusWord = fields.statusWord;
    if (fields.instruction !== undefined) this.instruction = fields.instruction;
    if (fields.attemptsRemaining !== undefined) this.attemptsRemaining = fields.attemptsRemaining;
  }
}

/** The card answered a status word that nothing more special stands for. */
export class StatusWordError extends CardError {
  override readonly name = 'StatusWordError';
  declare readonly statusWord: number;

  constructor(attempt: string, statusWord: number, instruction?: number) {
    super(`${attempt}: card answered ${formatStatusWord(statusWord)} (${describeStatusWord(statusWord)})`, {
      statusWord,
      ...(instruction === undefined ? {} : { instruction }),
    });
  }
}

/** Wrong reference data: a PIN or PUK was compared and did not match. */
export class PinRejectedError extends CardError {
  override readonly name = 'PinRejectedError';
}

/** No tries are left for this PIN or PUK. */
export class PinBlockedError extends CardError {
  override readonly name = 'PinBlockedError';
}

/** A PIN that cannot be right (length, characters): it was not sent to the card, or the card refused its form without using a try. */
export class PinFormatError extends CardError {
  override readonly name = 'PinFormatError';
}

/** Something must be proved first: a PIN verified, the management key authenticated. */
export class SecurityStatusError extends CardError {
  override readonly name = 'SecurityStatusError';
}

/** The card management key was refused. */
export class ManagementKeyRejectedError extends CardError {
  override readonly name = 'ManagementKeyRejectedError';
}

/** No card application that kortd knows answered to SELECT. */
export class ApplicationNotFoundError extends CardError {
  override readonly name = 'ApplicationNotFoundError';
}

/** A key, certificate or data object that the card does not hold. */
export class ObjectNotFoundError extends CardError {
  override readonly name = 'ObjectNotFoundError';
}

/** No key under this reference, or not the one that was named. */
export class KeyNotFoundError extends CardError {
  override readonly name = 'KeyNotFoundError';
}

/** The card, or the key, does not do this algorithm. */
export class AlgorithmNotSupportedError extends CardError {
  override readonly name = 'AlgorithmNotSupportedError';
}

/** The card or its application cannot do this at all. */
export class NotSupportedByCardError extends CardError {
  override readonly name = 'NotSupportedByCardError';
}

/** No room for the object. */
export class CardFullError extends CardError {
  override readonly name = 'CardFullError';
}

/** What the card gave does not parse, exceeds its bounds or contradicts itself. */
export class CardDataError extends CardError {
  override readonly name = 'CardDataError';
}

/** Secure messaging or a cryptographic check between card and host failed. */
export class SecureMessagingError extends CardError {
  override readonly name = 'SecureMessagingError';
}

/** A document does not open: its machine-readable zone, or the number on its front, is not what was given. */
export class DocumentAccessError extends CardError {
  override readonly name = 'DocumentAccessError';
}

/** The chip does not hold the key that the document says it has: it may be a copy. */
export class ChipNotGenuineError extends CardError {
  override readonly name = 'ChipNotGenuineError';
}
