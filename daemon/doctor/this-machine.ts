/** The machine that this program runs on, as checks see it (look.ts); or an image of one, below a folder. Every program that is run has a deadline. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { readdir, readlink, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { ConfigurationSource } from '../configuration/configuration.ts';
import { defaultConfigurationFile } from '../configuration/read.ts';
import { programsSocketOf, SERVICE_SOCKET } from '../data-folder.ts';
import { SOCKET_VARIABLE } from '../../drivers/pcsc/pcscd-winscard.ts';
import { askDaemon } from './daemon-view.ts';
import { filesBelow, readStart, seen } from '../service/files.ts';
import type { DiskSpace, FileStatus, Look, ProcessView, Ran, Seen } from './look.ts';
import { askPcscService, PCSCD_SOCKET } from './pcsc-service.ts';

const MAX_HASHED_BYTES = 268_435_456;
const MAX_OUTPUT_BYTES = 1_048_576;
const RUN_MS = 2_000;
/** What has not answered by then hangs, as far as a person is concerned. */
const ANSWER_MS = 2_000;
const MAX_PROCESSES = 4_096;
/** Where an administrator's programs are, which is not on everybody's path. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];

export interface MachineOptions {
  readonly dataFolder: string;
  readonly policyFolder: string;
  readonly port: number;
  /** Of an image. The data folder, the policy folder and the home of the user are not below it. */
  readonly root?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** The data folder is that of the installed service, which members of its group may ask. */
  readonly isService?: boolean;
  /** Where they ask it; the usual place unless given. */
  readonly groupSocket?: string | undefined;
  /** As `kortd serve` reads it; the usual file and no flags unless given. */
  readonly configuration?: ConfigurationSource;
  /** Where programs reach it through PKCS #11 when it does not say. */
  readonly programsSocket?: string;
  /** How long the daemon and the PC/SC service are waited for. */
  readonly answerMs?: number;
}

/** What all checks share; each gets a signal of its own. Disposing of it closes the connection to the daemon. */
export interface ThisMachine extends AsyncDisposable {
  look(signal: AbortSignal): Look;
}

export function thisMachine(options: MachineOptions): ThisMachine {
  const { root = '/', environment = process.env, answerMs = ANSWER_MS } = options;
  const end = new AbortController();
  const home = environment['HOME'] ?? homedir();
  const path = pathsBelow(resolve(root), [resolve(options.dataFolder), resolve(options.policyFolder), resolve(home)]);
  const { isService = false, programsSocket = programsSocketOf(options.dataFolder) } = options;
  const { configuration = { file: path(defaultConfigurationFile()), mayBeMissing: true, flags: {} } } = options;
  const { groupSocket = isService ? path(SERVICE_SOCKET) : undefined } = options;
  const daemon = once(() => askDaemon(options.dataFolder, { answerMs, signal: end.signal, groupSocket }));
  const socket = environment[SOCKET_VARIABLE] ?? path(PCSCD_SOCKET);
  const pcsc = once(() => askPcscService({ socket, timeoutMs: answerMs }));
  const processes = once(() => listProcesses(path('/proc')));
  const folders = [...new Set([...(environment['PATH'] ?? '').split(delimiter).filter(Boolean), ...SYSTEM_FOLDERS])];
  const shared = {
    platform: process.platform,
    environment,
    uid: process.geteuid?.(),
    home,
    dataFolder: resolve(options.dataFolder),
    policyFolder: resolve(options.policyFolder),
    ...{ port: options.port, isService, configuration, programsSocket },
    now: () => new Date(),
    builtAt: async () => modifiedAt(process.argv[1]),
    path,
    ...filesBelow(path),
    status: (file: string) => seen(async () => describe(await stat(path(file)))),
    readLink: (file: string) => seen(() => readlink(path(file))),
    hash: (file: string) => seen(() => hashOf(path(file))),
    space: (folder: string) => seen(() => spaceOf(path(folder))),
    isInstalled: async (program: string) => (await findProgram(program, folders.map(path))) !== undefined,
    daemon,
    pcsc,
    processes,
  };
  return {
    look: (signal) => ({
      ...shared,
      signal,
      run: async (program, parameters) =>
        root === '/' ? runProgram(program, parameters, { folders, signal }) : { state: 'failed', why: 'this is an image' },
    }),
    async [Symbol.asyncDispose]() {
      end.abort();
      await Promise.resolve();
    },
  };
}

