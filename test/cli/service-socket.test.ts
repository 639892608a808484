/** Commands of a user who has no daemon of their own, on a computer where kortd is installed as a service. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectToDaemon } from '../../daemon/cli/connect-to-daemon.ts';
import { defaultDataFolder } from '../../daemon/data-folder.ts';
import { openBench } from '../api/support.ts';

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
