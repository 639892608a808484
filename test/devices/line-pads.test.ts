/** Pads on serial lines: our drivers on the real serialport, in a process of its own, against the models below it. */
import { describe, expect, it } from 'vitest';
import { sampleSignature, type PenPoint } from '../../drivers/simulated/pads/pen.ts';
import { write } from '../../drivers/simulated/pads/person.ts';
import { SimulatedSerialStu } from '../../drivers/simulated/pads/serial-stu.ts';
import { SimulatedStu } from '../../drivers/simulated/pads/stu.ts';
import { SimulatedTopaz, type SimulatedTopazOptions } from '../../drivers/simulated/pads/topaz.ts';
import { Testbed } from '../../drivers/simulated/testbed/testbed.ts';
import { DeviceProgram } from './device-program.ts';
import { eventually } from './eventually.ts';
import { FT232R, onTestbed, type TestbedLine } from './line-models.ts';

const POINTS = sampleSignature({ widthMm: 133, heightMm: 86, points: 120 });

interface Taken {
  readonly result: {
    readonly count: number;
    readonly isInOrder: boolean;
    readonly last?: { readonly xMm: number };
    readonly lost: number;
    readonly ended?: string;
  };
}

function topaz(
  options: SimulatedTopazOptions = {},
  serialNumber = 'TOPAZBSB',
): { readonly pad: SimulatedTopaz; readonly line: TestbedLine } {
  const pad = new SimulatedTopaz(options);
  return { pad, line: onTestbed(pad, { ...FT232R, serialNumber }) };
}

async function firstPad(program: DeviceProgram): Promise<string> {
  const { result } = await program.ask<{ readonly result: readonly { readonly id: string }[] }>({ do: 'list' });
  return result[0]?.id ?? '';
}

async function capturing(program: DeviceProgram): Promise<string> {
  const pad = await firstPad(program);
  expect(await program.ask({ do: 'open', pad })).toHaveProperty('result');
  await program.ask({ do: 'capture', pad });
  return pad;
}

