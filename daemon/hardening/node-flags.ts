/**
 * How Node itself has to be started where PINs pass: SIGUSR1 opens no debugger, and nobody reaches a prototype by the name `__proto__`. What was in use for a
 * moment is collected soon: under 10,000 connections a young generation of 4 MiB keeps the process 50 MB smaller, and so does an old generation that may not grow
 * beyond 512 MiB, ten times what is in use: V8 lets it grow by less at a time then (both measured in test/abuse). The first line of the program, `npm start` and the
 * service unit name these flags; whoever leaves them out is helped by a restart.
 */

export const NODE_FLAGS = [
  '--disable-sigusr1',
  '--disable-proto=throw',
  '--max-semi-space-size=4',
  '--max-old-space-size=512',
] as const;

/** Commands that last and meet PINs. The others are over in a moment, and a restart would be most of it. */
const LASTING_COMMANDS: ReadonlySet<string> = new Set(['serve', 'agent']);

export function hasNodeFlags(): boolean {
  const given = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return NODE_FLAGS.every((flag) => given.includes(flag));
}

/**
 * Makes this process the same program with the flags: same process id, same standard streams (execve(2)). To be called before anything is loaded or opened.
 * Returns when nothing needs to be done, or when it cannot be (Windows has no execve; sockets that systemd opened would be closed): `hardenProcess` sees to that.
 */
export function restartWithNodeFlags(command: string | undefined): void {
  if (command === undefined || !LASTING_COMMANDS.has(command) || hasNodeFlags()) return;
  if (process.env['LISTEN_FDS'] !== undefined) return;
  const { execPath, execArgv, argv } = process;
  try {
    process.execve?.(execPath, [execPath, ...NODE_FLAGS, ...execArgv, ...argv.slice(1)]);
  } catch {
    return;
  }
}
