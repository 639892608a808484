/**
 * A scanner in memory, with the documents that lie beside it: each scan takes the next one. Faults are part of it: it may be slow, go away in the midst, come back,
 * answer something of the wrong type or plain garbage, hold on after it was told to stop, or lose its licence.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  DeviceBusyError,
  DeviceProtocolError,
  DeviceRemovedError,
  DeviceTimeoutError,
  ServiceUnavailableError,
} from '../../errors.ts';
import {
  LicenceError,
  type DriverScan,
  type ScanOptions,
  type ScannerAbilities,
  type ScannerDriver,
  type ScannerHealth,
  type ScannerState,
} from '../../scanners/driver.ts';
import type { SimulatedDocument } from './documents.ts';

/** Each is for the scans from `at` on, counted from 1; those without `times` once. */
export type ScannerFault =
  | { readonly kind: 'slow'; readonly at: number; readonly delayMs: number; readonly times?: number }
  /** It goes away while it takes pictures, and comes back after that long. */
  | { readonly kind: 'gone'; readonly at: number; readonly backAfterMs: number; readonly times?: number }
  | { readonly kind: 'wrongType'; readonly at: number; readonly times?: number }
  | { readonly kind: 'garbage'; readonly at: number; readonly times?: number }
  | { readonly kind: 'stuck'; readonly at: number; readonly forMs: number; readonly times?: number }
  | { readonly kind: 'unlicensed'; readonly at: number; readonly times?: number }
  | { readonly kind: 'heldElsewhere'; readonly at: number; readonly times?: number }
  | { readonly kind: 'serviceGone'; readonly at: number; readonly times?: number }
  /** Nobody puts one in, and the device's own patience ends. */
  | { readonly kind: 'noDocument'; readonly at: number; readonly times?: number };

export interface SimulatedScannerOptions {
  readonly name: string;
  readonly model: string;
  readonly serialNumber: string;
  /** In the order in which they are put in, again and again. */
  readonly documents: readonly SimulatedDocument[];
  readonly faults?: readonly ScannerFault[];
  /** What a person takes to put a document in, and what the device takes for each picture. */
  readonly paceMs?: number;
}

export interface SimulatedScanner extends ScannerDriver {
  unplug(): void;
  plug(): void;
  /** In place of what lay beside it. */
  lay(documents: readonly SimulatedDocument[]): void;
  arm(faults: readonly ScannerFault[]): void;
}

const LIGHTS = ['white', 'ir', 'uv'] as const;
const ABILITIES: ScannerAbilities = { mrz: true, lights: LIGHTS, chip: false, takesImages: false, verdicts: true };
const ID = 'main';

export function createSimulatedScanner(options: SimulatedScannerOptions): SimulatedScanner {
  return new Scanner(options);
}

class Scanner implements SimulatedScanner {
  readonly name: string;
  readonly kind = 'simulated';
  readonly #options: SimulatedScannerOptions;
  readonly #paceMs: number;
  #documents: readonly SimulatedDocument[];
  #faults: readonly ScannerFault[];
  #scans = 0;
  #plugged = new AbortController();
  #returning: NodeJS.Timeout | undefined;
  #changed: () => void = () => undefined;

  constructor(options: SimulatedScannerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#paceMs = options.paceMs ?? 20;
    this.#documents = options.documents;
    this.#faults = options.faults ?? [];
  }

  watch(changed: () => void): void {
    this.#changed = changed;
  }

  list(): readonly ScannerState[] {
    const { model, serialNumber } = this.#options;
    const status = this.#plugged.signal.aborted ? 'gone' : 'ready';
    return [{ id: ID, model, serialNumber, status, abilities: ABILITIES }];
  }

  async scan(_scannerId: string, options: ScanOptions): Promise<DriverScan> {
    this.#requirePlugged();
    const number = ++this.#scans;
    const faults = this.#faults.filter(({ at, times = 1 }) => number >= at && number < at + times);
    const fault = <K extends ScannerFault['kind']>(kind: K): Extract<ScannerFault, { kind: K }> | undefined =>
      faults.find((each): each is Extract<ScannerFault, { kind: K }> => each.kind === kind);
    const signal = AbortSignal.any([options.signal, this.#plugged.signal]);
    if (fault('unlicensed')) throw new LicenceError('scanning: the licence has ended');
    if (fault('heldElsewhere')) throw new DeviceBusyError('scanning: another program holds the scanner');
    if (fault('serviceGone')) throw new ServiceUnavailableError('scanning: the service does not answer');
    const stuck = fault('stuck');
    if (stuck) await delay(stuck.forMs, undefined, { ref: false });
    options.onProgress({ stage: 'waiting' });
    await delay(this.#paceMs + (fault('slow')?.delayMs ?? 0), undefined, { signal }).catch(() => this.#stopped(options));
    if (fault('noDocument')) throw new DeviceTimeoutError('scanning: no document was put in', { timeoutMs: options.timeoutMs });
    options.onProgress({ stage: 'documentPresent' });
    const gone = fault('gone');
    if (gone) this.#goAway(gone.backAfterMs);
    if (fault('garbage')) throw new DeviceProtocolError('reading the answer: 37 bytes that mean nothing');
    return await this.#take(number, { ...options, signal }, fault('wrongType') !== undefined);
  }

  async #take(number: number, options: ScanOptions, isWrong: boolean): Promise<DriverScan> {
    const document = this.#documents[(number - 1) % Math.max(this.#documents.length, 1)];
    const lights = LIGHTS.filter((light) => options.lights?.includes(light) ?? true);
    for (const light of lights) {
      options.onProgress({ stage: 'capturing', light });
      await delay(this.#paceMs, undefined, { signal: options.signal }).catch(() => this.#stopped(options));
    }
    options.onProgress({ stage: 'removeDocument' });
    if (!document) throw new DeviceProtocolError('scanning: nothing lies on the glass');
    const { model, serialNumber } = this.#options;
    const report = { ...document.report, device: { model, serial: serialNumber, firmware: '1.0' } };
    const images = document.images.filter(({ light }) => lights.some((taken) => taken === light));
    if (!isWrong) return { report, images };
    // As a driver does that was built for another version: neither a list nor words that are known.
    return { report: { outcome: 'ok', checks: { passed: true }, mrz: 7 }, images: 'none' } as unknown as DriverScan;
  }

  health(): Promise<ScannerHealth> {
    return Promise.resolve({ isWorking: !this.#plugged.signal.aborted, version: '1.0' });
  }

  lay(documents: readonly SimulatedDocument[]): void {
    this.#documents = documents;
  }

  arm(faults: readonly ScannerFault[]): void {
    this.#faults = faults.map((fault) => ({ ...fault, at: fault.at + this.#scans }));
  }

  unplug(): void {
    this.#plugged.abort();
    this.#changed();
  }

  plug(): void {
    this.#plugged = new AbortController();
    this.#changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#returning);
    this.#changed = () => undefined;
    this.#plugged.abort();
    return Promise.resolve();
  }

  #goAway(backAfterMs: number): void {
    this.unplug();
    this.#returning = setTimeout(() => this.plug(), backAfterMs).unref();
  }

  #requirePlugged(): void {
    if (this.#plugged.signal.aborted) throw new DeviceRemovedError(`scanning: ${this.#options.model} is not there`);
  }

  #stopped({ signal }: ScanOptions): never {
    this.#requirePlugged();
    signal.throwIfAborted();
    throw new DeviceRemovedError(`scanning: ${this.#options.model} went away`);
  }
}
