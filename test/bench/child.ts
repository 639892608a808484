/** A server that is measured: a process of its own, on a core of its own. */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/**
 * Where the scheduler puts a server, beside the client or on its core, changes a round trip threefold: servers that are compared get one core, the client
 * another.
 */
export const CLIENT_CORE = '0';
export const SERVER_CORE = '1';
const LINE_DEADLINE_MS = 20_000;

/** Every thread of a process to these cores. */
export function pin(pid: number | undefined, cores: string): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(pid)], { stdio: 'ignore' });
}

/** The next whole line that it prints. Rejects when it ends before. */
export async function nextLine(child: ChildProcess): Promise<string> {
  const { stdout } = child;
  if (!stdout) throw new Error('no standard output');
  const deadline = AbortSignal.timeout(LINE_DEADLINE_MS);
  const gone = once(child, 'exit', { signal: deadline }).then(() => undefined);
  let text = '';
  for (;;) {
    const chunk = await Promise.race([once(stdout, 'data', { signal: deadline }), gone]);
    if (!chunk) throw new Error(`the server ended before it said anything: ${text}`);
    text += String(chunk[0]);
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
  }
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
