/**
 * The hashes that make a ceremony's entries a chain: each is over its own text and the hash before (SHA-256), so that whoever holds the entries can tell whether
 * they are whole, without the journal that they come from.
 */
import { createHash } from 'node:crypto';
import type { Entry } from './entry.ts';

const FORMAT = 'kortd-issuance-entry-1';
/** Before the first entry. */
export const CHAIN_START = '0'.repeat(64);

/** An entry in its place. */
export interface JournalEntry {
  readonly number: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly entry: Entry;
  /** SHA-256, hexadecimal, over format, ceremony, number, time, body and the hash before (a JSON array). */
  readonly hash: string;
}

export interface HashedFields {
  readonly ceremony: string;
  readonly number: number;
  readonly time: string;
  /** The entry as JSON. */
  readonly body: string;
  readonly previous: string;
}

export function hashOf({ ceremony, number, time, body, previous }: HashedFields): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, ceremony, number, time, body, previous]))
    .digest('hex');
}

/** The number of the first entry that is not the one that was written; undefined for a whole chain. */
export function brokenLink(ceremony: string, entries: readonly JournalEntry[]): number | undefined {
  let previous = CHAIN_START;
  for (const [index, { number, time, entry, hash }] of entries.entries()) {
    const body = JSON.stringify(entry);
    if (number !== index + 1 || hash !== hashOf({ ceremony, number, time, body, previous })) return index + 1;
    previous = hash;
  }
  return undefined;
}
