/**
 * Pictures and signatures of persons, as files in a folder that nobody but kortd's own user may read: written whole or not at all, and on the disk when `store`
 * returns. The folder is the policy's, or lies in the data folder.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiError } from '../errors.ts';

/** Anybody's rights but the owner's. */
const OTHERS = 0o077;

export class Pictures {
  readonly #folder: () => string;

  constructor(folder: () => string) {
    this.#folder = folder;
  }

  /** Throws pictures_unavailable; nothing is left behind then. */
  async store(name: string, bytes: Uint8Array): Promise<void> {
    const folder = this.#folder();
    const draft = join(folder, `.${randomUUID()}`);
    try {
      await requirePrivate(folder);
      await writeThrough(draft, bytes);
      await rename(draft, join(folder, name));
      await flushFolder(folder);
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      if (error instanceof ApiError) throw error;
      const problem = error instanceof Error && 'code' in error ? String(error.code) : 'it failed';
      throw unavailable(problem, { cause: error });
    }
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#folder(), name), { force: true });
  }
}

/** Windows has no such bits: there the folder has the rights of the one above. */
async function requirePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.platform === 'win32') return;
  const { mode } = await stat(folder);
  if (mode & OTHERS) throw unavailable('others may read the folder');
}

async function writeThrough(file: string, bytes: Uint8Array): Promise<void> {
  await using handle = await open(file, 'wx', 0o600);
  await handle.writeFile(bytes);
  await handle.sync();
}

/** The name too is on the disk. Windows lets nobody flush a folder. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(folder, 'r');
  await handle.sync();
}

function unavailable(problem: string, options?: ErrorOptions): ApiError {
  return new ApiError('pictures_unavailable', `storing a picture: ${problem}`, { problem }, options);
}
