/**
 * One record of the audit log, and its hash: SHA-256 over the UTF-8 text of a JSON array without spaces (ECMA-262, JSON.stringify): the name of the
 * format, then the fields in the order of RECORD_FIELDS, null where one is absent.
 */
import { createHash } from 'node:crypto';
import type { AuditRecord } from '../../api-spec/methods/audit.ts';

export type { AuditRecord };

/** What happened, before it has its place in the chain. */
export type AuditAct = Omit<AuditRecord, 'sequence' | 'previousHash' | 'hash'>;

/** A place in the chain. */
export interface ChainPoint {
  readonly sequence: number;
  readonly hash: string;
}

/** Before the first record. */
export const CHAIN_START: ChainPoint = { sequence: 0, hash: '0'.repeat(64) };

const FORMAT = 'kortd-audit-record-1';

/** In the order in which they are hashed, exported and stored. The hash itself comes last. */
export const RECORD_FIELDS = [
  'sequence',
  'time',
  'callerKind',
  'caller',
  'origin',
  'method',
  'cardSerial',
  'cardApplication',
  'reader',
  'outcome',
  'purpose',
  'previousHash',
] as const satisfies readonly (keyof AuditRecord)[];

/** Most characters of each text. Callers and cards choose some of them. */
const MAX_TEXT: Readonly<Partial<Record<keyof AuditAct, number>>> = {
  origin: 256,
  reader: 128,
  method: 64,
  cardSerial: 64,
  purpose: 240,
};
const MAX_OTHER_TEXT = 120;

export function encodeForHash(record: Omit<AuditRecord, 'hash'>): string {
  return JSON.stringify([FORMAT, ...RECORD_FIELDS.map((field) => record[field] ?? null)]);
}

export function hashRecord(record: Omit<AuditRecord, 'hash'>): string {
  return createHash('sha256').update(encodeForHash(record)).digest('hex');
}

export function chainRecord(act: AuditAct, previous: ChainPoint): AuditRecord {
  const record = { ...cleaned(act), sequence: previous.sequence + 1, previousHash: previous.hash };
  return { ...record, hash: hashRecord(record) };
}

/** Texts that every store and file carries as they are: well formed, bounded, without control characters. */
function cleaned(act: AuditAct): AuditAct {
  const texts = Object.entries(act).map(([name, text]) => {
    const limit = MAX_TEXT[name as keyof AuditAct] ?? MAX_OTHER_TEXT;
    return [
      name,
      text
        .replaceAll(/\p{Cc}/gu, ' ')
        .slice(0, limit)
        .toWellFormed(),
    ];
  });
  return Object.fromEntries(texts) as AuditAct;
}
