/**
 * The contract of a simulated serial device: bytes both ways, modem lines and breaks. It knows of no transport: the testbed puts it behind a tty of a USB
 * converter, and a test may call it as it is.
 */
import type { LineSettings } from './posix.ts';
import type { UsbIdentity } from './usb-device.ts';

/** Lines that the device drives, as the program reads them. */
export interface ModemInputs {
  readonly cts: boolean;
  readonly dsr: boolean;
  readonly dcd: boolean;
  readonly ri: boolean;
}

/** Lines that the program drives. */
export interface ModemOutputs {
  readonly dtr: boolean;
  readonly rts: boolean;
}

/** The cable, while the device is plugged in. */
export interface SerialHost {
  /** False when the bytes were lost: nobody reads them. What was sent before a program opened the port is lost as well, where the program clears it, as most do. */
  send(bytes: Uint8Array): boolean;
  /** What the program set its port to. A device that minds sends garbage, or nothing, at another rate than its own. */
  settings(): LineSettings;
}

export interface SerialDevice {
  readonly identity: UsbIdentity;
  /** Bytes from the program, in whatever pieces they come. */
  receive(bytes: Uint8Array): void;
  /** Plugged in: called again at every replug. */
  attach?(host: SerialHost): void;
  /** Unplugged, in whatever state it is. */
  detach?(): void;
  /** Modem lines and breaks are told only where the device is plugged in with them. Default: ready (CTS and DSR). */
  modemInputs?(): ModemInputs;
  modemOutputs?(lines: ModemOutputs): void;
  /** A break began (true) or ended. */
  sendBreak?(isOn: boolean): void;
}
