/**
 * Which daemon of a computer is meant, and how it is to run: one that was named; else the user's own while it runs; else the installed service, as its units with
 * their drop-ins and the configuration file have it. Every command that looks at a daemon or talks to one goes by this (`door.ts`).
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readEffective, type ConfigurationSource } from '../configuration/configuration.ts';
import { effectiveOf, type Effective } from '../configuration/effective.ts';
import { ConfigurationError } from '../configuration/problem.ts';
import { defaultConfigurationFile } from '../configuration/read.ts';
import { defaultDataFolder, findDaemon, programsSocketOf, SERVICE_FOLDER, SERVICE_SOCKET } from '../data-folder.ts';
import { findAccount } from './accounts.ts';
import { filesBelow, pathBelow } from './files.ts';
import { findServiceSocket, findServiceUnit, flagsIn, type ServiceUnit } from './service-unit.ts';

/** As the command line names them; what is absent is found. */
export interface Named {
  readonly dataDir?: string;
  readonly policyDir?: string;
  readonly port?: number;
  readonly config?: string;
  readonly root?: string;
}

export interface Where {
  readonly dataFolder: string;
  readonly policyFolder: string;
  readonly port: number;
  /** It is that of the installed service: members of its group may ask it. */
  readonly isService: boolean;
  /** That the service opens for them. Undefined: it is not the service. */
  readonly groupSocket: string | undefined;
  /** Where its programs reach it through PKCS #11 when nothing was published. */
  readonly programsSocket: string;
  readonly configuration: ConfigurationSource;
}

interface Chosen {
  readonly dataFolder: string;
  readonly isService: boolean;
}

/** The installed service. */
export interface Service {
  readonly unit: ServiceUnit | undefined;
  /** Undefined where nothing speaks for a service. */
  readonly dataFolder: string | undefined;
  /** For members of its group. */
  readonly socket: string;
  readonly source: ConfigurationSource;
  readonly effective: Effective;
}

/** Never rejects for what a machine can be like. */
export async function findService(named: Named): Promise<Service> {
  const root = resolve(named.root ?? '/');
  const files = filesBelow((path) => pathBelow(root, path));
  const unit = await findServiceUnit(files);
  const { source, effective } = await serviceConfiguration(files, { named, root, unit });
  const socket = pathBelow(root, (await findServiceSocket(files)) ?? SERVICE_SOCKET);
  return { ...{ unit, source, effective, socket }, dataFolder: serviceFolder({ unit, effective, root }) };
}

/** Never rejects for what a machine can be like. */
export async function findWhere(named: Named): Promise<Where> {
  const root = resolve(named.root ?? '/');
  const { source, effective, socket, dataFolder: service } = await findService(named);
  const chosen = choose(named, service);
  const { dataFolder, isService } = chosen;
  const own = { ...source, flags: {} };
  const { settings } = isService ? effective : readOrDefaults(own);
  return {
    ...{ dataFolder, isService, groupSocket: isService ? socket : undefined },
    policyFolder: named.policyDir ?? pathBelow(root, settings.folders.policy),
    port: named.port ?? settings.listen.port,
    programsSocket: settings.pkcs11.socket ?? programsSocketOf(dataFolder),
    configuration: isService ? source : own,
  };
}

interface Found {
  readonly named: Named;
  readonly root: string;
  readonly unit: ServiceUnit | undefined;
}

async function serviceConfiguration(
  files: Parameters<typeof findAccount>[0],
  { named, root, unit }: Found,
): Promise<{ readonly source: ConfigurationSource; readonly effective: Effective }> {
  const account = unit && (await findAccount(files, unit.user));
  const file = named.config ?? pathBelow(root, unit?.configurationFile ?? defaultConfigurationFile());
  const source = {
    ...{ file, mayBeMissing: named.config === undefined && unit?.configurationFile === undefined },
    flags: flagsIn(unit?.command ?? []),
    ownUid: account?.uid ?? process.getuid?.(),
  };
  return { source, effective: readOrDefaults(source) };
}

/** A file that is refused is told by its check; the daemon does not start with it. */
function readOrDefaults(source: ConfigurationSource): Effective {
  try {
    return readEffective(source);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return effectiveOf({}, new Map(), source.file);
  }
}

interface Installed {
  readonly unit: ServiceUnit | undefined;
  readonly effective: Effective;
  readonly root: string;
}

/** Undefined where nothing speaks for a service. */
function serviceFolder({ unit, effective, root }: Installed): string | undefined {
  const said = effective.options.find(({ path, from }) => path === 'folders.data' && from !== 'default')?.value;
  if (unit) return pathBelow(root, typeof said === 'string' ? said : unit.dataFolder);
  const usual = pathBelow(root, SERVICE_FOLDER);
  return existsSync(usual) ? usual : undefined;
}

function choose({ dataDir, root }: Named, service: string | undefined): Chosen {
  const own = resolve(dataDir ?? defaultDataFolder());
  const isNamed = own !== resolve(defaultDataFolder());
  if (service === undefined || isNamed) return { dataFolder: own, isService: own === service };
  const isImage = root !== undefined && resolve(root) !== '/';
  return !isImage && isRunning(own) ? { dataFolder: own, isService: false } : { dataFolder: join(service), isService: true };
}

function isRunning(folder: string): boolean {
  try {
    return findDaemon(folder).pid > 0;
  } catch {
    return false; // none, or one that left its files behind
  }
}
