/**
 * LONG results of the WinSCard functions, what they mean, and which DeviceError each becomes. The one place that knows.
 * Sources: pcsclite.h of pcsc-lite 1.9.9 and "Smart Card Return Values" of the Windows SDK, which agree where both define a code.
 */
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
} from '../errors.ts';

export const SCARD_S_SUCCESS = 0x00000000;
export const SCARD_E_CANCELLED = 0x80100002;
export const SCARD_E_INVALID_HANDLE = 0x80100003;
export const SCARD_E_INVALID_PARAMETER = 0x80100004;
export const SCARD_E_INSUFFICIENT_BUFFER = 0x80100008;
export const SCARD_E_UNKNOWN_READER = 0x80100009;
export const SCARD_E_TIMEOUT = 0x8010000a;
export const SCARD_E_SHARING_VIOLATION = 0x8010000b;
export const SCARD_E_NO_SMARTCARD = 0x8010000c;
export const SCARD_E_PROTO_MISMATCH = 0x8010000f;
export const SCARD_F_COMM_ERROR = 0x80100013;
export const SCARD_E_NOT_TRANSACTED = 0x80100016;
export const SCARD_E_READER_UNAVAILABLE = 0x80100017;
export const SCARD_E_NO_SERVICE = 0x8010001d;
export const SCARD_E_SERVICE_STOPPED = 0x8010001e;
export const SCARD_E_UNEXPECTED = 0x8010001f;
export const SCARD_E_UNSUPPORTED_FEATURE = 0x80100022;
export const SCARD_E_NO_READERS_AVAILABLE = 0x8010002e;
export const SCARD_E_COMM_DATA_LOST = 0x8010002f;
export const SCARD_E_SERVER_TOO_BUSY = 0x80100031;
export const SCARD_W_UNRESPONSIVE_CARD = 0x80100066;
export const SCARD_W_UNPOWERED_CARD = 0x80100067;
export const SCARD_W_RESET_CARD = 0x80100068;
export const SCARD_W_REMOVED_CARD = 0x80100069;
export const SCARD_W_SECURITY_VIOLATION = 0x8010006a;

const ERROR_CLASSES = {
  device: DeviceError,
  busy: DeviceBusyError,
  cancelled: DeviceCancelledError,
  'no card': NoCardError,
  protocol: DeviceProtocolError,
  removed: DeviceRemovedError,
  reset: DeviceResetError,
  service: ServiceUnavailableError,
  timeout: DeviceTimeoutError,
} as const;

type ErrorKind = keyof typeof ERROR_CLASSES;

interface ResultCode {
  readonly name: string;
  readonly meaning: string;
  readonly kind: ErrorKind;
}

