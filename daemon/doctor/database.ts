/**
 * One database of the data folder, looked at without a trace: while a daemon has it open it is read beside it; else a copy is read, with the log of what was
 * written last, because opening the file itself would leave files behind, and of another owner.
 */
import { copyFile, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export type DatabaseState =
  | { readonly version: number; readonly applicationId: number }
  | { readonly damage: string }
  /** Why it could not be looked at. */
  | { readonly unseen: string };

/** What is larger takes longer than a person waits: SQLite checks about 200 MB in a second. */
const MAX_BYTES = 67_108_864;
const BUSY_MS = 500;
/** https://www.sqlite.org/fileformat.html#magic_header_string */
const MAGIC = 'SQLite format 3\0';

/** Never rejects. */
export async function inspectDatabase(file: string, options: { readonly isInUse: boolean }): Promise<DatabaseState> {
  try {
    const { size } = await stat(file);
    if (size === 0) return { version: 0, applicationId: 0 }; // made, and not written to yet
    if (!(await hasMagic(file))) return { damage: 'it does not begin as a database does' };
    if (size > MAX_BYTES) return { unseen: `it is larger than ${MAX_BYTES} bytes` };
    return options.isInUse ? inspect(file) : await inspectCopy(file);
  } catch (error) {
    return describe(error);
  }
}

async function hasMagic(file: string): Promise<boolean> {
  await using handle = await open(file, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
  return buffer.toString('latin1', 0, bytesRead) === MAGIC;
}

async function inspectCopy(file: string): Promise<DatabaseState> {
  const folder = await mkdtemp(join(tmpdir(), 'kortd-doctor-'));
  try {
    const copy = join(folder, basename(file));
    await copyFile(file, copy);
    try {
      await copyFile(`${file}-wal`, `${copy}-wal`);
    } catch (error) {
      if (!isSystemError(error) || error.code !== 'ENOENT') throw error;
    }
    return inspect(copy);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function inspect(file: string): DatabaseState {
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
  try {
    const number = (pragma: string): number => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0);
    const [first] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {});
    if (first !== 'ok') return { damage: String(first) };
    return { version: number('user_version'), applicationId: number('application_id') };
  } finally {
    database.close();
  }
}

/** https://www.sqlite.org/rescode.html: SQLITE_CORRUPT, SQLITE_NOTADB. */
const DAMAGED = new Set([11, 26]);

function describe(error: unknown): DatabaseState {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return DAMAGED.has(code) ? { damage: message } : { unseen: message };
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}
