/**
 * The audit log of a running daemon. A record is on the disk before `append` resolves. Acts that wait at the same time share one transaction and one
 * fsync, which runs on a thread of libuv's pool: SQLite itself writes without it (synchronous = NORMAL), and its write-ahead log is synchronised here, as SQLite
 * would at FULL, so that the event loop does not stand still while a disk turns.
 */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setImmediate as turn } from 'node:timers/promises';
import { DataFolderError } from '../data-folder.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { swedishReason } from '../system-reasons.ts';
import { encodePublicKey, openAuditKey, signCheckpoint, type AuditKey, type CheckpointKind } from './checkpoint.ts';
import { encodeCheckpoint, encodeHeader, encodeRecord } from './export.ts';
import { CHAIN_START, chainRecord, type AuditAct, type AuditRecord, type ChainPoint } from './record.ts';
import { AuditStore, type RecordFilter } from './store.ts';
import type { Audit } from './trace.ts';
import { verifyChain, type Verification } from './verify.ts';

export const AUDIT_FILE = 'audit.sqlite';
export const AUDIT_KEY_FILE = 'audit-key.pem';

/** Records between two checkpoints: what was rewritten as a whole is narrowed down to so many. */
const CHECKPOINT_INTERVAL = 256;
/** Records in one transaction: about two milliseconds of the event loop. */
const MAX_BATCH = 128;
/** Text of one page of an export; a last record and its checkpoints still fit the limit of a message. */
const PAGE_BYTES = 196_608;
const PAGE_RECORDS = 500;
const PAGE_CHECKPOINTS = 50;
/** Records dropped between two turns of the event loop. */
const PRUNE_STEP = 5_000;

export interface AuditLogOptions {
  readonly folder: string;
  readonly log: Log;
  readonly now?: () => Date;
  /** Resolves when what was written to the open file is on the disk. */
  readonly synchronise?: (descriptor: number) => Promise<void>;
  /** Called when further records are on the disk, with the number of the latest. */
  readonly onAppended?: (last: number) => void;
}

export interface ExportPage {
  readonly text: string;
  readonly fingerprint: string;
  readonly next?: { readonly since: number; readonly sinceCheckpoint: number };
}

interface Waiting {
  readonly act: AuditAct;
  readonly done: PromiseWithResolvers<undefined>;
}

interface Open extends Disposable {
  readonly store: AuditStore;
  /** Of the write-ahead log; SQLite keeps it as long as the database is open. */
  readonly descriptor: number;
}

export class AuditLog implements Audit, AsyncDisposable {
  readonly #options: AuditLogOptions;
  readonly #key: AuditKey;
  readonly #now: () => Date;
  readonly #synchronise: (descriptor: number) => Promise<void>;
  readonly #waiting: Waiting[] = [];
  #open: Open | undefined;
  #head: ChainPoint = CHAIN_START;
  #checkpointNumber = 0;
  #checkpointed = 0;
  #flushing: Promise<void> | undefined;
  #isClosed = false;

  private constructor(options: AuditLogOptions, key: AuditKey) {
    this.#options = options;
    this.#key = key;
    this.#now = options.now ?? (() => new Date());
    this.#synchronise = options.synchronise ?? promisify(fdatasync);
  }

