import { once } from 'node:events';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkPeer, checkSocketFile, trustedUsers, UntrustedSocketError } from './trusted-socket.ts';

const ROOT: ReadonlySet<number> = new Set([0]);
const STRANGERS: ReadonlySet<number> = new Set([4_000_000_001]);

let folder: string;
let path: string;
let server: Server;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-trust-'));
  mkdirSync(join(folder, 'inner'));
  path = join(folder, 'inner', 'socket');
  server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

describe('the socket of the daemon', () => {
  it('is trusted where nobody else can write', () => {
    expect(() => checkSocketFile(path, trustedUsers())).not.toThrow();
  });

  it('is trusted in a folder that everybody can write to when what is there is protected, as in /tmp', () => {
    chmodSync(folder, 0o1777);
    expect(() => checkSocketFile(path, trustedUsers())).not.toThrow();
  });

  it.each([
    ['the folder', 'inner', 0o777],
    ['a folder above', '.', 0o777],
    ['the folder, which everybody can write to although they cannot read it,', 'inner', 0o702],
  ])('is not trusted where everybody can write to %s', (_, name, mode) => {
    const changed = join(folder, name);
    chmodSync(changed, mode);
    expect(() => checkSocketFile(path, trustedUsers())).toThrow(UntrustedSocketError);
    expect(() => checkSocketFile(path, trustedUsers())).toThrow(`${changed}: every user can write to it`);
  });

  it('is not trusted when its owner is not', () => {
    expect(() => checkSocketFile(path, STRANGERS)).toThrow(/socket: it belongs to user \d+/);
  });

  it('is looked for behind a link to its folder, and is none itself', () => {
    const link = join(folder, 'link');
    symlinkSync(join(folder, 'inner'), link);
    expect(() => checkSocketFile(join(link, 'socket'), trustedUsers())).not.toThrow();
    chmodSync(join(folder, 'inner'), 0o777);
    expect(() => checkSocketFile(join(link, 'socket'), trustedUsers())).toThrow(UntrustedSocketError);
    chmodSync(join(folder, 'inner'), 0o755);
    symlinkSync(path, join(folder, 'inner', 'other'));
    expect(() => checkSocketFile(join(folder, 'inner', 'other'), trustedUsers())).toThrow('it is no socket');
  });

  it('is not a file', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => checkSocketFile(join(folder, 'file'), trustedUsers())).toThrow('it is no socket');
  });

  it('that is not there is another matter', () => {
    expect(() => checkSocketFile(join(folder, 'none'), trustedUsers())).toThrow(/ENOENT/);
  });

  it('is believed only as long as the program behind it is of somebody who is trusted', async () => {
    const connection = connect(path);
    try {
      await once(connection, 'connect');
      expect(() => checkPeer(connection, path, trustedUsers())).not.toThrow();
      expect(() => checkPeer(connection, path, STRANGERS)).toThrow(/the program at the other end is that of user \d+/);
    } finally {
      connection.destroy();
    }
    expect(() => checkPeer(connection, path, trustedUsers())).toThrow('the kernel does not tell');
  });

  it('may be that of this user and of root', () => {
    expect(trustedUsers()).toContain(process.getuid?.());
    for (const user of ROOT) expect(trustedUsers()).toContain(user);
  });
});
