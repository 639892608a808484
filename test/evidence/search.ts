/** Looks for typed values in bytes and in files. What it tells never holds the value. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { formsOf, type Form } from './forms.ts';

export interface Hit {
  readonly where: string;
  readonly offset: number;
  readonly form: string;
  /** Which of the values, from 1. */
  readonly value: number;
}

export interface Searched {
  readonly hits: readonly Hit[];
  readonly files: number;
  readonly bytes: number;
}

/** Digits inside so many hexadecimal ones belong to a hash, an id or a time. */
const LONG_RUN = 12;
const forms = new Map<string, readonly Form[]>();

export function searchBytes(where: string, bytes: Buffer, values: readonly string[]): readonly Hit[] {
  return values.flatMap((value, index) => {
    const known = forms.get(value) ?? formsOf(value);
    forms.set(value, known);
    return known.flatMap((form) => {
      const offset = find(bytes, form);
      return offset < 0 ? [] : [{ where, offset, form: form.name, value: index + 1 }];
    });
  });
}

/** Every file of a folder and below it. One that goes away meanwhile is none. */
export function searchFolder(
  folder: string,
  values: readonly string[],
  wanted: (path: string) => boolean = () => true,
): Searched {
  const hits: Hit[] = [];
  let files = 0;
  let size = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !wanted(path)) continue;
    const bytes = readIfThere(path);
    if (!bytes) continue;
    files++;
    size += bytes.length;
    hits.push(...searchBytes(relative(folder, path), bytes, values));
  }
  return { hits, files, bytes: size };
}

export function describeHits(hits: readonly Hit[]): string {
  return hits.map(({ where, offset, form, value }) => `${where} at byte ${offset}: typed value ${value}, as ${form}`).join('\n');
}

function find(bytes: Buffer, { needle, isDigits }: Form): number {
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1))
    if (!isDigits || !isInLongRun(bytes, at, needle.length)) return at;
  return -1;
}

function isInLongRun(bytes: Buffer, at: number, length: number): boolean {
  let first = at;
  let end = at + length;
  const long = Math.max(LONG_RUN, length + 1);
  while (end - first < long && isHexDigit(bytes[first - 1])) first--;
  while (end - first < long && isHexDigit(bytes[end])) end++;
  return end - first >= long;
}

function isHexDigit(byte: number | undefined): boolean {
  return byte !== undefined && /[0-9a-fA-F]/.test(String.fromCharCode(byte));
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
