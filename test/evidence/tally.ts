/** How much was searched, over all processes of a run: each appends a line for each daemon to a file of its own in `build/evidence`. */
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '..', '..', 'build', 'evidence');
const BEGIN_FILE = join(FOLDER, 'begin');
const ownFile = join(FOLDER, `${randomUUID()}.jsonl`);

export interface Tally {
  /** Of daemons, each searched when it had ended. */
  readonly folders: number;
  readonly files: number;
  readonly bytes: number;
  /** Different ones, by test file. */
  readonly values: number;
  readonly milliseconds: number;
}

interface Line {
  readonly files: number;
  readonly bytes: number;
  /** So far, in this process. */
  readonly values: number;
  readonly milliseconds: number;
}

export function beginTally(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(BEGIN_FILE, '');
}

export function addToTally(line: Line): void {
  mkdirSync(FOLDER, { recursive: true });
  appendFileSync(ownFile, `${JSON.stringify(line)}\n`);
}

/** Throws when no run was begun. */
export function readTally(): { readonly tally: Tally; readonly begunAt: number } {
  const begunAt = statSync(BEGIN_FILE).mtimeMs;
  const processes = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => readFileSync(join(FOLDER, name), 'utf8').trim().split('\n'))
    .map((lines) => lines.map((line) => JSON.parse(line) as Line));
  const sum = (numbers: readonly number[]): number => numbers.reduce((one, other) => one + other, 0);
  const lines = processes.flat();
  const tally = {
    folders: lines.length,
    files: sum(lines.map(({ files }) => files)),
    bytes: sum(lines.map(({ bytes }) => bytes)),
    values: sum(processes.map((one) => Math.max(...one.map(({ values }) => values)))),
    milliseconds: sum(lines.map(({ milliseconds }) => milliseconds)),
  };
  return { tally, begunAt };
}
