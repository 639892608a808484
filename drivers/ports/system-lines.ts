/**
 * Serial lines of this machine, through `serialport`, which is loaded with the first use.
 * Its trap: when a line hangs up while no read waits in poll, `read` answers 0 bytes and is called again without end: no event comes, and a core
 * spins. So an open line is asked for its modem lines twice a second, and closed by us when the system says that there is none any more.
 */
import { access } from 'node:fs/promises';
import type { SerialPort } from 'serialport';
import { DeviceBusyError, DeviceError, DeviceRemovedError, DeviceTimeoutError } from '../errors.ts';
import type { SerialLine, SerialLines, SerialListener, SerialPortDescription, SerialSettings } from './serial-line.ts';

const PROBE_MS = 500;
/** Ample for what the kernel answers from memory. */
const CLOSE_TIMEOUT_MS = 2000;
const WRITE_TIMEOUT_MS = 5000;
const LIST_TIMEOUT_MS = 10_000;

export const systemLines: SerialLines = {
  list: async ({ signal }) => {
    const library = await import('serialport');
    const ports = await within(library.SerialPort.list(), 'listing serial lines', { timeoutMs: LIST_TIMEOUT_MS, signal });
    return ports.map((port) => describe(port));
  },
  exists: async (path) => {
    if (process.platform === 'win32')
      return (await systemLines.list({ signal: AbortSignal.timeout(LIST_TIMEOUT_MS) })).some((port) => port.path === path);
    return await access(path).then(
      () => true,
      () => false,
    );
  },
  open: async (path, settings, options) => {
    options.signal.throwIfAborted();
    const { SerialPort } = await import('serialport');
    const { baudRate, dataBits, parity, stopBits } = settings;
    const port = new SerialPort({ path, baudRate, dataBits, parity, stopBits, autoOpen: false });
    await settled(path, (done) => port.open(done));
    const line = new SystemLine(port, options.listener);
    try {
      await setModemLines(port, settings);
      options.signal.throwIfAborted();
      return line;
    } catch (error) {
      await line[Symbol.asyncDispose]();
      throw error;
    }
  },
};

class SystemLine implements SerialLine {
  readonly path: string;
  readonly #port: SerialPort;
  readonly #listener: SerialListener;
  readonly #probe: NodeJS.Timeout;
  #isOver = false;
  #closing: Promise<void> | undefined;

  constructor(port: SerialPort, listener: SerialListener) {
    this.path = port.path;
    this.#port = port;
    this.#listener = listener;
    port.on('data', (chunk: Buffer) => {
      if (!this.#isOver) listener.bytes(chunk);
    });
    port.on('error', (error) => this.#lose(error));
    port.on('close', (error: unknown) => this.#lose(error));
    this.#probe = setInterval(() => this.#ask(), PROBE_MS);
    this.#probe.unref();
  }

  async write(bytes: Uint8Array, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#isOver) throw new DeviceRemovedError(`writing to ${this.path}: the line is closed`, { device: this.path });
    const written = settled(this.path, (done) => this.#port.write(bytes, done));
    await within(written, `writing to ${this.path}`, { timeoutMs: WRITE_TIMEOUT_MS, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#close();
  }

  #ask(): void {
    if (this.#port.isOpen) this.#port.get((error) => error && !hasNoModemLines(error) && this.#lose(error));
  }

  #lose(cause: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    void this.#close();
    this.#listener.gone(
      new DeviceRemovedError(`reading ${this.path}: ${textOf(cause) ?? 'the line was closed'}`, { device: this.path }, { cause }),
    );
  }

  /** A line that does not close in time is left to the system: its listener hears nothing more. */
  #close(): Promise<void> {
    clearInterval(this.#probe);
    this.#closing ??= new Promise((resolve) => {
      if (!this.#port.isOpen) {
        resolve();
        return;
      }
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      this.#port.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.#closing;
  }
}

/** A pseudo-terminal has no modem lines, and says ENOTTY. */
async function setModemLines(port: SerialPort, { dtr, rts }: SerialSettings): Promise<void> {
  if (dtr === undefined && rts === undefined) return;
  const lines = { ...(dtr === undefined ? {} : { dtr }), ...(rts === undefined ? {} : { rts }) };
  await new Promise<void>((resolve, reject) => {
    port.set(lines, (error) => (error && !hasNoModemLines(error) ? reject(asDeviceError(port.path, error)) : resolve()));
  });
}

/** strerror(ENOTTY), which is all that the library passes on. */
function hasNoModemLines(error: Error): boolean {
  return /inappropriate ioctl/i.test(error.message);
}

function settled(path: string, start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(asDeviceError(path, error)) : resolve()));
  });
}

/** The library gives no codes: its texts are "Error: <strerror>, cannot open <path>", "Error Resource temporarily unavailable Cannot lock port". */
function asDeviceError(path: string, cause: Error): DeviceError {
  const message = `opening ${path}: ${cause.message}`;
  if (/cannot lock|busy|access denied/i.test(cause.message)) return new DeviceBusyError(message, { device: path }, { cause });
  if (/no such|not found|no such device|input\/output|not open/i.test(cause.message))
    return new DeviceRemovedError(message, { device: path }, { cause });
  return new DeviceError(message, { device: path }, { cause });
}

function textOf(cause: unknown): string | undefined {
  if (cause instanceof Error && cause.message !== '') return cause.message;
  return undefined;
}

async function within<T>(
  work: Promise<T>,
  attempt: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<T> {
  signal.throwIfAborted();
  let end = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new DeviceTimeoutError(`${attempt}: no answer in time`, { timeoutMs })), timeoutMs);
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    end();
    work.catch(() => undefined);
  }
}

interface ListedPort {
  readonly path: string;
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly manufacturer?: string | undefined;
}

function describe({ path, vendorId, productId, serialNumber, manufacturer }: ListedPort): SerialPortDescription {
  return {
    path,
    ...(vendorId === undefined ? {} : { vendorId: vendorId.toLowerCase() }),
    ...(productId === undefined ? {} : { productId: productId.toLowerCase() }),
    ...(serialNumber === undefined ? {} : { serialNumber }),
    ...(manufacturer === undefined ? {} : { manufacturer }),
  };
}
