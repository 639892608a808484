/** kortd's drivers of pads over the real node-hid and serialport: does what it is told, one message for each command. */
import type { PadDriver, PadEvent, SignaturePad } from '../../../drivers/pads/driver.ts';
import { StuDriver } from '../../../drivers/pads/stu/driver.ts';
import { createTopazDriver } from '../../../drivers/pads/topaz/driver.ts';
import { hidPorts } from '../../../drivers/ports/hid.ts';
import { systemLines } from '../../../drivers/ports/system-lines.ts';

interface Command {
  readonly do: 'list' | 'open' | 'show' | 'capture' | 'captured' | 'stop' | 'close' | 'cpu' | 'exit';
  readonly id?: string;
  readonly text?: string;
  readonly forMs?: number;
}

export interface Capture {
  readonly samples: readonly { readonly sequence: number; readonly xMm: number; readonly isDown: boolean }[];
  readonly lost: number;
  readonly others: readonly string[];
  readonly end?: string;
}

interface Open {
  readonly pad: SignaturePad;
  readonly events: PadEvent[];
  stop: AbortController;
  end?: string;
}

const serialNumbers = process.argv.slice(2);
const drivers: readonly PadDriver[] = [
  new StuDriver({ ports: hidPorts }),
  createTopazDriver({
    lines: systemLines,
    now: () => performance.now(),
    ports: serialNumbers.map((serialNumber) => ({ serialNumber })),
  }),
];
const open = new Map<string, Open>();
const text = (error: unknown): string => (error instanceof Error ? error.name : String(error));
const deadline = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(10_000) });

function handle(id: string): Open {
  const found = open.get(id);
  if (!found) throw new Error(`${id} is not open`);
  return found;
}

async function openPad(id: string): Promise<unknown> {
  for (const driver of drivers) {
    const isHere = (await driver.list(deadline())).some((description) => description.id === id);
    if (!isHere) continue;
    const pad = await driver.open(id, deadline());
    open.set(id, { pad, events: [], stop: new AbortController() });
    return pad.description;
  }
  throw new Error(`there is no ${id}`);
}

async function capture(entry: Open): Promise<void> {
  try {
    for await (const event of entry.pad.capture({ signal: entry.stop.signal, documentHash: new Uint8Array(32) }))
      entry.events.push(event);
    entry.end = 'ended';
  } catch (error) {
    entry.end = text(error);
  }
}

function captured({ events, end }: Open): Capture {
  const samples = events.flatMap((event) => (event.kind === 'pen' ? [event.sample] : []));
  return {
    samples: samples.map(({ sequence, xMm, isDown }) => ({ sequence, xMm, isDown })),
    lost: events.reduce((sum, event) => sum + (event.kind === 'lost' ? event.samples : 0), 0),
    others: events.flatMap((event) => (event.kind === 'button' ? [event.button] : [])),
    ...(end === undefined ? {} : { end }),
  };
}

/** Milliseconds of processor time in so many of the clock. */
async function processorTime(forMs: number): Promise<number> {
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const BUTTONS = [
  { id: 'clear', label: 'Rensa' },
  { id: 'cancel', label: 'Avbryt' },
  { id: 'accept', label: 'Godkänn' },
] as const;

async function run({ do: what, id = '', text: shown = '', forMs = 1000 }: Command): Promise<unknown> {
  switch (what) {
    case 'list':
      return (await Promise.all(drivers.map((driver) => driver.list(deadline())))).flat();
    case 'open':
      return await openPad(id);
    case 'show':
      await handle(id).pad.show?.({ text: shown, buttons: BUTTONS }, deadline());
      return 'shown';
    case 'capture':
      void capture(handle(id));
      return 'capturing';
    case 'captured':
      return captured(handle(id));
    case 'stop':
      handle(id).stop.abort();
      return 'stopped';
    case 'close': {
      const { pad } = handle(id);
      open.delete(id);
      await pad[Symbol.asyncDispose]();
      return 'closed';
    }
    case 'cpu':
      return await processorTime(forMs);
    case 'exit':
      for (const driver of drivers) await driver[Symbol.asyncDispose]();
      process.disconnect();
      return undefined;
  }
}

process.on('message', (command: Command) => {
  run(command).then(
    (result) => process.connected && process.send?.({ result }),
    (error: unknown) => process.send?.({ error: text(error) }),
  );
});
