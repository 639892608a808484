/** The built daemon, with the real libraries, on simulated pads below them: signatures by hand over its API. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { signatureOf, tap } from '../../drivers/simulated/pads/person.ts';
import { SimulatedStu } from '../../drivers/simulated/pads/stu.ts';
import { StuDevice } from '../../drivers/simulated/testbed/stu-device.ts';
import { Testbed } from '../../drivers/simulated/testbed/testbed.ts';
import { startProgram, type RunningDaemon } from '../support/program.ts';
import { eventually } from './eventually.ts';

const { signal } = new AbortController();
/** Where the driver draws it: the last of three, at the bottom. */
const ACCEPT = { x: 5 / 6, y: 0.94 };
const PARAMETERS = { content: { data: Buffer.from('kvittens').toString('base64') }, text: 'Jag har tagit emot kortet.' };

interface Bench {
  readonly testbed: Testbed;
  readonly daemon: RunningDaemon;
}

async function withDaemon(run: (bench: Bench) => Promise<void>): Promise<void> {
  await using testbed = await Testbed.open();
  await using daemon = await startProgram([], { environment: testbed.environment(process.env) });
  await run({ testbed, daemon });
  expect(daemon.exitStatus()).toBe(null);
}

/** The daemon looks for pads again and again. */
async function listed(client: RunningDaemon['client'], count: number): Promise<readonly unknown[]> {
  const endMs = performance.now() + 15_000;
  for (;;) {
    const { pads } = await client.call('pad.list', {});
    if (pads.length === count) return pads;
    if (performance.now() > endMs) throw new Error(`${pads.length} pads are listed, not ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function sign(pad: SimulatedStu): Promise<void> {
  await eventually('the pad captures', () => pad.state === 'capture' && pad.isInking);
  for (const state of signatureOf(pad, { seed: 1, samples: 200 })) pad.pen(state);
  await tap(pad, ACCEPT, signal);
}

/** Milliseconds of processor time of a process, user and kernel (proc(5), stat: fields 14 and 15, in hundredths of a second). */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

describe('kortd serve on a bench of pads', () => {
  it('lists a pad, takes a signature on it, and leaves it closed', () =>
    withDaemon(async ({ testbed, daemon: { client } }) => {
      expect(await client.call('pad.list', {})).toEqual({ pads: [] });
      const pad = new SimulatedStu({ model: 'STU-540', serialNumber: 'SIM-540' });
      await testbed.plugHid(new StuDevice(pad));
      const pads = await listed(client, 1);
      expect(pads).toEqual([expect.objectContaining({ model: 'STU-540', serialNumber: 'SIM-540' })]);
      const result = client.call('pad.capture', PARAMETERS);
      await sign(pad);
      const signature = await result;
      expect(JSON.stringify(signature)).toContain('SIM-540');
      await eventually('the pad is closed', () => testbed.openHandles === 0);
    }));

  it('says that the pad was pulled, and signs on it in another socket', () =>
    withDaemon(async ({ testbed, daemon }) => {
      const { client } = daemon;
      const pad = new SimulatedStu({ model: 'STU-430', serialNumber: 'SIM-430' });
      const device = new StuDevice(pad);
      const node = await testbed.plugHid(device);
      await listed(client, 1);
      const pulled = client.call('pad.capture', PARAMETERS).catch((error: unknown) => error);
      await eventually('the pad captures', () => pad.state === 'capture' && pad.isInking);
      await node.unplug();
      expect(await pulled).toMatchObject({ error: { code: 'pad_removed' } });
      await listed(client, 0);
      await eventually('the pad is closed', () => testbed.openHandles === 0);
      const before = processorTime(daemon.pid);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(processorTime(daemon.pid) - before).toBeLessThan(300);
      await testbed.plugHid(device, { index: 5 });
      await listed(client, 1);
      const result = client.call('pad.capture', PARAMETERS);
      await sign(pad);
      expect(JSON.stringify(await result)).toContain('SIM-430');
      await eventually('the pad is closed', () => testbed.openHandles === 0);
    }));
});
