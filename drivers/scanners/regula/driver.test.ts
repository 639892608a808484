import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Check } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScanReport } from '../../../api-spec/scan/report.ts';
import type { ScanLight } from '../../../api-spec/scan/report.ts';
import { DeviceProtocolError, DeviceTimeoutError, ServiceUnavailableError } from '../../errors.ts';
import { PICTURE_LIGHTS, takePictures } from '../../simulated/scanners/page-pictures.ts';
import { PAGE_PERSONAS, printDocument, type PageDefect } from '../../simulated/scanners/printed-document.ts';
import { serveRegula, type SimulatedRegula } from '../../simulated/scanners/regula/service.ts';
import type { ServiceFault } from '../../simulated/scanners/service-faults.ts';
import { LicenceError, type DriverImage, type DriverScan, type ScanOptions, type ScannerDriver } from '../driver.ts';
import { openRegulaDriver } from './driver.ts';

const NOW = new Date('2026-03-01T12:00:00Z');

let service: SimulatedRegula;
let driver: ScannerDriver;

beforeEach(async () => {
  service = await serveRegula({ now: () => NOW });
  driver = openRegulaDriver('regula-1', { url: service.url, timeoutMs: 5_000, maxAnswerBytes: 4_194_304 });
});

afterEach(async () => {
  await driver[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

function picturesOf(
  persona: string,
  defects: readonly PageDefect[] = [],
  lights: readonly (typeof PICTURE_LIGHTS)[number][] = PICTURE_LIGHTS,
) {
  return takePictures({ persona, defects }, lights).map(({ light, png }): DriverImage => ({
    id: `given-${light}`,
    kind: 'page',
    page: 0,
    light,
    bytes: png,
  }));
}

function optionsFor(images: readonly DriverImage[], more: Partial<ScanOptions> = {}): ScanOptions {
  return {
    signal: AbortSignal.timeout(20_000),
    timeoutMs: 20_000,
    readsChip: true,
    images,
    onProgress: () => undefined,
    ...more,
  };
}

async function scan(images: readonly DriverImage[], more: Partial<ScanOptions> = {}): Promise<DriverScan> {
  const found = await driver.scan('service', optionsFor(images, more));
  expect(Check(ScanReport, found.report)).toBe(true);
  return found;
}

function verdictOf({ report }: DriverScan, id: string): string | undefined {
  return report.checks?.find((check) => check.id === id)?.verdict;
}

describe('a document', () => {
  it.each(PAGE_PERSONAS)('of %s is read as it is printed', async (persona) => {
    const { report, images } = await scan(picturesOf(persona));
    const printed = printDocument({ persona });
    expect(report.mrz).toEqual({ lines: printed.mrz, source: 'optical' });
    expect(report.document).toMatchObject({ issuingState: 'UTO', number: printed.documentNumber, expiry: printed.expiryDate });
    expect(report.document?.expired).toBe(persona === 'specimen');
    expect(report.holder).toMatchObject({ birthDate: printed.holder.birthDate, sex: printed.holder.sex });
    expect(images.find(({ kind }) => kind === 'portrait')?.bytes).toEqual(printed.portrait);
    expect(report.outcome).toBe('complete');
  });

  it('has its picture in every light, with the checks made in that light', async () => {
    const { report, images } = await scan(picturesOf('anna'));
    const pages = images.filter(({ kind }) => kind === 'page');
    expect(pages.map(({ light }) => light).sort()).toEqual(['axial', 'ir', 'uv', 'white']);
    const lights = new Set<ScanLight | undefined>(report.checks?.map(({ light }) => light));
    for (const light of ['axial', 'ir', 'uv'] as const) expect(lights).toContain(light);
    expect(report.checks?.filter(({ group }) => group === 'optical').every(({ verdict }) => verdict === 'passed')).toBe(true);
  });

  it('has fields from zone and words, and how they compare', async () => {
    const { report } = await scan(picturesOf('bjorn'));
    const surname = report.fields?.find(({ name }) => name === 'surname');
    expect(surname?.values?.map(({ source, value }) => [source, value])).toEqual([
      ['mrz', 'AAKESSON'],
      ['viz', 'Åkesson'],
    ]);
    expect(surname?.comparisons).toEqual([{ a: 'mrz', b: 'viz', verdict: 'passed' }]);
    expect(report.comparisons).toEqual([{ a: 'mrz', b: 'viz', verdict: 'passed' }]);
  });

  it.each([
    ['bright paper', 'optical.uv-luminescence.1', 'failed', 'UV_DULL_PAPER_BLANK'],
    ['cancelled', 'optical.image-pattern.1', 'failed', 'DOCUMENT_IS_CANCELLING'],
    ['copy', 'optical.document-liveness.1', 'failed', 'DOC_LIVENESS_ELECTRONIC_DEVICE_DETECTED'],
    ['damaged laminate', 'optical.axial-protection.1', 'failed', 'BAD_AREA_IN_AXIAL'],
    ['no carbon ink', 'optical.ir-b900.1', 'failed', 'LOW_CONTRAST_IN_IR_LIGHT'],
    ['no fibres', 'optical.uv-fibres.1', 'failed', 'FIBERS_NOT_FOUND'],
    ['replaced photo', 'optical.photo-embedding.1', 'failed', 'PHOTO_PATTERN_INTERRUPTED'],
    ['uncertain', 'optical.ir-b900.1', 'undetermined', 'UNCERTAIN_VERIFICATION'],
  ] as const)('with the defect "%s" has check %s %s', async (defect, id, verdict, code) => {
    const { report } = await scan(picturesOf('anna', [defect]));
    expect(report.checks?.find((check) => check.id === id)).toMatchObject({ verdict, code });
  });

  it('that may do without fibres is not failed for them, and not passed either', async () => {
    const found = await scan(picturesOf('anna', ['no fibres']));
    expect(found.report.checks?.find(({ id }) => id === 'optical.uv-fibres.1')?.critical).toBe(false);
    expect(verdictOf(found, 'optical.security')).toBe('undetermined');
    expect(verdictOf(found, 'service.overall')).toBe('undetermined');
  });

  it('of which nothing could be judged is undetermined, although the service says negative', async () => {
    const found = await scan(picturesOf('anna', ['uncertain']));
    expect(verdictOf(found, 'optical.security')).toBe('undetermined');
    expect(verdictOf(found, 'service.overall')).toBe('undetermined');
  });

  it('with another name in words fails the comparison', async () => {
    const found = await scan(picturesOf('anna', ['other name']));
    expect(found.report.comparisons).toEqual([{ a: 'mrz', b: 'viz', verdict: 'failed' }]);
    expect(verdictOf(found, 'combined.text')).toBe('failed');
  });

  it('whose zone has a wrong digit is handed on as it was read, with what the service thinks of it', async () => {
    const found = await scan(picturesOf('anna', ['wrong check digit']));
    expect(found.report.mrz?.lines).toEqual(printDocument({ persona: 'anna', defects: ['wrong check digit'] }).mrz);
    expect(verdictOf(found, 'mrz.vendor')).toBe('failed');
  });

  it('without a picture under UV light has those checks not performed', async () => {
    const found = await scan(picturesOf('anna', [], ['white', 'ir']));
    expect(verdictOf(found, 'optical.uv-luminescence.1')).toBe('notPerformed');
    expect(verdictOf(found, 'optical.security')).not.toBe('passed');
  });

  it('that the service does not know is not passed', async () => {
    const [white] = picturesOf('anna');
    const found = await scan([{ id: 'x', kind: 'page', page: 0, light: 'ir', bytes: white?.bytes ?? new Uint8Array() }]);
    expect(verdictOf(found, 'optical.document-type')).toBe('failed');
    expect(verdictOf(found, 'optical.security')).toBe('notPerformed');
  });
});

describe('a service that', () => {
  const never = 'passed';

  it.each<[string, ServiceFault, new (...args: never[]) => Error, string]>([
    ['answers 200 MB', { kind: 'flood', bytes: 200_000_000 }, DeviceProtocolError, 'answer_too_large'],
    ['declares a picture', { kind: 'wrong type' }, DeviceProtocolError, 'media_type_wrong'],
    ['calls a page JSON', { kind: 'lying type' }, DeviceProtocolError, 'answer_invalid'],
    ['sends half a JSON', { kind: 'garbage' }, DeviceProtocolError, 'answer_invalid'],
    ['answers in another shape', { kind: 'other shape' }, DeviceProtocolError, 'answer_invalid'],
    ['refuses its licence', { kind: 'licence refused' }, LicenceError, 'licence_refused'],
    ['cuts the connection', { kind: 'cut', times: 0 }, ServiceUnavailableError, 'connection_lost'],
    ['redirects', { kind: 'redirect' }, DeviceProtocolError, 'redirected'],
    ['compresses', { kind: 'compressed' }, DeviceProtocolError, 'media_type_wrong'],
    ['stays busy', { kind: 'busy', times: 0 }, ServiceUnavailableError, 'service_busy'],
  ])('%s is a typed error', async (_, fault, errorClass, driverCode) => {
    service.faults.order(fault);
    const failure = await driver.scan('service', optionsFor(picturesOf('anna'))).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(errorClass);
    expect(failure).toMatchObject({ driverCode, device: 'regula-1' });
  });

  it('is slow ends at the deadline of the call', async () => {
    await driver[Symbol.asyncDispose]();
    driver = openRegulaDriver('regula-1', { url: service.url, timeoutMs: 300 });
    service.faults.order({ kind: 'slow', delayMs: 60_000 });
    await expect(driver.scan('service', optionsFor(picturesOf('anna')))).rejects.toThrow(DeviceTimeoutError);
  });

  it('is slow ends at once when the scan is cancelled', async () => {
    const stop = new AbortController();
    service.faults.order({ kind: 'slow', delayMs: 60_000 });
    const scanning = driver.scan('service', optionsFor(picturesOf('anna'), { signal: stop.signal }));
    setTimeout(() => stop.abort(new Error('cancelled by the test')), 50);
    await expect(scanning).rejects.toThrow('cancelled by the test');
  });

  it('is busy or loses the connection once is asked again', async () => {
    service.faults.order({ kind: 'busy' });
    service.faults.order({ kind: 'cut' });
    expect((await scan(picturesOf('anna'))).report.outcome).toBe('complete');
    expect(service.calls).toHaveLength(3);
  });

  it('says words that nobody knows has passed nothing by them', async () => {
    service.faults.order({ kind: 'unknown verdict' });
    const found = await scan(picturesOf('anna'));
    for (const id of ['optical.ir-b900.1', 'service.overall']) expect(verdictOf(found, id), id).toBe('undetermined');
    expect(found.report.checks?.filter(({ id, verdict }) => /^optical\..*\.\d$/.test(id) && verdict === never)).toEqual([]);
  });

  it('did not come to its end gives a partial scan', async () => {
    service.faults.order({ kind: 'unfinished' });
    expect((await scan(picturesOf('anna'))).report.outcome).toBe('partial');
  });

  it('is not there is unavailable, and told as gone', async () => {
    await service[Symbol.asyncDispose]();
    await expect(driver.scan('service', optionsFor(picturesOf('anna')))).rejects.toMatchObject({ driverCode: 'unreachable' });
    expect(driver.list()[0]?.status).toBe('gone');
    expect(await driver.health({ signal: AbortSignal.timeout(5_000) })).toMatchObject({ isWorking: false });
  });
});

describe('the driver', () => {
  it('tells version and licence of the service', async () => {
    const health = await driver.health({ signal: AbortSignal.timeout(5_000) });
    expect(health).toEqual({ isWorking: true, version: '8.1.297907.1721', licenceValidUntil: '2039-12-31T23:59:59Z' });
  });

  it('tells that the licence is gone, and when it is there again', async () => {
    const seen: (string | undefined)[] = [];
    driver.watch(() => seen.push(driver.list()[0]?.status));
    service.faults.order({ kind: 'licence refused', at: '/api/process' });
    await driver.scan('service', optionsFor(picturesOf('anna'))).catch(() => undefined);
    await scan(picturesOf('anna'));
    expect(seen.filter((status) => status !== undefined)).toEqual(expect.arrayContaining(['unlicensed', 'ready']));
  });

  it('takes its pictures from a folder, one for each light, and leaves none there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kortd-pictures-'));
    const own = openRegulaDriver('regula-2', { url: service.url, pictureFolder: folder });
    try {
      const stages: string[] = [];
      const scanning = own.scan('service', optionsFor([], { onProgress: ({ stage }) => stages.push(stage) }));
      for (const { light, bytes } of picturesOf('cecilia')) await writeFile(join(folder, `${light}.png`), bytes);
      const { report } = await scanning;
      expect(report.document?.number).toBe('85012345');
      expect(await readdir(folder)).toEqual([]);
      expect(stages).toEqual(['waiting', ...PICTURE_LIGHTS.map(() => 'capturing'), 'verifying']);
    } finally {
      await own[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    }
  });

  it('without pictures and without a folder says so', async () => {
    await expect(driver.scan('service', optionsFor([]))).rejects.toMatchObject({ driverCode: 'pictures_missing' });
  });

  it('has nothing of the document in its errors', async () => {
    for (const kind of ['garbage', 'wrong type', 'other shape', 'cut'] as const) service.faults.order({ kind });
    const texts: string[] = [];
    for (let call = 0; call < 4; call++) {
      const failure: unknown = await driver.scan('service', optionsFor(picturesOf('anna'))).catch((error: unknown) => error);
      if (failure instanceof Error) texts.push(`${failure.message} ${String(failure.cause)}`);
    }
    expect(texts.length).toBeGreaterThan(2);
    expect(texts.join()).not.toMatch(/LINDQVIST|XA1200011|850214/i);
  });
});
