/** Commands of a user who has no daemon of their own, on a computer where kortd is installed as a service. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectToDaemon } from '../../daemon/cli/connect-to-daemon.ts';
import { defaultDataFolder, programsSocketOf } from '../../daemon/data-folder.ts';
import { openBench } from '../api/support.ts';
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

it('reach the service through its socket, where no folder was named', async () => {
  await using bench = await openBench();
  const { client, endpoint } = await connectToDaemon(defaultDataFolder(), join(bench.dataFolder, 'socket'));
  try {
    expect(endpoint).toBeUndefined();
    expect(await client.call('system.info')).toMatchObject({ product: 'kortd' });
  } finally {
    client.close();
  }
});

it('do not take the service for the daemon of a folder that was named', async () => {
  await using bench = await openBench();
  const named = connectToDaemon(join(home, 'another'), join(bench.dataFolder, 'socket'));
  await expect(named).rejects.toThrow('no kortd runs with the data folder');
});

it('are told that none runs where there is no service either', async () => {
  await expect(connectToDaemon(defaultDataFolder(), join(home, 'none'))).rejects.toThrow('no kortd runs with the data folder');
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
