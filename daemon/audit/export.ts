/** The audit log as JSON Lines: a header with the public key, records, checkpoints. Pages of it, one after the other, are one file. */
import type { KeyObject } from 'node:crypto';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { AuditRecord } from '../../api-spec/methods/audit.ts';
import { CHECKPOINT_KINDS, decodePublicKey, encodePublicKey, fingerprintOf, type Checkpoint } from './checkpoint.ts';
import { RECORD_FIELDS } from './record.ts';

export const EXPORT_FORMAT = 'kortd-audit-1';

const hex = Type.String({ pattern: '^[0-9a-f]{64}$' });
const closed = { additionalProperties: false } as const;
const isRecord = Compile(AuditRecord);
const isCheckpoint = Compile(
  Type.Object(
    {
      number: Type.Integer({ minimum: 1 }),
      kind: Type.Enum(CHECKPOINT_KINDS),
      sequence: Type.Integer({ minimum: 0 }),
      hash: hex,
      time: Type.String(),
      key: hex,
      signature: Type.String(),
    },
    closed,
  ),
);

export type ExportLine =
  | { readonly type: 'header'; readonly publicKey: KeyObject }
  | { readonly type: 'record'; readonly record: AuditRecord }
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint };

/** A line that is none of an export. */
export class ExportFormatError extends Error {
  override readonly name = 'ExportFormatError';
}

export function encodeHeader(publicKey: KeyObject, exportedAt: string): string {
  const spki = encodePublicKey(publicKey).toString('base64');
  return line({ type: 'header', format: EXPORT_FORMAT, publicKey: spki, fingerprint: fingerprintOf(publicKey), exportedAt });
}

export function encodeRecord(record: AuditRecord): string {
  const fields = [...RECORD_FIELDS, 'hash' as const].map((field): [string, unknown] => [field, record[field]]);
  return line({ type: 'record', ...Object.fromEntries(fields) });
}

export function encodeCheckpoint(checkpoint: Checkpoint): string {
  return line({ type: 'checkpoint', ...checkpoint });
}

/** Throws ExportFormatError with what is wrong. */
export function parseLine(text: string): ExportLine {
  const { type, ...fields } = parseObject(text);
  if (type === 'record') {
    if (isRecord.Check(fields)) return { type, record: fields };
    throw new ExportFormatError('a record has not the fields that it must have');
  }
  if (type === 'checkpoint') {
    if (isCheckpoint.Check(fields)) return { type, checkpoint: fields };
    throw new ExportFormatError('a checkpoint has not the fields that it must have');
  }
  if (type !== 'header') throw new ExportFormatError('it is neither header, record nor checkpoint');
  if (fields['format'] !== EXPORT_FORMAT) throw new ExportFormatError(`its format is not ${EXPORT_FORMAT}`);
  try {
    return { type, publicKey: decodePublicKey(String(fields['publicKey'])) };
  } catch (error) {
    throw new ExportFormatError('the header has no public key of Ed25519', { cause: error });
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch (error) {
    throw new ExportFormatError('it is not JSON', { cause: error });
  }
  throw new ExportFormatError('it is no JSON object');
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
