/** A file that holds an audit log, an export or a database, opened for verification by a program that has nothing else of kortd. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { KeyObject } from 'node:crypto';
import { decodePublicKey, type Checkpoint } from './checkpoint.ts';
import { ExportFormatError, parseLine } from './export.ts';
import type { AuditRecord, ChainPoint } from './record.ts';
import { AuditStore } from './store.ts';
import type { ChainSource } from './verify.ts';

export interface AuditFile extends ChainSource, Disposable {}

/** The file is none that holds an audit log; says why. */
export class AuditFileError extends Error {
  override readonly name = 'AuditFileError';
}

/** Every SQLite database begins with this (https://www.sqlite.org/fileformat.html#magic_header_string). */
const SQLITE_MAGIC = 'SQLite format 3\0';
const BATCH = 250;

/** Throws AuditFileError when it holds no audit log. */
export async function openAuditFile(path: string): Promise<AuditFile> {
  try {
    return (await isDatabase(path)) ? openDatabase(path) : await openExport(path);
  } catch (error) {
    if (error instanceof AuditFileError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AuditFileError(`reading ${path}: ${reason}`, { cause: error });
  }
}

/** Places that another file must still have, when this one was made before it. */
export function anchorsOf({ checkpoints }: AuditFile): readonly ChainPoint[] {
  return checkpoints.map(({ sequence, hash }) => ({ sequence, hash })).filter(({ sequence }) => sequence > 0);
}

async function isDatabase(path: string): Promise<boolean> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SQLITE_MAGIC.length), 0, SQLITE_MAGIC.length, 0);
  return buffer.subarray(0, bytesRead).toString('latin1') === SQLITE_MAGIC;
}

function openDatabase(path: string): AuditFile {
  const store = AuditStore.openForReading(path);
  try {
    const { publicKey: spki } = store;
    if (spki === undefined) throw new Error('it has no public key');
    return {
      batches: () => store.batches(),
      checkpoints: store.checkpoints(),
      publicKey: decodePublicKey(spki),
      [Symbol.dispose]: () => store[Symbol.dispose](),
    };
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
}

/** Read once for what is not a record, and again for each walk along the records: it need not fit the memory. */
async function openExport(path: string): Promise<AuditFile> {
  const checkpoints: Checkpoint[] = [];
  let publicKey: KeyObject | undefined;
  for await (const line of exportLines(path)) {
    if (!publicKey && line.type !== 'header') throw new ExportFormatError('line 1: it is no header');
    if (line.type === 'header') publicKey ??= line.publicKey;
    if (line.type === 'checkpoint') checkpoints.push(line.checkpoint);
  }
  if (!publicKey) throw new ExportFormatError('it is empty');
  return {
    batches: () => exportBatches(path),
    checkpoints: checkpoints.sort((one, other) => one.number - other.number),
    publicKey,
    isSealed: true,
    [Symbol.dispose]: () => undefined,
  };
}

async function* exportBatches(path: string): AsyncGenerator<readonly AuditRecord[]> {
  let batch: AuditRecord[] = [];
  for await (const line of exportLines(path)) {
    if (line.type === 'record') batch.push(line.record);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function* exportLines(path: string): AsyncGenerator<ReturnType<typeof parseLine>> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    number++;
    if (text === '') continue;
    try {
      yield parseLine(text);
    } catch (error) {
      throw error instanceof ExportFormatError
        ? new ExportFormatError(`line ${number}: ${error.message}`, { cause: error })
        : error;
    }
  }
}
