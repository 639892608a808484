/**
 * A text file of somebody else in which kortd has an entry. What it was before is kept beside it, so that it comes back to the byte; where others have
 * changed it meanwhile, the entry alone is taken out.
 */
import { copyFileSync, rmSync } from 'node:fs';
import { withFile } from './errors.ts';
import { readBytes, readIfThere, removeFile, writeOver, writeText, type NewFile } from './files.ts';

const KEPT = '.before-kortd';

export interface Entry {
  /** The file with the entry in it; undefined: there is no file. */
  add(text: string | undefined): string;
  /** The file without it; undefined: nothing is left that needs a file. */
  remove(text: string): string | undefined;
}

/** Throws SetupError where that is not allowed. */
export function addEntry(path: string, entry: Entry, options: NewFile): void {
  const before = readIfThere(path);
  const after = entry.add(before);
  if (before !== undefined) withFile(path, () => copyFileSync(path, path + KEPT));
  try {
    writeText(path, after, options);
  } catch (error) {
    forgetKept(path);
    throw error;
  }
}

/** The file has the entry. Throws SetupError where that is not allowed. */
export function removeEntry(path: string, entry: Entry): void {
  const text = readIfThere(path);
  if (text === undefined) return;
  const kept = readBytes(path + KEPT);
  const isUntouched = entry.add(kept?.toString()) === text;
  const rest = isUntouched ? undefined : entry.remove(text);
  const before = isUntouched ? kept : rest === undefined ? undefined : Buffer.from(rest);
  if (before === undefined) removeFile(path);
  else writeOver(path, before);
  forgetKept(path);
}

function forgetKept(path: string): void {
  withFile(path, () => rmSync(path + KEPT, { force: true }));
}
