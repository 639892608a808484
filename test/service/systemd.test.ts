/** The built daemon under a service manager's protocols: socat takes its notifications, systemd's own program opens its socket. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startProgram } from '../support/program.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js');
const DEADLINE_MS = 20_000;

let folder: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-service-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true });
});

/** Each datagram is a line of the file or more. */
async function openNotifySocket(): Promise<{ readonly path: string; readonly said: () => string }> {
  const [path, file] = [join(folder, 'notify'), join(folder, 'said')];
  children.push(spawn('socat', ['-u', `UNIX-RECV:${path}`, `CREATE:${file}`], { stdio: 'ignore' }));
  await until(() => existsSync(path));
  return { path, said: () => (existsSync(file) ? readFileSync(file, 'utf8') : '') };
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('waiting: it did not come about in time');
    await delay(20);
  }
}

const count = (text: string, word: string): number => text.split(word).length - 1;

it('says when it is ready, that it lives, when it has reloaded, and that it stops', async () => {
  const { path, said } = await openNotifySocket();
  const environment = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '200000' };
  {
    await using daemon = await startProgram(['--simulate', 'office'], { environment });
    await until(() => said().includes(`READY=1\nSTATUS=Serving ${daemon.url}`));
    await until(() => count(said(), 'WATCHDOG=1') >= 3);
    process.kill(daemon.pid, 'SIGHUP');
    await until(() => /RELOADING=1\nMONOTONIC_USEC=\d+[^]*READY=1/.test(said()));
    expect(said()).not.toContain('STOPPING=1');
  }
  await until(() => said().includes('STOPPING=1'));
});

it('is silent while its event loop stands still, which is what a watchdog is for', async () => {
  const { path, said } = await openNotifySocket();
  const environment = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '200000' };
  await using daemon = await startProgram(['--simulate', 'office'], { environment });
  await until(() => said().includes('WATCHDOG=1'));
  process.kill(daemon.pid, 'SIGSTOP');
  await delay(300);
  const before = said();
  await delay(600);
  const after = said();
  process.kill(daemon.pid, 'SIGCONT');
  expect(after).toBe(before);
  await until(() => count(said(), 'WATCHDOG=1') > count(before, 'WATCHDOG=1'));
});

it('serves who is told nothing: without a manager, and with one that is gone', async () => {
  const environment = { ...process.env, NOTIFY_SOCKET: join(folder, 'nobody') };
  await using daemon = await startProgram(['--simulate', 'office'], { environment });
  await expect(daemon.client.call('reader.list', {})).resolves.toHaveProperty('readers');
  expect(daemon.log()).toContain('the service manager was not told');
});

it('answers at a socket that systemd opened, whoever knocked before it was there too, and leaves its file', async () => {
  const socket = join(folder, 'socket');
  const serve = [process.execPath, MAIN, 'serve', '--simulate', 'office', '--port', '0', '--data-dir', join(folder, 'data')];
  children.push(
    spawn('systemd-socket-activate', ['-l', socket, ...serve], { stdio: 'ignore', env: { PATH: process.env['PATH'] ?? '' } }),
  );
  await until(() => existsSync(socket));
  const call = ['-sS', '--max-time', '20', '--unix-socket', socket, 'http://localhost/v1/system/info'];
  const { stdout } = await promisify(execFile)('curl', call);
  expect(JSON.parse(stdout)).toMatchObject({ product: 'kortd' });
  const [daemon] = children;
  daemon?.kill('SIGTERM');
  if (daemon) await once(daemon, 'exit');
  expect(existsSync(socket)).toBe(true);
});
