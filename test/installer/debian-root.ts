/**
 * A Debian root of a test's own, out of the archive: commands in it, and processes that end with it. To be used in private namespaces, where mounts are nobody else's. Once
 * booted, its own systemd is process 1 of it, and commands run beside its services.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, rmdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const COMMAND_MS = 240_000;
const BOOT_MS = 60_000;
/** Of systemctl is-system-running, before it has settled. */
const BOOTING = /^(offline|initializing|starting|Failed|)$/;
const CGROUPS = '/sys/fs/cgroup';

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

export class DebianRoot implements AsyncDisposable {
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  #machine: { readonly process: ChildProcess; readonly init: number } | undefined;

  constructor(archive: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'kortd-root-'));
    must('tar', ['-C', this.#folder, '-xf', archive]);
    chmodSync(this.#folder, 0o755);
    must('mount', ['-t', 'proc', 'proc', this.path('/proc')]);
  }

  /** Of a file in it, as this process finds it: what is mounted inside counts once it is booted. */
  path(inside: string): string {
    return this.#machine ? `/proc/${this.#machine.init}/root${inside}` : join(this.#folder, inside);
  }

  /** The same where nothing is mounted over it, by a path without links, which some libraries follow their own way. */
  disk(inside: string): string {
    return join(this.#folder, inside);
  }

  /** Once systemd was installed. Throws when it does not run in time. */
  async boot(): Promise<void> {
    // There is no console to log in at.
    symlinkSync('/dev/null', this.path('/etc/systemd/system/console-getty.service'));
    const script = join(import.meta.dirname, 'boot-systemd.sh');
    const booted = spawn('sh', [script, this.#folder, basename(this.#folder)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    booted.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const deadline = Date.now() + BOOT_MS;
    while (!this.#isUp(booted)) {
      if (booted.exitCode !== null || booted.signalCode !== null || Date.now() > deadline)
        throw new Error(`booting the Debian root: systemd does not run; are control groups writable here? ${said}`);
      await delay(50);
    }
  }

  #isUp(booted: ChildProcess): boolean {
    const init = systemdBelow(booted.pid);
    if (init === undefined || !existsSync(`/proc/${init}/root/run/systemd/private`)) return false;
    this.#machine = { process: booted, init };
    const [state = ''] = this.run('systemctl', 'is-system-running').output.trim().split(/\s/);
    return !BOOTING.test(state);
  }

  run(...command: readonly string[]): Outcome {
    const [program, ...parameters] = [...this.#entry(), ...environment(), ...command];
    return run(program, parameters);
  }

  #entry(): readonly [string, ...string[]] {
    if (!this.#machine) return ['chroot', this.#folder];
    const namespaces = ['--mount', '--uts', '--ipc', '--pid', '--cgroup'];
    return ['nsenter', '--target', String(this.#machine.init), ...namespaces, '--root', '--wd'];
  }

  /** With its output. Throws when it fails. */
  must(...command: readonly string[]): string {
    const { status, output } = this.run(...command);
    if (status !== 0) throw new Error(`${command.join(' ')}: exit status ${String(status)}: ${output}`);
    return output;
  }

  /** Until the root goes, or it is ended. */
  start(...command: readonly string[]): ChildProcess {
    const [program, ...parameters] = [...this.#entry(), ...environment(), ...command];
    const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.push(child);
    return child;
  }

  async end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    // What entered the namespaces waits outside for the command, and must: unwaited for, that would keep process 1 from ending.
    process.kill(childOf(child.pid) ?? Number(child.pid), 'SIGTERM');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => this.end(child)));
    await this.#halt();
    run('umount', ['-l', this.path('/proc')]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Without process 1 everything in its namespaces ends. */
  async #halt(): Promise<void> {
    if (!this.#machine) return;
    const { process: booted, init } = this.#machine;
    this.#machine = undefined;
    const ended = once(booted, 'exit');
    process.kill(init, 'SIGKILL');
    await ended;
    removeGroups(CGROUPS, basename(this.#folder));
  }
}

function childOf(pid: number | undefined): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return child ? Number(child) : undefined;
  } catch {
    return undefined;
  }
}

/** Until it is systemd, it is a shell that prepares. */
function systemdBelow(pid: number | undefined): number | undefined {
  const child = childOf(pid);
  try {
    return readFileSync(`/proc/${child}/comm`, 'utf8').trim() === 'systemd' ? child : undefined;
  } catch {
    return undefined;
  }
}

/** Groups of the name, wherever they are, with those inside. They are empty of processes. */
function removeGroups(folder: string, name: string, isInside = false): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const isOurs = isInside || entry.name === name;
    removeGroups(join(folder, entry.name), name, isOurs);
    if (isOurs) rmdirSync(join(folder, entry.name));
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
