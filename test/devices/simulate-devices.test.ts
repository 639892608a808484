/** `kortd simulate-devices` around a program that is not kortd's. */
import { execFile } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js');
const DEVICES = ['--device', 'STU-430', '--device', 'STU-430', '--device', 'topaz'];

/** Lists with both libraries, then reads the first pad until somebody has written. */
const LISTING = `
const { devices, HID } = require('node-hid');
const { SerialPort } = require('serialport');
(async () => {
  const pads = devices();
  const lines = await SerialPort.list();
  const report = await new Promise((resolve) => new HID(pads[0].path).once('data', resolve));
  console.log(JSON.stringify([...pads.map(({ product, serialNumber }) => [product, serialNumber]), ...lines.map(({ serialNumber }) => serialNumber), report.length]));
  process.exit(7);
})();`;

describe('kortd simulate-devices', () => {
  it('shows the devices to a program, writes on them, and ends with its status', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kortd-sd-'));
    const parameters = ['simulate-devices', ...DEVICES, '--sign-every', '1', '--', process.execPath, '-e', LISTING];
    const run = promisify(execFile)(process.execPath, [MAIN, ...parameters], {
      timeout: 25_000,
      env: { ...process.env, TMPDIR: folder },
    });
    const failure = await run.then(
      () => undefined,
      (error: unknown) => error as { readonly code: number; readonly stdout: string; readonly stderr: string },
    );
    expect(failure?.code).toBe(7);
    expect(JSON.parse(failure?.stdout ?? '')).toEqual([['STU-430', 'SIM1'], ['STU-430', 'SIM2'], 'TOPAZBSB3', 7]);
    expect(failure?.stderr).toMatch(/STU-430 at \/dev\/hidraw0[\s\S]*STU-430 at \/dev\/hidraw1[\s\S]*topaz at .*ttyUSB0/);
    await rmdir(folder);
  });
});
