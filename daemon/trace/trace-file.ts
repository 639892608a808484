/** The files of traces: in a folder of the data folder, readable by their owner alone; the oldest make room for the next. */
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_TRACE_BYTES, TraceTextError, parseTrace } from './text.ts';
import type { Trace } from './entry.ts';

/** In the data folder. */
export const TRACE_FOLDER = 'traces';
/** All together; what is kept is for the question of today. */
const MAX_FOLDER_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 20;
const NAME = /^trace-\d{8}T\d{6}Z(?:-\d{1,3})?\.txt$/;
/** Traces begun within one second. */
const MAX_SAME_TIME = 99;

/** Where a trace is written to. */
export interface TraceSink {
  readonly name: string;
  readonly bytes: number;
  /** Throws the system's error. */
  append(text: string): void;
  close(): void;
}

export class TraceFile implements TraceSink {
  readonly name: string;
  readonly #descriptor: number;
  #bytes = 0;
  #isOpen = true;

  private constructor(name: string, descriptor: number) {
    this.name = name;
    this.#descriptor = descriptor;
  }

  /** Makes the folder when it is missing. Throws the system's error. */
  static create(folder: string, startedAt: Date): TraceFile {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    const stem = `trace-${startedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
    for (let count = 1; ; count++) {
      const name = count === 1 ? `${stem}.txt` : `${stem}-${count}.txt`;
      try {
        return new TraceFile(name, openSync(join(folder, name), 'wx', 0o600));
      } catch (error) {
        if (!isCode(error, 'EEXIST') || count > MAX_SAME_TIME) throw error;
      }
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Throws the system's error. */
  append(text: string): void {
    if (!this.#isOpen) return;
    const bytes = Buffer.from(text);
    for (let offset = 0; offset < bytes.length;) offset += writeSync(this.#descriptor, bytes, offset);
    this.#bytes += bytes.length;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }
}

export interface TraceListing {
  readonly name: string;
  readonly bytes: number;
  readonly changedAt: Date;
}

/** Oldest first; none when there is no folder. */
export function listTraces(folder: string): readonly TraceListing[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  }
  return names
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => {
      const { size, mtime } = statSync(join(folder, name));
      return { name, bytes: size, changedAt: mtime };
    });
}

/** Deletes the oldest, so that another of this size fits. */
export function makeRoom(folder: string, bytes: number): void {
  const left = [...listTraces(folder)];
  const total = (): number => left.reduce((sum, trace) => sum + trace.bytes, 0);
  while (left.length >= MAX_FILES || (left.length > 0 && total() + bytes > MAX_FOLDER_BYTES)) {
    const oldest = left.shift();
    if (oldest) rmSync(join(folder, oldest.name), { force: true });
  }
}

/** Throws TraceTextError, also for what is no file and for one that is too long. */
export function readTraceFile(path: string): Trace {
  return parseTrace(readTraceText(path));
}

export function readTraceText(path: string): string {
  try {
    const status = statSync(path);
    if (!status.isFile()) throw new TraceTextError('it is no file');
    if (status.size > MAX_TRACE_BYTES) throw new TraceTextError(`it has ${status.size} bytes, more than ${MAX_TRACE_BYTES}`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof TraceTextError) throw error;
    throw new TraceTextError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
