/**
 * Memory that the C library keeps for later goes back to the system: what start-up, or a long job, needed and freed stays in the process otherwise (malloc_trim(3)).
 */
import koffi from 'koffi';

type Trim = (padding: number) => number;

let trim: Trim | undefined;

/** True when anything went back. Some milliseconds of work. Of glibc alone: elsewhere nothing happens. */
export function returnUnusedMemory(): boolean {
  if (process.platform !== 'linux') return false;
  trim ??= findTrim();
  return trim(0) === 1;
}

function findTrim(): Trim {
  try {
    return koffi.load(null).func('int malloc_trim(size_t pad)') as Trim;
  } catch {
    return () => 0; // musl has none
  }
}
