/** What cards answer to VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (ISO/IEC 7816-4:2020, sections 11.6.6, 11.6.7 and 11.6.10). */
import {
  CardDataError,
  ObjectNotFoundError,
  PinBlockedError,
  PinFormatError,
  PinRejectedError,
  StatusWordError,
} from './errors.ts';
import { ResponseApduError, parseResponseApdu } from './iso7816/response-apdu.ts';
import {
  SW_AUTHENTICATION_METHOD_BLOCKED,
  SW_REFERENCED_DATA_NOT_FOUND,
  SW_SUCCESS,
  SW_WARNING_NV_CHANGED,
  SW_WRONG_DATA,
  SW_WRONG_LENGTH,
  counterOf,
} from './iso7816/status-word.ts';

export interface PinAttempt {
  /** "verifying PIN 80" */
  readonly attempt: string;
  readonly ins: number;
}

/** Of what a reader with a keypad gives back. Throws CardDataError. */
export function statusWordOf({ attempt, ins }: PinAttempt, answer: Uint8Array): number {
  try {
    return parseResponseApdu(answer).statusWord;
  } catch (error) {
    if (!(error instanceof ResponseApduError)) throw error;
    throw new CardDataError(`${attempt}: ${error.message}`, { instruction: ins }, { cause: error });
  }
}

/** Throws PinBlockedError, PinRejectedError, PinFormatError, ObjectNotFoundError, StatusWordError; nothing for 9000. */
export function checkPinAnswer({ attempt, ins }: PinAttempt, statusWord: number): void {
  const fields = { statusWord, instruction: ins };
  const attemptsRemaining = counterOf(statusWord);
  if (statusWord === SW_SUCCESS) return;
  if (attemptsRemaining === 0 || statusWord === SW_AUTHENTICATION_METHOD_BLOCKED)
    throw new PinBlockedError(`${attempt}: no tries are left`, { ...fields, attemptsRemaining: 0 });
  if (attemptsRemaining !== undefined)
    throw new PinRejectedError(`${attempt}: wrong, ${attemptsRemaining} tries left`, { ...fields, attemptsRemaining });
  if (statusWord === SW_WARNING_NV_CHANGED) throw new PinRejectedError(`${attempt}: wrong`, fields);
  if (statusWord === SW_REFERENCED_DATA_NOT_FOUND) throw new ObjectNotFoundError(`${attempt}: card has no such PIN`, fields);
  if (statusWord === SW_WRONG_DATA || statusWord === SW_WRONG_LENGTH)
    throw new PinFormatError(`${attempt}: card does not take an entry of this form; no try was used`, fields);
  throw new StatusWordError(attempt, statusWord, ins);
}
