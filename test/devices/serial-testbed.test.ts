/** serialport, unchanged and in a process of its own, on simulated serial devices. */
import { describe, expect, it } from 'vitest';
import { Testbed } from '../../drivers/simulated/testbed/testbed.ts';
import { DeviceProgram } from './device-program.ts';
import { eventually } from './eventually.ts';
import { SimpleSerial } from './simple-devices.ts';

const PATH = '/dev/ttyACM0';

interface Received {
  readonly result: { readonly chunks: readonly string[]; readonly closed?: string };
}

describe('serialport on the testbed', () => {
  it('lists a line with its numbers, and none before and after', async () => {
    await using testbed = await Testbed.open();
    await using program = new DeviceProgram(testbed, 'raw-serial.ts');
    expect(await program.ask({ do: 'list' })).toEqual({ result: [] });
    const node = await testbed.plugSerial(new SimpleSerial());
    const { result } = await program.ask<{ result: readonly Record<string, unknown>[] }>({ do: 'list' });
    expect(result).toEqual([
      expect.objectContaining({
        path: node.path,
        vendorId: '1209',
        productId: '0002',
        manufacturer: 'Bench',
        serialNumber: 'A1',
      }),
    ]);
    await node.unplug();
    expect(await program.ask({ do: 'list' })).toEqual({ result: [] });
  });

  it('sets the speed, drives and reads the modem lines, and sends a break', async () => {
    await using testbed = await Testbed.open();
    const device = new SimpleSerial();
    await using node = await testbed.plugSerial(device, { modemLines: true });
    await using program = new DeviceProgram(testbed, 'raw-serial.ts');
    expect(await program.ask({ do: 'open', path: PATH, baudRate: 19_200, parity: 'odd', dataBits: 7 })).toEqual({
      result: 'open',
    });
    expect(device.settings).toEqual({ baudRate: 19_200, stopBits: 1 });
    await program.ask({ do: 'update', path: PATH, baudRate: 128_000 });
    expect(node.settings.baudRate).toBe(128_000);
    device.inputs = { cts: false, dsr: true, dcd: true, ri: false };
    expect(await program.ask({ do: 'get', path: PATH })).toEqual({
      result: { cts: false, dsr: true, dcd: true, lowLatency: false },
    });
    await program.ask({ do: 'set', path: PATH, lines: { dtr: false, rts: true, brk: true } });
    expect(device.outputs.at(-1)).toEqual({ dtr: false, rts: true });
    expect(device.breaks.at(-1)).toBe(true);
  });

  it('carries bytes both ways, whatever the pieces', async () => {
    await using testbed = await Testbed.open();
    const device = new SimpleSerial();
    const { path } = await testbed.plugSerial(device);
    await using program = new DeviceProgram(testbed, 'raw-serial.ts');
    await program.ask({ do: 'open', path });
    await program.ask({ do: 'write', path, bytes: '49007f0d0aff' });
    await eventually('the bytes are there', () => Buffer.concat(device.received).length === 6);
    expect(Buffer.concat(device.received).toString('hex')).toBe('49007f0d0aff');
    const sent = Buffer.from(Array.from({ length: 20_000 }, (_, number) => (number * 7) & 0xff));
    for (let offset = 0; offset < sent.length; offset += 333) device.send(sent.subarray(offset, offset + 333));
    let received = '';
    while (received.length < sent.length * 2) {
      const { result } = await program.ask<Received>({ do: 'received', path });
      received = result.chunks.join('');
    }
    expect(received).toBe(sent.toString('hex'));
  });

  it('closes when the line hangs up, and finds the device again under another name', async () => {
    await using testbed = await Testbed.open();
    const device = new SimpleSerial();
    const node = await testbed.plugSerial(device);
    const { path } = node;
    await using program = new DeviceProgram(testbed, 'raw-serial.ts');
    await program.ask({ do: 'open', path });
    // Its first read waits in poll by then; before, the hang-up is the library's trap, which the drivers' tests are about.
    await program.ask({ do: 'cpu', forMs: 300 });
    await node.unplug();
    await eventually('the handle is closed', () => testbed.openHandles === 0);
    expect((await program.ask<Received>({ do: 'received', path })).result.closed).toBe('hung up');
    await using again = await testbed.plugSerial(device, { kind: 'ttyUSB', index: 3 });
    expect(await program.ask({ do: 'open', path: again.path })).toEqual({ result: 'open' });
    expect(again.path).toMatch(/ttyUSB3$/);
    expect(again.openHandles).toBe(1);
    await program.ask({ do: 'close', path: again.path });
    await eventually('the handle is closed', () => testbed.openHandles === 0);
  });

  it('has no modem lines where the bench does not want them', async () => {
    await using testbed = await Testbed.open();
    const { path } = await testbed.plugSerial(new SimpleSerial());
    await using program = new DeviceProgram(testbed, 'raw-serial.ts');
    await program.ask({ do: 'open', path });
    const { error } = await program.ask<{ readonly error: string }>({ do: 'get', path });
    expect(error).toContain('Inappropriate ioctl');
  });

  it('opens a line again that a program left, as another program may', async () => {
    await using testbed = await Testbed.open();
    const device = new SimpleSerial();
    await using node = await testbed.plugSerial(device);
    const { path } = node;
    for (let round = 0; round < 3; round += 1) {
      await using program = new DeviceProgram(testbed, 'raw-serial.ts');
      expect(await program.ask({ do: 'open', path })).toEqual({ result: 'open' });
      await program[Symbol.asyncDispose]();
      await eventually('the handle is closed', () => node.openHandles === 0);
    }
  });
});
