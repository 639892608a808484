/**
 * A reader of machine-readable zones on a serial line: found by USB ids or by path, kept open, and found again when it was unplugged. Readings outside a scan are
 * dropped: nobody asked for them. A reader set to be a keyboard is none of ours: it types personal numbers into whatever window has the focus.
 */
import { DeviceError, DeviceRemovedError, DeviceTimeoutError } from '../../errors.ts';
import type { SerialLine, SerialLines, SerialPortDescription } from '../../ports/serial-line.ts';
import { systemLines } from '../../ports/system-lines.ts';
import type { DriverScan, ScannerDriver, ScannerHealth, ScannerState, ScanOptions } from '../driver.ts';
import { readZone } from '../zone.ts';
import { FRAMINGS, type Framing } from './framings.ts';
import { Joining, linesOf } from './joining.ts';
import type { SerialOptions } from './options.ts';

const LOOK_MS = 1_500;
const IDLE_MS = 250;
const OPEN_MS = 5_000;
const WRITE_MS = 2_000;
const ID = 'reader';

/** Throws Error when it is said neither where the reader is nor what it is. */
export function openSerialDriver(name: string, options: SerialOptions, lines: SerialLines = systemLines): Promise<ScannerDriver> {
  const framing: Framing = { ...FRAMINGS[options.framing], ...fieldsOf(options) };
  if (options.path === undefined && !options.usb && !framing.usb)
    return Promise.reject(new Error(`${options.framing} has no USB ids of its own: give path or usb`));
  return Promise.resolve(new SerialDriver(name, { options, framing, lines }));
}

interface Parts {
  readonly options: SerialOptions;
  readonly framing: Framing;
  readonly lines: SerialLines;
}

class SerialDriver implements ScannerDriver {
  readonly name: string;
  readonly kind = 'serial-mrz';
  readonly #parts: Parts;
  readonly #over = new AbortController();
  #changed: () => void = () => undefined;
  #line: SerialLine | undefined;
  #found: SerialPortDescription | undefined;
  #problem: string | undefined;
  #joining: Joining;
  #silence: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #waiting: { onReading(text: string): void; onGone(error: Error): void } | undefined;

  constructor(name: string, parts: Parts) {
    this.name = name;
    this.#parts = parts;
    this.#joining = new Joining(parts.framing);
  }

  watch(changed: () => void): void {
    this.#changed = changed;
    this.#look();
  }

