/**
 * The TLS files of one installation, `<data folder>/tls/`: `ca.pem`, which programs are told to trust, and `certificate.pem` and `key.pem`,
 * which the daemon serves with. The three always come from one hand-out: a new set is written whole into a folder of its own, which then
 * takes the place of the old one by renaming. After a crash at any moment either the old set is there or the new one.
 *
 *   tls/            the set in use
 *   tls.old/        the set before: in use while tls/ is missing, which is so between two renames
 *   tls.new-…/      a set that is being written; never used
 *   tls.gone-…/     a set that is being deleted; never used
 */
import { randomBytes, type X509Certificate } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { DataFolderError, makePrivateFolder } from '../data-folder.ts';
import { swedishReason } from '../system-reasons.ts';
import { TlsFilesError } from './errors.ts';
import { parseCertificateFile, validate, type TlsTexts } from './validate.ts';

const FOLDER = 'tls';
const PREVIOUS = 'tls.old';
const UNFINISHED = /^tls\.(?:new|gone)-/;
const FILES = { ca: 'ca.pem', certificate: 'certificate.pem', key: 'key.pem' } as const;
const DAY_MS = 86_400_000;
/** From this many days before the end, status advises to renew. */
export const RENEWAL_DAYS = 30;
/** Another program may put a new set in place while one is read; on a busy machine several times. */
const READ_TRIES = 20;

/** Checked: they belong together and are in force. */
export interface TlsFiles extends TlsTexts {
  readonly authority: AuthorityFile;
  /** When the server's certificate, the shorter of the two, ends. */
  readonly expires: Date;
}

/** What programs are told to trust. */
export interface AuthorityFile {
  readonly path: string;
  /** Common name; no other installation has it. */
  readonly name: string;
  /** SHA-256 of the certificate, 64 hexadecimal digits in upper case. */
  readonly fingerprint: string;
  /** Hexadecimal, as trust stores show it. */
  readonly serialNumber: string;
  readonly expires: Date;
}

export type TlsStatus =
  | { readonly state: 'off' }
  | {
      readonly state: 'ready' | 'renewal_advised';
      readonly authority: AuthorityFile;
      readonly expires: Date;
      /** Whole days until `expires`. */
      readonly daysLeft: number;
    }
  | { readonly state: 'unusable'; readonly error: TlsFilesError };

export interface Enabled {
  readonly files: TlsFiles;
  /** False when a set was there and is still good. */
  readonly isNew: boolean;
  /** Whose place the new authority takes: programs that trust it need not any more. */
  readonly replaced?: AuthorityFile;
}

/**
 * Makes the files unless they are there. With `renew` makes new ones in any case: another authority, which must be trusted anew.
 * Throws TlsFilesError when they are there and of no use.
 */
export async function enableTls(dataFolder: string, options: { readonly now: Date; readonly renew?: boolean }): Promise<Enabled> {
  putBack(resolve(dataFolder));
  const existing = options.renew ? undefined : readTls(dataFolder, options);
  if (existing) return { files: existing, isNew: false };
  const replaced = readAuthority(dataFolder);
  const { issueIdentity } = await import('./authority.ts');
  writeSet(makeDataFolder(dataFolder), await issueIdentity(options.now));
  const files = readTls(dataFolder, options);
  if (!files)
    throw new DataFolderError(`making the TLS files in ${dataFolder}: another program took them away`, {
      sv: `TLS-filerna i ${dataFolder} kunde inte skapas: ett annat program tog bort dem`,
    });
  return { files, isNew: true, ...(replaced ? { replaced } : {}) };
}

/** Resolves to whether there was anything. The authority stays trusted wherever it was put. */
export function disableTls(dataFolder: string): boolean {
  const path = resolve(dataFolder);
  const current = whereSetIs(path) !== undefined;
  // First the older one: without tls/ it would be in use.
  for (const name of [PREVIOUS, FOLDER]) discard(path, name);
  sweep(path);
  return current;
}

/** Undefined when TLS is off. Throws TlsFilesError when the files are there and of no use. */
export function readTls(dataFolder: string, { now }: { readonly now: Date }): TlsFiles | undefined {
  for (let attempt = 1; ; attempt++) {
    const found = whereSetIs(dataFolder);
    if (!found) return undefined;
    try {
      return readSet(found.path, now);
    } catch (error) {
      if (attempt === READ_TRIES || whereSetIs(dataFolder)?.identity === found.identity) throw error;
    }
  }
}

