/** Commands of a user who has no daemon of their own, on a computer where kortd is installed as a service. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectToDaemon } from '../../daemon/cli/connect-to-daemon.ts';
import { SERVICE_SOCKET, defaultDataFolder, findDaemon, openDataFolder, programsSocketOf } from '../../daemon/data-folder.ts';
import { systemFiles } from '../../installer/linux/system-files.ts';
import { openBench, type Bench } from '../api/support.ts';
import { RpcClient } from '../pkcs11-module/rpc-client.ts';
import { startProgram } from '../support/program.ts';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'kortd-no-daemon-'));
  vi.stubEnv('XDG_STATE_HOME', home);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const root = (): string => join(home, 'root');

function plant(path: string, content: string): void {
  mkdirSync(dirname(join(root(), path)), { recursive: true });
  writeFileSync(join(root(), path), content);
}

/** As the package installs it. */
function installService(): void {
  for (const { path, content } of systemFiles) if (/kortd\.(service|socket)$/.test(path)) plant(path, String(content));
}

/** The service's socket leads to this daemon. */
function serve(bench: Bench, at: string = SERVICE_SOCKET): void {
  mkdirSync(dirname(join(root(), at)), { recursive: true });
  symlinkSync(join(bench.dataFolder, 'socket'), join(root(), at));
}

it('reach the service through its socket, where no folder was named', async () => {
  await using bench = await openBench();
  serve(bench);
  const { client, endpoint } = await connectToDaemon(defaultDataFolder(), { root: root() });
  try {
    expect(endpoint).toBeUndefined();
    expect(await client.call('system.info')).toMatchObject({ product: 'kortd' });
  } finally {
    client.close();
  }
});

it('do not take the service for the daemon of a folder that was named', async () => {
  await using bench = await openBench();
  serve(bench);
  const named = connectToDaemon(join(home, 'another'), { root: root() });
  await expect(named).rejects.toThrow('no kortd runs with the data folder');
});

it('are told that none runs where there is no service either', async () => {
  await expect(connectToDaemon(defaultDataFolder(), { root: root() })).rejects.toThrow('no kortd runs with the data folder');
});

it('find it where a drop-in of the administrator put its socket', async () => {
  installService();
  plant('/etc/systemd/system/kortd.socket.d/place.conf', '[Socket]\nListenStream=\nListenStream=/run/desk/api\n');
  await using bench = await openBench();
  serve(bench, '/run/desk/api');
  const { client } = await connectToDaemon(defaultDataFolder(), { root: root() });
  expect(await client.call('system.info')).toMatchObject({ product: 'kortd' });
  client.close();
});

it('find it by its data folder where there is no socket, for those who may read that, as its drop-ins and configuration have it', async () => {
  installService();
  plant(
    '/etc/systemd/system/kortd.service.d/a.conf',
    '[Service]\nExecStart=\nExecStart=/usr/bin/kortd serve --config /etc/kortd/x.json\n',
  );
  plant('/etc/kortd/x.json', JSON.stringify({ folders: { data: '/srv/desk' } }));
  chmodSync(join(root(), 'etc/kortd/x.json'), 0o600);
  await using bench = await openBench();
  const { url, socket, pid } = findDaemon(bench.dataFolder);
  using folder = openDataFolder(join(root(), 'srv/desk'));
  folder.publish({ url, socket, pid, version: '1' });
  const { client, endpoint } = await connectToDaemon(defaultDataFolder(), { root: root() });
  expect(endpoint).toMatchObject({ socket });
  client.close();
  const named = await connectToDaemon(join(root(), 'srv/desk'), { root: root() });
  named.client.close();
});

it('take their own daemon before the service', async () => {
  await using service = await openBench();
  serve(service);
  await using own = await openBench();
  const { client, endpoint } = await connectToDaemon(own.dataFolder, { root: root() });
  expect(endpoint?.socket).toBe(join(own.dataFolder, 'socket'));
  client.close();
});

it('are told where was looked, and what to do, where the installed service does not run', async () => {
  installService();
  const failure: unknown = await connectToDaemon(defaultDataFolder(), { root: root() }).catch((error: unknown) => error);
  const { message } = failure as Error;
  for (const place of [defaultDataFolder(), 'kortd.service', join(root(), 'var/lib/kortd'), join(root(), SERVICE_SOCKET)])
    expect(message).toContain(place);
  expect(message).toContain('sudo systemctl start kortd');
  expect(message).toContain('kortd doctor');
});

it('are given the service’s place for PKCS #11 where its package made one, and their own where they have a daemon', () => {
  const service = join(home, 'run', 'socket');
  const own = join(defaultDataFolder(), 'pkcs11');
  expect(programsSocketOf(defaultDataFolder(), service)).toBe(own);
  mkdirSync(join(home, 'run'));
  expect(programsSocketOf(defaultDataFolder(), service)).toBe(service);
  expect(programsSocketOf(join(home, 'another'), service)).toBe(join(home, 'another', 'pkcs11'));
  mkdirSync(own, { recursive: true });
  expect(programsSocketOf(defaultDataFolder(), service)).toBe(own);
});

it('find the cards at a place that members of a group may use, before and after a front holds them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-p11-'));
  try {
    const socket = join(folder, 'socket');
    await using daemon = await startProgram(['--simulate', 'office', '--pkcs11-socket', socket]);
    const own = statSync(socket);
    expect(own.mode & 0o777).toBe(0o660);
    expect(existsSync(join(daemon.dataFolder, 'pkcs11'))).toBe(false);
    await using first = await RpcClient.open(socket);
    expect(await first.call('C_GetInfo')).toBeDefined();
    // The front takes the place over shortly after its first program.
    await vi.waitFor(() => expect(statSync(socket).ino).not.toBe(own.ino), { timeout: 20_000, interval: 50 });
    expect(statSync(socket).mode & 0o777).toBe(0o660);
    await using second = await RpcClient.open(socket);
    expect(await second.call('C_GetInfo')).toBeDefined();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
