/** What is plugged into USB, as Linux tells of it (Documentation/ABI/testing/sysfs-bus-usb). */
import type { Look } from './look.ts';

export interface UsbDevice {
  /** As Linux names the port: 1-2.3. */
  readonly port: string;
  readonly name: string;
  /** Four hexadecimal digits. */
  readonly vendorId: string;
  readonly productId: string;
  readonly serialNumber: string | undefined;
  /** It has an interface of the class of smart cards. */
  readonly isCardReader: boolean;
  /** Serial lines of its converter: ttyUSB0. */
  readonly lines: readonly string[];
  /** power/runtime_status, where it is told. */
  readonly power: string | undefined;
}

const FOLDER = '/sys/bus/usb/devices';
/** USB-IF, defined class codes: smart card. */
const CLASS_SMART_CARD = '0b';
/** drivers/usb/serial/bus.c of Linux: each is a folder of its interface. */
const LINE = /^ttyUSB\d+$/;
const MAX_DEVICES = 256;

export async function usbDevices(look: Look): Promise<readonly UsbDevice[]> {
  const names = await look.list(FOLDER);
  if (names.state !== 'seen') return [];
  const ports = names.value.filter((name) => /^\d+-[\d.]+$/.test(name)).slice(0, MAX_DEVICES);
  const devices = await Promise.all(ports.map((port) => deviceAt(look, port, names.value)));
  return devices.filter((device) => device !== undefined);
}

async function deviceAt(look: Look, port: string, names: readonly string[]): Promise<UsbDevice | undefined> {
  const read = async (file: string): Promise<string | undefined> => {
    const text = await look.readText(`${FOLDER}/${port}/${file}`);
    return text.state === 'seen' ? text.value.trim() : undefined;
  };
  const [vendorId, productId] = await Promise.all([read('idVendor'), read('idProduct')]);
  if (vendorId === undefined || productId === undefined) return undefined;
  const interfaces = names.filter((name) => name.startsWith(`${port}:`));
  const classes = await Promise.all(interfaces.map((name) => look.readText(`${FOLDER}/${name}/bInterfaceClass`)));
  const isCardReader = classes.some((text) => text.state === 'seen' && text.value.trim() === CLASS_SMART_CARD);
  const inside = await Promise.all(interfaces.map((name) => look.list(`${FOLDER}/${name}`)));
  const lines = inside.flatMap((folder) => (folder.state === 'seen' ? folder.value.filter((name) => LINE.test(name)) : []));
  const [product, serialNumber, power] = await Promise.all([read('product'), read('serial'), read('power/runtime_status')]);
  return { port, name: product ?? `USB device ${port}`, vendorId, productId, serialNumber, isCardReader, lines, power };
}
