/** The built program as a child: what it says, and how it ends. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { noteMessage } from '../evidence/typed.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'dist', 'main.js');
const DEADLINE_MS = 15_000;

/** From the sources as they are. */
export function build(): void {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts', 'setup.mjs'), 'start'], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the program could not be built: ${built.stderr}`);
}

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The test itself writes to standard input. */
export const LATER = Symbol('later');

export class Program implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  /** `stateHome` holds what the program keeps by itself. */
  constructor(stateHome: string, parameters: readonly string[], input: string | typeof LATER = '') {
    const child = spawn(process.execPath, [MAIN, ...parameters], {
      stdio: 'pipe',
      env: { ...process.env, XDG_STATE_HOME: stateHome },
    });
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    child.stdin.on('error', () => undefined); // it may end without reading
    if (input !== LATER) {
      noteMessage(input);
      child.stdin.end(input);
    }
    this.ended = once(child, 'close').then(([status, signal]) => ({
      status: status as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** Resolves when standard output or error has it. Rejects when the program ends before. */
  async said(pattern: RegExp, where: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    for (;;) {
      const match = pattern.exec(this[where]);
      if (match) return match;
      const stream = this.child[where];
      if (!stream || this.child.exitCode !== null)
        throw new Error(`ended before it said ${pattern}: ${this.stdout}${this.stderr}`);
      await Promise.race([once(stream, 'data', { signal: deadline }), this.ended]);
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return await this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) this.child.kill('SIGKILL');
    await this.ended;
  }
}

export async function runProgram(stateHome: string, parameters: readonly string[], input = ''): Promise<Ended> {
  await using program = new Program(stateHome, parameters, input);
  return await program.ended;
}
