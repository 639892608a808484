/** The driver of STU pads against pads that do anything, by numbers from a seed: no crash, no hang, and nothing left open. KORTD_LONG=1 takes many more. */
import { describe, expect, it } from 'vitest';
import { signatureOf } from '../../drivers/simulated/pads/person.ts';
import { SimulatedStu } from '../../drivers/simulated/pads/stu.ts';
import type { HidNode } from '../../drivers/simulated/testbed/hid-node.ts';
import { StuDevice } from '../../drivers/simulated/testbed/stu-device.ts';
import { Testbed } from '../../drivers/simulated/testbed/testbed.ts';
import { DeviceProgram } from './device-program.ts';
import { eventually } from './eventually.ts';

const SEEDS = process.env['KORTD_LONG'] === '1' ? 200 : 4;
const STEPS = 25;

/** Numbers from a seed: the same each time (xorshift32). */
function numbersFrom(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

describe('the driver of STU pads', () => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))('outlives whatever a pad does, seed %i', async (seed) => {
    const next = numbersFrom(seed);
    await using testbed = await Testbed.open();
    const pad = new SimulatedStu({ model: next(2) === 0 ? 'STU-430' : 'STU-520A', serialNumber: 'SIM-1' });
    const device = new StuDevice(pad);
    let node: HidNode | undefined = await testbed.plugHid(device);
    await using program = new DeviceProgram(testbed, 'pads.ts');
    const id = 'wacom-stu-SIM-1';
    const steps: readonly (() => unknown)[] = [
      () => program.ask({ do: 'list' }),
      () => program.ask({ do: 'open', id }),
      () => program.ask({ do: 'show', id, text: 'Hej' }),
      () => program.ask({ do: 'capture', id }),
      () => program.ask({ do: 'captured', id }),
      () => program.ask({ do: 'stop', id }),
      () => program.ask({ do: 'close', id }),
      () => signatureOf(pad, { seed, samples: 50 }).forEach((state) => pad.pen(state)),
      () => pad.send(Uint8Array.from({ length: next(70) + 1 }, () => next(256))),
      () => (pad.faults.stall = true),
      () => (pad.faults.dropSamples = next(20)),
      () => (pad.faults.cutReport = next(12) + 1),
      () => (pad.faults.wrongSession = true),
      () => (pad.faults.sequenceBack = next(300)),
      async () => {
        await node?.unplug();
        node = undefined;
      },
      async () => (node ??= await testbed.plugHid(device, { index: next(60) })),
    ];
    for (let step = 0; step < STEPS; step += 1) await steps[next(steps.length)]?.();
    await program.ask({ do: 'close', id });
    await eventually('no handle is open', () => testbed.openHandles === 0);
    program.send({ do: 'exit' });
    expect(await program.end()).toBe(0);
  });
});