  /** Throws DataFolderError when the folder's log or key cannot be opened: a daemon that cannot keep its log does not start. */
  static open(options: AuditLogOptions): AuditLog {
    try {
      return AuditLog.#openIn(options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DataFolderError(
        `cannot use the audit log in ${options.folder}: ${reason}. To begin a new one, move ${AUDIT_FILE} away and keep it, with ${AUDIT_KEY_FILE}.`,
        {
          sv: `granskningsloggen i ${options.folder} kan inte användas: ${swedishReason(error)}. För att börja en ny, flytta undan ${AUDIT_FILE} och behåll den, tillsammans med ${AUDIT_KEY_FILE}.`,
          cause: error,
        },
      );
    }
  }

  static #openIn(options: AuditLogOptions): AuditLog {
    const key = openAuditKey(join(options.folder, AUDIT_KEY_FILE));
    const log = new AuditLog(options, key);
    log.#reopen();
    if (key.isNew && log.#checkpointNumber > 1)
      options.log.warn({ fingerprint: key.fingerprint }, 'the key of the audit log was gone: a new one signs from here on');
    return log;
  }

  get fingerprint(): string {
    return this.#key.fingerprint;
  }

  get head(): ChainPoint {
    return this.#head;
  }

  get isWritable(): boolean {
    return this.#open !== undefined;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Before an act. Undefined unless the last record could not be written; then rejects with audit_unavailable when still none can. */
  ready(): Promise<void> | undefined {
    return this.#open || this.#flushing ? undefined : this.#tryAgain();
  }

  async #tryAgain(): Promise<void> {
    try {
      await this.#synchronise(this.#reopen().descriptor);
    } catch (error) {
      this.#abandon();
      throw unavailable(error);
    }
  }

  /** Resolves when the record is on the disk. Throws audit_unavailable. */
  async append(act: Omit<AuditAct, 'time'>): Promise<void> {
    if (this.#isClosed) throw unavailable(undefined);
    const done = Promise.withResolvers<undefined>();
    this.#waiting.push({ act: { ...act, time: this.#now().toISOString() }, done });
    this.#flushing ??= this.#flush();
    await done.promise;
  }

  list(filter: RecordFilter): readonly AuditRecord[] {
    return this.#usable().store.list(filter);
  }

  /** Also that the log on the disk goes as far as this daemon wrote. */
  async verify(anchors: readonly ChainPoint[] = []): Promise<Verification> {
    const { store } = this.#usable();
    const known = this.#head.sequence > 0 ? [this.#head] : [];
    const checkpoints = store.checkpoints();
    return await verifyChain({
      batches: () => store.batches(),
      checkpoints,
      publicKey: this.#key.publicKey,
      anchors: [...anchors, ...known],
    });
  }

  /** The last page ends with a checkpoint made for it. Throws invalid_params when the log was pruned beyond `since` meanwhile. */
  exportPage({ since = 0, sinceCheckpoint = 0 }: { readonly since?: number; readonly sinceCheckpoint?: number }): ExportPage {
    const { store } = this.#usable();
    const isFirst = since === 0 && sinceCheckpoint === 0;
    if (!isFirst && (store.first() ?? this.#head.sequence + 1) > since + 1) {
      const problem = 'since: these records were dropped meanwhile by the retention policy; start again';
      throw new ApiError('invalid_params', `exporting the audit log: ${problem}`, { problem });
    }
    const lines = isFirst ? [encodeHeader(this.#key.publicKey, this.#now().toISOString())] : [];
    let size = 0;
    let until = since;
    for (const record of store.list({ since, limit: PAGE_RECORDS })) {
      const line = encodeRecord(record);
      size += Buffer.byteLength(line);
      if (size > PAGE_BYTES) break;
      lines.push(line);
      until = record.sequence;
    }
    const hasAllRecords = until >= (store.last()?.sequence ?? until);
    const checkpoints = store.checkpoints(sinceCheckpoint, PAGE_CHECKPOINTS);
    const beyond = checkpoints.findIndex(({ sequence }) => !hasAllRecords && sequence > until);
    const fitting = beyond < 0 ? checkpoints : checkpoints.slice(0, beyond);
    lines.push(...fitting.map(encodeCheckpoint));
    const number = fitting.at(-1)?.number ?? sinceCheckpoint;
    const { fingerprint } = this.#key;
    const isLast = hasAllRecords && number >= this.#checkpointNumber;
    if (!isLast) return { text: lines.join(''), fingerprint, next: { since: until, sinceCheckpoint: number } };
    lines.push(this.#checkpoint('export', this.#head));
    return { text: lines.join(''), fingerprint };
  }

  /** Drops what is older, oldest first; a signed checkpoint stands for it, so that the rest still verifies. `signal` ends it early. Resolves with how many. */
  async prune(before: Date, signal?: AbortSignal): Promise<number> {
    const { store } = this.#usable();
    const keep = store.firstSince(before.toISOString()) ?? this.#head.sequence + 1;
    let count = 0;
    while (!signal?.aborted) {
      const first = store.first();
      if (first === undefined || first >= keep) break;
      const last = Math.min(first + PRUNE_STEP, keep) - 1;
      const hash = store.hashOf(last);
      if (hash === undefined) throw new Error(`pruning the audit log: record ${last} is missing; verify the log first`);
      store.transaction(() => {
        this.#insertCheckpoint('prune', { sequence: last, hash });
        store.deleteUpTo(last);
      });
      count += last - first + 1;
      await turn();
    }
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#flushing;
    if (!this.#open) return;
    try {
      this.#open.store.setSynchronous('FULL');
      this.#checkpoint('stop', this.#head);
    } catch (error) {
      this.#options.log.error({ err: error }, 'the audit log could not be closed as it should');
    }
    this.#abandon();
  }

  /** Whatever waits is written together; who comes meanwhile is next. Never rejects. */
  async #flush(): Promise<void> {
    await turn();
    while (this.#waiting.length > 0) {
      const isWritten = await this.#settle(this.#waiting.splice(0, MAX_BATCH));
      if (isWritten) this.#options.onAppended?.(this.#head.sequence);
    }
    this.#flushing = undefined;
  }

  async #settle(batch: readonly Waiting[]): Promise<boolean> {
    try {
      await this.#write(batch.map(({ act }) => act));
      for (const { done } of batch) done.resolve(undefined);
      return true;
    } catch (error) {
      this.#options.log.error({ err: error }, 'the audit log cannot be written');
      this.#abandon();
      for (const { done } of batch) done.reject(unavailable(error));
      return false;
    }
  }

  async #write(acts: readonly AuditAct[]): Promise<void> {
    const { store, descriptor } = this.#open ?? this.#reopen();
    store.transaction(() => {
      let head = this.#head;
      for (const act of acts) {
        const record = chainRecord(act, head);
        store.insert(record);
        head = record;
      }
      this.#head = { sequence: head.sequence, hash: head.hash };
      if (head.sequence - this.#checkpointed >= CHECKPOINT_INTERVAL) this.#insertCheckpoint('interval', head);
    });
    await this.#synchronise(descriptor);
  }

  /** Takes up the chain where the disk has it. After a failure nothing in memory is believed. */
  #reopen(): Open {
    this.#abandon();
    const file = join(this.#options.folder, AUDIT_FILE);
    const store = AuditStore.open(file);
    let descriptor: number | undefined;
    try {
      const last = store.last() ?? CHAIN_START;
      const farthest = store.farthestCheckpoint() ?? CHAIN_START;
      // Records that a checkpoint stands for and that are gone leave a gap, for all to see.
      this.#head = farthest.sequence > last.sequence ? farthest : last;
      this.#checkpointNumber = store.lastCheckpoint()?.number ?? 0;
      const spki = encodePublicKey(this.#key.publicKey).toString('base64');
      if (store.publicKey !== spki) store.setPublicKey(spki);
      store.transaction(() => this.#insertCheckpoint('start', this.#head, store));
      store.setSynchronous('NORMAL');
      descriptor = openSync(`${file}-wal`, 'r+');
    } catch (error) {
      store[Symbol.dispose]();
      throw error;
    }
    const opened = descriptor;
    this.#open = {
      store,
      descriptor: opened,
      [Symbol.dispose]: () => {
        closeSync(opened);
        store[Symbol.dispose]();
      },
    };
    return this.#open;
  }

  #abandon(): void {
    const open = this.#open;
    this.#open = undefined;
    open?.[Symbol.dispose]();
  }

  #usable(): Open {
    if (this.#open) return this.#open;
    throw unavailable(undefined);
  }

  /** In a transaction of its own. Returns its line of an export. */
  #checkpoint(kind: CheckpointKind, at: ChainPoint): string {
    return this.#usable().store.transaction(() => this.#insertCheckpoint(kind, at));
  }

  #insertCheckpoint(kind: CheckpointKind, { sequence, hash }: ChainPoint, store = this.#usable().store): string {
    const number = this.#checkpointNumber + 1;
    const checkpoint = signCheckpoint({ number, kind, sequence, hash, time: this.#now().toISOString() }, this.#key);
    store.insertCheckpoint(checkpoint);
    this.#checkpointNumber = number;
    if (kind !== 'prune') this.#checkpointed = sequence;
    return encodeCheckpoint(checkpoint);
  }
}

/** The act, the reading or the export cannot be done on this disk. */
export function unavailable(cause: unknown): ApiError {
  return new ApiError('audit_unavailable', 'using the audit log: the disk or the database failed', {}, { cause });
}
