import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findPcscPrograms, type PcscProgram } from './holders.ts';

const WITH_LIBRARY = '7f00-7f10 r-xp 0000 fe:00 123 /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n';
const SELF = 4_000;

let processes: string;
beforeEach(() => {
  processes = mkdtempSync(join(tmpdir(), 'kortd-proc-'));
});
afterEach(() => rmSync(processes, { recursive: true, force: true }));

interface Fake {
  readonly comm: string;
  readonly maps?: string;
  readonly parent?: number;
  readonly exe?: string;
  readonly cmdline?: string;
}

/** What of a process in /proc is looked at. */
function addProcess(pid: number, { comm, maps = WITH_LIBRARY, parent = 1, exe = `/usr/bin/${comm}`, cmdline = exe }: Fake): void {
  const folder = join(processes, String(pid));
  mkdirSync(folder);
  writeFileSync(join(folder, 'comm'), `${comm}\n`);
  writeFileSync(join(folder, 'maps'), `5500-5600 r-xp 0000 fe:00 99 ${exe}\n${maps}`);
  writeFileSync(join(folder, 'stat'), `${pid} (${comm}) S ${parent} 1 1 0`);
  writeFileSync(join(folder, 'cmdline'), `${cmdline}\0--option\0`);
  symlinkSync(exe, join(folder, 'exe'));
}

async function find(options: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<readonly PcscProgram[]> {
  return await findPcscPrograms({ processes, self: SELF, timeoutMs: 10_000, ...options });
}

it('programs with the library of PC/SC are named, neither the service, nor we, nor what we started of ourselves', async () => {
  addProcess(SELF, { comm: 'node', exe: '/usr/bin/node' });
  addProcess(10, { comm: 'pcscd' });
  addProcess(11, { comm: 'scdaemon' });
  addProcess(12, { comm: 'bash', maps: '7f00-7f10 r-xp 0000 fe:00 123 /usr/lib/libc.so.6\n' });
  addProcess(13, { comm: 'node', exe: '/usr/bin/node', parent: SELF });
  addProcess(14, { comm: 'pkcs11-tool', parent: SELF });
  addProcess(15, { comm: 'node', exe: '/usr/bin/node' });
  addProcess(16, { comm: 'odd) S 4000 (x', maps: WITH_LIBRARY.replace('.so', '_real.so') });
  mkdirSync(join(processes, 'net'));
  writeFileSync(join(processes, '17'), 'no process');
  mkdirSync(join(processes, '18'));
  expect(await find()).toEqual([
    { pid: 11, name: 'scdaemon' },
    { pid: 14, name: 'pkcs11-tool' },
    { pid: 15, name: 'node' },
    { pid: 16, name: 'odd) S 4000 (x' },
  ]);
});

it('a name that the kernel cut off is completed, unless the program calls itself something else', async () => {
  addProcess(20, { comm: 'net-id-enterpri', exe: '/opt/net-id-enterprise' });
  addProcess(21, { comm: 'other-enterpris', exe: '/opt/x', cmdline: 'something else' });
  expect(await find()).toEqual([
    { pid: 20, name: 'net-id-enterprise' },
    { pid: 21, name: 'other-enterpris' },
  ]);
});

it('no more than 512 processes are looked at, the newest first', async () => {
  for (let pid = 1; pid <= 600; pid++) addProcess(pid, { comm: `p${pid}` });
  const found = await find();
  expect(found).toHaveLength(512);
  expect(found[0]).toEqual({ pid: 89, name: 'p89' });
});

it('it ends at its deadline and with its signal, with what it has; and never fails', async () => {
  addProcess(30, { comm: 'tool' });
  // A pipe that nobody writes to: reading it never ends by itself.
  mkdirSync(join(processes, '31'));
  execFileSync('mkfifo', [join(processes, '31', 'maps')]);
  try {
    expect(await find({ timeoutMs: 100 })).toEqual([{ pid: 30, name: 'tool' }]);
    expect(await find({ signal: AbortSignal.timeout(100) })).toEqual([{ pid: 30, name: 'tool' }]);
    expect(await find({ signal: AbortSignal.abort() })).toEqual([]);
  } finally {
    // A writer comes and goes: the readers that are left get their end of file.
    closeSync(openSync(join(processes, '31', 'maps'), 'r+'));
  }
  expect(await findPcscPrograms({ processes: join(processes, 'nowhere') })).toEqual([]);
});

it('this process is not in the list of this machine', async () => {
  expect((await findPcscPrograms()).map(({ pid }) => pid)).not.toContain(process.pid);
});
