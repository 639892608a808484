/**
 * The contract of a simulated HID device: how it answers, and what it sends by itself. It knows of no transport: the testbed puts it behind hidraw, and a test
 * may call it as it is. Reports are as node-hid has them: the report's id first, 0 where the device has no ids.
 */
import type { UsbIdentity } from './usb-device.ts';

/** Where input reports go while the device is plugged in. */
export interface HidHost {
  /** False when the report was lost: nobody has the device open, or its queue is full. */
  input(report: Uint8Array): boolean;
}

export interface HidDevice {
  readonly identity: UsbIdentity;
  /** HID 1.11, 6.2.2. */
  readonly reportDescriptor: Uint8Array;
  /** GET_REPORT of a feature report (HID 1.11, 7.2.1). A slow answer is a slow device; `DeviceFault` is its errno, EPIPE where it refuses. */
  getFeature(reportId: number): Uint8Array | Promise<Uint8Array>;
  /** SET_REPORT of a feature report (HID 1.11, 7.2.2). */
  setFeature(report: Uint8Array): void | Promise<void>;
  /** An output report. Absent: refused with EPIPE. */
  output?(report: Uint8Array): void | Promise<void>;
  /** Plugged in: called again at every replug. */
  attach?(host: HidHost): void;
  /** Unplugged, in whatever state it is. */
  detach?(): void;
}
