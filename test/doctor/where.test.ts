/** Which daemon `kortd doctor` looks at: one that was named, the user's own while it runs, else the installed service as unit and configuration have it. */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openDataFolder } from '../../daemon/data-folder.ts';
import { askDaemon } from '../../daemon/doctor/daemon-view.ts';
import { findWhere } from '../../daemon/service/where.ts';
import { systemFiles } from '../../installer/linux/system-files.ts';
import { PlantedMachine } from './planted-machine.ts';

let machine: PlantedMachine;
beforeEach(() => {
  machine = new PlantedMachine();
  vi.stubEnv('XDG_STATE_HOME', join(machine.home, 'state'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  machine[Symbol.dispose]();
});

const ownFolder = (): string => join(machine.home, 'state', 'kortd');
const find = (named: Parameters<typeof findWhere>[0] = {}) => findWhere({ root: machine.root, ...named });
const inImage = (path: string): string => join(machine.root, path);

function installService(): void {
  for (const { path, content } of systemFiles.filter(({ path }) => path.endsWith('.service')))
    machine.write(path, String(content));
}

it('the installed service: its folder, and its programs’ socket under /run, named or not', async () => {
  installService();
  const service = { isService: true, dataFolder: inImage('/var/lib/kortd'), programsSocket: '/run/kortd/pkcs11/socket' };
  expect(await find()).toMatchObject(service);
  expect(await find({ dataDir: inImage('/var/lib/kortd') })).toMatchObject(service);
});

it('a folder that is left of an own daemon hides no service', async () => {
  installService();
  mkdirSync(ownFolder(), { recursive: true });
  expect(await find()).toMatchObject({ isService: true });
});

it('another folder that is named is not the service', async () => {
  installService();
  expect(await find({ dataDir: machine.emptyData })).toMatchObject({
    ...{ isService: false, dataFolder: machine.emptyData },
    programsSocket: join(machine.emptyData, 'pkcs11'),
  });
});

it('a drop-in of the administrator and the configuration file count', async () => {
  installService();
  machine.write(
    '/etc/systemd/system/kortd.service.d/override.conf',
    '[Service]\nExecStart=\nExecStart=/usr/bin/kortd serve --config /etc/kortd/desk.json --port 4711\n',
  );
  machine.write(
    '/etc/kortd/desk.json',
    JSON.stringify({
      folders: { data: '/srv/kortd', policy: '/etc/desk' },
      listen: { port: 1 },
      pkcs11: { socket: '/run/desk' },
    }),
  );
  expect(await find()).toMatchObject({
    ...{ isService: true, dataFolder: inImage('/srv/kortd'), policyFolder: inImage('/etc/desk') },
    ...{ port: 4711, programsSocket: '/run/desk' },
  });
});

it('a drop-in of its socket says where members of its group ask it', async () => {
  installService();
  expect(await find()).toMatchObject({ groupSocket: inImage('/run/kortd/socket') });
  expect(await find({ dataDir: machine.emptyData })).toMatchObject({ groupSocket: undefined });
  machine.write('/usr/lib/systemd/system/kortd.socket', '[Socket]\nListenStream=/run/kortd/socket\n');
  machine.write('/etc/systemd/system/kortd.socket.d/place.conf', '[Socket]\nListenStream=/run/desk\n');
  expect(await find()).toMatchObject({ groupSocket: inImage('/run/desk') });
});

it('what the running daemon says counts before all', async () => {
  using folder = openDataFolder(machine.emptyData);
  folder.publish({ url: 'http://127.0.0.1:1', socket: '/nowhere', pkcs11: '/run/elsewhere', pid: process.pid, version: '1' });
  expect(await find({ dataDir: machine.emptyData })).toMatchObject({ programsSocket: '/run/elsewhere' });
});

it('a folder of another user is never taken for the service’s', async () => {
  const forbidden = Object.assign(new Error('EACCES'), { code: 'EACCES' });
  const server = createServer((connection) => connection.destroy()).listen(inImage('/run/socket'));
  await once(server, 'listening');
  try {
    const isForbidden = async () => Promise.reject(forbidden);
    const asked = (groupSocket: string | undefined) =>
      askDaemon(machine.emptyData, { answerMs: 20_000, signal: AbortSignal.timeout(20_000), groupSocket, look: isForbidden });
    expect(await asked(undefined)).toEqual({ state: 'forbidden' });
    expect(await asked(inImage('/run/socket'))).toMatchObject({ state: 'mute' });
  } finally {
    await new Promise((closed) => server.close(closed));
  }
});
