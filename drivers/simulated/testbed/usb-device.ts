/** What every simulated device says of itself on the USB, and the two directories of sysfs that a device with one interface has. */
import type { SysfsDevice } from './device-tree.ts';

export interface UsbIdentity {
  readonly vendorId: number;
  readonly productId: number;
  readonly manufacturer: string;
  readonly product: string;
  readonly serialNumber: string;
  /** bcdDevice. Default: 0x0100. */
  readonly release?: number;
}

/** USB device classes (USB-IF, Defined Class Codes). */
export const CLASS_HID = 0x03;
export const CLASS_COMMUNICATIONS = 0x02;

const CONTROLLER = '/devices/pci0000:00/0000:00:14.0/usb1';
/** Linux, Documentation/admin-guide/devices.txt: 189 char, USB devices. */
const MAJOR_USB = 189;

export interface UsbInterface {
  readonly interfaceClass: number;
  readonly driver: string;
}

export function usbInterfacePath(port: number): string {
  return `${CONTROLLER}/1-${port}/1-${port}:1.0`;
}

/** The device and its interface, in the order to add them. */
export function usbDirectories(port: number, identity: UsbIdentity, itf: UsbInterface): readonly SysfsDevice[] {
  const { vendorId, productId, release = 0x0100 } = identity;
  const product = [vendorId, productId, release].map((number) => number.toString(16)).join('/');
  const address = String(port + 1).padStart(3, '0');
  return [
    {
      path: `${CONTROLLER}/1-${port}`,
      under: 'bus',
      subsystem: 'usb',
      uevent: { MAJOR: MAJOR_USB, MINOR: port, DEVNAME: `bus/usb/001/${address}`, DEVTYPE: 'usb_device', PRODUCT: product },
      attributes: {
        idVendor: hex(vendorId, 4),
        idProduct: hex(productId, 4),
        bcdDevice: hex(release, 4),
        manufacturer: identity.manufacturer,
        product: identity.product,
        serial: identity.serialNumber,
        busnum: 1,
        devnum: port + 1,
        speed: 12,
        bNumConfigurations: 1,
        bConfigurationValue: 1,
        bDeviceClass: '00',
      },
    },
    {
      path: usbInterfacePath(port),
      under: 'bus',
      subsystem: 'usb',
      uevent: { DEVTYPE: 'usb_interface', DRIVER: itf.driver, PRODUCT: product },
      attributes: {
        bInterfaceNumber: '00',
        bInterfaceClass: hex(itf.interfaceClass, 2),
        bInterfaceSubClass: '00',
        bInterfaceProtocol: '00',
        bNumEndpoints: '02',
      },
    },
  ];
}

export function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}
