/** The drivers of pads on serial lines, as they are, on the real serialport: does what it is told, one message for each command. */
import type { PadDriver, PadEvent, SignaturePad } from '../../../drivers/pads/driver.ts';
import { StuDriver } from '../../../drivers/pads/stu/driver.ts';
import { createSerialStuPorts, type SerialStuPort } from '../../../drivers/pads/stu/serial-ports.ts';
import { createTopazDriver, type TopazPort } from '../../../drivers/pads/topaz/driver.ts';
import { systemLines } from '../../../drivers/ports/system-lines.ts';

interface Command {
  readonly do: 'list' | 'open' | 'capture' | 'taken' | 'stop' | 'clear' | 'cpu' | 'close' | 'exit';
  readonly pad?: string;
}

interface Open {
  readonly pad: SignaturePad;
  readonly over: AbortController;
  readonly samples: { readonly sequence: number; readonly xMm: number; readonly yMm: number }[];
  lost: number;
  ended?: string;
}

const [topaz, serialStu] = process.argv.slice(2);
const topazPorts = JSON.parse(topaz ?? '[]') as readonly TopazPort[];
const stuPorts = JSON.parse(serialStu ?? '[]') as readonly SerialStuPort[];
const drivers: readonly PadDriver[] = [
  createTopazDriver({ lines: systemLines, now: () => performance.now(), ports: topazPorts }),
  new StuDriver({ ports: createSerialStuPorts({ lines: systemLines, ports: stuPorts }) }),
];
const open = new Map<string, Open>();
const signal = new AbortController().signal;

function opened({ pad = '' }: Command): Open {
  const found = open.get(pad);
  if (!found) throw new Error(`${pad} is not open`);
  return found;
}

async function openPad(id: string): Promise<string> {
  const driver = drivers.find((each) => id.startsWith(each.id));
  if (!driver) throw new Error(`${id} is of no driver`);
  const pad = await driver.open(id, { signal });
  open.set(id, { pad, over: new AbortController(), samples: [], lost: 0 });
  return pad.description.model;
}

async function capture(entry: Open): Promise<void> {
  try {
    for await (const event of entry.pad.capture({ signal: entry.over.signal, documentHash: new Uint8Array(32) }))
      take(entry, event);
    entry.ended = 'ended';
  } catch (error) {
    entry.ended = error instanceof Error ? error.name : String(error);
  }
}

function take(entry: Open, event: PadEvent): void {
  if (event.kind === 'lost') entry.lost += event.samples;
  if (event.kind !== 'pen') return;
  const { sequence, xMm, yMm } = event.sample;
  entry.samples.push({ sequence, xMm, yMm });
}

/** Milliseconds of processor time that this process takes in a second. */
async function processorTime(): Promise<number> {
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function run(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'list':
      return (await Promise.all(drivers.map((driver) => driver.list({ signal })))).flat();
    case 'open':
      return await openPad(command.pad ?? '');
    case 'capture':
      void capture(opened(command));
      return 'begun';
    case 'taken': {
      const { samples, lost, ended } = opened(command);
      return {
        count: samples.length,
        isInOrder: samples.every(({ sequence }, index) => index === 0 || sequence > (samples[index - 1]?.sequence ?? -1)),
        last: samples.at(-1),
        lost,
        ended,
      };
    }
    case 'stop':
      opened(command).over.abort();
      return 'stopped';
    case 'clear':
      await opened(command).pad.clear({ signal });
      return 'cleared';
    case 'cpu':
      return await processorTime();
    case 'close':
      await opened(command).pad[Symbol.asyncDispose]();
      open.delete(command.pad ?? '');
      return 'closed';
    case 'exit':
      for (const driver of drivers) await driver[Symbol.asyncDispose]();
      process.disconnect();
      return 'over';
  }
}

process.on('message', (command: Command) => {
  run(command).then(
    (result) => process.connected && process.send?.({ result }),
    (error: unknown) => process.connected && process.send?.({ error: error instanceof Error ? error.name : String(error) }),
  );
});
