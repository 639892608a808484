/** Models of pads, which know of no transport, as serial devices of the testbed. */
import type { SerialDevice as LineDevice } from '../../drivers/simulated/ports/serial-lines.ts';
import type { SerialDevice, SerialHost } from '../../drivers/simulated/testbed/serial-device.ts';
import type { UsbIdentity } from '../../drivers/simulated/testbed/usb-device.ts';

/** A converter of FTDI, with this behind it. */
export const FT232R = { vendorId: 0x0403, productId: 0x6001, manufacturer: 'FTDI', product: 'FT232R USB UART' } as const;

export interface TestbedLine extends SerialDevice {
  /** The plug is to be pulled, when the model says so. */
  onUnplug: () => void;
  readonly host: SerialHost | undefined;
}

export function onTestbed(model: LineDevice, identity: UsbIdentity): TestbedLine {
  let host: SerialHost | undefined;
  const line: TestbedLine = {
    identity,
    onUnplug: () => undefined,
    get host() {
      return host;
    },
    receive: (bytes) => model.receive(bytes),
    attach: (attached) => {
      host = attached;
      model.attach({ send: (bytes) => void attached.send(bytes), unplug: () => line.onUnplug() });
    },
    detach: () => (host = undefined),
  };
  return line;
}
