/** kortd's driver of STU pads in a process of its own, through the real node-hid, on simulated pads below it. */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SimulatedStu, type PenState } from '../../drivers/simulated/pads/stu.ts';
import { signatureOf, tap } from '../../drivers/simulated/pads/person.ts';
import { StuDevice } from '../../drivers/simulated/testbed/stu-device.ts';
import { Testbed } from '../../drivers/simulated/testbed/testbed.ts';
import { DeviceProgram } from './device-program.ts';
import { eventually } from './eventually.ts';
import type { Capture } from './programs/pads.ts';

const { signal } = new AbortController();

interface Answer<T> {
  readonly result: T;
  readonly error?: string;
}

async function firstPad(program: DeviceProgram): Promise<string> {
  const { result } = await program.ask<Answer<readonly { readonly id: string }[]>>({ do: 'list' });
  return result[0]?.id ?? '';
}

async function captured(program: DeviceProgram, id: string): Promise<Capture> {
  return (await program.ask<Answer<Capture>>({ do: 'captured', id })).result;
}

async function capturedUntil(program: DeviceProgram, id: string, isEnough: (capture: Capture) => boolean): Promise<Capture> {
  const endMs = performance.now() + 15_000;
  for (;;) {
    const capture = await captured(program, id);
    if (isEnough(capture)) return capture;
    if (performance.now() > endMs) throw new Error(`in vain: ${capture.samples.length} samples, ${capture.end ?? 'no end'}`);
  }
}

/** The pad is ready for the pen when it is over: its session has begun, and it inks. */
async function beginCapture(program: DeviceProgram, pad: SimulatedStu, id: string): Promise<void> {
  expect(await program.ask({ do: 'open', id })).not.toHaveProperty('error');
  await program.ask({ do: 'capture', id });
  await eventually('the pad captures', () => pad.state === 'capture' && pad.isInking);
}

/** In bursts, as a bus carries them. */
async function writeAll(pad: SimulatedStu, states: readonly PenState[]): Promise<void> {
  for (const [index, state] of states.entries()) {
    pad.pen(state);
    if (index % 100 === 99) await wait(1);
  }
}

async function countHandles(testbed: Testbed): Promise<void> {
  await eventually('no handle is open', () => testbed.openHandles === 0);
}

