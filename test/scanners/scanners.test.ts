/** The scanners of a desk over the API: a simulated one with its faults, a vendor's program that the file names, and the file changed while kortd runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testConformance } from '../../drivers/scanners/program/conformance.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { errorOf, openBench, outcomeOf, resultOf, type Bench } from '../api/support.ts';

const DRIVER = join(import.meta.dirname, 'readme-driver.sh');
const scanner = 'bench.main';

async function configure(bench: Bench, scanners: readonly object[]): Promise<void> {
  writeFileSync(join(bench.dataFolder, 'scanners.json'), JSON.stringify({ scanners }), { mode: 0o600 });
  await bench.daemon.reload();
}

/** Asks until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  await expect.poll(isSo, { timeout: 15_000, interval: 50 }).toBe(true);
}

describe('a driver written only from the README', () => {
  it('passes the test of conformance', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kortd-readme-'));
    try {
      const failed: string[] = [];
      const onStep = ({ name, passed, found }: { name: string; passed: boolean; found: string }): void => {
        if (!passed) failed.push(`${name}: ${found}`);
      };
      await testConformance({ command: ['/bin/sh', DRIVER], folder, scanTimeoutMs: 5_000, onStep });
      expect(failed).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('scans through the API once the file names it, and goes when it does not', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    await configure(bench, [{ name: 'shell', driver: 'helper', options: { command: ['/bin/sh', DRIVER] } }]);
    await until(async () => resultOf(await api.call('scanner.list')).scanners.some(({ id }) => id === 'shell.sh'));
    const { scan } = resultOf(await api.call('scanner.scan', { scanner: 'shell.sh' }));
    expect(scan).toMatchObject({
      outcome: 'complete',
      mrz: { format: 'TD1', verdict: 'passed' },
      verdict: { overall: 'undetermined' },
      origin: { simulated: false },
    });
    await configure(bench, []);
    expect(errorOf(await api.call('scanner.scan', { scanner: 'shell.sh' })).code).toBe('scanner_not_found');
  });
});

describe('scanner.*', () => {
  it('scans, keeps the scan for its caller, and gives the pictures out as contents', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const { scan } = resultOf(await api.call('scanner.scan', { lights: ['uv'] }));
    expect(scan).toMatchObject({
      schema: 'kortd.scan/1',
      origin: { simulated: true },
      mrz: { format: 'TD3', verdict: 'passed' },
      verdict: { overall: 'passed' },
    });
    expect(scan.images.map(({ light }) => light)).toEqual(['uv']);
    expect(resultOf(await api.call('scanner.get', { scan: scan.id })).scan).toEqual(scan);
    const answer = await fetch(`${bench.daemon.url}/v1/contents/${scan.images[0]?.content ?? ''}`, {
      headers: { authorization: `Bearer ${bench.token}` },
    });
    expect((await answer.arrayBuffer()).byteLength).toBe(scan.images[0]?.size);
  });

  it('never passes what a driver says in words of its own', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    bench.scanner.arm([{ kind: 'wrongType', at: 1 }]);
    const { scan } = resultOf(await api.call('scanner.scan', { scanner }));
    expect(scan).toMatchObject({ outcome: 'partial', verdict: { overall: 'undetermined' }, images: [] });
    expect(scan.warnings.length).toBeGreaterThan(0);
  });

  it('scans one at a time, in turn, and is found again after it was pulled in the midst', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    bench.scanner.arm([{ kind: 'gone', at: 1, backAfterMs: 50 }]);
    expect(outcomeOf(await api.call('scanner.scan', { scanner }))).toBe('scanner_gone');
    await until(async () => resultOf(await api.call('scanner.list')).scanners[0]?.status === 'ready');
    const outcomes = await Promise.all([1, 2, 3].map(async () => outcomeOf(await api.call('scanner.scan', { scanner }))));
    expect(outcomes).toEqual(['ok', 'ok', 'ok']);
  });

  it('tells a file that is wrong, and what is wrong in it', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    await configure(bench, [{ name: 'x', driver: 'nothing' }]);
    expect(resultOf(await api.call('scanner.list')).problems).toEqual([
      expect.stringContaining('/scanners/0/driver: there is no such driver'),
    ]);
    await configure(bench, [{ name: 'x', driver: 'serial-mrz', options: { framing: 'plain-crlf', surprise: 1 } }]);
    expect(resultOf(await api.call('scanner.list')).problems).toEqual([expect.stringContaining('/scanners/0/options')]);
  });

  it('that does not let go is left behind, and works again when it does', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    bench.scanner.arm([{ kind: 'stuck', at: 1, forMs: 4_000 }]);
    expect(outcomeOf(await api.call('scanner.scan', { scanner }, { timeoutMs: 300 }))).not.toBe('ok');
    await until(async () => resultOf(await api.call('scanner.list')).scanners[0]?.status === 'failed');
    await until(async () => resultOf(await api.call('scanner.list')).scanners[0]?.status === 'ready');
    expect(outcomeOf(await api.call('scanner.scan', { scanner }))).toBe('ok');
  });
});
