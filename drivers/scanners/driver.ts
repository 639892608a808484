/**
 * The contract of scanners of identity documents: what every kind gives, whether it is a device on a port, a program of its vendor's, a folder or a service.
 * A driver is not trusted. What it reports goes through `accept.ts`: unknown words, wrong types and what is too long never reach a caller, and no driver
 * decides that a document passed. Errors are those of `drivers/errors.ts`; any other is a defect of the driver, and is told as one.
 */
import { DeviceError } from '../errors.ts';
import type { ImageKind, ScanLight, ScanReport } from '../../api-spec/scan/report.ts';

/** What drives the device has no licence for this, or none any more. */
export class LicenceError extends DeviceError {
  override readonly name = 'LicenceError';
}

/** One configured way to scanners, and every scanner that it finds there. Made without I/O; `watch` begins. */
export interface ScannerDriver extends AsyncDisposable {
  /** Its name in the configuration: the ids of its scanners begin with it. */
  readonly name: string;
  /** Name on the wire, never changed once released: "serial-mrz", "folder", "helper", "regula". */
  readonly kind: string;
  /** Begins to look for scanners, and calls `changed` whenever `list` gives something else. Called once, and ended by disposal. */
  watch(changed: () => void): void;
  /** Every scanner as it stands: what is known, without asking a device. */
  list(): readonly ScannerState[];
  /**
   * One scan, by one caller at a time: kortd queues the others. Settles soon after `signal` fires, at a cancellation or at the deadline: whoever does not within
   * SETTLE_MS is left behind, and its scanner is `failed` until it does.
   * Throws DeviceRemovedError (gone, also in the midst), DeviceBusyError (another program has it), LicenceError, DeviceTimeoutError, DeviceCancelledError (at the
   * device), DeviceProtocolError (it answered nonsense), ServiceUnavailableError, and the signal's reason.
   */
  scan(scannerId: string, options: ScanOptions): Promise<DriverScan>;
  /** Asks the device or the service how it is. Never throws. */
  health(options: { readonly signal: AbortSignal }): Promise<ScannerHealth>;
}

/** After its signal fired. */
export const SETTLE_MS = 2_000;

export interface ScannerState {
  /** Within its driver: the same while the scanner is there, and, where it has a serial number, when it comes back in another socket. `[A-Za-z0-9._-]{1,40}`. */
  readonly id: string;
  readonly model: string;
  readonly serialNumber?: string;
  readonly firmware?: string;
  /** gone: it was there, and is looked for. failed: it is there and does not work. */
  readonly status: 'ready' | 'gone' | 'failed' | 'unlicensed';
  /** In one line, for people: why it is not ready. */
  readonly problem?: string;
  readonly abilities: ScannerAbilities;
}

export interface ScannerAbilities {
  /** Reads machine-readable zones. */
  readonly mrz: boolean;
  /** Takes pictures in these lights. Empty: none. */
  readonly lights: readonly ScanLight[];
  readonly chip: boolean;
  /** It judges pictures that it is given: `ScanOptions.images`. It takes none itself when `lights` is empty. */
  readonly takesImages: boolean;
  /** Judges whether the document is genuine, by its own means. */
  readonly verdicts: boolean;
}

export interface ScanOptions {
  readonly signal: AbortSignal;
  /** From the call on. kortd fires `signal` then: this is for devices that count for themselves. */
  readonly timeoutMs: number;
  /** Left out: all that it has. */
  readonly lights?: readonly ScanLight[];
  /** False: leave the chip alone. */
  readonly readsChip: boolean;
  /** Pictures that the caller gave, checked to be pictures. */
  readonly images: readonly DriverImage[];
  readonly onProgress: (progress: ScanProgress) => void;
}

export const SCAN_STAGES = ['waiting', 'documentPresent', 'capturing', 'reading', 'chip', 'verifying', 'removeDocument'] as const;

export interface ScanProgress {
  readonly stage: (typeof SCAN_STAGES)[number];
  readonly light?: ScanLight;
}

export interface DriverImage {
  /** Within the scan; checks name it. `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`. */
  readonly id: string;
  readonly kind: ImageKind;
  /** From 0. */
  readonly page: number;
  readonly light: ScanLight;
  readonly dpi?: number;
  /** JPEG, PNG, JPEG 2000. */
  readonly bytes: Uint8Array;
}

export interface DriverScan {
  readonly report: ScanReport;
  readonly images: readonly DriverImage[];
  /** The vendor's answer as it came, kept apart and given to nobody unless asked for. */
  readonly raw?: { readonly mediaType: string; readonly bytes: Uint8Array };
}

export interface ScannerHealth {
  readonly isWorking: boolean;
  /** In one line, for people. */
  readonly problem?: string;
  readonly version?: string;
  /** ISO 8601, of services that tell. */
  readonly licenceValidUntil?: string;
}
