/**
 * Scanners behind a vendor's program: started, kept running with back-off, and asked for one scan at a time. What it says is checked here for the protocol, and in
 * `accept.ts` for what it means.
 */
import { readdir, rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import {
  DeviceBusyError,
  DeviceCancelledError,
  DeviceProtocolError,
  DeviceRemovedError,
  DeviceTimeoutError,
  ServiceUnavailableError,
} from '../../errors.ts';
import { MAX_IMAGES } from '../accept.ts';
import type { DriverEnvironment } from '../configuration.ts';
import {
  LicenceError,
  SCAN_STAGES,
  type DriverImage,
  type DriverScan,
  type ScannerDriver,
  type ScannerHealth,
  type ScannerState,
  type ScanOptions,
} from '../driver.ts';
import type { Message } from './lines.ts';
import type { HelperOptions } from './options.ts';
import { givePictures, takePicture } from './pictures.ts';
import { HelperProcess } from './process.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** One that ran as long is started at once when it ends. */
const GOOD_RUN_MS = 60_000;
/** To give up a scan by itself; then its process is ended. */
const CANCEL_MS = 1_500;
const HEALTH_MS = 5_000;
const SCANNER_ID = /^[A-Za-z0-9._-]{1,40}$/;

/** Throws Error when the command cannot be one. */
export function openHelperDriver(name: string, options: HelperOptions, environment: DriverEnvironment): Promise<ScannerDriver> {
  const [program = ''] = options.command;
  if (!isAbsolute(program)) return Promise.reject(new Error(`command: ${program} is no absolute path`));
  return Promise.resolve(new HelperDriver(name, options, environment));
}

interface Pending {
  readonly onProgress: ScanOptions['onProgress'];
  readonly images: Promise<DriverImage>[];
  readonly resolve: (report: unknown) => void;
  readonly reject: (error: Error) => void;
}

class HelperDriver implements ScannerDriver {
  readonly name: string;
  readonly kind = 'helper';
  readonly #options: HelperOptions;
  readonly #environment: DriverEnvironment;
  readonly #pending = new Map<number, Pending>();
  readonly #asked = new Map<number, (health: Message) => void>();
  #process: HelperProcess | undefined;
  #scanners: readonly ScannerState[] = [];
  #problem: string | undefined;
  #startedAt = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #number = 0;
  #isClosed = false;
  #changed: () => void = () => undefined;

  constructor(name: string, options: HelperOptions, environment: DriverEnvironment) {
    this.name = name;
    this.#options = options;
    this.#environment = environment;
  }

  watch(changed: () => void): void {
    this.#changed = changed;
    this.#start();
  }

  list(): readonly ScannerState[] {
    if (this.#problem === undefined) return this.#scanners;
    return this.#scanners.map((state) => ({ ...state, status: 'failed', problem: this.#problem ?? '' }));
  }

  async scan(scannerId: string, options: ScanOptions): Promise<DriverScan> {
    options.signal.throwIfAborted();
    const process = this.#process;
    if (!process || this.#problem !== undefined)
      throw new ServiceUnavailableError(`scanning: ${this.#problem ?? 'the vendor’s program starts'}`);
    const id = ++this.#number;
    const { folder } = this.#environment;
    const { signal, timeoutMs, lights, readsChip } = options;
    const images = await givePictures(folder, options.images);
    const outcome = Promise.withResolvers<unknown>();
    const pending: Pending = { onProgress: options.onProgress, images: [], resolve: outcome.resolve, reject: outcome.reject };
    this.#pending.set(id, pending);
    const cancel = (): void => this.#cancel(id, process);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      process.send({ type: 'scan', id, scanner: scannerId, timeoutMs, readsChip, images, ...(lights ? { lights } : {}) });
      const report = await outcome.promise;
      const pictures = await this.#taken(pending);
      return { report: report as DriverScan['report'], images: pictures };
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#pending.delete(id);
      await Promise.allSettled(pending.images);
      await emptyFolder(folder);
    }
  }

  async health({ signal }: { readonly signal: AbortSignal }): Promise<ScannerHealth> {
    const process = this.#process;
    if (!process || this.#problem !== undefined) return { isWorking: false, problem: this.#problem ?? 'it starts' };
    const id = ++this.#number;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(HEALTH_MS)]);
    const answer = await new Promise<Message>((resolve) => {
      this.#asked.set(id, resolve);
      patience.addEventListener('abort', () => resolve({ isWorking: false, problem: 'it does not answer' }), { once: true });
      process.send({ type: 'health', id });
    });
    this.#asked.delete(id);
    const { isWorking, problem, version } = answer;
    return {
      isWorking: isWorking === true,
      ...(typeof problem === 'string' ? { problem: problem.slice(0, 300) } : {}),
      ...(typeof version === 'string' ? { version: version.slice(0, 64) } : {}),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#changed = () => undefined;
    clearTimeout(this.#timer);
    await this.#process?.end();
  }

  #start(): void {
    if (this.#isClosed) return;
    this.#startedAt = performance.now();
    const process = new HelperProcess(this.#options, this.#environment.folder, {
      onMessage: (message) => this.#receive(message, process),
      onEnd: (error) => this.#ended(error),
      note: this.#environment.note,
    });
    this.#process = process;
    void process.ready.then(
      () => this.#say(undefined),
      () => undefined, // told by onEnd
    );
  }

  #say(problem: string | undefined): void {
    this.#problem = problem;
    this.#changed();
  }

  #ended(error: Error): void {
    this.#process = undefined;
    for (const { reject } of this.#pending.values()) reject(error);
    for (const answer of this.#asked.values()) answer({ isWorking: false, problem: error.message });
    if (this.#isClosed) return;
    this.#environment.note(error.message);
    const ranWell = performance.now() - this.#startedAt > GOOD_RUN_MS;
    this.#pauseMs = ranWell ? FIRST_PAUSE_MS : this.#pauseMs;
    this.#timer = setTimeout(() => this.#start(), this.#pauseMs).unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#say(error.message.slice(0, 300));
  }

  #receive(message: Message, process: HelperProcess): void {
    const { type, id } = message;
    if (type === 'scanners') {
      this.#takeScanners(message['scanners'], process);
      return;
    }
    if (type === 'health') {
      this.#asked.get(Number(id))?.(message);
      return;
    }
    const pending = this.#pending.get(Number(id));
    if (!['error', 'image', 'progress', 'result'].includes(String(type))) process.fail('it sent a message of an unknown type');
    // A scan that was given up may still be answered: nobody waits for that.
    else if (pending) this.#answer(pending, message, process);
  }

  #answer({ onProgress, images, resolve, reject }: Pending, message: Message, process: HelperProcess): void {
    const { type, report, stage } = message;
    if (type === 'result') resolve(report);
    else if (type === 'error') reject(errorOf(message));
    else if (type === 'image') {
      if (images.length >= MAX_IMAGES) {
        process.fail(`a scan has more than ${MAX_IMAGES} pictures`);
        return;
      }
      const taking = takePicture(this.#environment.folder, message['image']);
      taking.catch(() => undefined); // told when the scan ends
      images.push(taking);
    } else {
      const known = SCAN_STAGES.find((each) => each === stage);
      if (known) onProgress({ stage: known });
    }
  }

  /** A picture that was told and is none ends the scan: nobody knows what else is wrong. */
  async #taken({ images }: Pending): Promise<readonly DriverImage[]> {
    try {
      return await Promise.all(images);
    } catch (error) {
      throw new DeviceProtocolError(`taking a picture: ${error instanceof Error ? error.message : ''}`, {}, { cause: error });
    }
  }

  #cancel(id: number, process: HelperProcess): void {
    process.send({ type: 'cancel', id });
    setTimeout(() => {
      if (this.#pending.has(id)) process.fail('it does not give up a scan');
    }, CANCEL_MS).unref();
  }

  #takeScanners(said: unknown, process: HelperProcess): void {
    if (!Array.isArray(said) || said.length > 16) {
      process.fail('"scanners" has no list of at most 16');
      return;
    }
    const scanners = (said as readonly Message[]).map(stateOf);
    if (scanners.some((each) => each === undefined)) process.fail('a scanner has no id, no model or no status');
    else this.#scanners = scanners.flatMap((each) => each ?? []);
    this.#changed();
  }
}

function stateOf(said: Message | null): ScannerState | undefined {
  const { id, model, serialNumber, firmware, status, problem, abilities } = said ?? {};
  const known = (['ready', 'gone', 'failed', 'unlicensed'] as const).find((each) => each === status);
  if (typeof id !== 'string' || !SCANNER_ID.test(id) || typeof model !== 'string' || !known) return undefined;
  const { mrz, lights, chip, takesImages, verdicts } = (
    typeof abilities === 'object' && abilities !== null ? abilities : {}
  ) as Message;
  return {
    id,
    model: model.slice(0, 200),
    status: known,
    ...(typeof serialNumber === 'string' ? { serialNumber: serialNumber.slice(0, 100) } : {}),
    ...(typeof firmware === 'string' ? { firmware: firmware.slice(0, 100) } : {}),
    ...(typeof problem === 'string' ? { problem: problem.slice(0, 300) } : {}),
    abilities: {
      mrz: mrz === true,
      lights: (Array.isArray(lights) ? lights : []) as ScannerState['abilities']['lights'],
      chip: chip === true,
      takesImages: takesImages === true,
      verdicts: verdicts === true,
    },
  };
}

/** Codes of the protocol. */
const ERRORS = {
  busy: DeviceBusyError,
  cancelled: DeviceCancelledError,
  failed: DeviceProtocolError,
  gone: DeviceRemovedError,
  licence: LicenceError,
  timedOut: DeviceTimeoutError,
  unavailable: ServiceUnavailableError,
} as const;

export function errorOf({ code, message }: Message): Error {
  const known = (Object.keys(ERRORS) as (keyof typeof ERRORS)[]).find((each) => each === code);
  const text = typeof message === 'string' ? message.slice(0, 200) : 'it did not say why';
  return new ERRORS[known ?? 'failed'](`scanning: ${text}`);
}

/** What is in it, and not the folder itself: the program stands in it. */
async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}
