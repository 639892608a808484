/** Files of the machine, or of an image of one below a folder, read with bounds: what cannot be read is told, never thrown. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const MAX_TEXT_BYTES = 1_048_576;

/** `forbidden`: somebody else may. `failed`: nobody could, at this moment. */
export type Seen<T> =
  | { readonly state: 'seen'; readonly value: T }
  | { readonly state: 'absent' }
  | { readonly state: 'forbidden' | 'failed'; readonly why: string };

/** Of a machine, by the paths that its own programs have. */
export interface SystemFiles {
  /** The first MiB. */
  readText(path: string): Promise<Seen<string>>;
  /** Names in a folder, sorted. */
  list(path: string): Promise<Seen<readonly string[]>>;
}

/** Where a path of the system is to be found. What stands below the image already is left. */
export function pathBelow(root: string, path: string): string {
  return root === '/' || path === root || path.startsWith(`${root}/`) ? path : join(root, path);
}

export function filesBelow(path: (of: string) => string): SystemFiles {
  return {
    readText: (file) => seen(() => readStart(path(file))),
    list: (folder) => seen(async () => (await readdir(path(folder))).sort()),
  };
}

export async function seen<T>(look: () => Promise<T>): Promise<Seen<T>> {
  try {
    return { state: 'seen', value: await look() };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return { state: 'absent' };
    const why = code === '' ? (error instanceof Error ? error.message : String(error)) : code;
    return { state: code === 'EACCES' || code === 'EPERM' ? 'forbidden' : 'failed', why };
  }
}

/** Files of /proc have no length: what is there is read until the bound. */
export async function readStart(file: string): Promise<string> {
  await using handle = await open(file, 'r');
  const buffer = Buffer.alloc(MAX_TEXT_BYTES);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.length) return buffer.toString('utf8', 0, length);
  }
}