  list(): readonly ScannerState[] {
    const { options, framing } = this.#parts;
    const status = this.#line ? 'ready' : this.#problem === undefined ? 'gone' : 'failed';
    const serialNumber = this.#found?.serialNumber;
    return [
      {
        ...{ id: ID, model: options.model ?? framing.model, status },
        ...(serialNumber === undefined ? {} : { serialNumber }),
        ...(this.#problem === undefined ? {} : { problem: this.#problem }),
        abilities: { mrz: true, lights: [], chip: false, takesImages: false, verdicts: false },
      },
    ];
  }

  async scan(_scannerId: string, { signal, timeoutMs, onProgress }: ScanOptions): Promise<DriverScan> {
    const line = this.#line;
    if (!line) throw new DeviceRemovedError(`scanning: ${this.#problem ?? 'the reader is not connected'}`);
    signal.throwIfAborted();
    this.#joining = new Joining(this.#parts.framing);
    const reading = this.#nextZone(signal, timeoutMs);
    reading.catch(() => undefined); // told below, or the line could not be written to
    try {
      await this.#send(line, this.#parts.framing.trigger);
      onProgress({ stage: 'waiting' });
      const lines = await reading;
      onProgress({ stage: 'removeDocument' });
      return { report: { outcome: 'complete', mrz: { lines: [...lines], source: 'optical' } }, images: [] };
    } finally {
      this.#waiting = undefined;
      if (this.#line === line) await this.#send(line, this.#parts.framing.untrigger).catch(() => undefined);
    }
  }

  health(): Promise<ScannerHealth> {
    const isWorking = this.#line !== undefined;
    return Promise.resolve({ isWorking, ...(isWorking ? {} : { problem: this.#problem ?? 'the reader is not connected' }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    this.#changed = () => undefined;
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    await this.#looking;
    await this.#line?.[Symbol.asyncDispose]();
    this.#waiting?.onGone(new DeviceRemovedError('scanning: the reader is no longer used'));
  }

  /** The next reading that is a zone. What else the reader says (beeps in text, a barcode) is passed over, and the last of it is told when time is up. */
  #nextZone(signal: AbortSignal, timeoutMs: number): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      let read: readonly string[] | undefined;
      const onAbort = (): void => {
        // Something was read, and it is no zone: told as it was read, so that it can be looked at.
        if (read && signal.reason instanceof DeviceTimeoutError) resolve(read);
        else reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const timer = setTimeout(
        () => {
          if (read) resolve(read);
          else reject(new DeviceTimeoutError('scanning: no document was read', { timeoutMs }));
        },
        Math.max(1, timeoutMs - 100),
      );
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      this.#waiting = {
        onReading: (text) => {
          const lines = linesOf(text);
          if (lines.length === 0) return;
          read = lines;
          if (readZone({ lines }).format === undefined) return;
          end();
          resolve(lines);
        },
        onGone: (error) => {
          end();
          reject(error);
        },
      };
    });
  }

  async #send(line: SerialLine, bytes: string | undefined): Promise<void> {
    if (bytes !== undefined) await line.write(Buffer.from(bytes, 'hex'), { signal: AbortSignal.timeout(WRITE_MS) });
  }

  /** Again and again, until it is there; and again when it went. */
  #look(): void {
    if (this.#over.signal.aborted) return;
    this.#looking = this.#open().finally(() => {
      if (!this.#line && !this.#over.signal.aborted) this.#timer = setTimeout(() => this.#look(), LOOK_MS).unref();
    });
  }

  async #open(): Promise<void> {
    const { framing, lines } = this.#parts;
    const signal = AbortSignal.any([this.#over.signal, AbortSignal.timeout(OPEN_MS)]);
    try {
      const found = await this.#find(signal);
      if (!found) {
        this.#say(undefined);
        return;
      }
      const listener = { bytes: (chunk: Uint8Array) => this.#take(chunk), gone: (error: Error) => this.#lose(error) };
      const line = await lines.open(found.path, framing.settings, { signal, listener });
      this.#found = found;
      this.#line = line;
      await this.#send(line, framing.wake);
      this.#say(undefined);
    } catch (error) {
      if (this.#over.signal.aborted) return;
      const isGone = error instanceof DeviceRemovedError;
      this.#say(isGone ? undefined : error instanceof DeviceError ? error.message : 'the line cannot be opened');
    }
  }

  async #find(signal: AbortSignal): Promise<SerialPortDescription | undefined> {
    const { options, framing, lines } = this.#parts;
    const { path } = options;
    if (path !== undefined) return (await lines.exists(path)) ? { path } : undefined;
    const wanted = options.usb ?? framing.usb;
    const isSame = (one: string | undefined, other: string | undefined): boolean =>
      one === undefined || one.toLowerCase() === other?.toLowerCase();
    return (await lines.list({ signal })).find(
      ({ vendorId, productId, serialNumber }) =>
        vendorId !== undefined &&
        isSame(wanted?.vendorId, vendorId) &&
        isSame(wanted?.productId, productId) &&
        isSame(options.usb?.serialNumber, serialNumber),
    );
  }

  #take(chunk: Uint8Array): void {
    if (!this.#waiting) return;
    for (const reading of this.#joining.add(chunk)) this.#waiting.onReading(reading);
    if (!this.#joining.endsBySilence) return;
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const reading = this.#joining.flush();
      if (reading !== undefined) this.#waiting?.onReading(reading);
    }, this.#parts.options.idleMs ?? IDLE_MS).unref();
  }

  #lose(error: Error): void {
    const line = this.#line;
    this.#line = undefined;
    void line?.[Symbol.asyncDispose]();
    this.#waiting?.onGone(error);
    this.#say(undefined);
    this.#timer = setTimeout(() => this.#look(), LOOK_MS).unref();
  }

  #say(problem: string | undefined): void {
    this.#problem = problem;
    this.#changed();
  }
}

/** What the configuration says otherwise than the row. */
function fieldsOf({ framing, start, end, wake, trigger, untrigger, ...options }: SerialOptions): Partial<Framing> {
  const { settings } = FRAMINGS[framing];
  const { baudRate, dataBits, parity, stopBits, dtr, rts } = options;
  const given = Object.entries({ baudRate, dataBits, parity, stopBits, dtr, rts }).filter(([, value]) => value !== undefined);
  const marks = Object.entries({ start, end, wake, trigger, untrigger }).filter(([, value]) => value !== undefined);
  return { settings: { ...settings, ...Object.fromEntries(given) }, ...Object.fromEntries(marks) };
}
