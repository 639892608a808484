/** Every driver of pads with a simulated pad of its own, as one kind of bench: for the statements that all of them must pass. */
import type { PadDriver } from '../../drivers/pads/driver.ts';
import { createSignotecDriver } from '../../drivers/pads/signotec/driver.ts';
import { StuDriver } from '../../drivers/pads/stu/driver.ts';
import { createSerialStuPorts } from '../../drivers/pads/stu/serial-ports.ts';
import { createTopazDriver } from '../../drivers/pads/topaz/driver.ts';
import { SimulatedHidBus } from '../../drivers/simulated/pads/hid-bus.ts';
import { sampleSignature } from '../../drivers/simulated/pads/pen.ts';
import { write } from '../../drivers/simulated/pads/person.ts';
import { SimulatedSerialStu } from '../../drivers/simulated/pads/serial-stu.ts';
import { serveSimulatedSignotec } from '../../drivers/simulated/pads/signotec.ts';
import { SimulatedStu } from '../../drivers/simulated/pads/stu.ts';
import { SimulatedTopaz } from '../../drivers/simulated/pads/topaz.ts';
import { SimulatedSerialLines } from '../../drivers/simulated/ports/serial-lines.ts';

export interface PadBench extends AsyncDisposable {
  readonly driver: PadDriver;
  /** It listens to the pen. */
  readonly isCapturing: () => boolean;
  /** As much as so many samples, with the pen down in most of them. */
  write(samples: number): Promise<void>;
  unplug(): void;
  plug(): void;
  /** Ports or connections of opened pads that are open. */
  readonly openPorts: () => number;
}

const SERIAL = '5HQS000042';
const TTY = { path: '/dev/ttyUSB0', vendorId: '0403', productId: '6001', serialNumber: SERIAL } as const;
const now = (): number => performance.now();
const signal = new AbortController().signal;
const POINTS = (samples: number): ReturnType<typeof sampleSignature> =>
  sampleSignature({ widthMm: 80, heightMm: 30, points: samples });

/** By what they are on. */
export const PAD_BENCHES: Readonly<Record<string, () => Promise<PadBench>>> = {
  'wacom-stu on HID': () => Promise.resolve(stuOnHid()),
  'wacom-stu on a serial line': () => Promise.resolve(stuOnLine()),
  'topaz on a serial line': () => Promise.resolve(topazOnLine()),
  'signotec by its service': signotecByService,
};

/** StartCapture of Wacom's STU SDK: with each capture, and after each clearing, the driver begins another session. */
const START_CAPTURE = 0x15;

function penOf(stu: SimulatedStu): Pick<PadBench, 'isCapturing' | 'write'> {
  let seen = 0;
  return {
    isCapturing: () => stu.log.includes(START_CAPTURE, seen),
    write: async (samples) => {
      seen = stu.log.length;
      await write(stu, { seed: 1, samples, signal, periodMs: 0 });
    },
  };
}

function stuOnHid(): PadBench {
  const bus = new SimulatedHidBus();
  const stu = new SimulatedStu({ model: 'STU-430', serialNumber: SERIAL });
  bus.plug(stu);
  const driver = new StuDriver({ ports: bus });
  return {
    driver,
    ...penOf(stu),
    unplug: () => bus.unplug(stu),
    plug: () => void bus.plug(stu),
    openPorts: () => bus.openPorts,
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

function stuOnLine(): PadBench {
  const lines = new SimulatedSerialLines();
  const stu = new SimulatedStu({ model: 'STU-430', serialNumber: SERIAL });
  const device = new SimulatedSerialStu(stu);
  lines.plug(TTY, device);
  const ports = createSerialStuPorts({ lines, ports: [{ serialNumber: SERIAL, model: 'STU-430V' }] });
  const driver = new StuDriver({ ports });
  return {
    driver,
    ...penOf(stu),
    unplug: () => lines.unplug(TTY.path),
    plug: () => lines.plug(TTY, device),
    openPorts: () => lines.openPaths.length,
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

function topazOnLine(): PadBench {
  const lines = new SimulatedSerialLines();
  const pad = new SimulatedTopaz({ rateHz: 5_000 });
  lines.plug(TTY, pad);
  const driver = createTopazDriver({ lines, now, ports: [{ serialNumber: SERIAL }] });
  return {
    driver,
    isCapturing: () => lines.openPaths.length > 0,
    write: (samples) => pad.write(POINTS(samples)),
    unplug: () => lines.unplug(TTY.path),
    plug: () => lines.plug(TTY, pad),
    openPorts: () => lines.openPaths.length,
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

async function signotecByService(): Promise<PadBench> {
  const service = await serveSimulatedSignotec({ pads: [{ serialNumber: SERIAL, rateHz: 1_000 }] });
  const [pad] = service.pads;
  if (!pad) throw new Error('the service has no pad');
  const driver = createSignotecDriver({ url: service.url, now });
  return {
    driver,
    isCapturing: () => pad.signature !== undefined,
    write: (samples) => pad.write(POINTS(samples)),
    unplug: () => service.unplug(pad),
    plug: () => service.plug(pad),
    openPorts: () => (pad.holder ? 1 : 0),
    [Symbol.asyncDispose]: async () => {
      await driver[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
}
