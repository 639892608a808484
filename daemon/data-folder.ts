/**
 * The folder of one workstation's data, readable by its owner alone: the access token, and where the daemon that runs on it listens.
 * One daemon at a time: a second one is told who holds it.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  chmodSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { swedishReason } from './system-reasons.ts';

const LOCK_FILE = 'daemon.lock';
const TOKEN_FILE = 'token';
const ENDPOINT_FILE = 'endpoint.json';
const SOCKET_FILE = 'socket';
/** The socket at which programs speak p11-kit's protocol. */
export const PKCS11_FILE = 'pkcs11';
/** Begins the names of the sockets at which fronts find their core: the number of the front's process follows. */
export const FRONT_FILES = 'front-';

/** Where the installed service keeps its data, unless an administrator says otherwise. */
export const SERVICE_FOLDER = '/var/lib/kortd';
/** On macOS; no folder on the way to it is anybody's but root's and the service's. */
export const MACOS_SERVICE_SOCKET = '/Library/Application Support/kortd/users/desk/socket';
/** Where the installed service listens for members of its group, whatever its data folder. */
export const SERVICE_SOCKET = process.platform === 'darwin' ? MACOS_SERVICE_SOCKET : '/run/kortd/socket';
/** Where it serves their programs through PKCS #11. */
export const SERVICE_PKCS11_SOCKET = '/run/kortd/pkcs11/socket';

/** Where a running daemon is found. */
export interface Endpoint {
  readonly url: string;
  /** Path of the Unix socket. */
  readonly socket: string;
  /** Where programs reach it through PKCS #11; absent where there are no such sockets. */
  readonly pkcs11?: string;
  readonly pid: number;
  readonly version: string;
}

/** For people: what is wrong with the folder and what to do. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
  /** The message in Swedish. */
  readonly sv: string;

  constructor(message: string, { sv, cause }: { readonly sv: string; readonly cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause });
    this.sv = sv;
  }
}

/** The user's own: $XDG_STATE_HOME/kortd, else ~/.local/state/kortd. */
export function defaultDataFolder(): string {
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'kortd');
}

export interface DataFolder extends Disposable {
  readonly path: string;
  readonly token: string;
  /** Where the Unix socket of its user goes. */
  readonly socketPath: string;
  /** Where programs reach the cards through PKCS #11. */
  readonly pkcs11Path: string;
  /** Tells other programs where the daemon listens. */
  publish(endpoint: Endpoint): void;
}

/** Makes the folder when it is missing, takes its lock and writes a new token. Dispose of it to let the next daemon in. */
export function openDataFolder(folder: string): DataFolder {
  const path = resolve(folder);
  try {
    makePrivateFolder(path);
    chmodSync(path, 0o700);
  } catch (error) {
    throw new DataFolderError(`cannot use ${path} as the data folder: ${reasonOf(error)}. Choose another with --data-dir.`, {
      sv: `${path} kan inte användas som datamapp: ${swedishReason(error)}. Välj en annan med --data-dir.`,
      cause: error,
    });
  }
  takeLock(path);
  let isOpen = true;
  const token = randomBytes(32).toString('base64url');
  writePrivate(join(path, TOKEN_FILE), `${token}\n`);
  return {
    path,
    token,
    socketPath: join(path, SOCKET_FILE),
    pkcs11Path: join(path, PKCS11_FILE),
    publish: (endpoint) => writePrivate(join(path, ENDPOINT_FILE), `${JSON.stringify(endpoint, undefined, 2)}\n`),
    [Symbol.dispose]() {
      if (!isOpen) return;
      isOpen = false;
      held.delete(path);
      for (const file of [ENDPOINT_FILE, TOKEN_FILE, LOCK_FILE]) rmSync(join(path, file), { force: true });
    },
  };
}

/** With those above it. Node's own way to that never ends where the system says that a folder which is there is not (a server's that is away, /proc). */
export function makePrivateFolder(path: string): void {
  const above = dirname(path);
  if (above !== path && !existsSync(above)) makePrivateFolder(above);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** Where the daemon of this folder listens, and its token. Throws DataFolderError when none runs. */
export function findDaemon(path: string): Endpoint & { readonly token: string } {
  try {
    const endpoint = JSON.parse(readFileSync(join(path, ENDPOINT_FILE), 'utf8')) as Endpoint;
    const token = readFileSync(join(path, TOKEN_FILE), 'utf8').trim();
    if (!isRunning(endpoint.pid))
      throw new DataFolderError(`kortd ended without tidying up (data folder ${path}). Start it with: kortd serve`, {
        sv: `kortd avslutades utan att städa efter sig (datamapp ${path}). Starta med: kortd serve`,
      });
    return { ...endpoint, token };
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    throw new DataFolderError(
      `no kortd runs with the data folder ${path} (${reasonOf(error)}). Start it with: kortd serve, or name its folder with --data-dir.`,
      {
        sv: `ingen kortd är igång med datamappen ${path} (${swedishReason(error)}). Starta med: kortd serve, eller ange rätt mapp med --data-dir.`,
        cause: error,
      },
    );
  }
}

/**
 * Where programs reach the daemon of this folder through PKCS #11, as it says while it runs. Of the installed service, whose package makes a folder for it, the
 * place is known; that service is meant where no folder was named and this user has no daemon of their own.
 */
export function programsSocketOf(dataFolder: string, serviceSocket: string = SERVICE_PKCS11_SOCKET): string {
  const published = publishedSocket(dataFolder);
  if (published !== undefined) return published;
  const own = join(resolve(dataFolder), PKCS11_FILE);
  const isOther = ![resolve(defaultDataFolder()), SERVICE_FOLDER].includes(resolve(dataFolder));
  return isOther || existsSync(own) || !existsSync(dirname(serviceSocket)) ? own : serviceSocket;
}

/** Undefined when no daemon runs there, or the folder is another user's. */
function publishedSocket(dataFolder: string): string | undefined {
  try {
    return findDaemon(dataFolder).pkcs11;
  } catch {
    return undefined;
  }
}

/** Folders that this process holds. Its own number in another lock is that of a daemon that ended: in a container numbers come again at each start. */
const held = new Set<string>();

function takeLock(path: string): void {
  const file = join(path, LOCK_FILE);
  for (let attempt = 0; ; attempt++) {
    try {
      const descriptor = openSync(file, 'wx', 0o600);
      writeSync(descriptor, String(process.pid));
      closeSync(descriptor);
      held.add(path);
      return;
    } catch (error) {
      const holder = holderOf(file);
      if (holder !== undefined && (holder === process.pid ? held.has(path) : isRunning(holder))) {
        throw new DataFolderError(
          `another kortd (process ${holder}) uses the data folder ${path}. Stop it, or choose another with --data-dir.`,
          {
            sv: `en annan kortd (process ${holder}) använder datamappen ${path}. Stoppa den, eller välj en annan mapp med --data-dir.`,
            cause: error,
          },
        );
      }
      if (attempt > 0)
        throw new DataFolderError(`cannot lock the data folder ${path}: ${reasonOf(error)}`, {
          sv: `datamappen ${path} kan inte låsas: ${swedishReason(error)}`,
          cause: error,
        });
      rmSync(file, { force: true });
    }
  }
}

/** The process that holds the folder's lock; undefined when none does. */
export function daemonOf(folder: string): number | undefined {
  return holderOf(join(folder, LOCK_FILE));
}

function holderOf(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Never there with half its content, never readable by others. */
function writePrivate(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
  renameSync(temporary, file);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
