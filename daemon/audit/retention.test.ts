import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../cli/program.ts';
import { silentLog, type Log } from '../log.ts';
import { AUDIT_FILE, AuditLog } from './audit-log.ts';
import { startRetention } from './retention.ts';

const DAY_MS = 86_400_000;
const TODAY = Date.UTC(2026, 10, 20);

let folder: string;
let time: number;
beforeEach(() => {
  time = TODAY;
  folder = mkdtempSync(join(tmpdir(), 'kortd-retention-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});
const now = (): Date => new Date(time);

/** One record a day, the last of them today. */
async function fill(audit: AuditLog, days: number): Promise<void> {
  for (let day = days - 1; day >= 0; day--) {
    time = TODAY - day * DAY_MS;
    await audit.append({ callerKind: 'native', caller: 'a program', method: 'sign.digest', outcome: 'ok' });
  }
}

function openLog(): AuditLog {
  return AuditLog.open({ folder, log: silentLog, now });
}

function kept(audit: AuditLog): readonly number[] {
  return audit.list({ since: 0, limit: 1_000 }).map(({ sequence }) => sequence);
}

/** A log that tells of each pruning, good or bad. */
function listen(): { readonly log: Log; readonly next: () => Promise<object> } {
  let heard = Promise.withResolvers<object>();
  const tell = (fields: object): void => heard.resolve(fields);
  return {
    log: { ...silentLog, info: tell, error: tell },
    next: async () => {
      const fields = await heard.promise;
      heard = Promise.withResolvers();
      return fields;
    },
  };
}

/** Starts, waits for what it tells, and stops. */
async function pruneOnce(audit: Parameters<typeof startRetention>[0]['audit'], days: number): Promise<object> {
  const { log, next } = listen();
  using retention = startRetention({ audit, retentionDays: () => days, now, log });
  const told = await next();
  retention[Symbol.dispose]();
  return told;
}

async function kortd(parameters: readonly string[]): Promise<{ readonly status: number; readonly text: string }> {
  let text = '';
  const take = (chunk: unknown): boolean => Boolean((text += String(chunk)));
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(take));
  try {
    return { status: await run(parameters), text };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('retention', () => {
  it('drops at start what is older than the policy says, and what is left verifies', async () => {
    await using audit = openLog();
    await fill(audit, 30);
    expect(await pruneOnce(audit, 10)).toEqual({ dropped: 19, retentionDays: 10 });
    expect(kept(audit)).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
    expect(await audit.verify()).toMatchObject({ ok: true, records: 11, head: { sequence: 30 } });
  });

  it('looks again each day, at the policy and at the clock', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await using audit = openLog();
    await fill(audit, 5);
    const policy: { days?: number } = {};
    const { log, next } = listen();
    using retention = startRetention({ audit, retentionDays: () => policy.days, now, log });
    policy.days = 3;
    await turn();
    vi.advanceTimersByTime(DAY_MS);
    expect(await next()).toMatchObject({ dropped: 1 });
    time += DAY_MS;
    await turn();
    vi.advanceTimersByTime(DAY_MS);
    expect(await next()).toMatchObject({ dropped: 1 });
    expect(kept(audit)).toEqual([3, 4, 5]);
    retention[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps everything without a policy, and the newest record always', async () => {
    await using audit = openLog();
    await fill(audit, 5);
    time += 10_000 * DAY_MS;
    startRetention({ audit, retentionDays: () => undefined, now, log: silentLog })[Symbol.dispose]();
    expect(kept(audit)).toHaveLength(5);
    expect(await pruneOnce(audit, 1)).toMatchObject({ dropped: 4 });
    expect(kept(audit)).toEqual([5]);
    expect(await audit.verify()).toMatchObject({ ok: true, records: 1, head: { sequence: 5 } });
  });

  it('of a log that holds nothing, or cannot be pruned, keeps nobody from working', async () => {
    {
      await using audit = openLog();
      startRetention({ audit, retentionDays: () => 1, now, log: silentLog })[Symbol.dispose]();
      await audit.append({ callerKind: 'native', caller: 'a program', method: 'sign.digest', outcome: 'ok' });
      expect(kept(audit)).toEqual([1]);
    }
    await using audit = openLog();
    const broken = {
      head: audit.head,
      list: () => audit.list({ since: 0, limit: 1 }),
      prune: () => Promise.reject(new Error('EIO')),
    };
    expect(await pruneOnce(broken, 1)).toMatchObject({ err: { message: 'EIO' } });
  });

  it('ends between two steps when it is stopped, and the log verifies then too', async () => {
    await using audit = openLog();
    await fill(audit, 1);
    await Promise.all(
      Array.from({ length: 6_000 }, () =>
        audit.append({ callerKind: 'native', caller: 'x', method: 'sign.digest', outcome: 'ok' }),
      ),
    );
    time += 10 * DAY_MS;
    await audit.append({ callerKind: 'native', caller: 'x', method: 'sign.digest', outcome: 'ok' });
    const { log, next } = listen();
    const retention = startRetention({ audit, retentionDays: () => 5, now, log });
    retention[Symbol.dispose]();
    expect(await next()).toMatchObject({ dropped: 5_000 });
    expect(await audit.verify()).toMatchObject({ ok: true, records: 1_002 });
    expect(await pruneOnce(audit, 5)).toMatchObject({ dropped: 1_001 });
    expect(await audit.verify()).toMatchObject({ ok: true, records: 1 });
  });
});

describe('a pruned log', () => {
  /** Its export before and after, and the database as it lies. */
  async function pruned(): Promise<{ readonly before: string; readonly after: string; readonly database: string }> {
    const exported = (audit: AuditLog, name: string): string => {
      const file = join(folder, name);
      writeFileSync(file, audit.exportPage({}).text);
      return file;
    };
    await using audit = openLog();
    await fill(audit, 30);
    const before = exported(audit, 'before.jsonl');
    await pruneOnce(audit, 10);
    await fill(audit, 1);
    return { before, after: exported(audit, 'after.jsonl'), database: join(folder, AUDIT_FILE) };
  }

  it('verifies by kortd audit verify: its export, against one from before too, and its database', async () => {
    const { before, after, database } = await pruned();
    for (const parameters of [[after], [after, '--against', before], [database], [database, '--against', after]]) {
      const { status, text } = await kortd(['audit', 'verify', ...parameters]);
      expect(text).toContain('whole: 12 records');
      expect(status).toBe(0);
    }
  });

  it('carries a signed statement of what was dropped: without it, or with another in its place, it does not verify', async () => {
    const { after } = await pruned();
    const lines = readFileSync(after, 'utf8').split('\n');
    const at = lines.findIndex((line) => line.includes('"kind":"prune"'));
    expect(JSON.parse(lines[at] ?? '')).toMatchObject({ sequence: 19, time: now().toISOString() });
    const variants = {
      without: lines.toSpliced(at, 1),
      'claiming more': lines.with(at, (lines[at] ?? '').replace('"sequence":19', '"sequence":21')),
      'with a record cut off beyond it': lines.filter((line) => !line.includes('"type":"record","sequence":20,')),
    };
    for (const [name, changed] of Object.entries(variants)) {
      expect(changed.join('\n'), name).not.toBe(lines.join('\n'));
      writeFileSync(after, changed.join('\n'));
      expect(await kortd(['audit', 'verify', after]), name).toMatchObject({ status: 1 });
    }
  });
});
