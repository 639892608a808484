/**
 * Files of other programs, read and changed in their own place: links, owner and mode stay as they are, and so does every byte that is not kortd's. What was there
 * comes back when the disk is full.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { withFile } from './errors.ts';

/** `latin1` for a file that is text in whatever its owner writes in: each byte is a character, and none is lost. */
export type TextEncoding = 'latin1' | 'utf8';

export interface NewFile {
  /** Of a new file; new folders may be entered by whoever may read it. The umask takes away from both. */
  readonly mode: number;
  /** Everybody's programs read it: the umask takes away nothing. */
  readonly isForAll?: boolean;
  readonly encoding?: TextEncoding;
}

/** Throws SetupError. */
export function readIfThere(path: string, encoding: TextEncoding = 'utf8'): string | undefined {
  return readBytes(path)?.toString(encoding);
}

export function readBytes(path: string): Buffer | undefined {
  return withFile(path, () => {
    try {
      return readFileSync(path);
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
      throw error;
    }
  });
}

/** Makes the file where there is none, with its folders. Throws SetupError; the file is then as it was. */
export function writeText(path: string, text: string, file: NewFile): void {
  const bytes = Buffer.from(text, file.encoding ?? 'utf8');
  const before = readBytes(path);
  withFile(path, () => {
    if (before) overwrite(path, bytes, before);
    else create(path, bytes, file);
  });
}

/** Throws SetupError. */
export function writeOver(path: string, bytes: Uint8Array): void {
  const before = readBytes(path);
  withFile(path, () => (before ? overwrite(path, bytes, before) : undefined));
}

/** What a link leads to; the link stays. Throws SetupError. */
export function removeFile(path: string): void {
  withFile(path, () => rmSync(realpathSync(path)));
}

/** Never emptied first: what fits into the file as it is needs no more room on the disk. */
function overwrite(path: string, bytes: Uint8Array, before: Uint8Array): void {
  const file = openSync(path, 'r+');
  try {
    try {
      writeWhole(file, bytes);
    } catch (error) {
      writeWhole(file, before);
      throw error;
    }
  } finally {
    closeSync(file);
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done, done);
  ftruncateSync(file, bytes.length);
}

function create(path: string, bytes: Uint8Array, { mode, isForAll = false }: NewFile): void {
  const folder = dirname(path);
  const folderMode = mode | ((mode & 0o444) >> 2);
  const first = mkdirSync(folder, { recursive: true, mode: folderMode });
  if (first !== undefined && isForAll)
    for (let made = folder; made.length >= first.length; made = dirname(made)) chmodSync(made, folderMode);
  try {
    writeFileSync(path, bytes, { mode });
    if (isForAll) chmodSync(path, mode);
  } catch (error) {
    if (existsSync(path)) rmSync(realpathSync(path));
    throw error;
  }
}
