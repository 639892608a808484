/**
 * A text file of somebody else in which kortd has an entry. What it was before is kept beside it, so that it comes back to the byte; where others have
 * changed it meanwhile, the entry alone is taken out.
 */
import { readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { withFile } from './errors.ts';

const KEPT = '.before-kortd';

export interface Entry {
  /** The file with the entry in it; undefined: there is no file. */
  add(text: string | undefined): string;
  /** The file without it; undefined: nothing is left that needs a file. */
  remove(text: string): string | undefined;
}

export function readIfThere(path: string): string | undefined {
  try {
    return withFile(path, () => readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Throws SetupError where that is not allowed. */
export function addEntry(path: string, entry: Entry, options: { readonly mode: number }): void {
  const before = readIfThere(path);
  const after = entry.add(before);
  withFile(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    if (before !== undefined) writeFileSync(path + KEPT, before, { mode: options.mode });
    writeFileSync(path, after, { mode: options.mode });
  });
}

/** The file has the entry. Throws SetupError where that is not allowed. */
export function removeEntry(path: string, entry: Entry): void {
  const text = readIfThere(path);
  if (text === undefined) return;
  const kept = readIfThere(path + KEPT);
  const isUntouched = entry.add(kept) === text;
  const before = isUntouched ? kept : entry.remove(text);
  withFile(path, () => {
    if (before === undefined) rmSync(path);
    else writeFileSync(path, before);
    rmSync(path + KEPT, { force: true });
  });
}