/** What is known of the authority, also when the files are of no use otherwise. Undefined when there is none. */
export function readAuthority(dataFolder: string): AuthorityFile | undefined {
  const found = whereSetIs(dataFolder);
  if (!found) return undefined;
  try {
    return describeAuthority(
      found.path,
      parseCertificateFile(found.path, FILES.ca, readFileSync(join(found.path, FILES.ca), 'utf8')),
    );
  } catch (error) {
    if (error instanceof TlsFilesError || isSystemError(error)) return undefined;
    throw error;
  }
}

export function tlsStatus(dataFolder: string, { now }: { readonly now: Date }): TlsStatus {
  try {
    const files = readTls(dataFolder, { now });
    if (!files) return { state: 'off' };
    const daysLeft = Math.floor((files.expires.getTime() - now.getTime()) / DAY_MS);
    const state = daysLeft < RENEWAL_DAYS ? 'renewal_advised' : 'ready';
    return { state, authority: files.authority, expires: files.expires, daysLeft };
  } catch (error) {
    if (error instanceof TlsFilesError) return { state: 'unusable', error };
    throw error;
  }
}

function readSet(folder: string, now: Date): TlsFiles {
  requireOthersKeptOut(folder);
  const texts = {
    ca: readText(folder, FILES.ca),
    certificate: readText(folder, FILES.certificate),
    key: readText(folder, FILES.key),
  };
  const { ca, certificate } = validate(folder, texts, now);
  return { ...texts, authority: describeAuthority(folder, ca), expires: certificate.validToDate };
}

function describeAuthority(folder: string, ca: X509Certificate): AuthorityFile {
  return {
    path: join(folder, FILES.ca),
    name: /^CN=(.*)$/m.exec(ca.subject)?.[1] ?? ca.subject,
    fingerprint: ca.fingerprint256.replaceAll(':', ''),
    serialNumber: ca.serialNumber,
    expires: ca.validToDate,
  };
}

/** Nobody but the owner may read the key or put other files in its place. Windows has no such bits: there the folder's own rights decide. */
function requireOthersKeptOut(folder: string): void {
  if (process.platform === 'win32') return;
  const problems = [
    { name: folder, forbidden: 0o022, stats: statOf(folder, folder) },
    { name: FILES.key, forbidden: 0o077, stats: statOf(folder, join(folder, FILES.key)) },
  ];
  for (const { name, forbidden, stats } of problems) {
    if ((stats.mode & forbidden) === 0 && isTrustedOwner(stats.uid)) continue;
    const mode = (stats.mode & 0o777).toString(8);
    throw new TlsFilesError('too_open', folder, {
      en: `${name} is open to others (mode ${mode}, owner ${stats.uid})`,
      sv: `${name} är öppen för andra (rättigheter ${mode}, ägare ${stats.uid})`,
    });
  }
}

/** Root may look at the files of any user; they are that user's to change. */
function isTrustedOwner(uid: number): boolean {
  const own = process.geteuid?.();
  return own === 0 || uid === own || uid === 0;
}

function statOf(folder: string, path: string): Stats {
  return readingFrom(folder, path, () => statSync(path));
}

function readText(folder: string, name: string): string {
  return readingFrom(folder, name, () => readFileSync(join(folder, name), 'utf8'));
}

function readingFrom<T>(folder: string, name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR'))
      throw new TlsFilesError('incomplete', folder, { en: `${name} is missing`, sv: `${name} saknas` }, { cause });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TlsFilesError(
      'unreadable',
      folder,
      { en: `reading ${name}: ${reason}`, sv: `${name} kan inte läsas: ${reason}` },
      { cause },
    );
  }
}

