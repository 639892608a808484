/**
 * One scanner of the desk: who is at it, who waits, and what a scan came to. One scan at a time; a driver that does not let go in time is left behind, and its
 * scanner does not work until it does.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Scanner } from '../../api-spec/methods/scanner.ts';
import {
  DeviceBusyError,
  DeviceCancelledError,
  DeviceError,
  DeviceRemovedError,
  DeviceTimeoutError,
  ServiceUnavailableError,
} from '../../drivers/errors.ts';
import {
  LicenceError,
  SETTLE_MS,
  type DriverScan,
  type ScannerDriver,
  type ScannerState,
  type ScanOptions,
} from '../../drivers/scanners/driver.ts';
import { take } from '../../drivers/scanners/take.ts';
import { Scanner as ScannerSchema } from '../../api-spec/methods/scanner.ts';
import type { ErrorCode } from '../../api-spec/errors.ts';
import { ApiError } from '../errors.ts';
import { Turns, type TurnTaker } from '../turns.ts';

const MAX_WAITING = 8;

/** First match wins. */
const CODES: readonly (readonly [abstract new (...parameters: never[]) => Error, ErrorCode])[] = [
  [DeviceRemovedError, 'scanner_gone'],
  [DeviceBusyError, 'scanner_busy'],
  [LicenceError, 'scanner_unlicensed'],
  [DeviceTimeoutError, 'scanner_timed_out'],
  [DeviceCancelledError, 'scan_cancelled'],
  [ServiceUnavailableError, 'scanner_unavailable'],
];

export interface StationWork {
  /** The whole call's. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly taker: TurnTaker;
  /** Who may cancel it. */
  readonly owner: string;
  readonly options: Omit<ScanOptions, 'signal' | 'timeoutMs'>;
}

export class Station {
  readonly id: string;
  readonly driver: ScannerDriver;
  readonly #stateId: string;
  readonly #turns: Turns;
  readonly #onChange: () => void;
  #current: { readonly owner: string; readonly controller: AbortController } | undefined;
  /** A scan was given up and goes on all the same. */
  #isStuck = false;

  constructor(driver: ScannerDriver, stateId: string, onChange: () => void) {
    this.id = stationId(driver, stateId);
    this.driver = driver;
    this.#stateId = stateId;
    this.#onChange = onChange;
    this.#turns = new Turns(`scanner ${this.id}`, MAX_WAITING);
  }

  /** Undefined when its driver knows it no longer. */
  describe(): Scanner | undefined {
    const state = this.driver.list().find(({ id }) => id === this.#stateId);
    if (!state) return undefined;
    const isBusy = this.#current !== undefined && state.status === 'ready';
    const own: Pick<Scanner, 'problem' | 'status'> = this.#isStuck
      ? { status: 'failed', problem: 'the last scan was given up and does not end' }
      : { status: isBusy ? 'busy' : state.status, ...(state.problem === undefined ? {} : { problem: state.problem }) };
    return describeState(this, state, own);
  }

  /** Waits for its turn, scans, and throws ApiError for all that goes wrong at the scanner; the call's own reason when it is given up. */
  async scan(work: StationWork): Promise<DriverScan> {
    return await this.#turns.run(work.signal, () => this.#scan(work), work.taker);
  }

  /** False when this owner has none under way. */
  cancel(owner: string): boolean {
    if (this.#current?.owner !== owner) return false;
    this.#current.controller.abort(new ApiError('scan_cancelled', `scanning at ${this.id}: cancelled by its caller`));
    return true;
  }

  /** Its driver goes: whoever scans is told. */
  close(): void {
    this.#current?.controller.abort(new ApiError('scanner_gone', `scanning at ${this.id}: it is no longer configured`));
  }

  async #scan({ signal, timeoutMs, owner, options }: StationWork): Promise<DriverScan> {
    if (this.#isStuck) throw new ApiError('scanner_failed', `scanning at ${this.id}: the last scan has not ended`);
    const controller = new AbortController();
    const deadline = setTimeout(() => controller.abort(timedOut(this.id, timeoutMs)), timeoutMs);
    const giveUp = (): void => controller.abort(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#current = { owner, controller };
    this.#onChange();
    try {
      const scanning = this.#start({ ...options, signal: controller.signal, timeoutMs });
      return await this.#settled(scanning, controller.signal);
    } catch (error) {
      throw this.#told(error, controller.signal, timeoutMs);
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', giveUp);
      this.#current = undefined;
      this.#onChange();
    }
  }

  async #start(options: ScanOptions): Promise<DriverScan> {
    return await this.driver.scan(this.#stateId, options);
  }

  /** What the driver comes to; or the signal's reason when it does not end soon after that fired. */
  async #settled(scanning: Promise<DriverScan>, signal: AbortSignal): Promise<DriverScan> {
    const over = new AbortController();
    const given = Promise.withResolvers<never>();
    const onAbort = async (): Promise<void> => {
      await delay(SETTLE_MS, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      this.#isStuck = true;
      given.reject(signal.reason as Error);
    };
    const listen = (): void => void onAbort();
    signal.addEventListener('abort', listen, { once: true });
    try {
      const scan = await Promise.race([scanning, given.promise]);
      signal.throwIfAborted();
      return scan;
    } finally {
      over.abort();
      signal.removeEventListener('abort', listen);
      if (this.#isStuck) void scanning.catch(() => undefined).finally(() => this.#recover());
    }
  }

  #recover(): void {
    this.#isStuck = false;
    this.#onChange();
  }

  #told(error: unknown, signal: AbortSignal, timeoutMs: number): Error {
    if (signal.aborted) return signal.reason as Error;
    if (error instanceof ApiError) return error;
    const code = CODES.find(([errorClass]) => error instanceof errorClass)?.[1] ?? 'scanner_failed';
    const message = error instanceof DeviceError ? error.message : `scanning at ${this.id}: its driver failed`;
    return new ApiError(code, message, code === 'scanner_timed_out' ? { timeoutMs } : {}, { cause: error });
  }
}

export function stationId({ name }: ScannerDriver, stateId: string): string {
  return `${name}.${stateId}`.slice(0, 64);
}

function timedOut(id: string, timeoutMs: number): ApiError {
  return new ApiError('scanner_timed_out', `scanning at ${id}: nothing within ${timeoutMs} ms`, { timeoutMs });
}

/** A driver says what it likes: it goes the way of all that drivers say. */
function describeState(
  { id, driver }: Station,
  { model, serialNumber, firmware, abilities }: ScannerState,
  own: Pick<Scanner, 'problem' | 'status'>,
): Scanner | undefined {
  const said = { id, driver: driver.kind, model, serialNumber, firmware, ...own, abilities };
  return take(ScannerSchema, said).value as Scanner | undefined;
}
