/**
 * The records of the audit log that belong to a ceremony: acts with its cards between its start and its end, and those whose purpose names it. Each record can be
 * verified by itself; by number and hash it is found again in an export of the whole log.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { AuditRecord } from '../../audit/record.ts';
import type { Ceremony } from '../ceremony.ts';

/** More acts than a ceremony has, also one that goes on for weeks. */
const MAX_RECORDS = 2_000;
const PAGE = 500;
/** The act that ends a ceremony is recorded when it is answered, a moment later. */
const AFTERWARDS_MS = 10_000;

/** Others get their turn between two pages of the log. */
export async function auditExcerpt(
  audit: Pick<AuditLog, 'head' | 'list'>,
  ceremony: Ceremony,
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly AuditRecord[]> {
  const { id, startedAt } = ceremony;
  const until = new Date(Date.parse(ceremony.updatedAt) + AFTERWARDS_MS).toISOString();
  const cards = cardsOf(ceremony);
  const found: AuditRecord[] = [];
  let since = lastBefore(audit, startedAt);
  for (;;) {
    signal.throwIfAborted();
    const page = audit.list({ since, limit: PAGE });
    for (const record of page) {
      const isOurs = (record.cardSerial !== undefined && cards.has(record.cardSerial)) || record.purpose?.includes(id);
      if (isOurs && record.time >= startedAt && record.time <= until) found.push(record);
    }
    const last = page.at(-1);
    if (!last || page.length < PAGE || last.time > until || found.length >= MAX_RECORDS) return found.slice(0, MAX_RECORDS);
    since = last.sequence;
    await turn();
  }
}

/** Serial numbers and card numbers: cards tell one, or the other, or both. */
function cardsOf({ jobs, done }: Ceremony): ReadonlySet<string> {
  const numbers = [...done.values()].flatMap(({ facts, person }) => [facts['cardNumber'], person?.cardNumber]);
  const serials = [...jobs.values()].map(({ card }) => card.serialNumber);
  return new Set([...numbers, ...serials].filter((one) => one !== undefined));
}

/** Number of the last record that is older, by halving: the log may be long. */
function lastBefore(audit: Pick<AuditLog, 'head' | 'list'>, time: string): number {
  let low = 0;
  let high = audit.head.sequence;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [record] = audit.list({ since: middle, limit: 1 });
    if (!record || record.time >= time) high = middle;
    else low = record.sequence;
  }
  return low;
}
