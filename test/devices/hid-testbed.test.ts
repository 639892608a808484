/** node-hid, unchanged and in a process of its own, on simulated HID devices. */
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Testbed } from '../../drivers/simulated/testbed/testbed.ts';
import { DeviceProgram } from './device-program.ts';
import { eventually } from './eventually.ts';
import { SimpleHid } from './simple-devices.ts';

const PATH = '/dev/hidraw0';
const DEADLINE_MS = 20_000;
const STEP_MS = 5;

interface Captured {
  readonly result: { readonly reports: readonly string[]; readonly error?: string };
}

/** As many as that, and whatever came beyond them: what was read lies in the program's own queue for a while. */
async function capturedBy(program: DeviceProgram, path: string, count: number): Promise<Captured['result']> {
  const reports: string[] = [];
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const { result } = await program.ask<Captured>({ do: 'captured', path });
    reports.push(...result.reports);
    if (reports.length >= count || result.error !== undefined || performance.now() > deadline) return { ...result, reports };
    await wait(STEP_MS);
  }
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
    const result = await capturedBy(program, PATH, sent.length);
    expect(result.reports).toEqual(sent.map((report) => report.toString('hex')));
  });

  it.each(['EPIPE', 'EIO', 'ENODEV', 'ETIMEDOUT', 'EPROTO'] as const)(
    'hears that a device answers %s, and goes on',
    async (errno) => {
      const texts = {
        EPIPE: /Broken pipe/,
        EIO: /Input\/output error/,
        ENODEV: /No such device/,
        ETIMEDOUT: /timed out/,
        EPROTO: /Protocol error/,
      };
      await using testbed = await Testbed.open();
      const device = new SimpleHid();
      device.features.set(8, Uint8Array.of(8, 1));
      device.faults.set(8, errno);
      await testbed.plugHid(device);
      await using program = new DeviceProgram(testbed, 'raw-hid.ts');
      await program.ask({ do: 'open', path: PATH });
      const { error } = await program.ask<{ readonly error?: string }>({ do: 'get', path: PATH, id: 8, length: 2 });
      expect(error).toMatch(texts[errno]);
      device.faults.clear();
      expect(await program.ask({ do: 'get', path: PATH, id: 8, length: 2 })).toEqual({ result: '0801' });
    },
  );

  it('waits for a slow device without holding up anything else', async () => {
    await using testbed = await Testbed.open();
    const device = new SimpleHid();
    device.features.set(8, Uint8Array.of(8, 1));
    await testbed.plugHid(device);
    await using program = new DeviceProgram(testbed, 'raw-hid.ts');
    await program.ask({ do: 'open', path: PATH });
    device.gate = wait(300);
    const { result: ticks } = await program.ask<{ readonly result: number }>({ do: 'slow', path: PATH, id: 8 });
    // 30 ticks of 10 ms fit in; blocked it would be one at most.
    expect(ticks).toBeGreaterThan(5);
  });

  it('gives on what is garbage, half or too long as it came', async () => {
    await using testbed = await Testbed.open();
    const device = new SimpleHid();
    await using node = await testbed.plugHid(device);
    await using program = new DeviceProgram(testbed, 'raw-hid.ts');
    await program.ask({ do: 'open', path: PATH });
    await program.ask({ do: 'capture', path: PATH });
    const sent = [Buffer.of(1), Buffer.of(0xff, 0, 1), Buffer.alloc(64, 1), Buffer.alloc(60_000, 2), Buffer.of(1, 2)];
    for (const report of sent) device.input(report);
    await eventually('all reports are read', () => node.reports.read === sent.length);
    const result = await capturedBy(program, PATH, sent.length);
    // What is longer than the library's buffer is cut, as by the kernel; the next report is whole.
    expect(result.reports.map((report) => report.length / 2)).toEqual([1, 3, 64, expect.any(Number), 2]);
    expect(result.reports.at(-1)).toBe('0102');
  });

  it('keeps two devices apart, also when one is slow and one goes', async () => {
    await using testbed = await Testbed.open();
    const [first, second] = [new SimpleHid('SIM1'), new SimpleHid('SIM2')];
    const node = await testbed.plugHid(first);
    await using other = await testbed.plugHid(second);
    await using program = new DeviceProgram(testbed, 'raw-hid.ts');
    for (const path of [node.path, other.path]) {
      await program.ask({ do: 'open', path });
      await program.ask({ do: 'capture', path });
    }
    first.gate = new Promise(() => undefined);
    program.send({ do: 'get', path: node.path, id: 8, length: 2 });
    await eventually('the first is asked', () => first.asked === 1);
    for (let number = 0; number < 1000; number += 1) second.input(Buffer.of(1, number >> 8, number & 0xff));
    await eventually('the second goes on', () => other.reports.read === 1000);
    await node.unplug();
    expect(await program.next()).toEqual({ error: expect.stringMatching(/No such device/) as string });
    const result = await capturedBy(program, other.path, 1000);
    expect(result).toEqual({
      reports: Array.from({ length: 1000 }, (_, number) => Buffer.of(1, number >> 8, number & 0xff).toString('hex')),
    });
    for (const path of [node.path, other.path]) await program.ask({ do: 'close', path });
    await eventually('the handles are closed', () => testbed.openHandles === 0);
  });

  describe.each(['while it is listed alone', 'while it is open', 'in capture', 'in a picture', 'in a slow answer'])(
    'unplugged %s',
    (state) => {
      it('is gone without a crash, and works again under another index', async () => {
        await using testbed = await Testbed.open();
        const device = new SimpleHid();
        device.features.set(8, Uint8Array.of(8, 1));
        const node = await testbed.plugHid(device, { index: 0 });
        await using program = new DeviceProgram(testbed, 'raw-hid.ts');
        const isOpen = state !== 'while it is listed alone';
        if (isOpen) await program.ask({ do: 'open', path: PATH });
        const fails = await unplugIn(state, { program, device, unplug: () => node.unplug() });
        if (isOpen) {
          if (!fails) expect(await program.ask({ do: 'get', path: PATH, id: 8 })).toHaveProperty('error');
          await program.ask({ do: 'close', path: PATH });
          await eventually('the handle is closed', () => testbed.openHandles === 0);
        }
        device.gate = undefined;
        await using again = await testbed.plugHid(device, { index: 7, port: 2 });
        expect(again.path).toBe('/dev/hidraw7');
        const { result } = await program.ask<{ readonly result: readonly { readonly path: string }[] }>({ do: 'list' });
        expect(result.map(({ path }) => path)).toEqual(['/dev/hidraw7']);
        await program.ask({ do: 'open', path: '/dev/hidraw7' });
        expect(await program.ask({ do: 'get', path: '/dev/hidraw7', id: 8, length: 2 })).toEqual({ result: '0801' });
        expect(device.attached).toBe(1);
      });
    },
  );

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

interface Scene {
  readonly program: DeviceProgram;
  readonly device: SimpleHid;
  readonly unplug: () => Promise<void>;
}

/** True when a call was under way, and failed. */
async function unplugIn(state: string, { program, device, unplug }: Scene): Promise<boolean> {
  switch (state) {
    case 'in capture':
      await program.ask({ do: 'capture', path: PATH });
      for (let number = 0; number < 100; number += 1) device.input(Buffer.of(1, number));
      await unplug();
      for (;;) {
        const { result } = await program.ask<Captured>({ do: 'captured', path: PATH });
        if (result.error !== undefined) break;
      }
      return false;
    case 'in a picture':
      program.send({ do: 'image', path: PATH, length: 1_000_000 });
      await eventually('blocks come', () => device.imageBytes > 5000);
      await unplug();
      expect(await program.next()).toEqual({ error: expect.stringMatching(/No such device/) as string });
      return true;
    case 'in a slow answer':
      device.gate = wait(400);
      program.send({ do: 'get', path: PATH, id: 8 });
      await eventually('it is asked', () => device.asked === 1);
      await unplug();
      expect(await program.next()).toEqual({ error: expect.stringMatching(/No such device/) as string });
      return true;
    default:
      await unplug();
      return false;
  }
}
