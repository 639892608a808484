/** Any error, as the API gives it: one code, texts in two languages, and nothing of the inside of kortd. The same in REST and WebSocket. */
import { randomUUID } from 'node:crypto';
import { ERRORS, type ErrorCode, type ErrorDefinition, type WireError } from '../../api-spec/errors.ts';
import type { ApiMethod } from '../../api-spec/method.ts';
import { METHODS, type MethodName } from '../../api-spec/methods/index.ts';
import {
  AlgorithmNotSupportedError,
  ApplicationNotFoundError,
  CardDataError,
  CardError,
  CardFullError,
  ChipNotGenuineError,
  DocumentAccessError,
  KeyNotFoundError,
  ManagementKeyRejectedError,
  NotSupportedByCardError,
  ObjectNotFoundError,
  PinBlockedError,
  PinFormatError,
  PinRejectedError,
  SecureMessagingError,
  SecurityStatusError,
  StatusWordError,
} from '../../apdu/errors.ts';
import { ResponseApduError } from '../../apdu/iso7816/response-apdu.ts';
import { formatStatusWord } from '../../apdu/iso7816/status-word.ts';
import {
  DeviceBusyError,
  DeviceCancelledError,
  DeviceError,
  DeviceProtocolError,
  DeviceRemovedError,
  DeviceResetError,
  DeviceTimeoutError,
  NoCardError,
  ServiceUnavailableError,
} from '../../drivers/errors.ts';
import { ApiError, type ErrorDetails } from '../errors.ts';
import { PromptCancelledError, PromptEntryError, PromptError, PromptTimedOutError } from '../prompt/errors.ts';

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
  [ChipNotGenuineError, 'chip_not_genuine'],
  [DocumentAccessError, 'document_access_refused'],
  [SecureMessagingError, 'card_data_invalid'],
  [ResponseApduError, 'card_data_invalid'],
  [StatusWordError, 'card_refused'],
  [CardError, 'card_refused'],
  [NoCardError, 'no_card'],
  [DeviceRemovedError, 'card_removed'],
  [DeviceBusyError, 'card_busy'],
  [DeviceResetError, 'card_reset'],
  [DeviceTimeoutError, 'card_unresponsive'],
  [DeviceCancelledError, 'pin_cancelled'],
  [ServiceUnavailableError, 'service_unavailable'],
  [DeviceProtocolError, 'reader_failed'],
  [DeviceError, 'reader_failed'],
  [PromptCancelledError, 'pin_cancelled'],
  [PromptTimedOutError, 'pin_cancelled'],
  [PromptEntryError, 'pin_cancelled'],
  [PromptError, 'prompt_failed'],
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
  const code = documentedCode(error, method);
  if (code === 'internal_error') {
    const incidentId = randomUUID();
    report(error, incidentId);
    return compose(code, 'an unexpected error', { incidentId }, method);
  }
  return compose(code, error instanceof Error ? error.message : '', detailsOf(error), method);
}

/** What a card answers out of place ("no such object" to SELECT) is told as what it is, a refusal or nonsense: a method gives only errors that it documents. */
export function documentedCode(error: unknown, method: MethodName | undefined): ErrorCode {
  const code = codeOf(error);
  if (!(error instanceof CardError) || !method) return code;
  const { errors }: ApiMethod = METHODS[method];
  if (errors.includes(code)) return code;
  return error.statusWord === undefined ? 'card_data_invalid' : 'card_refused';
}

function compose(code: ErrorCode, message: string, details: ErrorDetails, method: MethodName | undefined): WireError {
  const definition: ErrorDefinition = ERRORS[code];
  const attempt = method ? METHODS[method].attempt : { en: 'The call', sv: 'Anropet' };
  return {
    code,
    message,
    retry: definition.retry,
    en: `${attempt.en} failed: ${fill(definition.en.happened, details, 'an unknown number of')} ${definition.en.action}`,
    sv: `${attempt.sv} misslyckades: ${fill(definition.sv.happened, details, 'ett okänt antal')} ${definition.sv.action}`,
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

/** Fills the placeholders of a text. Only one number can be missing: the tries left, which some cards keep to themselves. */
function fill(text: string, details: ErrorDetails, unknown: string): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? unknown));
}
