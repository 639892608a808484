/**
 * The HID devices of this machine, as a pad's driver needs them: reports by their ids, without a word of what is in them. `hid.ts` gives the real ones;
 * a simulated desk gives its own.
 */

export interface HidPorts {
  /** Those of these vendors. Opens none. */
  list(vendorIds: readonly number[]): Promise<readonly HidPortInfo[]>;
  /** DeviceRemovedError when it is not there, DeviceBusyError when another program holds it or it may not be opened. */
  open(path: string): Promise<HidPort>;
}

export interface HidPortInfo {
  /** As the system names it; another one when the device is plugged in again. */
  readonly path: string;
  readonly vendorId: number;
  readonly productId: number;
  readonly product?: string;
  readonly serialNumber?: string;
}

export interface HidPort extends AsyncDisposable {
  /** The report with its id in front. `length`: of the longest answer, id included. DeviceProtocolError when the device refuses (a USB stall). */
  getFeature(reportId: number, length: number): Promise<Uint8Array>;
  /** The report with its id in front. DeviceProtocolError when the device refuses. */
  setFeature(report: Uint8Array): Promise<void>;
  /** Input reports with their ids in front, from now on; `onGone` once, when the device is no more. */
  listen(listener: { readonly onReport: (report: Uint8Array) => void; readonly onGone: (error: Error) => void }): void;
}
