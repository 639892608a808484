/**
 * Where on the USB a device is plugged in: from its bus and address, which change at each plugging in, to the port, which does not. Linux tells it in
 * sysfs: each device is a folder named for its port, `<bus>-<port>[.<port>…]` (Linux, Documentation/ABI/stable/sysfs-bus-usb).
 */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export const USB_DEVICES_FOLDER = '/sys/bus/usb/devices';

export interface UsbPort {
  /** "1-2.3": bus 1, port 2, port 3 of the hub there. */
  readonly path: string;
  /** iSerialNumber of the device. */
  readonly serialNumber?: string;
}

const PORT = /^\d+-\d+(?:\.\d+)*$/;

/** Undefined when the device is not there, or the system tells nothing. */
export async function findUsbPort(bus: number, device: number, folder = USB_DEVICES_FOLDER): Promise<UsbPort | undefined> {
  for (const path of await listPorts(folder)) {
    const [busText, deviceText, serialNumber] = await Promise.all(
      ['busnum', 'devnum', 'serial'].map((file) => readText(join(folder, path, file))),
    );
    if (busText === undefined || Number(busText) !== bus || Number(deviceText) !== device) continue;
    return { path, ...(serialNumber === undefined ? {} : { serialNumber }) };
  }
  return undefined;
}

async function listPorts(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => PORT.test(name));
  } catch {
    return []; // no USB, or no sysfs
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    return undefined; // no such property
  }
}
