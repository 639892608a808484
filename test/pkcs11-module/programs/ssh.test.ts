/** OpenSSH with keys of cards: ssh-keygen lists them, ssh-agent holds them, and a real sshd at loopback lets them in. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { within } from '../../api/support.ts';
import { KEYS, MODULE, openToolDesk, PIN, type ToolDesk } from './tools.ts';

const START_MS = 10_000;
/** In a mount namespace, for root: sshd wants an empty folder of root's in /run, which no test may leave behind. */
const AS_ROOT = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec "$@"', 'sh'];

const stack = new AsyncDisposableStack();
let desk: ToolDesk;
let sshPort: number;
let agent: Readonly<Record<string, string>>;

beforeAll(async () => {
  desk = stack.use(await openToolDesk());
  agent = await startAgent();
  sshPort = await startServer();
});
afterAll(() => stack.disposeAsync());

function start(command: readonly string[], environment: object = {}): ChildProcess {
  const [program = '', ...parameters] = command;
  const child = spawn(program, parameters, { stdio: 'ignore', env: { ...process.env, ...desk.environment, ...environment } });
  stack.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await within(ended, `the end of ${program}`);
  });
  return child;
}

/** PINs come from a program that types the right one. */
async function startAgent(): Promise<Readonly<Record<string, string>>> {
  const socket = join(desk.folder, 'agent');
  start(['ssh-agent', '-D', '-a', socket]);
  const askpass = await desk.file('askpass', `#!/bin/sh\necho ${PIN}\n`, 0o700);
  await untilAnswers({ path: socket });
  return { SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
}

async function startServer(): Promise<number> {
  const port = await freePort();
  await desk.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', 'host']);
  const listed = await desk.run('ssh-keygen', ['-D', MODULE]);
  const authorized = await desk.file('authorized', listed);
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(desk.folder, 'host')}`,
    `AuthorizedKeysFile ${authorized}`,
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    `PidFile ${join(desk.folder, 'sshd.pid')}`,
  ];
  const configuration = await desk.file('sshd_config', `${lines.join('\n')}\n`);
  const command = ['/usr/sbin/sshd', '-D', '-e', '-f', configuration];
  start(process.getuid?.() === 0 ? [...AS_ROOT, ...command] : command);
  await untilAnswers({ host: '127.0.0.1', port });
  return port;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

async function untilAnswers(place: Place): Promise<void> {
  const end = performance.now() + START_MS;
  while (!(await answers(place))) {
    if (performance.now() > end) throw new Error(`nothing answers at ${JSON.stringify(place)}`);
    await delay(20);
  }
}

async function answers(place: Place): Promise<boolean> {
  const socket = connect(place);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // it is not there yet
  } finally {
    socket.destroy();
  }
}

const run = (command: string, ...parameters: readonly string[]): Promise<string> => {
  const environment = Object.entries(agent).map(([name, value]) => `${name}=${value}`);
  return desk.run('env', [...environment, command, ...parameters]);
};

const ssh = (...options: readonly string[]): Promise<string> => {
  const checks = ['-F', 'none', '-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${join(desk.folder, 'known')}`];
  const place = ['-p', String(sshPort), '-l', userInfo().username, '127.0.0.1'];
  return run('ssh', ...checks, '-o', 'BatchMode=no', ...options, ...place, 'echo let in');
};

describe('OpenSSH', () => {
  it('lists the keys of all cards without a PIN', async () => {
    const listed = await desk.run('ssh-keygen', ['-D', MODULE]);
    expect(listed).toMatch(/^ssh-rsa \S+ PIV Authentication Key$/m);
    expect(listed).toMatch(/^ecdsa-sha2-nistp256 \S+ Legitimering$/m);
    expect(listed).toMatch(/^ecdsa-sha2-nistp384 \S+ Underskrift$/m);
    expect(listed).toMatch(/^ssh-rsa \S+ Staff RSA$/m);
  });

  it.each(KEYS)('is let in with the key of $name alone', async (key) => {
    const wanted = new RegExp(`^${key.kind === 'RSA' ? 'ssh-rsa' : 'ecdsa\\S+'} \\S+ ${key.label}$`);
    const listed = (await desk.run('ssh-keygen', ['-D', MODULE])).split('\n');
    const publicKey = await desk.file('own.pub', `${listed.find((line) => wanted.test(line)) ?? ''}\n`);
    await run('ssh-add', '-q', '-s', MODULE);
    try {
      expect(await run('ssh-add', '-T', publicKey)).toBe('');
      expect(await ssh('-o', 'IdentitiesOnly=yes', '-i', publicKey)).toContain('let in');
    } finally {
      await run('ssh-add', '-q', '-e', MODULE);
    }
  });

  it('gives its one PIN to every token, and locks none that has another', async () => {
    for (let count = 0; count < 3; count++) {
      await run('ssh-add', '-q', '-s', MODULE);
      await run('ssh-add', '-q', '-e', MODULE);
    }
    const tokens = await desk.run('pkcs11-tool', ['--module', MODULE, '-L']);
    expect(tokens.match(/final user PIN try/g)).toHaveLength(2);
    expect(tokens).not.toContain('user PIN locked');
  });

  it('is let in without an agent', async () => {
    expect(await ssh('-o', 'IdentityAgent=none', '-I', MODULE)).toContain('let in');
  });
});
