/** The audit log without anybody in it: how often which method had which outcome on which day, for whom only by kind of caller. */
import type { DaemonQuestions } from '../doctor/look.ts';

/** Enough for weeks of a busy desk; a page has as many as the API gives at once. */
const MAX_RECORDS = 20_000;
const PAGE = 500;

export async function auditOutline({ records: list }: Pick<DaemonQuestions, 'records'>): Promise<unknown> {
  const counts = new Map<string, number>();
  const { last } = await list({ limit: 1 });
  let since = Math.max(0, last - MAX_RECORDS);
  for (let read = 0; read < MAX_RECORDS; read += PAGE) {
    const { records, next } = await list({ since, limit: PAGE });
    for (const { time, method, outcome, callerKind } of records) {
      const key = [time.slice(0, 10), method, outcome, callerKind].join(' ');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    if (next === undefined) break;
    since = next;
  }
  const rows = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    last,
    acts: rows.map(([key, count]) => {
      const [day = '', method = '', outcome = '', callerKind = ''] = key.split(' ');
      return { day: `${day}T00:00:00Z`, method, outcome, callerKind, count };
    }),
  };
}
