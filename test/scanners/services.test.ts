/** Vendors' services over the API: a daemon, the real drivers, the simulated services behind HTTP. Each person and defect comes to exactly its verdict. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Client } from '../../api-spec/client/client.ts';
import type { Scan } from '../../api-spec/scan/scan.ts';
import type { Verdict } from '../../api-spec/scan/verdict.ts';
import { startDaemon, type Daemon } from '../../daemon/daemon.ts';
import { openBenchScanner, type BenchScanner } from '../../drivers/scanners/bench-scanner.ts';
import { takePictures } from '../../drivers/simulated/scanners/page-pictures.ts';
import { PAGE_PERSONAS, printDocument, type PageDefect } from '../../drivers/simulated/scanners/printed-document.ts';
import type { ServiceFault } from '../../drivers/simulated/scanners/service-faults.ts';
import { VENDOR_KINDS, type VendorKind } from '../../drivers/simulated/scanners/vendor-kinds.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';

let dataFolder: string;
let daemon: Daemon;
let client: Client;
let log = '';
const scanners = new Map<VendorKind, BenchScanner>();

beforeAll(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), 'kortd-services-'));
  for (const kind of VENDOR_KINDS) scanners.set(kind, openBenchScanner({ name: kind, service: kind }));
  daemon = await startDaemon({
    dataFolder,
    policyFolder: join(dataFolder, 'policy.d'),
    port: 0,
    sources: [createSimulatedSource([])],
    simulated: true,
    simulatedScanners: [...scanners.values()],
    log: pino({ level: 'trace' }, { write: (line: string) => (log += line) }),
  });
  client = await connect({ url: daemon.url, token: daemon.token });
}, 30_000);

afterAll(async () => {
  client.close();
  await client.closed;
  await daemon[Symbol.asyncDispose]();
  rmSync(dataFolder, { recursive: true, force: true });
});

afterEach(async () => {
  for (const scanner of scanners.values()) (await scanner.bench()).service.faults.clear();
});

/** Those that judge pictures are given them, so that nothing waits for a camera. */
async function scan(kind: VendorKind, persona: string, defects: readonly PageDefect[] = []): Promise<Scan> {
  const bench = await scanners.get(kind)?.bench();
  if (bench) bench.service.document = { persona, defects };
  const images =
    kind === 'id365'
      ? []
      : takePictures({ persona, defects }).map(({ light, png }) => ({
          image: { data: Buffer.from(png).toString('base64') },
          light,
        }));
  const { scan: found } = await client.call('scanner.scan', { scanner: `${kind}.service`, images });
  return found;
}

async function order(kind: VendorKind, fault: ServiceFault): Promise<void> {
  (await scanners.get(kind)?.bench())?.service.faults.order(fault);
}

describe.each(VENDOR_KINDS)('%s', (kind) => {
  it.each(PAGE_PERSONAS)('scans the document of %s', async (persona) => {
    const found = await scan(kind, persona);
    const printed = printDocument({ persona });
    const isExpired = persona === 'specimen';
    expect(found.mrz).toMatchObject({ lines: printed.mrz, verdict: 'passed' });
    expect(found.mrz?.checkDigits.every(({ verdict }) => verdict === 'passed')).toBe(true);
    expect([...new Set(found.images.filter(({ kind: of }) => of === 'page').map(({ light }) => light))].sort()).toEqual([
      ...['axial', 'ir', 'uv', 'white'],
    ]);
    expect(found.warnings).toEqual([]);
    expect(found.outcome).toBe('complete');
    expect(found.origin).toMatchObject({ scanner: `${kind}.service`, driver: kind, simulated: true });
    expect(found.verdict.optical).toBe('passed');
    // Regula tells that a chip is expected, and nobody read one.
    const whole: Verdict = kind === 'regula' ? 'undetermined' : 'passed';
    expect(found.verdict.overall).toBe(isExpired ? 'failed' : whole);
    if (!isExpired) expect(found.verdict.reasons).toEqual(kind === 'regula' ? ['chip.expected'] : []);
  });

  it.each<[PageDefect, Verdict, Partial<Scan['verdict']>]>([
    ['bright paper', 'failed', { optical: 'failed', mrz: 'passed' }],
    ['cancelled', 'failed', { optical: 'failed', mrz: 'passed' }],
    ['copy', 'failed', { optical: 'failed', mrz: 'passed' }],
    ['damaged laminate', 'failed', { optical: 'failed', mrz: 'passed' }],
    ['no carbon ink', 'failed', { optical: 'failed', mrz: 'passed' }],
    ['no fibres', 'undetermined', { optical: 'undetermined', mrz: 'passed' }],
    ['other name', 'failed', { optical: 'passed', combined: 'failed' }],
    ['replaced photo', 'failed', { optical: 'failed', mrz: 'passed' }],
    ['uncertain', 'undetermined', { optical: 'undetermined', mrz: 'passed' }],
    ['wrong check digit', 'failed', { mrz: 'failed', optical: 'passed' }],
  ])('with the defect "%s" is %s', async (defect, overall, groups) => {
    expect((await scan(kind, 'anna', [defect])).verdict).toMatchObject({ overall, ...groups });
  });

  it.each<[ServiceFault, string]>([
    [{ kind: 'licence refused', times: 0 }, 'scanner_unlicensed'],
    [{ kind: 'flood', bytes: 200_000_000, times: 0 }, 'scanner_failed'],
    [{ kind: 'wrong type', times: 0 }, 'scanner_failed'],
    [{ kind: 'lying type', times: 0 }, 'scanner_failed'],
    [{ kind: 'garbage', times: 0 }, 'scanner_failed'],
    [{ kind: 'redirect', times: 0 }, 'scanner_failed'],
    [{ kind: 'cut', times: 0 }, 'scanner_unavailable'],
  ])('with the fault %j is an error that says so', async (fault, code) => {
    await order(kind, fault);
    await expect(scan(kind, 'anna')).rejects.toMatchObject({ code });
  });

  it('with pictures that are none is not passed, and gives none of them out', async () => {
    await order(kind, { kind: 'bad picture', times: 0 });
    const found = await scan(kind, 'anna');
    expect(found.outcome).toBe('partial');
    expect(found.verdict.overall).toBe('undetermined');
    expect(found.images.every(({ mediaType }) => mediaType === 'image/png')).toBe(true);
  });

  it('with words that nobody has written down is not passed', async () => {
    await order(kind, { kind: 'unknown verdict', times: 0 });
    expect((await scan(kind, 'anna')).verdict.overall).toBe('undetermined');
  });
});

it('none of them leaves anything of a person in the log, or in what kortd keeps', () => {
  const names = readdirSync(dataFolder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const kept = names.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n');
  // That the acts are in there shows that this looks at the right files.
  expect(kept).toContain('scanner.scan');
  expect(log + kept).not.toMatch(
    /lindqvist|åkesson|aakesson|öberg|oeberg|XA12000|YB3400022|850214|198502149801|bench-secret|bench-key/i,
  );
});
