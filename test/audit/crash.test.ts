/** Killed without warning in the middle of a batch: what was answered is in the log, and the log is whole. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { AuditLog } from '../../daemon/audit/audit-log.ts';
import { AuditStore } from '../../daemon/audit/store.ts';
import { silentLog } from '../../daemon/log.ts';
import { SeededRandom } from '../fuzz/seeded.ts';

const KILLS = process.env['KORTD_LONG'] === '1' ? 60 : 8;
const SEED = 20_260_302;

/** Runs the writer, kills it some time after it began, and resolves with what it said was answered. */
async function killWriter(folder: string, run: number, afterMs: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'writer.ts'), folder, String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(child.stdout, 'data');
  await delay(afterMs);
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
  const lines = text.split('\n').slice(0, -1);
  return lines.filter((line) => line !== 'ready');
}

it(
  `an answered act survives ${KILLS} kills, and the log is whole after each`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kortd-audit-'));
    const random = new SeededRandom(SEED);
    const answered = new Set<string>();
    try {
      for (let run = 0; run < KILLS; run++) {
        for (const purpose of await killWriter(folder, run, 5 + random.below(115))) answered.add(purpose);
        using store = AuditStore.openForReading(join(folder, 'audit.sqlite'));
        const written = new Set<string | undefined>();
        for await (const batch of store.batches()) for (const { purpose } of batch) written.add(purpose);
        expect([...answered].filter((purpose) => !written.has(purpose))).toEqual([]);
      }
      expect(answered.size).toBeGreaterThan(KILLS * 10);
      await using log = AuditLog.open({ folder, log: silentLog });
      expect(await log.verify()).toMatchObject({ ok: true });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  KILLS * 5_000,
);
