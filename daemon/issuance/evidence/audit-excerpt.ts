/**
 * The records of the audit log that belong to a ceremony: those whose purpose names it, as every act of it does, and acts with the cards that it is about between its
 * start and its end. What signers do with their own cards meanwhile, for other ceremonies and persons, is none of it. Each record can be verified by itself; by
 * number and hash it is found again in an export of the whole log.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { AuditRecord } from '../../audit/record.ts';
import type { Ceremony } from '../ceremony.ts';

/** As a purpose names one. */
const CEREMONY = /ceremony-[0-9a-f-]{36}/;
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
      const isOurs = record.purpose?.includes(id) || (isWithCard(record, cards) && !namesCeremony(record));
      if (isOurs && record.time >= startedAt && record.time <= until) found.push(record);
    }
    const last = page.at(-1);
    if (!last || page.length < PAGE || last.time > until || found.length >= MAX_RECORDS) return found.slice(0, MAX_RECORDS);
    since = last.sequence;
    await turn();
  }
}

function isWithCard({ cardSerial }: AuditRecord, cards: ReadonlySet<string>): boolean {
  return cardSerial !== undefined && cards.has(cardSerial);
}

function namesCeremony({ purpose }: AuditRecord): boolean {
  return purpose !== undefined && CEREMONY.test(purpose);
}

/** Serial numbers and card numbers: cards tell one, or the other, or both. Whoever signs does so with a card of their own, or with one that is ordered, read or written as well. */
function cardsOf({ routine, jobs, done }: Ceremony): ReadonlySet<string> {
  const about = routine.steps.filter(({ kind }) => kind !== 'sign').flatMap(({ id }) => done.get(id) ?? []);
  const numbers = about.flatMap(({ facts, person }) => [facts['cardNumber'], person?.cardNumber]);
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
