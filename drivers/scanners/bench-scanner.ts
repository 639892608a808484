/**
 * A vendor's service of the simulated desk: the real driver, over HTTP, against the simulated service, which is started with the first scan. A desk on which nobody
 * scans has none of it in memory.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { VendorBench } from '../simulated/scanners/bench.ts';
import type { ServiceRow } from '../simulated/scanners/service-row.ts';
import type { VendorKind } from '../simulated/scanners/vendor-kinds.ts';
import type { DriverScan, ScanOptions, ScannerAbilities, ScannerDriver, ScannerHealth, ScannerState } from './driver.ts';
import { VENDOR_SCANNERS, type VendorOptions } from './vendor-scanners.ts';

export interface BenchScanner extends ScannerDriver {
  /** Starts the service, unless it runs: to move documents and order faults. */
  bench(): Promise<VendorBench>;
}

const LIGHTS = ['axial', 'ir', 'uv', 'white'] as const;
const MODELS: Readonly<Record<VendorKind, { readonly model: string; readonly takesImages: boolean }>> = {
  authentiscan: { model: 'AuthentiScan', takesImages: true },
  id365: { model: '365id', takesImages: false },
  regula: { model: 'Regula Document Reader', takesImages: true },
};

export function openBenchScanner(row: ServiceRow): BenchScanner {
  return new LazyScanner(row);
}

interface Started {
  readonly bench: VendorBench;
  readonly driver: ScannerDriver;
  readonly resources: AsyncDisposableStack;
}

class LazyScanner implements BenchScanner {
  readonly name: string;
  readonly kind: VendorKind;
  readonly #row: ServiceRow;
  #started: Promise<Started> | undefined;
  #driver: ScannerDriver | undefined;
  #changed: (() => void) | undefined;

  constructor(row: ServiceRow) {
    this.#row = row;
    this.name = row.name;
    this.kind = row.service;
  }

  watch(changed: () => void): void {
    this.#changed = changed;
  }

  list(): readonly ScannerState[] {
    if (this.#driver) return this.#driver.list();
    const { model, takesImages } = MODELS[this.kind];
    const abilities: ScannerAbilities = { mrz: true, lights: LIGHTS, chip: false, takesImages, verdicts: true };
    return [{ id: 'service', model, status: 'ready', abilities }];
  }

  async bench(): Promise<VendorBench> {
    return (await this.#start()).bench;
  }

  async scan(scannerId: string, options: ScanOptions): Promise<DriverScan> {
    return (await this.#start()).driver.scan(scannerId, options);
  }

  async health(options: { readonly signal: AbortSignal }): Promise<ScannerHealth> {
    return (await this.#start()).driver.health(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#changed = undefined;
    const started = await this.#started?.catch(() => undefined);
    await started?.resources.disposeAsync();
  }

  #start(): Promise<Started> {
    return (this.#started ??= this.#open());
  }

  async #open(): Promise<Started> {
    const { name, service: kind, document, faults = [] } = this.#row;
    await using opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'kortd-bench-'));
    opened.defer(async () => rm(folder, { recursive: true, force: true }));
    const { openVendorBench } = await import('../simulated/scanners/bench.ts');
    const bench = opened.use(await openVendorBench(kind, { folder, ...(document ? { document } : {}) }));
    for (const fault of faults) bench.service.faults.order(fault);
    const driver = opened.use(await openDriver(kind, name, bench.options));
    driver.watch(() => this.#changed?.());
    this.#driver = driver;
    return { bench, driver, resources: opened.move() };
  }
}

/** The bench writes options as the schemas have them. */
async function openDriver(kind: VendorKind, name: string, options: object): Promise<ScannerDriver> {
  if (kind === 'regula') return VENDOR_SCANNERS.regula(name, options as VendorOptions['regula']);
  if (kind === 'id365') return VENDOR_SCANNERS.id365(name, options as VendorOptions['id365']);
  return VENDOR_SCANNERS.authentiscan(name, options as VendorOptions['authentiscan']);
}
