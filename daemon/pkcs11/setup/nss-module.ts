/**
 * The list of PKCS #11 modules of an NSS database, in which Firefox and Chromium look: changed with NSS's own tool, modutil, and read from the file that it
 * keeps (pkcs11.txt), since reading it with modutil would load every module that is listed.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureNssDatabase, NssDatabaseError, runNssTool } from '../../tls/nss-database.ts';
import { SetupError, withFile } from './errors.ts';
import { readIfThere } from './files.ts';
import type { Place, PlaceState } from './program-setup.ts';

/** Under this name the module stands in databases and policies. */
export const MODULE_NAME = 'kortd';
const LIST_FILE = 'pkcs11.txt';
/** What a database consists of (NSS, "Shared DB" format). */
const DATABASE_FILES = ['cert9.db', 'key4.db'];
/** Says that kortd made the database, and by its digests whether anything was put into it since. */
const MADE_FILE = 'made-by-kortd';

export interface NssModule {
  readonly name: string;
  readonly library: string;
}

/** Of an NSS database; none for a folder without one. */
export function readNssModules(folder: string): readonly NssModule[] {
  const text = readIfThere(join(folder, LIST_FILE)) ?? '';
  return text.split(/\n\s*\n/).flatMap((entry) => {
    const [, name] = /^name=(.+)$/m.exec(entry) ?? [];
    const [, library] = /^library=(.+)$/m.exec(entry) ?? [];
    return name !== undefined && library !== undefined ? [{ name, library }] : [];
  });
}

export function stateIn(folder: string, library: string | undefined): PlaceState {
  const modules = readNssModules(folder);
  const own = modules.find(({ name }) => name === MODULE_NAME);
  if (own) return own.library === library ? 'enabled' : isProxy(own.library) ? 'other_address' : 'foreign';
  return modules.some((module) => isProxy(module.library)) ? 'other_name' : 'absent';
}

export function placeIn(folder: string, library: string | undefined): Place {
  return { path: folder, state: stateIn(folder, library) };
}

/** Of this or another version of p11-kit: who has it loaded comes to every module that p11-kit knows. */
export function isProxy(library: string): boolean {
  return /(^|\/)p11-kit-proxy\.so$/.test(library);
}

/** True when it was not there. Makes the database when there is none. Throws SetupError and NssDatabaseError. */
export async function addToNss(folder: string, library: string): Promise<boolean> {
  const attempt = `adding the module ${MODULE_NAME} to ${folder}`;
  const state = stateIn(folder, library);
  if (state === 'foreign') throw foreign(folder);
  if (state === 'enabled' || state === 'other_name') return false;
  requireOwn(folder);
  if (state === 'other_address') await modutil(folder, ['-delete', MODULE_NAME], attempt);
  else if (await makeDatabase(folder, attempt)) writeFileSync(join(folder, MADE_FILE), digestOf(folder), { mode: 0o600 });
  await modutil(folder, ['-add', MODULE_NAME, '-libfile', library], attempt);
  if (stateIn(folder, library) !== 'enabled')
    throw new NssDatabaseError(`${attempt}: modutil said nothing, and it is not there afterwards`);
  return true;
}

/** True when it was there. A database that kortd made and nobody has used goes. Throws SetupError and NssDatabaseError. */
export async function removeFromNss(folder: string): Promise<boolean> {
  const state = stateIn(folder, undefined);
  if (state === 'foreign') throw foreign(folder);
  const wasThere = state === 'enabled' || state === 'other_address';
  if (wasThere) requireOwn(folder);
  if (wasThere) await modutil(folder, ['-delete', MODULE_NAME], `taking the module ${MODULE_NAME} out of ${folder}`);
  withFile(folder, () => removeIfUnused(folder));
  return wasThere;
}

/** As root with somebody's HOME (sudo may keep it): what modutil writes would be root's, and its user's browser could not read it any more. */
function requireOwn(folder: string): void {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  if (process.getuid?.() !== 0 || statSync(there).uid === 0) return;
  throw new SetupError('not_allowed', {
    en: `changing the modules of ${folder}: it is another user's, who could not read it afterwards. Run this as that user, without sudo`,
    sv: `modulerna i ${folder} kan inte ändras: mappen är en annan användares, som sedan inte skulle kunna läsa den. Kör detta som den användaren, utan sudo`,
  });
}

async function makeDatabase(folder: string, attempt: string): Promise<boolean> {
  try {
    return await ensureNssDatabase(folder, attempt);
  } catch (error) {
    return withFile(folder, () => {
      throw error;
    });
  }
}

function modutil(folder: string, parameters: readonly string[], attempt: string): Promise<string> {
  return runNssTool('modutil', ['-dbdir', `sql:${folder}`, '-force', ...parameters], { attempt });
}

function removeIfUnused(folder: string): void {
  const made = join(folder, MADE_FILE);
  if (!existsSync(made)) return;
  const isUnused = readFileSync(made, 'utf8') === digestOf(folder) && readNssModules(folder).length === 0;
  rmSync(made);
  if (!isUnused) return;
  for (const name of [...DATABASE_FILES, LIST_FILE]) rmSync(join(folder, name), { force: true });
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error;
  }
}

function digestOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of DATABASE_FILES) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}

function foreign(folder: string): SetupError {
  return new SetupError('foreign', {
    en: `changing the modules of ${folder}: there is one named ${MODULE_NAME} that is another library. It is left as it is: modutil -dbdir sql:${folder} -list shows it`,
    sv: `modulerna i ${folder} kan inte ändras: där finns en med namnet ${MODULE_NAME} som är ett annat bibliotek. Den lämnas som den är: modutil -dbdir sql:${folder} -list visar den`,
  });
}
