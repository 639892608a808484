/** The services whose form is configuration: the same documents, defects and faults against both. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Compile } from 'typebox/compile';
import { Check } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScanReport } from '../../api-spec/scan/report.ts';
import { DeviceProtocolError, DeviceTimeoutError, ServiceUnavailableError } from '../errors.ts';
import { BENCH_API_KEY, serveAuthentiscan } from '../simulated/scanners/authentiscan/service.ts';
import { authentiscanBenchOptions, id365BenchOptions } from '../simulated/scanners/bench-options.ts';
import { BENCH_CLIENT_SECRET, serve365id } from '../simulated/scanners/id365/service.ts';
import { takePictures } from '../simulated/scanners/page-pictures.ts';
import { PAGE_PERSONAS, printDocument, type PageOrder } from '../simulated/scanners/printed-document.ts';
import type { ServiceFault } from '../simulated/scanners/service-faults.ts';
import type { SimulatedVendorService } from '../simulated/scanners/vendor-server.ts';
import { openAuthentiscanDriver } from './authentiscan/driver.ts';
import { AuthentiscanOptions } from './authentiscan/options.ts';
import { LicenceError, type DriverImage, type DriverScan, type ScanOptions, type ScannerDriver } from './driver.ts';
import { openId365Driver } from './id365/driver.ts';
import { Id365Options } from './id365/options.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const now = (): Date => NOW;

let folder: string;
let service: SimulatedVendorService;
let driver: ScannerDriver;
let more: object = {};

const SERVICES = {
  id365: {
    serve: serve365id,
    secret: BENCH_CLIENT_SECRET,
    open: (url: string, file: string) => openId365Driver('id-1', { ...fit(Id365Options, id365BenchOptions(url, file)), ...more }),
    /** Its own client scans. */
    images: (): readonly DriverImage[] => [],
    resultAt: '/integration/v1/transactions',
  },
  authentiscan: {
    serve: serveAuthentiscan,
    secret: BENCH_API_KEY,
    open: (url: string, file: string) =>
      openAuthentiscanDriver('id-1', { ...fit(AuthentiscanOptions, authentiscanBenchOptions(url, file)), ...more }),
    images: (order: PageOrder) =>
      takePictures(order).map(({ light, png }): DriverImage => ({ id: light, kind: 'page', page: 0, light, bytes: png })),
    resultAt: '/v2/documents',
  },
} as const;
type Name = keyof typeof SERVICES;
const NAMES = ['authentiscan', 'id365'] as const;

function fit<T extends typeof AuthentiscanOptions | typeof Id365Options>(schema: T, options: object) {
  const validator = Compile(schema);
  expect([...validator.Errors(options)]).toEqual([]);
  return validator.Parse(options);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kortd-vendor-'));
  more = {};
});

