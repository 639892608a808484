/** Where the programs of one user, and of the whole system, keep what is changed here; and p11-kit's library, which they are told to load. */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { SetupError } from './errors.ts';

export interface Machine {
  /** Root sets up the system, everybody else their own programs: p11-kit reads no user's files for root. */
  readonly isRoot: boolean;
  readonly home: string;
  /** XDG Base Directory Specification: XDG_CONFIG_HOME, XDG_DATA_HOME. */
  readonly config: string;
  readonly data: string;
  /** /etc. */
  readonly etc: string;
  /** Where packages put their p11-kit modules (pkcs11.conf(5)). */
  readonly packagedModules: string;
  /** PATH. */
  readonly path: string;
  readonly libraries: readonly string[];
}

/** Debian's package p11-kit-modules, Fedora's and Arch's p11-kit. */
const LIBRARIES = ['lib/x86_64-linux-gnu', 'lib/aarch64-linux-gnu', 'lib64', 'lib'].map(
  (folder) => `/usr/${folder}/p11-kit-proxy.so`,
);

export function thisMachine(environment: NodeJS.ProcessEnv = process.env): Machine {
  const { XDG_CONFIG_HOME, XDG_DATA_HOME, PATH: path = '' } = environment;
  const home = homeOf(environment);
  return {
    isRoot: process.getuid?.() === 0,
    home,
    config: XDG_CONFIG_HOME || join(home, '.config'),
    data: XDG_DATA_HOME || join(home, '.local', 'share'),
    etc: '/etc',
    packagedModules: '/usr/share/p11-kit/modules',
    path,
    libraries: LIBRARIES,
  };
}

/** As programs find it: by HOME where that is a folder's whole path, else by the list of users. Throws SetupError. */
function homeOf({ HOME }: NodeJS.ProcessEnv): string {
  if (HOME !== undefined && isAbsolute(HOME)) return HOME;
  try {
    const { homedir } = userInfo();
    if (isAbsolute(homedir)) return homedir;
  } catch {
    // a user who is in no list
  }
  throw new SetupError('no_home', {
    en: 'looking for the files of this user: no home folder is known. Set HOME to it, then try again',
    sv: 'ingen hemmapp är känd för den här användaren. Ange den i HOME och försök igen',
  });
}

export function isInstalled({ path }: Machine, names: readonly string[]): boolean {
  return path.split(delimiter).some((folder) => folder !== '' && names.some((name) => existsSync(join(folder, name))));
}

export function findLibrary({ libraries }: Machine): string | undefined {
  return libraries.find((path) => existsSync(path));
}

/**
 * The library by which a program comes to kortd: p11-kit's own, which follows the `remote:` line of the module file. Its sister p11-kit-client.so takes the
 * address from a variable of the process alone, and a browser that was started from a menu has none. Throws SetupError.
 */
export function requireLibrary(machine: Machine): string {
  const found = findLibrary(machine);
  if (found !== undefined) return found;
  throw new SetupError('library_missing', {
    en: 'looking for p11-kit-proxy.so: it is not installed. Install it (Debian: p11-kit-modules, Fedora: p11-kit), then try again',
    sv: 'p11-kit-proxy.so är inte installerad. Installera den (Debian: p11-kit-modules, Fedora: p11-kit) och försök igen',
  });
}
