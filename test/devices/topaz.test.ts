/** kortd's driver of Topaz pads in a process of its own, through the real serialport, on simulated pads at the end of a terminal. */
import { describe, expect, it } from 'vitest';
import { sampleSignature } from '../../drivers/simulated/pads/pen.ts';
import { SimulatedTopaz, type TopazFault } from '../../drivers/simulated/pads/topaz.ts';
import { LineDevice } from '../../drivers/simulated/testbed/line-device.ts';
import type { SerialNode } from '../../drivers/simulated/testbed/serial-node.ts';
import { Testbed } from '../../drivers/simulated/testbed/testbed.ts';
import { DeviceProgram } from './device-program.ts';
import { eventually } from './eventually.ts';
import type { Capture } from './programs/pads.ts';

const SERIAL = 'SIMULATED';
const POINTS = sampleSignature({ widthMm: 130, heightMm: 80, points: 300 });

interface Bench {
  readonly testbed: Testbed;
  readonly program: DeviceProgram;
  readonly pad: SimulatedTopaz;
  readonly node: SerialNode;
  readonly id: string;
}

/** A pad that captures, at a rate that no test waits for. */
async function withPad(faults: readonly TopazFault[], run: (bench: Bench) => Promise<void>): Promise<void> {
  await using testbed = await Testbed.open();
  const pad = new SimulatedTopaz({ rateHz: 5000, faults });
  const device = new LineDevice(pad, { onUnplug: () => void node.unplug() });
  const node = await testbed.plugSerial(device, { kind: 'ttyUSB' });
  await using program = new DeviceProgram(testbed, 'pads.ts', [SERIAL]);
  const { result } = await program.ask<{ readonly result: readonly { readonly id: string }[] }>({ do: 'list' });
  const id = result[0]?.id ?? '';
  expect(await program.ask({ do: 'open', id })).not.toHaveProperty('error');
  expect(node.settings).toEqual({ baudRate: 19_200, stopBits: 1 });
  await program.ask({ do: 'capture', id });
  // The library's first read waits by then.
  await program.ask({ do: 'cpu', forMs: 100 });
  await run({ testbed, program, pad, node, id });
  await program.ask({ do: 'close', id });
  await eventually('no handle is open', () => testbed.openHandles === 0);
}

async function capturedUntil(program: DeviceProgram, id: string, isEnough: (capture: Capture) => boolean): Promise<Capture> {
  const endMs = performance.now() + 15_000;
  for (;;) {
    const { result } = await program.ask<{ readonly result: Capture }>({ do: 'captured', id });
    if (isEnough(result)) return result;
    if (performance.now() > endMs) throw new Error(`in vain: ${result.samples.length} samples, ${result.end ?? 'no end'}`);
  }
}

describe('a Topaz pad below serialport', () => {
  it('gives every point in order, across whatever pieces the line makes', () =>
    withPad([], async ({ program, pad, id }) => {
      await pad.write(POINTS);
      const { samples, lost } = await capturedUntil(program, id, (capture) => capture.samples.length >= POINTS.length);
      expect(lost).toBe(0);
      expect(samples.findIndex(({ xMm }, at) => Math.abs(xMm - (POINTS[at]?.xMm ?? 0)) > 0.1 && at < POINTS.length)).toBe(-1);
    }));

  it('goes on after noise, half packets and a start in the middle of one', () =>
    withPad(
      [
        { kind: 'midPacketStart' },
        { kind: 'noise', at: 20 },
        { kind: 'halfPacket', at: 50, lengthBytes: 3 },
        { kind: 'allOnes', at: 70 },
      ],
      async ({ program, pad, id }) => {
        await pad.write(POINTS);
        const { samples } = await capturedUntil(program, id, (capture) => capture.samples.length >= POINTS.length - 2);
        expect(samples.length).toBeGreaterThanOrEqual(POINTS.length - 2);
      },
    ));

  it.each([1, 33, 299])('is gone when the plug is pulled at point %i, and its process rests', (at) =>
    withPad([{ kind: 'unplug', at }], async ({ testbed, program, pad, id }) => {
      await pad.write(POINTS);
      const { end } = await capturedUntil(program, id, (capture) => capture.end !== undefined);
      expect(end).toBe('DeviceRemovedError');
      await eventually('the handle is closed', () => testbed.openHandles === 0);
      const { result: busyMs } = await program.ask<{ readonly result: number }>({ do: 'cpu', forMs: 1000 });
      // serialport alone reads a dead line without end, and takes 340 to 440 of these 1000 milliseconds.
      expect(busyMs).toBeLessThan(150);
    }),
  );

  it('is found out when the line hangs up in the moment in which it was opened', async () => {
    await using testbed = await Testbed.open();
    const node = await testbed.plugSerial(new LineDevice(new SimulatedTopaz()), { kind: 'ttyUSB' });
    await using program = new DeviceProgram(testbed, 'pads.ts', [SERIAL]);
    const { result } = await program.ask<{ readonly result: readonly { readonly id: string }[] }>({ do: 'list' });
    const id = result[0]?.id ?? '';
    await program.ask({ do: 'open', id });
    await program.ask({ do: 'capture', id });
    await node.unplug();
    const { end } = await capturedUntil(program, id, (capture) => capture.end !== undefined);
    expect(end).toBe('DeviceRemovedError');
    await eventually('the handle is closed', () => testbed.openHandles === 0);
    const { result: busyMs } = await program.ask<{ readonly result: number }>({ do: 'cpu', forMs: 1000 });
    expect(busyMs).toBeLessThan(150);
  });
});
