/** What is simulated at the far end of a line in memory (`simulated/ports`), behind a tty: the model is the same. */
import type { SerialDevice as LineModel } from '../ports/serial-lines.ts';
import type { SerialDevice, SerialHost } from './serial-device.ts';
import type { UsbIdentity } from './usb-device.ts';

/** FTDI's FT232R, as in the USB models of serial pads and scanners. */
export const FT232R: UsbIdentity = {
  vendorId: 0x0403,
  productId: 0x6001,
  manufacturer: 'FTDI',
  product: 'FT232R USB UART',
  serialNumber: 'SIMULATED',
};

export interface LineDeviceOptions {
  /** Default: an FT232R. */
  readonly identity?: Partial<UsbIdentity>;
  /** The model pulls its own plug. */
  readonly onUnplug?: () => void;
}

export class LineDevice implements SerialDevice {
  readonly identity: UsbIdentity;
  readonly #model: LineModel;
  readonly #onUnplug: () => void;

  constructor(model: LineModel, { identity = {}, onUnplug = () => undefined }: LineDeviceOptions = {}) {
    this.identity = { ...FT232R, ...identity };
    this.#model = model;
    this.#onUnplug = onUnplug;
  }

  attach(host: SerialHost): void {
    this.#model.attach({ send: (bytes) => void host.send(bytes), unplug: this.#onUnplug });
  }

  receive(bytes: Uint8Array): void {
    this.#model.receive(bytes);
  }
}
