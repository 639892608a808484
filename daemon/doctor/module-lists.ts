/** Where programs are told which PKCS #11 modules to load: p11-kit's files (pkcs11.conf(5)) and NSS databases (pkcs11.txt). Read, never loaded. */
import { basename, join } from 'node:path';
import { readNssModules } from '../pkcs11/setup/nss-module.ts';
import { firefoxProfiles } from '../pkcs11/setup/firefox-profiles.ts';
import { nssDatabaseFolders } from '../tls/nss-database.ts';
import { setupMachine } from './setup-machine.ts';
import type { Look } from './look.ts';

export interface ModuleList {
  /** "p11-kit", or the folder of a database. */
  readonly place: string;
  readonly modules: readonly ListedModule[];
}

export interface ListedModule {
  readonly name: string;
  /** As it is written there: a path, or a name that p11-kit looks for in its own folder. */
  readonly library: string;
  readonly file: string;
}

const SYSTEM_FOLDERS = ['/usr/share/p11-kit/modules', '/etc/pkcs11/modules'];
/** Where p11-kit looks for a module without a folder. */
const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu/pkcs11',
  '/usr/lib/aarch64-linux-gnu/pkcs11',
  '/usr/lib64/pkcs11',
  '/usr/lib/pkcs11',
];

export async function moduleLists(look: Look): Promise<readonly ModuleList[]> {
  const machine = setupMachine(look);
  const own = join(machine.config, 'pkcs11', 'modules');
  const folders = [...SYSTEM_FOLDERS, ...(machine.isRoot ? [] : [own])];
  const p11Kit = (await Promise.all(folders.map((folder) => modulesIn(look, folder)))).flat();
  const databases = [
    ...nssDatabaseFolders(machine),
    ...firefoxProfiles(machine).flatMap(({ folder, isSandboxed }) => (isSandboxed ? [] : [folder])),
  ];
  const nss = databases.map((folder) => ({
    place: folder,
    modules: readNssModules(folder).map((module) => ({ ...module, file: join(folder, 'pkcs11.txt') })),
  }));
  return [{ place: 'p11-kit', modules: p11Kit }, ...nss].filter(({ modules }) => modules.length > 0);
}

async function modulesIn(look: Look, folder: string): Promise<readonly ListedModule[]> {
  const names = await look.list(folder);
  if (names.state !== 'seen') return [];
  const found = await Promise.all(
    names.value
      .filter((name) => name.endsWith('.module'))
      .map(async (name) => {
        const text = await look.readText(`${folder}/${name}`);
        const [, library] = (text.state === 'seen' && /^\s*module:\s*(\S+)/m.exec(text.value)) || [];
        return library === undefined ? undefined : { name: basename(name, '.module'), library, file: `${folder}/${name}` };
      }),
  );
  return found.filter((module) => module !== undefined);
}

/** False only where it can be told that there is no such file. */
export async function libraryExists(look: Look, library: string): Promise<boolean> {
  const paths = library.includes('/') ? [library] : LIBRARY_FOLDERS.map((folder) => `${folder}/${library}`);
  const states = await Promise.all(paths.map((path) => look.status(path)));
  return states.some(({ state }) => state !== 'absent');
}
