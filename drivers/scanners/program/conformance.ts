/**
 * The test that a vendor runs: does this program speak the protocol, as kortd itself would find out? Each step is told with what came; those after a failure that
 * makes them senseless are left out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { acceptScan } from '../accept.ts';
import { DeviceCancelledError } from '../../errors.ts';
import type { DriverScan, ScannerDriver, ScannerState, ScanOptions, ScanProgress } from '../driver.ts';
import { openHelperDriver } from './driver.ts';

export interface ConformanceStep {
  readonly name: string;
  readonly passed: boolean;
  /** What came, in one line. */
  readonly found: string;
}

export interface ConformanceOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** An empty folder, which it may fill. */
  readonly folder: string;
  /** A person may have to put a document in. */
  readonly scanTimeoutMs: number;
  readonly onStep: (step: ConformanceStep) => void;
}

const START_MS = 12_000;
const CANCEL_AFTER_MS = 5;

/** True when all that was tried passed. */
export async function testConformance({ command, folder, scanTimeoutMs, onStep }: ConformanceOptions): Promise<boolean> {
  let isGood = true;
  const step = async <R>(
    name: string,
    work: () => Promise<{ readonly value: R; readonly found: string }>,
  ): Promise<R | undefined> => {
    try {
      const { value, found } = await work();
      onStep({ name, passed: true, found });
      return value;
    } catch (error) {
      isGood = false;
      onStep({ name, passed: false, found: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  };
  const notes: string[] = [];
  const driver = await openHelperDriver(
    'conformance',
    { command: [...command] },
    { folder, note: (line) => void notes.push(line) },
  );
  try {
    const scanner = await step('it starts, greets, and names its scanners', () => started(driver, notes));
    if (!scanner) return false;
    await step('it tells how it is', () => healthy(driver));
    await step('it scans, and its report is taken whole', () => scanned(driver, scanner, scanTimeoutMs));
    await step('it gives up a scan that is cancelled, and goes on running', () => cancelled(driver, scanner));
    await step('it scans again after that', () => scanned(driver, scanner, scanTimeoutMs));
    await step('it says that a scanner is not there', () => unknownScanner(driver, scanTimeoutMs));
    return isGood;
  } finally {
    await driver[Symbol.asyncDispose]();
  }
}

type Found<R> = Promise<{ readonly value: R; readonly found: string }>;

async function started(driver: ScannerDriver, notes: readonly string[]): Found<ScannerState> {
  const changed = Promise.withResolvers<ScannerState>();
  driver.watch(() => {
    const [first] = driver.list();
    const ended = notes.find((line) => /^(?:the vendor's program|starting )/.test(line));
    if (first?.status === 'ready') changed.resolve(first);
    else if (ended !== undefined) changed.reject(new Error(ended));
  });
  const state = await Promise.race([changed.promise, delay(START_MS, undefined, { ref: false })]);
  if (!state) throw new Error(notes.at(-1) ?? `no scanner that is ready within ${START_MS} ms`);
  return { value: state, found: `${driver.list().length} (${state.model})` };
}

async function healthy(driver: ScannerDriver): Found<true> {
  const { isWorking, problem = '' } = await driver.health({ signal: AbortSignal.timeout(START_MS) });
  if (!isWorking) throw new Error(`it says that it does not work: ${problem}`);
  return { value: true, found: 'it works' };
}

function optionsFor(signal: AbortSignal, timeoutMs: number, stages: ScanProgress[]): ScanOptions {
  return { signal, timeoutMs, readsChip: true, images: [], onProgress: (progress) => void stages.push(progress) };
}

async function scanned(driver: ScannerDriver, { id, abilities }: ScannerState, timeoutMs: number): Found<DriverScan> {
  const stages: ScanProgress[] = [];
  const scan = await driver.scan(id, optionsFor(AbortSignal.timeout(timeoutMs), timeoutMs, stages));
  const { parts, images } = acceptScan(scan);
  if (parts.warnings.length > 0) throw new Error(`not all of the report was taken: ${parts.warnings.join('; ')}`);
  if (scan.report.outcome === undefined) throw new Error('the report has no outcome');
  if (parts.outcome === 'complete' && abilities.mrz && !parts.mrz)
    throw new Error('it reads machine-readable zones, and the report has none');
  if (parts.outcome === 'complete' && abilities.lights.length > 0 && images.length === 0)
    throw new Error('it takes pictures, and there is none');
  if (stages.length === 0) throw new Error('it told no progress');
  return { value: scan, found: `${parts.outcome}, ${images.length} pictures, zone ${parts.mrz?.verdict ?? 'none'}` };
}

async function cancelled(driver: ScannerDriver, { id }: ScannerState): Found<true> {
  const controller = new AbortController();
  const scanning = driver.scan(id, optionsFor(controller.signal, 30_000, []));
  scanning.catch(() => undefined); // told below
  await delay(CANCEL_AFTER_MS);
  controller.abort();
  const outcome = await scanning.then(
    () => 'it was faster',
    (error: unknown) => (error instanceof DeviceCancelledError ? 'given up' : Promise.reject(error as Error)),
  );
  if (driver.list()[0]?.status !== 'ready') throw new Error('its scanner is not ready afterwards');
  return { value: true, found: outcome };
}

async function unknownScanner(driver: ScannerDriver, timeoutMs: number): Found<true> {
  const scanning = driver.scan('not-there', optionsFor(AbortSignal.timeout(timeoutMs), timeoutMs, []));
  const error = await scanning.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it scanned at a scanner that is not there');
  if (!error.name.includes('Removed')) throw new Error(`it did not say "gone": ${error.message}`);
  return { value: true, found: 'gone' };
}
