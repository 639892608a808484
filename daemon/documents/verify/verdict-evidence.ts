/**
 * What a verdict leaves behind: one JSON text without personal data, and its SHA-256. Inputs are in it by their hash alone, with a salt of this verdict, so that whoever
 * has them can show that they are the ones, and nobody can try out names and numbers against the hash in the audit log.
 */
import { createHash } from 'node:crypto';
import type { ManualEntry } from '../../../api-spec/document.ts';
import type { Judgement } from './judge.ts';
import type { RuleSet } from './rule-set.ts';

export const VERDICT_SCHEMA = 'kortd.verdict/1';

/** Something that was judged: as kortd made it itself, or as the caller gave it. */
export interface VerdictInput {
  readonly kind: 'lines' | 'passport' | 'scan' | 'typed';
  /** Of a scan or a reading of kortd's own. */
  readonly id?: string;
  readonly content: unknown;
}

export interface EvidenceParts {
  readonly id: string;
  readonly createdAt: string;
  readonly rules: RuleSet;
  readonly inputs: readonly VerdictInput[];
  readonly judgement: Judgement;
  readonly manual: readonly ManualEntry[];
  readonly salt: Uint8Array;
  /** Of the evidence before the last manual check was added. */
  readonly previous?: string | undefined;
}

export interface VerdictEvidence {
  readonly json: string;
  /** SHA-256 of its UTF-8, hexadecimal. */
  readonly sha256: string;
}

export function evidenceOf({ id, createdAt, rules, inputs, judgement, manual, salt, previous }: EvidenceParts): VerdictEvidence {
  const { overall, machine, reasons, requirements, checks } = judgement;
  const json = JSON.stringify({
    schema: VERDICT_SCHEMA,
    verdict: id,
    createdAt,
    ...(previous === undefined ? {} : { previous }),
    rules,
    salt: Buffer.from(salt).toString('hex'),
    inputs: inputs.map(({ kind, id: own, content }) => ({
      kind,
      ...(own === undefined ? {} : { id: own }),
      sha256: saltedHash(salt, content),
    })),
    ...{ overall, machine, reasons, requirements },
    checks: checks.map(({ id: check, verdict, reason, sources, by }) => ({ id: check, verdict, reason, sources, by })),
    manual: manual.map(({ note, ...entry }) => ({
      ...entry,
      ...(note === undefined ? {} : { noteSha256: saltedHash(salt, note) }),
    })),
  });
  return { json, sha256: createHash('sha256').update(json).digest('hex') };
}

/** SHA-256 over the salt and the JSON text of a list that has the content alone. */
export function saltedHash(salt: Uint8Array, content: unknown): string {
  return createHash('sha256')
    .update(salt)
    .update(JSON.stringify([content]))
    .digest('hex');
}