/** Code, the header's name for it, its meaning, and the error that it becomes. Sorted by code. */
const RESULT_CODES: ReadonlyMap<number, ResultCode> = new Map(
  (
    [
      [SCARD_S_SUCCESS, 'SCARD_S_SUCCESS', 'success', 'device'],
      // Windows returns plain system errors when the service's pipe is gone, in Remote Desktop sessions above all.
      [0x00000006, 'ERROR_INVALID_HANDLE', 'the handle of the service is gone', 'service'],
      [0x0000006d, 'ERROR_BROKEN_PIPE', 'the pipe to the service is broken', 'service'],
      [0x000006ba, 'RPC_S_SERVER_UNAVAILABLE', 'the service does not answer', 'service'],
      [0x80100001, 'SCARD_F_INTERNAL_ERROR', 'internal error of the PC/SC service', 'device'],
      [SCARD_E_CANCELLED, 'SCARD_E_CANCELLED', 'the call was cancelled', 'device'],
      [SCARD_E_INVALID_HANDLE, 'SCARD_E_INVALID_HANDLE', 'the handle is no longer valid', 'service'],
      [SCARD_E_INVALID_PARAMETER, 'SCARD_E_INVALID_PARAMETER', 'invalid parameter', 'protocol'],
      [0x80100005, 'SCARD_E_INVALID_TARGET', 'registry start information is missing or invalid', 'service'],
      [0x80100006, 'SCARD_E_NO_MEMORY', 'not enough memory', 'device'],
      [0x80100007, 'SCARD_F_WAITED_TOO_LONG', 'an internal timer expired', 'timeout'],
      [SCARD_E_INSUFFICIENT_BUFFER, 'SCARD_E_INSUFFICIENT_BUFFER', 'the response is longer than a response can be', 'protocol'],
      [SCARD_E_UNKNOWN_READER, 'SCARD_E_UNKNOWN_READER', 'no such reader', 'removed'],
      [SCARD_E_TIMEOUT, 'SCARD_E_TIMEOUT', 'time ran out', 'timeout'],
      [SCARD_E_SHARING_VIOLATION, 'SCARD_E_SHARING_VIOLATION', 'another program uses the card', 'busy'],
      [SCARD_E_NO_SMARTCARD, 'SCARD_E_NO_SMARTCARD', 'no card in the reader', 'no card'],
      [0x8010000d, 'SCARD_E_UNKNOWN_CARD', 'unknown card', 'device'],
      [0x8010000e, 'SCARD_E_CANT_DISPOSE', 'the card could not be reset or ejected as asked', 'device'],
      [SCARD_E_PROTO_MISMATCH, 'SCARD_E_PROTO_MISMATCH', 'card and reader share neither T=0 nor T=1', 'protocol'],
      [0x80100010, 'SCARD_E_NOT_READY', 'the reader or the card is not ready', 'busy'],
      [0x80100011, 'SCARD_E_INVALID_VALUE', 'invalid parameter value', 'protocol'],
      [0x80100012, 'SCARD_E_SYSTEM_CANCELLED', 'the system is shutting down or logging off', 'service'],
      [SCARD_F_COMM_ERROR, 'SCARD_F_COMM_ERROR', 'communication with the service failed', 'service'],
      [0x80100014, 'SCARD_F_UNKNOWN_ERROR', 'unknown internal error', 'device'],
      [0x80100015, 'SCARD_E_INVALID_ATR', 'the ATR is not valid', 'protocol'],
      [SCARD_E_NOT_TRANSACTED, 'SCARD_E_NOT_TRANSACTED', 'the exchange with the card failed', 'protocol'],
      [SCARD_E_READER_UNAVAILABLE, 'SCARD_E_READER_UNAVAILABLE', 'the reader is not available', 'removed'],
      [0x80100018, 'SCARD_P_SHUTDOWN', 'the service is shutting down', 'service'],
      [0x80100019, 'SCARD_E_PCI_TOO_SMALL', 'PCI receive buffer too small', 'protocol'],
      [0x8010001a, 'SCARD_E_READER_UNSUPPORTED', 'the reader driver does not meet the requirements', 'protocol'],
      [0x8010001b, 'SCARD_E_DUPLICATE_READER', 'the reader driver gave a name twice', 'protocol'],
      [0x8010001c, 'SCARD_E_CARD_UNSUPPORTED', 'the card does not meet the requirements', 'protocol'],
      [SCARD_E_NO_SERVICE, 'SCARD_E_NO_SERVICE', 'the PC/SC service is not running', 'service'],
      [SCARD_E_SERVICE_STOPPED, 'SCARD_E_SERVICE_STOPPED', 'the PC/SC service has stopped', 'service'],
      // pcsc-lite gives its SCARD_E_UNSUPPORTED_FEATURE this number (pcsclite.h).
      [SCARD_E_UNEXPECTED, 'SCARD_E_UNEXPECTED', 'unexpected error, or not supported by the reader', 'device'],
      [SCARD_E_UNSUPPORTED_FEATURE, 'SCARD_E_UNSUPPORTED_FEATURE', 'not supported by the reader', 'device'],
      [0x80100027, 'SCARD_E_NO_ACCESS', 'access denied', 'device'],
      [0x8010002b, 'SCARD_E_UNKNOWN_RES_MNG', 'unrecognised error of the service', 'device'],
      [SCARD_E_NO_READERS_AVAILABLE, 'SCARD_E_NO_READERS_AVAILABLE', 'no readers', 'removed'],
      [SCARD_E_COMM_DATA_LOST, 'SCARD_E_COMM_DATA_LOST', 'communication with the card failed', 'protocol'],
      [SCARD_E_SERVER_TOO_BUSY, 'SCARD_E_SERVER_TOO_BUSY', 'the service is too busy', 'busy'],
      [0x80100065, 'SCARD_W_UNSUPPORTED_CARD', 'the ATR does not allow communication with the card', 'protocol'],
      [SCARD_W_UNRESPONSIVE_CARD, 'SCARD_W_UNRESPONSIVE_CARD', 'the card does not answer to reset', 'timeout'],
      [SCARD_W_UNPOWERED_CARD, 'SCARD_W_UNPOWERED_CARD', 'the card has no power', 'reset'],
      [SCARD_W_RESET_CARD, 'SCARD_W_RESET_CARD', 'another program reset the card', 'reset'],
      [SCARD_W_REMOVED_CARD, 'SCARD_W_REMOVED_CARD', 'the card was removed', 'removed'],
      // pcscd answers so when polkit refuses the user, and to clients that wait while it stops (measured, 1.9.9).
      [
        SCARD_W_SECURITY_VIOLATION,
        'SCARD_W_SECURITY_VIOLATION',
        'access denied by the security policy (polkit), or the service is stopping',
        'service',
      ],
      [0x8010006e, 'SCARD_W_CANCELLED_BY_USER', 'cancelled by the person', 'cancelled'],
    ] as const satisfies readonly (readonly [number, string, string, ErrorKind])[]
  ).map(([code, name, meaning, kind]) => [code, { name, meaning, kind }]),
);

/** "80100069" */
export function formatResultCode(result: number): string {
  return result.toString(16).toUpperCase().padStart(8, '0');
}

/** "80100069 SCARD_W_REMOVED_CARD, the card was removed". Total. */
export function describeResultCode(result: number): string {
  const known = RESULT_CODES.get(result);
  return known ? `${formatResultCode(result)} ${known.name}, ${known.meaning}` : `${formatResultCode(result)}, unknown result`;
}

/** True when the service behind the context went away: the context is dead and stays so. */
export function meansServiceGone(result: number): boolean {
  return RESULT_CODES.get(result)?.kind === 'service';
}

/** The error for a result other than success. `attempt` says what was tried: "connecting to the card". */
export function resultError(attempt: string, result: number, device?: string): DeviceError {
  const ErrorClass = ERROR_CLASSES[RESULT_CODES.get(result)?.kind ?? 'device'];
  const where = device === undefined ? '' : ` in ${device}`;
  const fields = { driverCode: formatResultCode(result), ...(device === undefined ? {} : { device }) };
  return new ErrorClass(`${attempt}${where}: PC/SC answered ${describeResultCode(result)}`, fields);
}

/** An error that no single result stands for, with the result that led to it. */
export function serviceError(attempt: string, result: number): ServiceUnavailableError {
  return new ServiceUnavailableError(`${attempt}: PC/SC answered ${describeResultCode(result)}`, {
    driverCode: formatResultCode(result),
  });
}
