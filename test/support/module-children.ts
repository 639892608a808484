/** The processes of vendors' modules that this process, or another, has started, as the kernel tells of them (proc(5)). */
import { readFileSync, readdirSync } from 'node:fs';

/** Process ids, lowest first. One that has ended and was not waited for is none. */
export function moduleChildren(of = process.pid): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      return state !== 'Z' && Number(parent) === of && isModule(pid);
    } catch {
      return false; // it ended meanwhile
    }
  });
}

function isModule(pid: number): boolean {
  return /pkcs11(\/child\.ts|-child\.js)/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
}
