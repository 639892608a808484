/**
 * That no PIN is anywhere: for a daemon of a test, everything that it wrote, searched for everything that was typed in this process. Its log is taken down at
 * its most talkative. A test whose daemon kept a PIN fails when its bench closes.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import type { Client } from '../../api-spec/client/client.ts';
import { AUDIT_FILE } from '../../daemon/audit/audit-log.ts';
import { encodeCheckpoint, encodeRecord } from '../../daemon/audit/export.ts';
import { AuditStore } from '../../daemon/audit/store.ts';
import type { Log } from '../../daemon/log.ts';
import { describeHits, searchBytes, searchFolder, type Hit } from './search.ts';
import { addToTally } from './tally.ts';
import { noteMessage, typedValues } from './typed.ts';

export interface Evidence {
  /** What the daemon logs through: written down here, and passed on to the log of the test, if it has one. */
  readonly log: Log;
  /** While the daemon has its files open: the write-ahead logs of its databases, which are gone afterwards. */
  searchWhileOpen(): void;
  /** When it has ended, and before its folder goes: every file, the log, and the audit log as an export has it. */
  searchAfterwards(): void;
}

export class SecretFoundError extends Error {
  override readonly name = 'SecretFoundError';
}

export function openEvidence(folder: string, log?: Log): Evidence {
  const lines: string[] = [];
  let files = 0;
  let bytes = 0;
  let milliseconds = 0;
  const measured = (search: () => readonly Hit[]): void => {
    const begin = performance.now();
    const hits = search();
    milliseconds += performance.now() - begin;
    requireNone(hits);
  };
  const inFolder = (wanted?: (path: string) => boolean): readonly Hit[] => {
    if (!existsSync(folder)) return [];
    const searched = searchFolder(folder, typedValues(), wanted);
    files += searched.files;
    bytes += searched.bytes;
    return searched.hits;
  };
  return {
    log: writtenDown(lines, log),
    searchWhileOpen: () => measured(() => inFolder((path) => path.endsWith('-wal'))),
    searchAfterwards: () => {
      try {
        measured(() => [...inFolder(), ...searchTexts({ log: lines.join(''), 'audit export': exportOf(folder) })]);
      } finally {
        addToTally({ files, bytes, values: typedValues().length, milliseconds });
      }
    },
  };
}

/** A daemon in a process of its own: its folder, and what it printed. */
export function searchProgram(folder: string, printed: Readonly<Record<string, string>>): void {
  const begin = performance.now();
  const { hits, files, bytes } = searchFolder(folder, typedValues());
  const others = searchTexts({ ...printed, 'audit export': exportOf(folder) });
  addToTally({ files, bytes, values: typedValues().length, milliseconds: performance.now() - begin });
  requireNone([...hits, ...others]);
}

/** Notes what this client sends. */
export function noteCallsOf(client: Client): Client {
  const call = client.call.bind(client) as (...values: readonly unknown[]) => Promise<unknown>;
  client.call = ((method: string, params: unknown, ...rest: readonly unknown[]) => {
    noteMessage(params === undefined ? '' : JSON.stringify(params));
    return call(method, params, ...rest);
  }) as Client['call'];
  return client;
}

function requireNone(hits: readonly Hit[]): void {
  if (hits.length > 0) throw new SecretFoundError(`a secret that was typed is where none may be:\n${describeHits(hits)}`);
}

function searchTexts(texts: Readonly<Record<string, string>>): readonly Hit[] {
  return Object.entries(texts).flatMap(([name, text]) => searchBytes(name, Buffer.from(text), typedValues()));
}

/** As `kortd serve` logs, at the level trace. */
function writtenDown(lines: string[], other: Log | undefined): Log {
  const own: Log = pino({ level: 'trace', base: null }, { write: (line) => void lines.push(line) });
  if (!other) return own;
  const both =
    (level: keyof Log): Log[keyof Log] =>
    (fields, message) => {
      own[level](fields, message);
      other[level](fields, message);
    };
  return { debug: both('debug'), info: both('info'), warn: both('warn'), error: both('error') };
}

/** Empty where there is no audit log, or one that a test has broken: its bytes are searched all the same. */
function exportOf(folder: string): string {
  const file = join(folder, AUDIT_FILE);
  if (!existsSync(file)) return '';
  try {
    using store = AuditStore.openForReading(file);
    return [...store.list({ since: 0, limit: -1 }).map(encodeRecord), ...store.checkpoints().map(encodeCheckpoint)].join('');
  } catch {
    return '';
  }
}
