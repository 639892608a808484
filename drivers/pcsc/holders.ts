/**
 * Which other programs may hold a card. PC/SC does not tell: pcscd knows its clients by numbers of its own. What can be seen on Linux is who has the client library
 * in its memory, so this is a hint for a person ("perhaps pkcs11-tool"), never a ground for anything. A program that speaks to pcscd without the library is
 * not seen, nor are programs of other users unless we are root, nor anything at all where /proc hides it (ProtectProc=invisible, hidepid).
 */
import { readFile, readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface PcscProgram {
  readonly pid: number;
  /** As its file is called. */
  readonly name: string;
}

export interface FindOptions {
  readonly signal?: AbortSignal;
  /** After which what was found so far has to do; default 200. */
  readonly timeoutMs?: number;
  /** Other than /proc, for tests. */
  readonly processes?: string;
  /** The process that asks, for tests. */
  readonly self?: number;
}

const DEFAULT_TIMEOUT_MS = 200;
/** A desktop has about half as many. The newest come first: a tool that was just started is the likeliest. */
const MAX_PROCESSES = 512;
/** Reads under way at once: they take threads that other work needs too. */
const READS_AT_ONCE = 4;
/** libpcsclite.so.1, and libpcsclite_real.so.1 behind the spy of pcsc-lite. */
const LIBRARY = 'libpcsclite';
/** The service itself. */
const SERVICE = 'pcscd';
/** proc_pid_comm(5): TASK_COMM_LEN is 16, with the end of the string. */
const COMM_LENGTH = 15;

/** By process number. Never rejects: whatever cannot be looked at is not in it. Empty on other systems than Linux. */
export async function findPcscPrograms(options: FindOptions = {}): Promise<readonly PcscProgram[]> {
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS, processes = '/proc', self = process.pid } = options;
  const found: PcscProgram[] = [];
  const deadline = AbortSignal.timeout(timeoutMs);
  const end = signal ? AbortSignal.any([signal, deadline]) : deadline;
  const pids = await processNumbers(processes);
  const left = pids.filter((pid) => pid !== self).slice(0, MAX_PROCESSES);
  const look = async (): Promise<void> => {
    for (let pid = left.shift(); pid !== undefined && !end.aborted; pid = left.shift()) {
      const name = await nameOfUser(join(processes, String(pid)), { ownFolder: join(processes, String(self)), self });
      if (name !== undefined) found.push({ pid, name });
    }
  };
  await Promise.race([Promise.all(Array.from({ length: READS_AT_ONCE }, look)), whenAborted(end)]);
  return [...found].sort((one, other) => one.pid - other.pid);
}

/** The newest first, as far as numbers tell. */
async function processNumbers(folder: string): Promise<readonly number[]> {
  const names = (await unlessHidden(readdir(folder))) ?? [];
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((one, other) => other - one);
}

/** Its name when it has the library in its memory, and is neither the service nor a child that runs our own program. */
async function nameOfUser(
  folder: string,
  { ownFolder, self }: { readonly ownFolder: string; readonly self: number },
): Promise<string | undefined> {
  const maps = await readText(join(folder, 'maps'));
  if (maps?.includes(LIBRARY) !== true) return undefined;
  const comm = (await readText(join(folder, 'comm')))?.trim();
  if (comm === undefined || comm === '' || comm === SERVICE) return undefined;
  if ((await parentOf(folder)) === self && (await haveSameProgram(folder, ownFolder))) return undefined;
  return await fullName(folder, comm);
}

/** proc_pid_stat(5): the name is in parentheses and may hold anything; state and parent come after it. */
async function parentOf(folder: string): Promise<number | undefined> {
  const stat = await readText(join(folder, 'stat'));
  const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  return parent === undefined ? undefined : Number(parent);
}

async function haveSameProgram(folder: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all([folder, other].map((each) => unlessHidden(readlink(join(each, 'exe')))));
  return one !== undefined && one === two;
}

/** The kernel cuts names off; the command line has the whole one, if the program has not rewritten it. */
async function fullName(folder: string, comm: string): Promise<string> {
  if (comm.length < COMM_LENGTH) return comm;
  const name = basename((await readText(join(folder, 'cmdline')))?.split('\0')[0] ?? '');
  return name.startsWith(comm) ? name : comm;
}

async function readText(path: string): Promise<string | undefined> {
  return await unlessHidden(readFile(path, 'latin1'));
}

/** Undefined where it went away meanwhile or may not be looked at. */
async function unlessHidden<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch {
    return undefined;
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
