import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataFolderError, defaultDataFolder, findDaemon, openDataFolder } from './data-folder.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-folder-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The number of a process that has ended. */
function endedProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('openDataFolder', () => {
  it('makes the folder and its files for the owner alone, and takes the files away again', () => {
    const path = join(folder, 'a', 'b');
    using data = openDataFolder(path);
    data.publish({ url: 'http://127.0.0.1:1', socket: '/run/socket', pid: process.pid, version: '1' });
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(readdirSync(path).sort()).toEqual(['daemon.lock', 'endpoint.json', 'token']);
    for (const file of readdirSync(path)) expect(statSync(join(path, file)).mode & 0o777, file).toBe(0o600);
    expect(readFileSync(join(path, 'token'), 'utf8')).toBe(`${data.token}\n`);
    data[Symbol.dispose]();
    expect(readdirSync(path)).toEqual([]);
  });

  it('gives a new token each time', () => {
    const tokens = [1, 2, 3].map(() => {
      using data = openDataFolder(folder);
      return data.token;
    });
    expect(new Set(tokens).size).toBe(3);
    for (const token of tokens) expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  });

  it('is refused while another holds the folder, also by another spelling of its path', () => {
    using first = openDataFolder(folder);
    expect(() => openDataFolder(folder)).toThrow(DataFolderError);
    expect(() => openDataFolder(`${folder}/./`)).toThrow(/another kortd \(process \d+\)/);
    expect(readFileSync(join(folder, 'token'), 'utf8').trim()).toBe(first.token);
  });

  it('is refused while another process holds the folder', () => {
    writeFileSync(join(folder, 'daemon.lock'), String(process.ppid));
    expect(() => openDataFolder(folder)).toThrow(`another kortd (process ${process.ppid})`);
    expect(readFileSync(join(folder, 'daemon.lock'), 'utf8')).toBe(String(process.ppid));
  });

  it.each([
    ['of a process that has ended', () => String(endedProcess())],
    ['of a daemon that ended with the number that this process has', () => String(process.pid)],
    ['without a number', () => ''],
    ['with nonsense', () => 'not a number'],
    ['with the number of no process', () => '-1'],
  ])('takes over a lock %s', (_, content) => {
    writeFileSync(join(folder, 'daemon.lock'), content());
    using data = openDataFolder(folder);
    expect(data.token).not.toBe('');
    expect(readFileSync(join(folder, 'daemon.lock'), 'utf8')).toBe(String(process.pid));
  });

  it('takes nothing away when it is disposed of twice, and another has the folder by then', () => {
    const first = openDataFolder(folder);
    first[Symbol.dispose]();
    using second = openDataFolder(folder);
    first[Symbol.dispose]();
    expect(readFileSync(join(folder, 'token'), 'utf8').trim()).toBe(second.token);
  });

  it('does not write through a link that somebody laid', () => {
    const target = join(folder, 'elsewhere');
    writeFileSync(target, 'precious');
    symlinkSync(target, join(folder, 'token'));
    using data = openDataFolder(folder);
    expect(readFileSync(target, 'utf8')).toBe('precious');
    expect(readFileSync(join(folder, 'token'), 'utf8').trim()).toBe(data.token);
  });

  it('says what to do when the path is no folder', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(() => openDataFolder(file)).toThrow(/cannot use .* as the data folder: .*--data-dir/);
  });
});

describe('findDaemon', () => {
  it('gives the address and the token of the daemon that runs', () => {
    using data = openDataFolder(folder);
    const endpoint = { url: 'http://127.0.0.1:4711', socket: '/run/socket', pid: process.pid, version: '1.2.3' };
    data.publish(endpoint);
    expect(findDaemon(folder)).toEqual({ ...endpoint, token: data.token });
  });

  it('says how to start one when none runs, or one ended without tidying up', () => {
    expect(() => findDaemon(folder)).toThrow(/no kortd runs .*kortd serve/);
    {
      using data = openDataFolder(folder);
      data.publish({ url: 'http://127.0.0.1:1', socket: '/run/socket', pid: endedProcess(), version: '1' });
      expect(() => findDaemon(folder)).toThrow(/ended without tidying up/);
    }
    writeFileSync(join(folder, 'endpoint.json'), '{');
    expect(() => findDaemon(folder)).toThrow(DataFolderError);
  });
});

it("the default folder is the user's own state folder", () => {
  const before = process.env['XDG_STATE_HOME'];
  try {
    process.env['XDG_STATE_HOME'] = '/state';
    expect(defaultDataFolder()).toBe(join('/state', 'kortd'));
    delete process.env['XDG_STATE_HOME'];
    expect(defaultDataFolder()).toMatch(/[/\\]\.local[/\\]state[/\\]kortd$/);
  } finally {
    if (before === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = before;
  }
});