async function taken(
  program: DeviceProgram,
  pad: string,
  isEnough: (taken: Taken['result']) => boolean,
): Promise<Taken['result']> {
  for (const deadline = AbortSignal.timeout(15_000); ;) {
    const { result } = await program.ask<Taken>({ do: 'taken', pad });
    if (isEnough(result) || deadline.aborted) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a Topaz pad below serialport', () => {
  it('is found by its converter, captured from, and left with no handle open', async () => {
    await using testbed = await Testbed.open();
    const { pad: model, line } = topaz();
    await testbed.plugSerial(line, { kind: 'ttyUSB' });
    await using program = new DeviceProgram(testbed, 'line-pads.ts');
    const pad = await capturing(program);
    expect(line.host?.settings().baudRate).toBe(19_200);
    await model.write(POINTS);
    expect(await taken(program, pad, ({ count }) => count === POINTS.length)).toMatchObject({
      count: POINTS.length,
      isInOrder: true,
      lost: 0,
    });
    await program.ask({ do: 'close', pad });
    expect(testbed.openHandles).toBe(0);
  });

  it('sends 10,000 samples, and all come in order', async () => {
    await using testbed = await Testbed.open();
    const { pad: model, line } = topaz({ rateHz: 20_000 });
    await testbed.plugSerial(line, { kind: 'ttyUSB' });
    await using program = new DeviceProgram(testbed, 'line-pads.ts');
    const pad = await capturing(program);
    const many: readonly PenPoint[] = Array.from({ length: 10_000 }, (_, index) => ({
      xMm: index % 130,
      yMm: (index >> 7) % 80,
      pressure: 1,
    }));
    await model.write(many);
    expect(await taken(program, pad, ({ count }) => count === many.length)).toMatchObject({
      count: many.length,
      isInOrder: true,
      lost: 0,
    });
  });

  it.each(['idle', 'capturing', 'writing'] as const)(
    'that is unplugged while %s is gone, spins no core, and is found at another place',
    async (state) => {
      await using testbed = await Testbed.open();
      const { pad: model, line } = topaz({ faults: state === 'writing' ? [{ kind: 'unplug', at: 40 }] : [] });
      const node = await testbed.plugSerial(line, { kind: 'ttyUSB' });
      let unplugging: Promise<unknown> = Promise.resolve();
      line.onUnplug = () => {
        unplugging = node.unplug();
      };
      await using program = new DeviceProgram(testbed, 'line-pads.ts');
      const pad = await firstPad(program);
      await program.ask({ do: 'open', pad });
      if (state !== 'idle') await program.ask({ do: 'capture', pad });
      if (state === 'writing') await model.write(POINTS);
      else await node.unplug();
      await unplugging;
      if (state === 'idle') await program.ask({ do: 'capture', pad });
      expect((await taken(program, pad, ({ ended }) => ended !== undefined)).ended).toBe('DeviceRemovedError');
      const { result: busyMs } = await program.ask<{ readonly result: number }>({ do: 'cpu' });
      expect(busyMs).toBeLessThan(400);
      await program.ask({ do: 'close', pad });
      await eventually('the handle is closed', () => testbed.openHandles === 0);
      expect(await program.ask({ do: 'list' })).toEqual({ result: [] });
      await testbed.plugSerial(topaz().line, { kind: 'ttyUSB', index: 5 });
      expect(await firstPad(program)).toMatch(/ttyUSB5$/);
    },
  );

  it('stands beside another, and neither hears of the other', async () => {
    await using testbed = await Testbed.open();
    const [one, two] = [topaz({}, 'TOPAZBSB'), topaz({}, 'A7001')];
    await testbed.plugSerial(one.line, { kind: 'ttyUSB' });
    await testbed.plugSerial(two.line, { kind: 'ttyUSB' });
    await using program = new DeviceProgram(testbed, 'line-pads.ts', [
      JSON.stringify([{ serialNumber: 'A7001', model: 'siglite-1x5' }]),
    ]);
    const { result } = await program.ask<{ readonly result: readonly { readonly id: string }[] }>({ do: 'list' });
    const ids = result.map(({ id }) => id).sort();
    expect(ids).toHaveLength(2);
    for (const pad of ids) {
      await program.ask({ do: 'open', pad });
      await program.ask({ do: 'capture', pad });
    }
    await Promise.all([one.pad.write(POINTS), two.pad.write(POINTS.slice(0, 70))]);
    const [a7001 = '', other = ''] = ids;
    expect(await taken(program, other, ({ count }) => count >= POINTS.length)).toMatchObject({
      count: POINTS.length,
      isInOrder: true,
      lost: 0,
    });
    expect(await taken(program, a7001, ({ count }) => count >= 70)).toMatchObject({ count: 70, isInOrder: true, lost: 0 });
  });
});

describe('a serial STU below serialport', () => {
  it('agrees a key and is captured from', async () => {
    await using testbed = await Testbed.open();
    const stu = new SimulatedStu({ model: 'STU-430', serialNumber: '5HQS000042' });
    await testbed.plugSerial(onTestbed(new SimulatedSerialStu(stu), { ...FT232R, serialNumber: 'DQ42' }), { kind: 'ttyUSB' });
    await using program = new DeviceProgram(testbed, 'line-pads.ts', [
      '[]',
      JSON.stringify([{ serialNumber: 'DQ42', model: 'STU-430V' }]),
    ]);
    const pad = await capturing(program);
    await eventually('samples are encrypted', () => stu.state === 'capture');
    await write(stu, { seed: 4, samples: 300, signal: AbortSignal.timeout(15_000), periodMs: 1 });
    expect(await taken(program, pad, ({ count }) => count >= 300)).toMatchObject({ isInOrder: true, lost: 0 });
    expect(stu.log).toContain(0x15);
    await program.ask({ do: 'stop', pad });
    await program.ask({ do: 'close', pad });
    await eventually('the handle is closed', () => testbed.openHandles === 0);
  });
});
