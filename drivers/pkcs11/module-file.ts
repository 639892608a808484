/**
 * The file of a module: it is loaded into a process that sees PINs, so it must be the one that the administrator named, by its hash, and out of the reach of
 * others. Between hashing and loading nobody but its owner, root or the user of kortd can put another file in its place: the file and every folder on the way to
 * it are theirs alone. What was mapped is compared all the same with what was hashed (child-operations.ts).
 */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, open, realpath, type FileHandle } from 'node:fs/promises';
import { basename, dirname, isAbsolute } from 'node:path';

/** The largest modules known are some tens of MiB. */
const MAX_FILE_BYTES = 256 * 1_024 * 1_024;
const CHUNK_BYTES = 1_024 * 1_024;
/** sticky(7): in such a folder nobody can rename or delete what belongs to others. */
const STICKY = 0o1000;
const OTHERS_WRITE = 0o002;
const GROUP_WRITE = 0o020;
/** Programs that ask kortd for cards in their turn: it would wait for itself. */
const LEADS_BACK = /^p11-kit-(proxy|client)\b/;

/** For people: what is wrong with the file. */
export class ModuleFileError extends Error {
  override readonly name = 'ModuleFileError';
}

export interface CheckedFile {
  readonly path: string;
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Throws ModuleFileError. The file is hashed through one descriptor, whose device and inode come back. */
export async function checkModuleFile(
  path: string,
  sha256: string,
  ownUid: number | undefined = process.getuid?.(),
): Promise<CheckedFile> {
  if (!isAbsolute(path)) throw new ModuleFileError(`${path} is no absolute path`);
  const real = await orExplain(path, realpath(path));
  if (LEADS_BACK.test(basename(real)) || LEADS_BACK.test(basename(path)))
    throw new ModuleFileError(`${path} leads back to other programs' modules, kortd's among them`);
  await using file = await orExplain(path, open(real, 'r'));
  const status = await file.stat();
  if (!status.isFile()) throw new ModuleFileError(`${path} is no file`);
  if (status.size > MAX_FILE_BYTES) throw new ModuleFileError(`${path} is larger than ${MAX_FILE_BYTES} bytes`);
  if (process.platform !== 'win32') await requireOwn(real, status, ownUid);
  const found = await hashOf(file);
  if (found !== sha256) throw new ModuleFileError(`${path} has another SHA-256: ${found}`);
  const { dev, ino } = await file.stat({ bigint: true });
  return { path: real, dev, ino };
}

async function orExplain<T>(path: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    throw new ModuleFileError(`${path} cannot be opened: ${codeOf(error)}`, { cause: error });
  }
}

/** A piece at a time: nobody waits longer than for one. */
async function hashOf(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
  }
}

async function requireOwn(path: string, status: Stats, ownUid: number | undefined): Promise<void> {
  requireOwner(path, status, ownUid);
  if ((status.mode & (OTHERS_WRITE | GROUP_WRITE)) !== 0)
    throw new ModuleFileError(`${path}: others than its owner can write it`);
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const at = await lstat(folder);
    requireOwner(folder, at, ownUid);
    const isOpen = (at.mode & OTHERS_WRITE) !== 0 || ((at.mode & GROUP_WRITE) !== 0 && at.gid !== at.uid);
    if (isOpen && (at.mode & STICKY) === 0)
      throw new ModuleFileError(`${path}: others than its owner can write to the folder ${folder}`);
    if (dirname(folder) === folder) return;
  }
}

function requireOwner(path: string, { uid }: Stats, ownUid: number | undefined): void {
  if (uid !== 0 && uid !== ownUid)
    throw new ModuleFileError(`${path} belongs to user ${uid}, neither root nor the user of kortd`);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
