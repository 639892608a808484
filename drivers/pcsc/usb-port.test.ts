import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findUsbPort } from './usb-port.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-usb-'));
  addDevice('usb1', { busnum: '1', devnum: '1', serial: '0000:00:14.0' });
  addDevice('1-2', { busnum: '1', devnum: '4' });
  addDevice('1-2:1.0', { busnum: '1', devnum: '4' });
  addDevice('1-2.3', { busnum: '1', devnum: '17', serial: 'A1B2' });
  addDevice('2-1', { busnum: '2', devnum: '17', serial: 'OTHER' });
  addDevice('3-1', {});
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As Linux lays a device out in sysfs. */
function addDevice(name: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(folder, name));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), `${text}\n`);
}

describe('the port of a USB device', () => {
  it('is found by bus and address, with the serial number', async () => {
    expect(await findUsbPort(1, 17, folder)).toEqual({ path: '1-2.3', serialNumber: 'A1B2' });
    expect(await findUsbPort(2, 17, folder)).toEqual({ path: '2-1', serialNumber: 'OTHER' });
  });

  it('has no serial number where the device has none', async () => {
    expect(await findUsbPort(1, 4, folder)).toEqual({ path: '1-2' });
  });

  it('is not that of the root hub, of a device that is not there, or of a system without USB', async () => {
    expect(await findUsbPort(1, 1, folder)).toBeUndefined();
    expect(await findUsbPort(0, 0, folder)).toBeUndefined();
    expect(await findUsbPort(1, 99, folder)).toBeUndefined();
    expect(await findUsbPort(1, 17, join(folder, 'none'))).toBeUndefined();
  });
});
