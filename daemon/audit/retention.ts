/**
 * The audit log keeps what the administrator's policy says, and no more: records older than that many days are dropped at start and once a day. A signed
 * checkpoint stands for those that are gone, so that the rest still verifies (see `AuditLog.prune`). Without such a policy everything is kept.
 */
import type { Log } from '../log.ts';
import type { AuditLog } from './audit-log.ts';

const DAY_MS = 86_400_000;

export interface RetentionOptions {
  readonly audit: Pick<AuditLog, 'head' | 'list' | 'prune'>;
  /** As the policy says at the moment; undefined: for ever. */
  readonly retentionDays: () => number | undefined;
  readonly now?: () => Date;
  readonly log: Log;
}

/** Dispose of it before the audit log: what is under way then ends between two steps, and goes on at the next start. */
export function startRetention(options: RetentionOptions): Disposable {
  const stopped = new AbortController();
  let running: Promise<void> | undefined;
  const run = (): void => {
    running ??= prune(options, stopped.signal).finally(() => (running = undefined));
  };
  run();
  const timer = setInterval(run, DAY_MS).unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      stopped.abort();
    },
  };
}

/** Never rejects: a log that cannot be pruned is still a log. */
async function prune(
  { audit, retentionDays, now = () => new Date(), log }: RetentionOptions,
  signal: AbortSignal,
): Promise<void> {
  const days = retentionDays();
  if (days === undefined) return;
  try {
    const [newest] = audit.list({ since: audit.head.sequence - 1, limit: 1 });
    if (!newest) return;
    // The newest record stays, however old: with it, what is gone and what is there are one chain.
    const before = Math.min(now().getTime() - days * DAY_MS, Date.parse(newest.time));
    const dropped = await audit.prune(new Date(before), signal);
    if (dropped > 0) log.info({ dropped, retentionDays: days }, 'records of the audit log were dropped, as the policy says');
  } catch (error) {
    log.error({ err: error }, 'the audit log could not be pruned');
  }
}