afterEach(async () => {
  await driver[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function open(name: Name, secret: string = SERVICES[name].secret): Promise<void> {
  const file = join(folder, 'secret');
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
  service = await SERVICES[name].serve({ now });
  driver = SERVICES[name].open(service.url, file);
}

function optionsFor(images: readonly DriverImage[], signal = AbortSignal.timeout(20_000)): ScanOptions {
  return { signal, timeoutMs: 20_000, readsChip: true, images, onProgress: () => undefined };
}

async function run(name: Name, order: PageOrder, signal?: AbortSignal): Promise<DriverScan> {
  service.document = order;
  const found = await driver.scan('service', optionsFor(SERVICES[name].images(order), signal));
  expect(Check(ScanReport, found.report)).toBe(true);
  return found;
}

function verdictOf({ report }: DriverScan, id: string): string | undefined {
  return report.checks?.find((check) => check.id === id)?.verdict;
}

describe.each(NAMES)('%s', (name) => {
  it.each(PAGE_PERSONAS)('reads the document of %s', async (persona) => {
    await open(name);
    const { report, images } = await run(name, { persona });
    const printed = printDocument({ persona });
    expect(report.mrz?.lines).toEqual(printed.mrz);
    expect(report.document).toMatchObject({
      type: printed.format === 'TD3' ? 'passport' : 'identityCard',
      number: printed.documentNumber,
      expiry: printed.expiryDate,
    });
    expect(report.holder).toMatchObject({ surname: printed.holder.surname, birthDate: printed.holder.birthDate });
    expect(
      images
        .filter(({ kind }) => kind === 'page')
        .map(({ light }) => light)
        .sort(),
    ).toEqual(['axial', 'ir', 'uv', 'white']);
    expect(images.find(({ kind }) => kind === 'portrait')?.bytes).toEqual(printed.portrait);
  });

  it.each([
    ['bright paper', 'optical.uv-dull', 'failed', 'failed'],
    ['cancelled', 'optical.cancelled', 'failed', 'failed'],
    ['copy', 'optical.document-liveness', 'failed', 'failed'],
    ['damaged laminate', 'optical.axial-protection', 'failed', 'failed'],
    ['no carbon ink', 'optical.ir-b900', 'failed', 'failed'],
    ['no fibres', 'optical.uv-fibres', 'failed', 'undetermined'],
    ['other name', 'combined.text', 'failed', 'failed'],
    ['replaced photo', 'optical.photo-embedding', 'failed', 'failed'],
    ['uncertain', 'optical.uv-dull', 'undetermined', 'undetermined'],
    ['wrong check digit', 'mrz.vendor', 'failed', 'failed'],
  ] as const)('with the defect "%s" has check %s %s', async (defect, id, verdict, overall) => {
    await open(name);
    const found = await run(name, { persona: 'anna', defects: [defect] });
    expect(verdictOf(found, id)).toBe(verdict);
    expect(verdictOf(found, 'service.overall')).toBe(overall);
  });

  it('that finds nothing wrong says so in its own words, which are mapped', async () => {
    await open(name);
    const found = await run(name, { persona: 'anna' });
    expect(found.report.checks?.filter(({ verdict }) => verdict !== 'passed')).toEqual([]);
    expect(found.report.vendor?.verdict).toBe(name === 'id365' ? 'Approved' : 'ACCEPT');
    expect(found.report.outcome).toBe('complete');
  });

  it('has passed nothing by words that nobody has written down', async () => {
    await open(name);
    service.faults.order({ kind: 'unknown verdict', times: 0 });
    const found = await run(name, { persona: 'anna' });
    expect(new Set(found.report.checks?.map(({ verdict }) => verdict))).toEqual(new Set(['undetermined']));
  });

  it.each<[ServiceFault, new (...args: never[]) => Error, string]>([
    [{ kind: 'flood', bytes: 200_000_000, times: 0 }, DeviceProtocolError, 'answer_too_large'],
    [{ kind: 'wrong type', times: 0 }, DeviceProtocolError, 'media_type_wrong'],
    [{ kind: 'lying type', times: 0 }, DeviceProtocolError, 'answer_invalid'],
    [{ kind: 'garbage', times: 0 }, DeviceProtocolError, 'answer_invalid'],
    [{ kind: 'licence refused', times: 0 }, LicenceError, 'licence_refused'],
    [{ kind: 'token expired', times: 0 }, ServiceUnavailableError, 'token_refused'],
    [{ kind: 'cut', times: 0 }, ServiceUnavailableError, 'connection_lost'],
    [{ kind: 'redirect', times: 0 }, DeviceProtocolError, 'redirected'],
  ])('with the fault %j ends in a typed error', async (fault, errorClass, driverCode) => {
    await open(name);
    service.faults.order({ ...fault, at: SERVICES[name].resultAt });
    const failure: unknown = await run(name, { persona: 'anna' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(errorClass);
    expect(failure).toMatchObject({ driverCode, device: 'id-1' });
    expect(String(failure)).not.toContain(SERVICES[name].secret);
  });

  it('that is slow ends at the deadline of the call', async () => {
    more = { timeoutMs: 300 };
    await open(name);
    service.faults.order({ kind: 'slow', delayMs: 60_000, times: 0 });
    await expect(run(name, { persona: 'anna' })).rejects.toThrow(DeviceTimeoutError);
  });

  it('answers in another shape, and nothing has passed', async () => {
    await open(name);
    service.faults.order({ kind: 'other shape', at: SERVICES[name].resultAt });
    const found = await run(name, { persona: 'anna' }).catch((error: unknown) => error);
    if (found instanceof Error) expect(found).toBeInstanceOf(DeviceProtocolError);
    else expect(JSON.stringify(found)).not.toContain('"passed"');
  });

  it('gives what is no picture as it is, for others to refuse', async () => {
    await open(name);
    service.faults.order({ kind: 'bad picture', times: 0 });
    const { images } = await run(name, { persona: 'anna' });
    expect(Buffer.from(images[0]?.bytes ?? []).toString()).toBe('no picture');
  });

  it('with a secret that others can read is not asked', async () => {
    await open(name);
    await chmod(join(folder, 'secret'), 0o644);
    await expect(run(name, { persona: 'anna' })).rejects.toMatchObject({ driverCode: 'configuration_invalid' });
    expect(service.calls).toEqual([]);
  });

  it('with a wrong secret is not let in, and the secret is in no error', async () => {
    await open(name, 'not-the-secret');
    const failure: unknown = await run(name, { persona: 'anna' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ driverCode: 'token_refused' });
    expect(String(failure)).not.toContain('not-the-secret');
    expect(await driver.health({ signal: AbortSignal.timeout(5_000) })).toMatchObject({ isWorking: false });
  });
});

describe('id365', () => {
  it('fetches a token once, refreshes it for each transaction, and fetches anew what is refused', async () => {
    await open('id365');
    await run('id365', { persona: 'anna' });
    service.faults.order({ kind: 'token expired', at: '/transactions' });
    await run('id365', { persona: 'anna' });
    const routes = service.calls.map((call) => call.replace(/[0-9a-f-]{36}/, 'ID'));
    expect(routes).toEqual([
      'POST /api/v1/access_token',
      'POST /integration/v1/transactions',
      ...['GET /integration/v1/transactions/ID', 'GET /integration/v1/transactions/ID'],
      'POST /api/v1/refresh_token',
      'POST /integration/v1/transactions',
      'POST /api/v1/refresh_token',
      'POST /integration/v1/transactions',
      ...['GET /integration/v1/transactions/ID', 'GET /integration/v1/transactions/ID'],
    ]);
  });

  it('waits for a document until the scan is cancelled', async () => {
    await open('id365');
    const stop = new AbortController();
    const stages: string[] = [];
    const onProgress = ({ stage }: { readonly stage: string }): void => {
      stages.push(stage);
      if (stages.length === 3) stop.abort(new Error('cancelled by the test'));
    };
    await expect(driver.scan('service', { ...optionsFor([], stop.signal), onProgress })).rejects.toThrow('cancelled by the test');
    expect(new Set(stages)).toEqual(new Set(['waiting']));
  });
});

describe('authentiscan', () => {
  it('that has come to no outcome gives a partial scan', async () => {
    await open('authentiscan');
    service.faults.order({ kind: 'unfinished' });
    const found = await run('authentiscan', { persona: 'anna' });
    expect(found.report.outcome).toBe('partial');
    expect(verdictOf(found, 'service.overall')).toBe('notPerformed');
  });
});
