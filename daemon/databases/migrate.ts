/**
 * Takes a database of a former kortd further, step by step in one transaction: whatever breaks it off leaves the old one. A copy of the old one is kept beside it,
 * as `NAME.vN`, for whoever has to go back.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

export interface Migration {
  readonly from: number;
  readonly to: number;
  /** SQL that makes of version n the next one, under n. */
  readonly steps: Readonly<Record<number, string>>;
}

/** Throws when a step is missing or fails; the file is as it was then. */
export function migrate(database: DatabaseSync, file: string, { from, to, steps }: Migration): void {
  const sql = Array.from({ length: to - from }, (_, index) => {
    const step = steps[from + index];
    if (step === undefined) throw new Error(`opening ${basename(file)}: nothing leads from version ${from + index} to the next`);
    return step;
  });
  keepCopy(database, file, from);
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const step of sql) database.exec(step);
    database.exec(`PRAGMA user_version = ${to}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw new Error(`taking ${basename(file)} from version ${from} to ${to}: ${error instanceof Error ? error.message : ''}`, {
      cause: error,
    });
  }
}

/** On the disk and whole before anything is changed, and never in the place of another: one from an earlier attempt is as good. */
function keepCopy(database: DatabaseSync, file: string, version: number): void {
  const copy = freeName(`${file}.v${version}`);
  const unfinished = `${copy}.new`;
  rmSync(unfinished, { force: true });
  closeSync(openSync(unfinished, 'wx', 0o600)); // SQLite takes an empty file (VACUUM INTO), which is its owner's alone already
  database.prepare('VACUUM INTO ?').run(unfinished);
  synchronise(unfinished);
  renameSync(unfinished, copy);
  if (process.platform !== 'win32') synchronise(dirname(file));
}

export function freeName(wanted: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}-${number}`;
    if (!existsSync(name)) return name;
  }
}

function synchronise(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
