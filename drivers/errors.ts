/**
 * The bytes were not carried: errors of readers, pads and scanners. No class knows an API or a protocol above it.
 * Message: what was attempted, then what came back; lower case, no full stop.
 */

export interface DeviceErrorFields {
  /** Name of the reader, pad or scanner, as its driver gives it. */
  readonly device?: string;
  readonly timeoutMs?: number;
  /** The driver's own code, as its documentation spells it: "80100069". */
  readonly driverCode?: string;
}

export class DeviceError extends Error {
  override readonly name: string = 'DeviceError';
  readonly device?: string;
  readonly timeoutMs?: number;
  readonly driverCode?: string;

  constructor(message: string, fields: DeviceErrorFields = {}, options?: ErrorOptions) {
    super(message, options);
    if (fields.device !== undefined) this.device = fields.device;
    if (fields.timeoutMs !== undefined) this.timeoutMs = fields.timeoutMs;
    if (fields.driverCode !== undefined) this.driverCode = fields.driverCode;
  }
}

/** The card or the device went away, before or during the exchange. */
export class DeviceRemovedError extends DeviceError {
  override readonly name = 'DeviceRemovedError';
}

/** No card is in the reader. */
export class NoCardError extends DeviceError {
  override readonly name = 'NoCardError';
}

/** Another program holds the device. */
export class DeviceBusyError extends DeviceError {
  override readonly name = 'DeviceBusyError';
}

/** The card was reset under us: its security state and selection are gone. */
export class DeviceResetError extends DeviceError {
  override readonly name = 'DeviceResetError';
}

/** The device did not answer in time, or the card is mute. */
export class DeviceTimeoutError extends DeviceError {
  override readonly name = 'DeviceTimeoutError';
}

/** The person at the device pressed cancel. */
export class DeviceCancelledError extends DeviceError {
  override readonly name = 'DeviceCancelledError';
}

/** The device or its driver answered something that its protocol does not allow. */
export class DeviceProtocolError extends DeviceError {
  override readonly name = 'DeviceProtocolError';
}

/** The service behind the driver (PC/SC) is not there. It may come back. */
export class ServiceUnavailableError extends DeviceError {
  override readonly name = 'ServiceUnavailableError';
}
