/** Any error, as the API gives it: one code, texts in two languages, and nothing of the inside of kortd. The same in REST and WebSocket. */
import { randomUUID } from 'node:crypto';
import { ERRORS, type ErrorCode, type ErrorDefinition, type WireError } from '../../api-spec/errors.ts';
import { METHODS, type MethodName } from '../../api-spec/methods/index.ts';
import {
  AlgorithmNotSupportedError,
  ApplicationNotFoundError,
  CardDataError,
  CardError,
  CardFullError,
  KeyNotFoundError,
  ManagementKeyRejectedError,
  NotSupportedByCardError,
  ObjectNotFoundError,
  PinBlockedError,
  PinFormatError,
  PinRejectedError,
  SecureMessagingError,
  SecurityStatusError,
} from '../../apdu/errors.ts';
import { formatStatusWord } from '../../apdu/iso7816/status-word.ts';
import {
  DeviceBusyError,
  DeviceCancelledError,
  DeviceError,
  DeviceRemovedError,
  DeviceResetError,
  DeviceTimeoutError,
  NoCardError,
  ServiceUnavailableError,
} from '../../drivers/errors.ts';
import { ApiError, type ErrorDetails } from '../errors.ts';

type ErrorClass = abstract new (...parameters: never[]) => Error;

/** First match wins; every class of cards and devices has a row (a test compares). */
export const CLASS_CODES: readonly (readonly [ErrorClass, ErrorCode])[] = [
  [PinRejectedError, 'pin_rejected'],
  [PinBlockedError, 'pin_blocked'],
  [PinFormatError, 'pin_format_invalid'],
  [SecurityStatusError, 'pin_required'],
  [ManagementKeyRejectedError, 'management_key_rejected'],
  [ApplicationNotFoundError, 'card_unsupported'],
  [NotSupportedByCardError, 'card_unsupported'],
  [AlgorithmNotSupportedError, 'algorithm_unsupported'],
  [KeyNotFoundError, 'key_not_found'],
  [ObjectNotFoundError, 'object_not_found'],
  [CardFullError, 'card_full'],
  [CardDataError, 'card_data_invalid'],
  [SecureMessagingError, 'card_data_invalid'],
  [CardError, 'card_refused'],
  [NoCardError, 'no_card'],
  [DeviceRemovedError, 'card_removed'],
  [DeviceBusyError, 'card_busy'],
  [DeviceResetError, 'card_reset'],
  [DeviceTimeoutError, 'card_unresponsive'],
  [DeviceCancelledError, 'pin_cancelled'],
  [ServiceUnavailableError, 'service_unavailable'],
  [DeviceError, 'reader_failed'],
];

/** The code of an error; internal_error for one that is a defect. */
export function codeOf(error: unknown): ErrorCode {
  if (error instanceof ApiError) return error.code;
  return CLASS_CODES.find(([errorClass]) => error instanceof errorClass)?.[1] ?? 'internal_error';
}

/** `report` hears of defects, with the incident id that the caller gets. */
export function toWireError(
  error: unknown,
  method: MethodName | undefined,
  report: (error: unknown, incidentId: string) => void,
): WireError {
  const code = codeOf(error);
  if (code === 'internal_error') {
    const incidentId = randomUUID();
    report(error, incidentId);
    return compose(code, 'an unexpected error', { incidentId }, method);
  }
  return compose(code, error instanceof Error ? error.message : '', detailsOf(error), method);
}

function compose(code: ErrorCode, message: string, details: ErrorDetails, method: MethodName | undefined): WireError {
  const definition: ErrorDefinition = ERRORS[code];
  const attempt = method ? METHODS[method].attempt : { en: 'The call', sv: 'Anropet' };
  return {
    code,
    message,
    retry: definition.retry,
    en: `${attempt.en} failed: ${fill(definition.en.happened, details)} ${definition.en.action}`,
    sv: `${attempt.sv} misslyckades: ${fill(definition.sv.happened, details)} ${definition.sv.action}`,
    ...(Object.keys(details).length > 0 ? { details } : {}),
  };
}

function detailsOf(error: unknown): ErrorDetails {
  if (error instanceof ApiError) return error.details;
  if (error instanceof CardError) {
    return {
      ...(error.statusWord === undefined ? {} : { statusWord: formatStatusWord(error.statusWord) }),
      ...(error.attemptsRemaining === undefined ? {} : { attemptsRemaining: error.attemptsRemaining }),
    };
  }
  if (error instanceof DeviceError) {
    return {
      ...(error.device === undefined ? {} : { reader: error.device }),
      ...(error.driverCode === undefined ? {} : { driverCode: error.driverCode }),
      ...(error.timeoutMs === undefined ? {} : { timeoutMs: error.timeoutMs }),
      ...(error instanceof DeviceBusyError ? { holder: 'another program' } : {}),
    };
  }
  return {};
}

/** Fills the placeholders of a text; what is not known is a question mark. */
function fill(text: string, details: ErrorDetails): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?'));
}
