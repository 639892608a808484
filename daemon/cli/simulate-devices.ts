/** `kortd simulate-devices`: a program on a bench of simulated USB devices, as if they were plugged in. It sees no others, and needs to know of nothing. */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { BenchDevice } from '../../drivers/simulated/testbed/bench-devices.ts';
import { printNotice } from './output.ts';
import { swedishReason } from '../system-reasons.ts';
import { UsageError } from './usage-error.ts';

export interface SimulateDevicesOptions {
  /** Names of `BENCH_DEVICES`. */
  readonly device: readonly string[];
  /** Seconds between two signatures on every pad. Absent: nobody writes. */
  readonly signEvery?: number;
}

/** Ends with the program, and with its exit status. */
export async function runSimulateDevices(command: readonly string[], options: SimulateDevicesOptions): Promise<void> {
  const [file, ...parameters] = command;
  if (file === undefined) throw new UsageError('name the program after "--"', 'ange programmet efter "--"');
  const { BENCH_DEVICES } = await import('../../drivers/simulated/testbed/bench-devices.ts');
  const plugs = options.device.map((name) => {
    const plug = BENCH_DEVICES.get(name);
    if (!plug)
      throw new UsageError(
        `--device wants one of: ${[...BENCH_DEVICES.keys()].join(', ')}`,
        `--device ska vara något av: ${[...BENCH_DEVICES.keys()].join(', ')}`,
      );
    return plug;
  });
  const { Testbed } = await import('../../drivers/simulated/testbed/testbed.ts');
  await using testbed = await Testbed.open();
  const devices: BenchDevice[] = [];
  for (const [index, plug] of plugs.entries()) devices.push(await plug(testbed, index + 1));
  for (const { name, path } of devices) printNotice(`kortd simulate-devices: ${name} at ${path}`);
  const stop = new AbortController();
  const signing = signOn(devices, options.signEvery, stop.signal);
  const child = spawn(file, parameters, { stdio: 'inherit', env: testbed.environment(process.env) });
  try {
    process.exitCode = await statusOf(child, file);
  } finally {
    stop.abort();
    await signing;
  }
}

/** As a shell gives it: of a program that a signal ended, 128 and the number of the signal. */
async function statusOf(child: ChildProcess, file: string): Promise<number> {
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, pass);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', (error) => {
        reject(new UsageError(`starting ${file}: ${error.message}`, `${file} kan inte startas: ${swedishReason(error)}`));
      });
      child.once('exit', (status, signal) => {
        resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  } finally {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, pass);
  }
}

async function signOn(devices: readonly BenchDevice[], everySeconds: number | undefined, signal: AbortSignal): Promise<void> {
  if (everySeconds === undefined) return;
  const { systemClock } = await import('../../drivers/simulated/clock.ts');
  try {
    for (;;) {
      await systemClock.wait(everySeconds * 1000, signal);
      await Promise.all(devices.map((device) => device.sign(signal)));
    }
  } catch (error) {
    // The program ended: the pen is put down wherever it is.
    if (!signal.aborted) throw error;
  }
}
