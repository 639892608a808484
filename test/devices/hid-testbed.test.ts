/** node-hid, unchanged and in a process of its own, on simulated HID devices. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Testbed } from '../../drivers/simulated/testbed/testbed.ts';
import { DeviceProgram } from './device-program.ts';
import { eventually } from './eventually.ts';
import { SimpleHid } from './simple-devices.ts';

const PATH = '/dev/hidraw0';

interface Captured {
  readonly result: { readonly reports: readonly string[]; readonly error?: string };
}

describe('node-hid on the testbed', () => {
  it('sees a device with its names and its usage, and none before and after', async () => {
    await using testbed = await Testbed.open();
    await using program = new DeviceProgram(testbed, 'raw-hid.ts');
    expect(await program.ask({ do: 'list' })).toEqual({ result: [] });
    const node = await testbed.plugHid(new SimpleHid());
    expect(await program.ask({ do: 'list' })).toEqual({
      result: [
        {
          path: PATH,
          vendorId: 0x1209,
          productId: 0x0001,
          manufacturer: 'Bench',
          product: 'Simple pad',
          serialNumber: 'SIM1',
          release: 0x0100,
          interface: 0,
          usagePage: 0xff0d,
          usage: 1,
        },
      ],
    });
    await node.unplug();
    expect(await program.ask({ do: 'list' })).toEqual({ result: [] });
  });

  it('gets and sets feature reports, and writes output reports', async () => {
    await using testbed = await Testbed.open();
    const device = new SimpleHid();
    device.features.set(8, Uint8Array.of(8, 1, 2, 3));
    await testbed.plugHid(device);
    await using program = new DeviceProgram(testbed, 'raw-hid.ts');
    await program.ask({ do: 'open', path: PATH });
    expect(await program.ask({ do: 'get', path: PATH, id: 8, length: 4 })).toEqual({ result: '08010203' });
    expect(await program.ask({ do: 'set', path: PATH, bytes: '0109' })).toEqual({ result: 2 });
    expect(device.features.get(1)).toEqual(Uint8Array.of(1, 9));
    expect(await program.ask({ do: 'write', path: PATH, bytes: '01aabb' })).toEqual({ result: 3 });
    expect(device.written).toEqual([Uint8Array.of(1, 0xaa, 0xbb)]);
  });

  it('captures 10,000 reports in order, and uploads a picture meanwhile', async () => {
    await using testbed = await Testbed.open();
    const device = new SimpleHid();
    await using node = await testbed.plugHid(device);
    await using program = new DeviceProgram(testbed, 'raw-hid.ts');
    await program.ask({ do: 'open', path: PATH });
    await program.ask({ do: 'capture', path: PATH });
    program.send({ do: 'image', path: PATH, length: 64_000 });
    const sent = Array.from({ length: 10_000 }, (_, number) => Buffer.from([1, number >> 8, number & 0xff, 0x55]));
    for (const report of sent) expect(device.input(report)).toBe(true);
    expect(await program.next()).toEqual({ result: 253 });
    expect(device.imageBytes).toBe(64_000);
    await eventually('all reports are read', () => node.reports.read === sent.length);
    const { result } = await program.ask<Captured>({ do: 'captured', path: PATH });
    expect(result.reports).toEqual(sent.map((report) => report.toString('hex')));
  });

  it('leaves no handle open and no folder', async () => {
    const testbed = await Testbed.open();
    const node = await testbed.plugHid(new SimpleHid());
    const program = new DeviceProgram(testbed, 'raw-hid.ts');
    await program.ask({ do: 'open', path: PATH });
    expect(node.openHandles).toBe(1);
    await program.ask({ do: 'close', path: PATH });
    await eventually('the handle is closed', () => node.openHandles === 0);
    program.send({ do: 'exit' });
    expect(await program.end()).toBe(0);
    await testbed[Symbol.asyncDispose]();
    expect(existsSync(testbed.root)).toBe(false);
  });
});
