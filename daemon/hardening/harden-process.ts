/** What a command that meets PINs does first: no debugger on a signal, no way to a prototype by name, no core dump. */
import type { Log } from '../log.ts';
import { hasNodeFlags } from './node-flags.ts';

/** Before the first secret is made or read. Nothing here keeps the program from running: what the system refuses is in the log. */
export async function hardenProcess(log: Log): Promise<void> {
  const isStartedHard = hasNodeFlags();
  if (!isStartedHard) makeUpForNodeFlags();
  const { forbidCoreDumps } = await import('../../drivers/process-limits.ts');
  const failed = forbidCoreDumps();
  if (failed.length > 0) log.warn({ failed }, 'core dumps of this process could not be forbidden');
  log.debug({ nodeFlags: process.execArgv, isStartedHard }, 'hardened');
}

/** Node opens its debugger on SIGUSR1 only where the program does not listen for it itself (measured, Node 24.21). */
function makeUpForNodeFlags(): void {
  process.on('SIGUSR1', () => undefined);
  const refuse = (): never => {
    throw new TypeError('using __proto__: it has been switched off in this program');
  };
  Reflect.defineProperty(Object.prototype, '__proto__', { get: refuse, set: refuse, configurable: false });
}