describe('an STU pad below node-hid', () => {
  it('gives 10,000 samples in order, none lost', async () => {
    await using testbed = await Testbed.open();
    const pad = new SimulatedStu({ model: 'STU-540', serialNumber: 'SIM-540' });
    await testbed.plugHid(new StuDevice(pad));
    await using program = new DeviceProgram(testbed, 'pads.ts');
    const id = await firstPad(program);
    await beginCapture(program, pad, id);
    const states = signatureOf(pad, { seed: 3, samples: 10_000 });
    await writeAll(pad, states);
    const { samples, lost } = await capturedUntil(program, id, (capture) => capture.samples.length >= states.length);
    expect(lost).toBe(0);
    expect(samples.map(({ sequence }) => sequence)).toEqual(samples.map((_, index) => (samples[0]?.sequence ?? 0) + index));
    expect(samples.findIndex(({ xMm }, index) => Math.abs(xMm - (states[index]?.x ?? 0) / 100) > 0.05)).toBe(-1);
    await program.ask({ do: 'close', id });
    await countHandles(testbed);
  });

  it.each(['STU-300', 'STU-430', 'STU-520A', 'STU-540'])('shows a picture on %s, and finds a tap on a button', async (model) => {
    await using testbed = await Testbed.open();
    const pad = new SimulatedStu({ model, serialNumber: 'SIM-1' });
    const blank = pad.screen;
    await testbed.plugHid(new StuDevice(pad));
    await using program = new DeviceProgram(testbed, 'pads.ts');
    const id = await firstPad(program);
    await program.ask({ do: 'open', id });
    expect(await program.ask({ do: 'show', id, text: 'Jag har tagit emot kortet.' })).toEqual({ result: 'shown' });
    expect(Buffer.from(pad.screen).equals(blank)).toBe(false);
    await program.ask({ do: 'capture', id });
    await eventually('the pad captures', () => pad.state === 'capture' && pad.isInking);
    await writeAll(pad, signatureOf(pad, { seed: 1, samples: 40 }));
    await tap(pad, { x: 5 / 6, y: 0.94 }, signal);
    const { others } = await capturedUntil(program, id, (capture) => capture.others.length > 0);
    expect(others).toEqual(['accept']);
    await program.ask({ do: 'close', id });
    await countHandles(testbed);
  });

  it.each(['idle', 'open', 'in a picture', 'in capture'] as const)(
    'unplugged %s is gone, and captures again under another index',
    async (state) => {
      await using testbed = await Testbed.open();
      const pad = new SimulatedStu({ model: 'STU-540', serialNumber: 'SIM-1' });
      const device = new StuDevice(pad);
      const node = await testbed.plugHid(device);
      await using program = new DeviceProgram(testbed, 'pads.ts');
      const id = await firstPad(program);
      await unplugStu(state, { program, pad, id, unplug: () => node.unplug() });
      await countHandles(testbed);
      expect(await program.ask({ do: 'list' })).toEqual({ result: [] });
      await testbed.plugHid(device, { index: 9 });
      const found = await firstPad(program);
      // A pad that tells its serial number keeps its name.
      expect(found).toBe(id);
      await beginCapture(program, pad, found);
      await writeAll(pad, signatureOf(pad, { seed: 2, samples: 50 }));
      await capturedUntil(program, found, ({ samples }) => samples.length >= 50);
      await program.ask({ do: 'close', id: found });
      await countHandles(testbed);
    },
  );

  it('captures on two pads at once, each its own', async () => {
    await using testbed = await Testbed.open();
    const pads = ['STU-430', 'STU-540'].map((model, index) => new SimulatedStu({ model, serialNumber: `SIM-${index}` }));
    for (const pad of pads) await testbed.plugHid(new StuDevice(pad));
    await using program = new DeviceProgram(testbed, 'pads.ts');
    await program.ask({ do: 'list' });
    const written = pads.map((pad, index) => signatureOf(pad, { seed: index, samples: 2000 }));
    for (const [index, pad] of pads.entries()) await beginCapture(program, pad, `wacom-stu-SIM-${index}`);
    await Promise.all(pads.map((pad, index) => writeAll(pad, written[index] ?? [])));
    for (const [index, states] of written.entries()) {
      const { samples, lost } = await capturedUntil(program, `wacom-stu-SIM-${index}`, (each) => each.samples.length >= 2000);
      expect(lost).toBe(0);
      expect(samples.findIndex(({ xMm }, at) => Math.abs(xMm - (states[at]?.x ?? 0) / 100) > 0.05)).toBe(-1);
      await program.ask({ do: 'close', id: `wacom-stu-SIM-${index}` });
    }
    await countHandles(testbed);
  });

  it.each([
    ['a half report', (pad: SimulatedStu) => pad.send(Uint8Array.of(0x33, 1, 2))],
    ['an empty report', (pad: SimulatedStu) => pad.send(Uint8Array.of(0x33))],
    ['a report that nobody knows', (pad: SimulatedStu) => pad.send(Uint8Array.from({ length: 40 }, (_, at) => at))],
    ['a block of another session', (pad: SimulatedStu) => (pad.faults.wrongSession = true)],
  ])('ends a capture or goes on after %s, and leaves nothing open', async (_, disturb) => {
    await using testbed = await Testbed.open();
    const pad = new SimulatedStu({ model: 'STU-430', serialNumber: 'SIM-1' });
    await testbed.plugHid(new StuDevice(pad));
    await using program = new DeviceProgram(testbed, 'pads.ts');
    const id = await firstPad(program);
    await beginCapture(program, pad, id);
    const states = signatureOf(pad, { seed: 2, samples: 100 });
    await writeAll(pad, states.slice(0, 50));
    disturb(pad);
    await writeAll(pad, states.slice(50));
    const { samples, end } = await capturedUntil(program, id, (each) => each.end !== undefined || each.samples.length >= 100);
    expect(end === 'DeviceProtocolError' || samples.length === 100).toBe(true);
    await program.ask({ do: 'close', id });
    await countHandles(testbed);
  });
});

interface Scene {
  readonly program: DeviceProgram;
  readonly pad: SimulatedStu;
  readonly id: string;
  readonly unplug: () => Promise<void>;
}

async function unplugStu(
  state: 'idle' | 'open' | 'in a picture' | 'in capture',
  { program, pad, id, unplug }: Scene,
): Promise<void> {
  const pulled = { error: 'DeviceRemovedError' };
  switch (state) {
    case 'idle':
      await unplug();
      return;
    case 'open':
      await program.ask({ do: 'open', id });
      await unplug();
      expect(await program.ask({ do: 'show', id, text: 'Hej' })).toEqual(pulled);
      break;
    case 'in a picture':
      await program.ask({ do: 'open', id });
      program.send({ do: 'show', id, text: 'Hej' });
      await eventually('blocks come', () => pad.log.filter((report) => report === 0x26).length > 0);
      await unplug();
      expect(await program.next()).toEqual(pulled);
      break;
    case 'in capture': {
      await beginCapture(program, pad, id);
      await writeAll(pad, signatureOf(pad, { seed: 1, samples: 60 }));
      await unplug();
      const { end } = await capturedUntil(program, id, (capture) => capture.end !== undefined);
      expect(end).toBe('DeviceRemovedError');
    }
  }
  await program.ask({ do: 'close', id });
}
