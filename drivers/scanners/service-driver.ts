/**
 * What the drivers of vendors' services share: one scanner that is the service, its state as it was last asked, looked after from time to time, and ended by
 * disposal. What a scan is, each service says itself.
 */
import { DeviceError } from '../errors.ts';
import {
  LicenceError,
  type DriverScan,
  type ScanOptions,
  type ScannerAbilities,
  type ScannerDriver,
  type ScannerHealth,
  type ScannerState,
} from './driver.ts';

export interface VendorService {
  readonly name: string;
  readonly kind: string;
  readonly model: string;
  readonly abilities: ScannerAbilities;
  scan(options: ScanOptions): Promise<DriverScan>;
  /** Throws what its client throws. */
  ask(signal: AbortSignal): Promise<Omit<ScannerHealth, 'isWorking' | 'problem'>>;
}

/** Of the one scanner that a service is. */
const SCANNER_ID = 'service';
/** Between two looks at a service that nobody uses. */
const LOOK_EVERY_MS = 60_000;
const LOOK_AGAIN_MS = 5_000;
const MAX_PROBLEM = 160;

export interface ServiceDriverOptions {
  /** For tests. */
  readonly lookEveryMs?: number;
}

export function createServiceDriver(
  service: VendorService,
  { lookEveryMs = LOOK_EVERY_MS }: ServiceDriverOptions = {},
): ScannerDriver {
  return new ServiceDriver(service, lookEveryMs);
}

class ServiceDriver implements ScannerDriver {
  readonly name: string;
  readonly kind: string;
  readonly #service: VendorService;
  readonly #lookEveryMs: number;
  readonly #stop = new AbortController();
  #state: Pick<ScannerState, 'problem' | 'status'> & { readonly version?: string } = { status: 'ready' };
  #changed: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(service: VendorService, lookEveryMs: number) {
    this.#service = service;
    this.name = service.name;
    this.kind = service.kind;
    this.#lookEveryMs = lookEveryMs;
  }

  watch(changed: () => void): void {
    this.#changed = changed;
    this.#look();
  }

  list(): readonly ScannerState[] {
    const { model, abilities } = this.#service;
    const { status, problem, version } = this.#state;
    return [
      {
        ...{ id: SCANNER_ID, model, status, abilities },
        ...(problem === undefined ? {} : { problem }),
        ...(version === undefined ? {} : { firmware: version }),
      },
    ];
  }

  async scan(_: string, options: ScanOptions): Promise<DriverScan> {
    const signal = AbortSignal.any([options.signal, this.#stop.signal]);
    signal.throwIfAborted();
    try {
      const scan = await this.#service.scan({ ...options, signal });
      this.#become({ ...this.#state, status: 'ready' });
      return scan;
    } catch (error) {
      if (!signal.aborted) this.#become(stateOf(error));
      throw error;
    }
  }

  async health({ signal }: { readonly signal: AbortSignal }): Promise<ScannerHealth> {
    try {
      const told = await this.#service.ask(AbortSignal.any([signal, this.#stop.signal]));
      this.#become({ status: 'ready', ...(told.version === undefined ? {} : { version: told.version }) });
      return { isWorking: true, ...told };
    } catch (error) {
      if (!signal.aborted && !this.#stop.signal.aborted) this.#become(stateOf(error));
      return { isWorking: false, problem: problemOf(error) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#changed = undefined;
    clearTimeout(this.#timer);
    this.#stop.abort();
    await this.#looking;
  }

  #look(): void {
    this.#looking = this.health({ signal: this.#stop.signal }).then(({ isWorking }) => {
      if (this.#stop.signal.aborted) return;
      const wait = isWorking ? this.#lookEveryMs : Math.min(LOOK_AGAIN_MS, this.#lookEveryMs);
      this.#timer = setTimeout(() => this.#look(), wait).unref();
    });
  }

  #become(state: Pick<ScannerState, 'problem' | 'status'> & { readonly version?: string }): void {
    const before = this.#state;
    this.#state = state;
    if (before.status !== state.status || before.problem !== state.problem || before.version !== state.version) this.#changed?.();
  }
}

/** An answer that is no good today is no reason to call the service broken; one that cannot be had is. */
function stateOf(error: unknown): Pick<ScannerState, 'problem' | 'status'> {
  const problem = problemOf(error);
  if (error instanceof LicenceError) return { status: 'unlicensed', problem };
  if (error instanceof DeviceError && error.driverCode === 'unreachable') return { status: 'gone', problem };
  return { status: 'failed', problem };
}

/** Messages of the drivers' errors have nothing of a document in them; others might. */
function problemOf(error: unknown): string {
  return error instanceof DeviceError ? error.message.slice(0, MAX_PROBLEM) : 'it could not be asked';
}
