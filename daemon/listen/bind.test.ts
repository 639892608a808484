import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createNetServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_SOCKET_PATH_BYTES, bindLoopback, bindUnixSocket, closeServer, portOf } from './bind.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kortd-bind-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('a Unix socket', () => {
  it('has the permissions that were asked for, and its file goes with the server', async () => {
    const path = join(folder, 'socket');
    const server = createServer();
    await bindUnixSocket(server, path, 0o600);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await closeServer(server);
    expect(existsSync(path)).toBe(false);
  });

  it('takes the place of one whose program was killed', async () => {
    const path = join(folder, 'socket');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    expect(statSync(path).isSocket()).toBe(true);
    const server = createServer();
    await bindUnixSocket(server, path, 0o600);
    expect(server.listening).toBe(true);
    await closeServer(server);
  });

  it('does not take the place of a file that is something else', async () => {
    const path = join(folder, 'socket');
    writeFileSync(path, 'notes');
    await expect(bindUnixSocket(createServer(), path, 0o600)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(readFileSync(path, 'utf8')).toBe('notes');
  });

  it('whose path is too long is refused with what to do, to the byte', async () => {
    const rest = MAX_SOCKET_PATH_BYTES - folder.length - 1;
    const longest = createServer();
    await bindUnixSocket(longest, join(folder, 'x'.repeat(rest)), 0o600);
    await closeServer(longest);
    // One character of two bytes more than fits.
    const path = join(folder, `${'x'.repeat(rest - 1)}ö`);
    await expect(bindUnixSocket(createServer(), path, 0o600)).rejects.toMatchObject({
      name: 'DataFolderError',
      message: expect.stringMatching(/has \d+ bytes, and the system takes \d+\..*--data-dir/) as string,
    });
  });
});

describe('a loopback port', () => {
  it('is the same on both addresses', async () => {
    const servers = await bindLoopback(0, () => createServer());
    expect(servers.map((server) => (server.address() as AddressInfo).address)).toEqual(['127.0.0.1', '::1']);
    expect(new Set(servers.map(portOf)).size).toBe(1);
    await Promise.all(servers.map(closeServer));
  });

  it('that is taken on one address is not used on the other', async () => {
    const other = createNetServer().listen(0, '::1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(bindLoopback(port, () => createServer())).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const free = createNetServer().listen(port, '127.0.0.1');
    await once(free, 'listening');
    for (const server of [other, free]) server.close();
  });
});