/** What was named by its own path is not looked for in the image. */
function pathsBelow(root: string, named: readonly string[]): (of: string) => string {
  if (root === '/') return (of) => of;
  return (of) => ([...named, root].some((folder) => of === folder || of.startsWith(`${folder}/`)) ? of : join(root, of));
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let value: Promise<T> | undefined;
  return () => (value ??= work());
}

function describe(stats: Stats): FileStatus {
  const { mode, uid, gid, size, mtimeMs } = stats;
  return { kind: kindOf(stats), mode: mode & 0o7777, uid, gid, sizeBytes: size, modifiedMs: mtimeMs };
}

function kindOf(stats: Stats): FileStatus['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSocket()) return 'socket';
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'device' : 'other';
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of createReadStream(file)) {
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > MAX_HASHED_BYTES) throw new Error(`larger than ${MAX_HASHED_BYTES} bytes`);
    hash.update(bytes);
  }
  return hash.digest('hex');
}

async function spaceOf(folder: string): Promise<DiskSpace> {
  const { bavail, bsize, files, ffree } = await statfs(folder);
  return { freeBytes: bavail * bsize, freeInodes: files === 0 ? undefined : ffree };
}

async function modifiedAt(file: string | undefined): Promise<Date | undefined> {
  const status = file === undefined ? undefined : await seen(() => stat(file));
  return status?.state === 'seen' ? status.value.mtime : undefined;
}

async function findProgram(program: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const file = join(folder, program);
    const found = await seen(() => stat(file));
    if (found.state === 'seen' && found.value.isFile() && (found.value.mode & 0o111) !== 0) return file;
  }
  return undefined;
}

interface RunOptions {
  readonly folders: readonly string[];
  readonly signal: AbortSignal;
}

async function runProgram(program: string, parameters: readonly string[], { folders, signal }: RunOptions): Promise<Seen<Ran>> {
  const file = await findProgram(program, folders);
  if (file === undefined) return { state: 'absent' };
  const environment = { ...process.env, LC_ALL: 'C' };
  return new Promise((settle) => {
    const options = { timeout: RUN_MS, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES, env: environment, signal } as const;
    const child = execFile(file, parameters, options, (error, stdout, stderr) => {
      const isLate = error?.killed === true || error?.name === 'AbortError';
      if (isLate || (error && typeof error.code === 'string'))
        settle({ state: 'failed', why: isLate ? 'no answer in time' : error.message });
      else settle({ state: 'seen', value: { status: child.exitCode, stdout, stderr } });
    });
    child.stdin?.end();
  });
}

async function listProcesses(folder: string): Promise<Seen<readonly ProcessView[]>> {
  const names = await seen(() => readdir(folder));
  if (names.state !== 'seen') return names;
  const pids = names.value.filter((name) => /^\d+$/.test(name)).slice(0, MAX_PROCESSES);
  if (pids.length === 0) return { state: 'absent' };
  const found = await Promise.all(pids.map(async (pid) => ({ pid: Number(pid), name: await nameOf(join(folder, pid)) })));
  return { state: 'seen', value: found.filter(({ name }) => name !== '') };
}

/** comm is cut off after 15 characters (proc_pid_comm(5)); a kernel thread has no command line. */
async function nameOf(folder: string): Promise<string> {
  const comm = await seen(() => readStart(join(folder, 'comm')));
  if (comm.state !== 'seen') return '';
  const short = comm.value.trim();
  if (short.length < 15) return short;
  const command = await seen(() => readStart(join(folder, 'cmdline')));
  const first = command.state === 'seen' ? (command.value.split('\0')[0]?.split('/').at(-1) ?? '') : '';
  return first.startsWith(short) ? first : short;
}
