import { afterEach, describe, expect, it } from 'vitest';
import { VENDOR_KINDS } from '../simulated/scanners/vendor-kinds.ts';
import { openBenchScanner, type BenchScanner } from './bench-scanner.ts';
import type { ScanOptions } from './driver.ts';

let scanner: BenchScanner | undefined;

afterEach(async () => {
  await scanner?.[Symbol.asyncDispose]();
  scanner = undefined;
});

function options(signal = AbortSignal.timeout(20_000)): ScanOptions {
  return { signal, timeoutMs: 20_000, readsChip: true, images: [], onProgress: () => undefined };
}

describe.each(VENDOR_KINDS)('the simulated %s', (service) => {
  it('scans the document that lies in it, again and again, and another one that is put there', async () => {
    scanner = openBenchScanner({ name: 'bench', service, document: { persona: 'anna' } });
    scanner.watch(() => undefined);
    expect(scanner.list()).toMatchObject([{ id: 'service', status: 'ready' }]);
    for (let scan = 0; scan < 2; scan++)
      expect((await scanner.scan('service', options())).report.document?.number).toBe('XA1200011');
    (await scanner.bench()).service.document = { persona: 'cecilia' };
    // A set of pictures that was taken before it was changed may be the last of the old document.
    await expect
      .poll(async () => (await scanner?.scan('service', options()))?.report.document?.number, { timeout: 10_000 })
      .toBe('85012345');
  });

  it('is the same before and after it is started', async () => {
    scanner = openBenchScanner({ name: 'bench', service, document: { persona: 'anna' } });
    const [before] = scanner.list();
    await scanner.bench();
    expect(new Set(scanner.list()[0]?.abilities.lights)).toEqual(new Set(before?.abilities.lights));
    expect({ ...scanner.list()[0]?.abilities, lights: [] }).toEqual({ ...before?.abilities, lights: [] });
    expect(scanner.list()[0]?.model).toBe(before?.model);
  });

  it('has the faults of its row', async () => {
    scanner = openBenchScanner({
      name: 'bench',
      service,
      faults: [{ kind: 'licence refused', times: 0 }],
      document: { persona: 'anna' },
    });
    await expect(scanner.scan('service', options())).rejects.toThrow('the service');
    expect(scanner.list()[0]?.status).toBe('unlicensed');
  });
});
