/** The devices that a test bench plugs in by name, and the person who writes on them. */
import { sampleSignature } from '../pads/pen.ts';
import { write } from '../pads/person.ts';
import { SimulatedStu } from '../pads/stu.ts';
import { SIMULATED_STU_MODELS } from '../pads/stu-models.ts';
import { SimulatedTopaz } from '../pads/topaz.ts';
import { LineDevice } from './line-device.ts';
import { StuDevice } from './stu-device.ts';
import type { Testbed } from './testbed.ts';

export interface BenchDevice {
  readonly name: string;
  /** As a program opens it. */
  readonly path: string;
  /** Somebody signs, at the speed of a hand. */
  sign(signal: AbortSignal): Promise<void>;
}

/** The number tells several of a kind apart: it is in their serial numbers. */
type Plug = (testbed: Testbed, number: number) => Promise<BenchDevice>;

const SAMPLES = 400;

function plugStu(model: string): Plug {
  return async (testbed, number) => {
    const pad = new SimulatedStu({ model, serialNumber: `SIM${number}` });
    const { path } = await testbed.plugHid(new StuDevice(pad));
    return { name: model, path, sign: (signal) => write(pad, { seed: number, samples: SAMPLES, signal }) };
  };
}

async function plugTopaz(testbed: Testbed, number: number): Promise<BenchDevice> {
  const pad = new SimulatedTopaz();
  const device = new LineDevice(pad, { identity: { serialNumber: `TOPAZBSB${number}` } });
  const { path } = await testbed.plugSerial(device, { kind: 'ttyUSB' });
  // What a SigLite 1x5 has of area, near enough.
  const points = sampleSignature({ widthMm: 130, heightMm: 80, points: SAMPLES });
  return { name: 'topaz', path, sign: (signal) => pad.write(points, { signal }) };
}

/** By the name that a bench gives. */
export const BENCH_DEVICES: ReadonlyMap<string, Plug> = new Map<string, Plug>([
  ...Object.keys(SIMULATED_STU_MODELS).map((model) => [model, plugStu(model)] as const),
  ['topaz', plugTopaz],
]);
