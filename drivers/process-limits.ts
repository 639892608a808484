/**
 * No core dump of this process: its memory holds PINs while they are on their way. Two locks, because one does not do: a limit of no bytes is not enforced
 * where the system pipes dumps to a program, as systemd-coredump has it (core(5), "Piping core dumps to a program"); a process that is not "dumpable" has no
 * dump at all, and processes of the same user can neither trace it nor read its memory (prctl(2), PR_SET_DUMPABLE; ptrace(2), "Ptrace access mode checking").
 */
import koffi from 'koffi';

/** bits/resource.h of glibc; the same in sys/resource.h of macOS. */
const RLIMIT_CORE = 4;
/** struct rlimit is two rlim_t of at most 8 bytes each: all zero is "none, and never more", whatever their size. */
const NO_BYTES = new Uint8Array(16);
/** linux/prctl.h */
const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
/** bits/signum-generic.h of glibc. */
const SIGKILL = 9;

type SetLimit = (resource: number, limit: Uint8Array) => number;
type ProcessControl = (option: number, ...values: readonly (string | number)[]) => number;

/**
 * For good: the hard limit goes to zero as well, and children inherit both. Being dumpable again is what an execve does, so a child counts on the limit alone.
 * Returns what could not be done. On Windows nothing is done: there a process is dumped when its user has asked for it.
 */
export function forbidCoreDumps(): readonly string[] {
  if (process.platform === 'win32') return [];
  const library = koffi.load(null);
  const setLimit = library.func('int setrlimit(int resource, const void *limit)') as SetLimit;
  const failed = setLimit(RLIMIT_CORE, NO_BYTES) === 0 ? [] : [`setrlimit(RLIMIT_CORE): errno ${koffi.errno()}`];
  if (process.platform !== 'linux') return failed;
  const control = processControl();
  const zeros = Array.from({ length: 4 }, () => ['unsigned long', 0] as const).flat();
  return control(PR_SET_DUMPABLE, ...zeros) === 0 ? failed : [...failed, `prctl(PR_SET_DUMPABLE): errno ${koffi.errno()}`];
}

/**
 * For a process that runs code which may hang: it ends when its parent does, whatever it is doing (prctl(2), PR_SET_PDEATHSIG). Linux alone; elsewhere a process
 * ends when it next looks at the pipe from its parent.
 */
export function dieWithParent(): void {
  if (process.platform !== 'linux') return;
  const parent = process.ppid;
  const zeros = Array.from({ length: 3 }, () => ['unsigned long', 0] as const).flat();
  processControl()(PR_SET_PDEATHSIG, 'unsigned long', SIGKILL, ...zeros);
  // It may have ended right before.
  if (process.ppid !== parent) process.exit(1);
}

function processControl(): ProcessControl {
  return koffi.load(null).func('int prctl(int option, ...)') as ProcessControl;
}
