/** `kortd audit` as its users meet it: exit status and words, on an export, on a database, and from a running daemon. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../daemon/cli/program.ts';
import { PIN, openBench, resultOf, watchedPivCard, type Bench } from '../api/support.ts';

let printed: { out: string; err: string };
beforeEach(() => {
  printed = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((printed.out += String(text))));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((printed.err += String(text))));
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function withActs(bench: Bench, count: number): Promise<void> {
  const card = await bench.insert(watchedPivCard());
  const api = await bench.socket();
  for (let index = 0; index < count; index++) resultOf(await api.call('pin.verify', { card, pin: PIN }));
}

describe('kortd audit', () => {
  it('exports from the daemon, and verifies the export and the database', async () => {
    await using bench = await openBench();
    await withActs(bench, 4);
    const out = join(bench.dataFolder, 'export.jsonl');
    expect(await run(['audit', 'export', '--data-dir', bench.dataFolder, '--out', out])).toBe(0);
    expect(await run(['audit', 'export', '--data-dir', bench.dataFolder])).toBe(0);
    expect(printed.out.split('\n').filter((line) => line.includes('"type":"record"'))).toHaveLength(4);
    printed.out = '';
    expect(await run(['audit', 'verify', out])).toBe(0);
    expect(printed.out).toContain('is whole: 4 records');
    expect(await run(['audit', 'verify', join(bench.dataFolder, 'audit.sqlite'), '--against', out])).toBe(0);
    const fingerprint = /fingerprint +([0-9a-f]{64})/.exec(printed.out)?.[1] ?? '';
    expect(await run(['audit', 'verify', out, '--fingerprint', fingerprint])).toBe(0);
    expect(await run(['audit', 'verify', out, '--fingerprint', '0'.repeat(64)])).toBe(1);
    expect(printed.err).toContain('another key');
  });

  it('says which record was changed, with exit status 1, in words and as JSON', async () => {
    await using bench = await openBench();
    await withActs(bench, 3);
    const out = join(bench.dataFolder, 'export.jsonl');
    await run(['audit', 'export', '--data-dir', bench.dataFolder, '--out', out]);
    const lines = readFileSync(out, 'utf8').split('\n');
    writeFileSync(out, lines.with(2, (lines[2] ?? '').replace('"ok"', '"pin_rejected"')).join('\n'));
    expect(await run(['audit', 'verify', out])).toBe(1);
    expect(printed.err).toContain('changed: record 2 was changed');
    expect(printed.out).toContain('NOT as it was written');
    printed.out = '';
    expect(await run(['audit', 'verify', out, '--json'])).toBe(1);
    expect(JSON.parse(printed.out)).toMatchObject({ ok: false, problem: { kind: 'changed', sequence: 2 } });
  });

  it('says what is wrong with a file that holds no log', async () => {
    await using bench = await openBench();
    const file = join(bench.dataFolder, 'other');
    expect(await run(['audit', 'verify', file])).toBe(1);
    expect(printed.err).toContain('ENOENT');
    writeFileSync(file, 'hello\n');
    expect(await run(['audit', 'verify', file])).toBe(1);
    expect(printed.err).toContain('line 1: it is not JSON');
  });
});
