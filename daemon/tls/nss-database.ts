/**
 * The certificates that Chromium on Linux trusts for one user: an NSS database, changed with NSS's own tool, certutil. Only the entry under
 * the name of one's own authority is ever touched, and only when it is that authority.
 */
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type NssTool = 'certutil' | 'modutil';
const TIMEOUT_MS = 20_000;
/** Without this file the folder holds no database in NSS's present format (NSS 3.35 and later). */
const DATABASE_FILE = 'cert9.db';
/** Trusted to vouch for servers; not for mail, not for programs. */
const TRUST_FLAGS = 'C,,';
/** `certutil --help`, -N. */
const WITHOUT_PASSWORD = '--empty-password';

/** For people: what is wrong with the database, or with certutil. */
export class NssDatabaseError extends Error {
  override readonly name = 'NssDatabaseError';
}

export interface AuthorityToTrust {
  /** Its name in the database. */
  readonly name: string;
  readonly path: string;
  /** SHA-256, hexadecimal, upper case. */
  readonly fingerprint: string;
}

/** Where the programs of one user keep theirs. */
export interface UserFolders {
  readonly home: string;
  /** XDG Base Directory Specification, XDG_DATA_HOME. */
  readonly data: string;
}

export function userFolders(): UserFolders {
  const home = homedir();
  return { home, data: process.env['XDG_DATA_HOME'] || join(home, '.local', 'share') };
}

/**
 * Chromium 146 and later read ~/.pki/nssdb where that exists and pki/nssdb in the user's data folder elsewhere; earlier ones read the first
 * alone. What is in the second is not seen while the first exists (measured with Chromium 156).
 */
export function nssDatabaseFolder(user: UserFolders = userFolders()): string {
  const [earlier, later] = nssDatabaseFolders(user);
  return existsSync(earlier) ? earlier : later;
}

/** Both that Chromium may read, whether they are there or not. */
export function nssDatabaseFolders({ home, data }: UserFolders): readonly [string, string] {
  return [join(home, '.pki', 'nssdb'), join(data, 'pki', 'nssdb')];
}

export function hasNssDatabase(folder: string): boolean {
  return existsSync(join(folder, DATABASE_FILE));
}

/** True when there was none, and an empty one without a password was made. Throws NssDatabaseError. */
export async function ensureNssDatabase(folder: string, attempt: string): Promise<boolean> {
  if (hasNssDatabase(folder)) return false;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await certutil(attempt, folder, ['-N', WITHOUT_PASSWORD]);
  return true;
}

/** Makes the database when there is none. Nothing changes when the authority is trusted there already. Throws NssDatabaseError. */
export async function trustInNss(folder: string, authority: AuthorityToTrust): Promise<void> {
  const attempt = `trusting ${authority.name} in ${folder}`;
  await ensureNssDatabase(folder, attempt);
  await certutil(attempt, folder, ['-A', '-n', authority.name, '-t', TRUST_FLAGS, '-i', authority.path]);
  if (!(await isTrustedInNss(folder, authority)))
    throw new NssDatabaseError(`${attempt}: certutil said nothing, and it is not trusted afterwards`);
}

export async function isTrustedInNss(folder: string, authority: AuthorityToTrust): Promise<boolean> {
  return (await flagsInNss(folder, authority))?.includes('C') ?? false;
}

/** From both folders that Chromium may read. Resolves with those that it was in. Throws NssDatabaseError. */
export async function untrustInNss(authority: AuthorityToTrust, user: UserFolders = userFolders()): Promise<readonly string[]> {
  const cleaned: string[] = [];
  for (const folder of nssDatabaseFolders(user)) {
    if ((await flagsInNss(folder, authority)) === undefined) continue;
    await certutil(`taking ${authority.name} out of ${folder}`, folder, ['-D', '-n', authority.name]);
    cleaned.push(folder);
  }
  return cleaned;
}

/** For servers; undefined when this very authority is not in the database. */
async function flagsInNss(folder: string, authority: AuthorityToTrust): Promise<string | undefined> {
  if (!hasNssDatabase(folder)) return undefined;
  const attempt = `looking for ${authority.name} in ${folder}`;
  const flags = serverFlags(await certutil(attempt, folder, ['-L']), authority.name);
  if (flags === undefined) return undefined;
  const certificate = new X509Certificate(await certutil(attempt, folder, ['-L', '-n', authority.name, '-a']));
  return certificate.fingerprint256.replaceAll(':', '') === authority.fingerprint ? flags : undefined;
}

/** A line of the list is the name, then three sets of flags: for servers, mail, programs. */
function serverFlags(list: string, name: string): string | undefined {
  const line = list.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line && /^\s+([A-Za-z]*),[A-Za-z]*,[A-Za-z]*\s*$/.exec(line.slice(name.length))?.[1];
}

function certutil(attempt: string, folder: string, parameters: readonly string[]): Promise<string> {
  return runNssTool('certutil', ['-d', `sql:${folder}`, ...parameters], { attempt });
}

/** Resolves with what it printed. A database with a password makes it ask; it has nobody to ask here, and fails. Throws NssDatabaseError. */
export function runNssTool(
  tool: NssTool,
  parameters: readonly string[],
  { attempt }: { readonly attempt: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(tool, parameters, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else reject(new NssDatabaseError(`${attempt}: ${reasonOf(tool, error, stderr)}`, { cause: error }));
    });
    child.stdin?.end();
  });
}

function reasonOf(tool: NssTool, error: Error, stderr: string): string {
  if ('code' in error && error.code === 'ENOENT')
    return `${tool} is not installed. Install it (Debian: libnss3-tools, Fedora: nss-tools), then try again`;
  return stderr.trim().split('\n').at(-1) || error.message;
}
