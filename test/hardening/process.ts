/** A process of a test here: what it says, what the kernel says of it, and its end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';

const DEADLINE_MS = 20_000;
/** signal.h of Linux on every architecture that Node has. */
const SIGUSR1_BIT = 1n << 9n;

export interface StartOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** As much core as the system lets this user have: what forbids a dump then is the program itself. */
  readonly wantsCore?: true;
}

export class WatchedProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>;
  stdout = '';
  stderr = '';

  constructor(command: readonly string[], { cwd, environment = {}, wantsCore }: StartOptions = {}) {
    const whole = wantsCore ? ['sh', '-c', 'ulimit -S -c "$(ulimit -H -c)"; exec "$@"', 'sh', ...command] : command;
    const [program = '', ...parameters] = sameRights(whole);
    const child = spawn(program, parameters, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = once(child, 'close').then(([status, signal]) => ({
      status: status as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves when it has said so. Rejects when it ends before. */
  async said(pattern: RegExp, where: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    while (!pattern.test(this[where])) {
      const stream = this.child[where];
      if (!stream || this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`ended before it said ${pattern}: ${this.stdout}${this.stderr}`);
      await Promise.race([once(stream, 'data', { signal: deadline }), this.ended]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.ended;
  }
}

/**
 * As an ordinary user has them towards processes of the same user: root's right to look into every process is given up for good. What another process of
 * this user may read can then be tested as any user.
 */
export function sameRights(command: readonly string[]): readonly string[] {
  if (process.getuid?.() !== 0) return command;
  // capabilities(7): each of these reads the memory of any process.
  const given = '-sys_ptrace,-sys_admin,-perfmon';
  return ['setpriv', '--bounding-set', given, '--inh-caps', given, ...command];
}

export function commandLine(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

/** The row "Max core file size": soft and hard. */
export function coreLimit(pid: number): string | undefined {
  return /^Max core file size\s+(\S+)\s+(\S+)/m
    .exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))
    ?.slice(1, 3)
    .join(' ');
}

/** Whether every thread blocks SIGUSR1: then nothing ever comes of it. */
export function blocksSigusr1(pid: number): boolean {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.length > 0 && threads.every((thread) => hasSigusr1(`/proc/${pid}/task/${thread}/status`, 'SigBlk'));
}

/** Whether a SIGUSR1 waits that no thread takes. */
export function keepsSigusr1Waiting(pid: number): boolean {
  return hasSigusr1(`/proc/${pid}/status`, 'ShdPnd');
}

/** proc_pid_status(5): masks in hexadecimal, bit 0 for signal 1. */
function hasSigusr1(file: string, mask: string): boolean {
  const hex = new RegExp(`^${mask}:\\s+([0-9a-f]+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1];
  if (hex === undefined) throw new Error(`reading ${file}: it has no ${mask}`);
  return (BigInt(`0x${hex}`) & SIGUSR1_BIT) !== 0n;
}
