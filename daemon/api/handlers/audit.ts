import { unavailable } from '../../audit/audit-log.ts';
import type { Handlers } from '../call.ts';
import type { HandlerContext } from './context.ts';

type AuditMethods = 'audit.export' | 'audit.list' | 'audit.verify';

const DEFAULT_LIMIT = 100;

export function auditHandlers({ audit }: HandlerContext): Pick<Handlers, AuditMethods> {
  return {
    'audit.export': (params) => reading(() => audit.exportPage(params)),
    'audit.list': ({ since = 0, limit = DEFAULT_LIMIT, ...filter }) =>
      reading(() => {
        const records = audit.list({ since, limit: limit + 1, ...filter });
        const page = records.slice(0, limit);
        const next = records.length > limit ? page.at(-1)?.sequence : undefined;
        return { records: page, last: audit.head.sequence, ...(next === undefined ? {} : { next }) };
      }),
    'audit.verify': ({ anchor }) => reading(() => audit.verify(anchor ? [anchor] : [])),
  };
}

/** A database that is damaged is told as that, and not as a defect of kortd. */
async function reading<R>(work: () => R | Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR') throw unavailable(error);
    throw error;
  }
}
