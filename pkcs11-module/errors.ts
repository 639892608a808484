/** What a function of PKCS #11 returns when it is not CKR_OK; and which of these the errors of a card are. */
import {
  AlgorithmNotSupportedError,
  CardError,
  CardFullError,
  KeyNotFoundError,
  ManagementKeyRejectedError,
  NotSupportedByCardError,
  ObjectNotFoundError,
  PinBlockedError,
  PinFormatError,
  PinRejectedError,
  SecurityStatusError,
} from '../apdu/errors.ts';
import * as ck from './constants.ts';

export class CkError extends Error {
  override readonly name = 'CkError';
  /** A CKR_ value. */
  readonly value: number;

  constructor(value: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.value = value;
  }
}

type ErrorClass = abstract new (...parameters: never[]) => Error;

/** First match wins. */
const CARD_VALUES: readonly (readonly [ErrorClass, number])[] = [
  [PinRejectedError, ck.CKR_PIN_INCORRECT],
  [PinBlockedError, ck.CKR_PIN_LOCKED],
  [PinFormatError, ck.CKR_PIN_LEN_RANGE],
  [SecurityStatusError, ck.CKR_USER_NOT_LOGGED_IN],
  [AlgorithmNotSupportedError, ck.CKR_MECHANISM_INVALID],
  [KeyNotFoundError, ck.CKR_KEY_HANDLE_INVALID],
  [ManagementKeyRejectedError, ck.CKR_PIN_INCORRECT],
  [NotSupportedByCardError, ck.CKR_FUNCTION_NOT_SUPPORTED],
  [ObjectNotFoundError, ck.CKR_OBJECT_HANDLE_INVALID],
  [CardFullError, ck.CKR_DEVICE_MEMORY],
  [CardError, ck.CKR_DEVICE_ERROR],
];

/** CKR_GENERAL_ERROR for one that is a defect. */
export function valueOf(error: unknown): number {
  if (error instanceof CkError) return error.value;
  return CARD_VALUES.find(([errorClass]) => error instanceof errorClass)?.[1] ?? ck.CKR_GENERAL_ERROR;
}