/** Looked for again when both names are missing: a program that renews may have moved the set from one to the other between the two looks. */
function whereSetIs(dataFolder: string): { readonly path: string; readonly identity: string } | undefined {
  for (let attempt = 1; attempt <= READ_TRIES; attempt++) {
    for (const name of [FOLDER, PREVIOUS]) {
      const path = join(resolve(dataFolder), name);
      const stats = readingFrom(path, path, () => statSync(path, { bigint: true, throwIfNoEntry: false }));
      // The number of a folder that was deleted is given to the next one; a set that got its other name, and perhaps its own again, was changed.
      if (stats) return { path, identity: `${path} ${stats.ino} ${stats.birthtimeNs} ${stats.ctimeNs}` };
    }
  }
  return undefined;
}

function makeDataFolder(dataFolder: string): string {
  const path = resolve(dataFolder);
  try {
    makePrivateFolder(path);
    return path;
  } catch (cause) {
    throw writeError(path, cause);
  }
}

/** What a run that was cut short between two renames left under its second name. */
function putBack(dataFolder: string): void {
  if (whereSetIs(dataFolder)?.path === join(dataFolder, PREVIOUS))
    renameSync(join(dataFolder, PREVIOUS), join(dataFolder, FOLDER));
}

/** All of it or nothing: see the top of this file. */
function writeSet(dataFolder: string, texts: TlsTexts): void {
  const fresh = join(dataFolder, `tls.new-${randomBytes(6).toString('hex')}`);
  try {
    const owner = statSync(dataFolder);
    mkdirSync(fresh, { mode: 0o700 });
    writeFile(join(fresh, FILES.ca), texts.ca, { mode: 0o644, owner });
    writeFile(join(fresh, FILES.certificate), texts.certificate, { mode: 0o644, owner });
    writeFile(join(fresh, FILES.key), texts.key, { mode: 0o600, owner });
    if (isForAnotherUser(owner)) lchownSync(fresh, owner.uid, owner.gid);
    flushFolder(fresh);
    putInPlace(dataFolder, fresh);
  } catch (cause) {
    rmSync(fresh, { recursive: true, force: true });
    throw writeError(dataFolder, cause);
  }
  sweep(dataFolder);
}

function putInPlace(dataFolder: string, fresh: string): void {
  const [current, previous] = [join(dataFolder, FOLDER), join(dataFolder, PREVIOUS)];
  if (statSync(current, { throwIfNoEntry: false })) {
    discard(dataFolder, PREVIOUS);
    renameSync(current, previous);
  }
  renameSync(fresh, current);
  flushFolder(dataFolder);
  discard(dataFolder, PREVIOUS);
}

function writeFile(path: string, text: string, { mode, owner }: { readonly mode: number; readonly owner: Stats }): void {
  const descriptor = openSync(path, 'wx', mode);
  try {
    writeSync(descriptor, text);
    fchmodSync(descriptor, mode); // whatever the umask
    if (isForAnotherUser(owner)) fchownSync(descriptor, owner.uid, owner.gid);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The administrator makes the files of a service: they must be the service's own. */
function isForAnotherUser(owner: Stats): boolean {
  return process.geteuid?.() === 0 && owner.uid !== 0;
}

/** Names survive a power cut once their folder is on the disk. Windows cannot open folders, and does it by itself. */
function flushFolder(path: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Out of use at once, even if deleting is cut short. */
function discard(dataFolder: string, name: string): void {
  const gone = join(dataFolder, `tls.gone-${randomBytes(6).toString('hex')}`);
  try {
    renameSync(join(dataFolder, name), gone);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return;
    throw writeError(dataFolder, cause);
  }
  rmSync(gone, { recursive: true, force: true });
}

/** What a run that was cut short left behind. */
function sweep(dataFolder: string): void {
  if (!statSync(dataFolder, { throwIfNoEntry: false })) return;
  for (const name of readdirSync(dataFolder)) {
    if (UNFINISHED.test(name)) rmSync(join(dataFolder, name), { recursive: true, force: true });
  }
}

function writeError(path: string, cause: unknown): DataFolderError {
  if (cause instanceof DataFolderError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DataFolderError(
    `writing the TLS files in ${path}: ${reason}. Run this as the user who owns the folder, or choose another with --data-dir.`,
    {
      sv: `TLS-filerna i ${path} kan inte skrivas: ${swedishReason(cause)}. Kör detta som den användare som äger mappen, eller välj en annan med --data-dir.`,
      cause,
    },
  );
}

function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false;
  return codes.length === 0 || codes.includes(error.code);
}
