/** A Debian root of a test's own, out of the archive: commands in it, and processes that end with it. To be used in private namespaces, where mounts are nobody else's. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMAND_MS = 240_000;

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

export class DebianRoot implements AsyncDisposable {
  readonly folder: string;
  readonly #children: ChildProcess[] = [];

  constructor(archive: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'kortd-root-'));
    must('tar', ['-C', this.folder, '-xf', archive]);
    chmodSync(this.folder, 0o755);
    must('mount', ['-t', 'proc', 'proc', this.path('/proc')]);
    // deb-systemd-invoke asks whether systemd runs by this folder.
    mkdirSync(this.path('/run/systemd/system'), { recursive: true });
  }

  path(inside: string): string {
    return join(this.folder, inside);
  }

  /** After what depends on systemd was installed: the real one has nobody to talk to here. */
  replaceSystemctl(): void {
    this.must('dpkg-divert', '--local', '--rename', '--divert', '/usr/bin/systemctl.real', '--add', '/usr/bin/systemctl');
    copyFileSync(join(import.meta.dirname, 'service-runner.sh'), this.path('/usr/bin/systemctl'));
    chmodSync(this.path('/usr/bin/systemctl'), 0o755);
  }

  run(...command: readonly string[]): Outcome {
    return run('chroot', [this.folder, ...environment(), ...command]);
  }

  /** With its output. Throws when it fails. */
  must(...command: readonly string[]): string {
    const { status, output } = this.run(...command);
    if (status !== 0) throw new Error(`${command.join(' ')}: exit status ${String(status)}: ${output}`);
    return output;
  }

  /** Until the root goes, or it is ended. */
  start(...command: readonly string[]): ChildProcess {
    const child = spawn('chroot', [this.folder, ...environment(), ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    return child;
  }

  async end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => this.end(child)));
    run('umount', ['-l', this.path('/proc')]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Both streams, as they came. */
export function run(command: string, parameters: readonly string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, parameters, {
    encoding: 'utf8',
    timeout: COMMAND_MS,
    maxBuffer: 64 * 1_024 * 1_024,
  });
  return { status, output: `${stdout}${stderr}${error?.message ?? ''}` };
}

export function must(command: string, parameters: readonly string[]): string {
  const { status, output } = run(command, parameters);
  if (status !== 0) throw new Error(`${command} ${parameters.join(' ')}: exit status ${String(status)}: ${output}`);
  return output;
}

function environment(): readonly string[] {
  return [
    'env',
    '-i',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'DEBIAN_FRONTEND=noninteractive',
    'LC_ALL=C.UTF-8',
    'HOME=/nonexistent',
  ];
}
