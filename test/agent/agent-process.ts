/** `kortd agent` in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const MAIN = join(import.meta.dirname, '..', '..', 'daemon', 'main.ts');
const END_DEADLINE_MS = 10_000;

export interface AgentProcess extends AsyncDisposable {
  readonly pid: number;
  readonly output: () => string;
  readonly log: () => string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with its exit status, or the signal that ended it. */
  ended(): Promise<number | string>;
}

export function startAgent(parameters: readonly string[], environment: Readonly<Record<string, string>> = {}): AgentProcess {
  const child = spawn(process.execPath, [MAIN, 'agent', ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LANG: 'C.UTF-8', TERM: 'xterm', ...environment },
  });
  let output = '';
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  const ended = async (): Promise<number | string> => {
    const late = delay(END_DEADLINE_MS, undefined, { ref: false }).then(() => {
      throw new Error(`the agent did not end: ${log}`);
    });
    const [status, signal] = await Promise.race([closed, late]);
    return status ?? signal ?? 'unknown';
  };
  return {
    pid: child.pid ?? 0,
    output: () => output,
    log: () => log,
    kill: (signal) => void child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await closed;
    },
  };
}
