/**
 * A process that hardens itself without having been started with Node's flags and without the restart, as on a system that has no execve. Prints as JSON what
 * came of it, then "heard" for each SIGUSR1 once the program's own listener has had it.
 */
import { hardenProcess } from '../../daemon/hardening/harden-process.ts';
import { silentLog } from '../../daemon/log.ts';

await hardenProcess(silentLog);
process.on('SIGUSR1', () => process.stdout.write('heard\n'));
process.stdout.write(`${JSON.stringify({ proto: attempt(() => Reflect.get({}, '__proto__')) })}\n`);
setInterval(() => undefined, 60_000);

function attempt(work: () => unknown): string {
  try {
    work();
    return 'nothing was thrown';
  } catch (error) {
    return String(error);
  }
}
