/** Who has a terminal open: what proc(5) tells of the processes that were started on a testbed. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Handles of this terminal in processes whose environment names this testbed. One that hung up has its name with "(deleted)" behind it. */
export function countOpenHandles(terminal: string, testbedRoot: string): number {
  const names = new Set([terminal, `${terminal} (deleted)`]);
  return readable(() => readdirSync('/proc'))
    .filter((name) => /^\d+$/.test(name) && startedOn(name, testbedRoot))
    .flatMap((pid) => readable(() => readdirSync(`/proc/${pid}/fd`)).map((fd) => `/proc/${pid}/fd/${fd}`))
    .filter((link) => names.has(readable(() => [readlinkSync(link)])[0] ?? '')).length;
}

function startedOn(pid: string, testbedRoot: string): boolean {
  const environment = readable(() => readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0'));
  return environment.includes(`UMOCKDEV_DIR=${testbedRoot}`);
}

/** Processes of others, and those that just ended, tell nothing. */
function readable(read: () => readonly string[]): readonly string[] {
  try {
    return read();
  } catch {
    return [];
  }
}
