/** OpenSSH's agent with a program that types the PIN, and a real sshd at loopback that knows the keys of all cards. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { MODULE } from './tools.ts';
import { freePort, startProgram, untilAnswers, type Started } from './started.ts';

/** In a mount namespace, for root: sshd wants an empty folder of root's in /run, which no test may leave behind. */
const AS_ROOT = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec "$@"', 'sh'];

export interface SshPlace {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  file(name: string, content: string | Uint8Array, mode?: number): Promise<string>;
  run(command: string, parameters: readonly string[]): Promise<string>;
}

export interface SshHost extends AsyncDisposable {
  readonly agent: Started;
  /** With the agent at hand. */
  run(command: string, ...parameters: readonly string[]): Promise<string>;
  /** Logs in, and prints "let in". */
  ssh(...options: readonly string[]): Promise<string>;
}

export async function startSshHost(place: SshPlace, pin: string): Promise<SshHost> {
  await using undo = new AsyncDisposableStack();
  const socket = join(place.folder, 'agent');
  const agent = undo.use(startProgram(['ssh-agent', '-D', '-a', socket], place));
  const askpass = await place.file('askpass', `#!/bin/sh\necho ${pin}\n`, 0o700);
  await untilAnswers({ path: socket });
  const port = await startServer(place, undo);
  const known = { SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
  const environment = Object.entries(known).map(([name, value]) => `${name}=${value}`);
  const run = (command: string, ...parameters: readonly string[]): Promise<string> =>
    place.run('env', [...environment, command, ...parameters]);
  const checks = ['-F', 'none', '-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${join(place.folder, 'known')}`];
  const target = ['-p', String(port), '-l', userInfo().username, '127.0.0.1'];
  const resources = undo.move();
  return {
    agent,
    run,
    ssh: (...options) => run('ssh', ...checks, '-o', 'BatchMode=no', ...options, ...target, 'echo let in'),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function startServer(place: SshPlace, undo: AsyncDisposableStack): Promise<number> {
  const port = await freePort();
  await place.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', 'host']);
  const listed = await place.run('ssh-keygen', ['-D', MODULE]);
  const authorized = await place.file('authorized', listed);
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(place.folder, 'host')}`,
    `AuthorizedKeysFile ${authorized}`,
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    `PidFile ${join(place.folder, 'sshd.pid')}`,
  ];
  const configuration = await place.file('sshd_config', `${lines.join('\n')}\n`);
  const command = ['/usr/sbin/sshd', '-D', '-e', '-f', configuration];
  undo.use(startProgram(process.getuid?.() === 0 ? [...AS_ROOT, ...command] : command, place));
  await untilAnswers({ host: '127.0.0.1', port });
  return port;
}
