/** Against pseudo-terminals of socat: the real library, and the real kernel's hang-up. */
import { spawn, type ChildProcess } from 'node:child_process';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceBusyError, DeviceRemovedError } from '../errors.ts';
import type { SerialSettings } from './serial-line.ts';
import { systemLines } from './system-lines.ts';

const SETTINGS: SerialSettings = { baudRate: 19200, dataBits: 8, parity: 'odd', stopBits: 1 };
const never = new AbortController().signal;

let folder: string;
let path: string;
let device: ChildProcess;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-line-'));
  path = join(folder, 'tty');
  device = spawn('socat', ['-', `pty,raw,echo=0,link=${path}`], { stdio: ['pipe', 'pipe', 'ignore'] });
  await until(() =>
    access(path).then(
      () => true,
      () => false,
    ),
  );
});

afterEach(async () => {
  device.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

describe('a line of the system', () => {
  it('carries bytes both ways, and is another program’s until it is closed', async () => {
    const bytes: number[] = [];
    const line = await systemLines.open(path, SETTINGS, {
      signal: never,
      listener: { bytes: (chunk) => bytes.push(...chunk), gone: fail },
    });
    const written = new Promise<Buffer>((resolve) => device.stdout?.once('data', resolve));
    await line.write(Uint8Array.of(0x04, 0x14), { signal: never });
    expect([...(await written)]).toEqual([0x04, 0x14]);
    device.stdin?.write(Buffer.from([0xc1, 0, 1, 2, 3]));
    await until(() => bytes.length === 5);
    await expect(
      systemLines.open(path, SETTINGS, { signal: never, listener: { bytes: fail, gone: fail } }),
    ).rejects.toBeInstanceOf(DeviceBusyError);
    await line[Symbol.asyncDispose]();
    await line[Symbol.asyncDispose]();
    const again = await systemLines.open(path, SETTINGS, { signal: never, listener: { bytes: fail, gone: fail } });
    await again[Symbol.asyncDispose]();
  });

  it('takes the speed of a serial STU, and lines that a pseudo-terminal has not', async () => {
    const settings: SerialSettings = { baudRate: 128_000, dataBits: 8, parity: 'none', stopBits: 1, dtr: false, rts: true };
    const line = await systemLines.open(path, settings, { signal: never, listener: { bytes: fail, gone: fail } });
    await line[Symbol.asyncDispose]();
  });

  it('that is not there is gone, and that was there exists', async () => {
    expect(await systemLines.exists(path)).toBe(true);
    expect(await systemLines.exists(`${path}9`)).toBe(false);
    await expect(
      systemLines.open(`${path}9`, SETTINGS, { signal: never, listener: { bytes: fail, gone: fail } }),
    ).rejects.toBeInstanceOf(DeviceRemovedError);
  });

  it('that hangs up while it is idle is gone', async () => {
    const gone = await openAndListen(() => undefined);
    device.kill('SIGKILL');
    expect(await gone.error).toBeInstanceOf(DeviceRemovedError);
    await gone.close();
  });

  it('that hangs up in the midst of a read is gone, and no core spins', async () => {
    const gone = await openAndListen(() => {
      device.kill('SIGKILL');
      const startMs = performance.now();
      while (performance.now() - startMs < 20);
    });
    device.stdin?.write('x'.repeat(93));
    expect(await gone.error).toBeInstanceOf(DeviceRemovedError);
    const before = process.cpuUsage();
    await wait(1000);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(400);
    await gone.close();
  });
});

async function openAndListen(
  onBytes: () => void,
): Promise<{ readonly error: Promise<Error>; readonly close: () => Promise<void> }> {
  const { promise, resolve } = Promise.withResolvers<Error>();
  const line = await systemLines.open(path, SETTINGS, { signal: never, listener: { bytes: onBytes, gone: resolve } });
  return { error: promise, close: async () => await line[Symbol.asyncDispose]() };
}

function fail(): never {
  throw new Error('nothing should have come');
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  while (!(await isSo())) await wait(10, undefined, { signal });
}
