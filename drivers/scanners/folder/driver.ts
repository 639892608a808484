/**
 * A folder into which a vendor's software puts what it scanned: `NAME.json` with a report, or `NAME.txt` with a machine-readable zone, and its pictures as
 * `NAME.KIND.LIGHT.EXTENSION`. A scan takes the first that comes after it began; what lay there before is from another document, and is cleared away first.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DeviceProtocolError, DeviceRemovedError } from '../../errors.ts';
import { IMAGE_BYTES, MAX_IMAGES } from '../accept.ts';
import type { DriverImage, DriverScan, ScannerDriver, ScannerHealth, ScannerState, ScanOptions } from '../driver.ts';
import type { FolderOptions } from './options.ts';

const LOOK_MS = 100;
/** Of the folder itself, while nobody scans. */
const CHECK_MS = 2_000;
const STABLE_MS = 500;
const MAX_FILES = 1_000;
const REPORT_BYTES = 1_048_576;
const ID = 'folder';
const MAIN = /^([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.(json|txt)$/;
const PICTURE = /^([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.(\w{1,20})\.(\w{1,20})\.(?:jpe?g|png|jp2)$/i;
const READ = process.platform === 'win32' ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Throws Error for a path that is none. */
export function openFolderDriver(name: string, options: FolderOptions): Promise<ScannerDriver> {
  if (!isAbsolute(options.folder)) return Promise.reject(new Error(`folder: ${options.folder} is no absolute path`));
  return Promise.resolve(new FolderDriver(name, options));
}

class FolderDriver implements ScannerDriver {
  readonly name: string;
  readonly kind = 'folder';
  readonly #options: FolderOptions;
  #isThere = false;
  #timer: NodeJS.Timeout | undefined;
  #changed: () => void = () => undefined;

  constructor(name: string, options: FolderOptions) {
    this.name = name;
    this.#options = options;
  }

  watch(changed: () => void): void {
    this.#changed = changed;
    this.#timer = setInterval(() => void this.#check(), CHECK_MS).unref();
    void this.#check();
  }

  list(): readonly ScannerState[] {
    const { model = 'Watched folder' } = this.#options;
    const status = this.#isThere ? 'ready' : 'gone';
    return [{ id: ID, model, status, abilities: { mrz: true, lights: [], chip: false, takesImages: false, verdicts: true } }];
  }

  async scan(_scannerId: string, { signal, onProgress }: ScanOptions): Promise<DriverScan> {
    await this.#clear(await this.#names());
    onProgress({ stage: 'waiting' });
    const main = await this.#nextMain(signal);
    onProgress({ stage: 'reading' });
    const stem = main.slice(0, main.lastIndexOf('.'));
    const pictures = (await this.#names()).filter((each) => PICTURE.exec(each)?.[1] === stem).slice(0, MAX_IMAGES);
    const sizes = await this.#stable([main, ...pictures], signal);
    try {
      const text = Buffer.from(await this.#read(main, { maxBytes: REPORT_BYTES, sizes })).toString('utf8');
      const images = await Promise.all(
        pictures.map(async (each) => imageOf(each, await this.#read(each, { maxBytes: IMAGE_BYTES, sizes }))),
      );
      return { report: reportOf(main, text), images };
    } finally {
      await this.#clear([main, ...pictures]);
    }
  }

  async health(): Promise<ScannerHealth> {
    await this.#check();
    return { isWorking: this.#isThere, ...(this.#isThere ? {} : { problem: 'the folder is not there' }) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#changed = () => undefined;
    return Promise.resolve();
  }

  async #check(): Promise<void> {
    const isThere = await lstat(this.#options.folder).then(
      (status) => status.isDirectory(),
      () => false,
    );
    if (isThere === this.#isThere) return;
    this.#isThere = isThere;
    this.#changed();
  }

  /** Files of the pattern. Throws DeviceRemovedError when the folder is not there. */
  async #names(): Promise<readonly string[]> {
    try {
      const entries = await readdir(this.#options.folder, { withFileTypes: true });
      // A link would have kortd read what whoever made it may not.
      const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
      return files
        .filter((each) => MAIN.test(each) || PICTURE.test(each))
        .sort()
        .slice(0, MAX_FILES);
    } catch (error) {
      throw new DeviceRemovedError('scanning: the watched folder cannot be read', {}, { cause: error });
    }
  }

  async #nextMain(signal: AbortSignal): Promise<string> {
    for (;;) {
      const main = (await this.#names()).find((each) => MAIN.test(each));
      if (main !== undefined) return main;
      await delay(LOOK_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** Waits until none of them has grown for a while. */
  async #stable(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    for (let before = await this.#sizes(names); ;) {
      await delay(this.#options.stableMs ?? STABLE_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
      const sizes = await this.#sizes(names);
      if (names.every((each) => sizes.get(each) === before.get(each))) return sizes;
      before = sizes;
    }
  }

  async #sizes(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const sizeOf = async (name: string): Promise<[string, number]> => {
      const status = await lstat(join(this.#options.folder, name)).catch(() => undefined);
      return [name, status?.isFile() ? status.size : -1];
    };
    return new Map(await Promise.all(names.map(sizeOf)));
  }

  async #read(
    name: string,
    { maxBytes, sizes }: { readonly maxBytes: number; readonly sizes: ReadonlyMap<string, number> },
  ): Promise<Uint8Array> {
    try {
      await using handle = await open(join(this.#options.folder, name), READ);
      const status = await handle.stat();
      if (!status.isFile() || status.size > maxBytes) throw new Error(`it is no file of at most ${maxBytes} bytes`);
      const bytes = await handle.readFile();
      if (bytes.length !== sizes.get(name)) throw new Error('it is still written to');
      return new Uint8Array(bytes);
    } catch (error) {
      const reason = error instanceof Error ? error.message : '';
      throw new DeviceProtocolError(`reading a file of the watched folder: ${reason}`, {}, { cause: error });
    }
  }

  async #clear(names: readonly string[]): Promise<void> {
    const { folder, afterwards = 'delete' } = this.#options;
    const done = join(folder, 'done');
    if (afterwards === 'move' && names.length > 0) await mkdir(done, { recursive: true, mode: 0o700 });
    for (const each of names) {
      if (afterwards === 'move')
        await rename(join(folder, each), join(done, each)).catch(() => undefined); // gone already
      else await rm(join(folder, each), { force: true });
    }
  }
}

function reportOf(name: string, text: string): DriverScan['report'] {
  if (name.endsWith('.txt'))
    return {
      outcome: 'complete',
      mrz: {
        lines: text
          .split(/[\r\n]+/)
          .filter((line) => line.trim() !== '')
          .slice(0, 3),
      },
    };
  try {
    return JSON.parse(text) as DriverScan['report'];
  } catch (error) {
    throw new DeviceProtocolError('reading a report of the watched folder: it is no JSON', {}, { cause: error });
  }
}

/** Words that are none are told by `accept.ts` as what they then are. */
function imageOf(name: string, bytes: Uint8Array): DriverImage {
  const [, , kind = '', light = ''] = PICTURE.exec(name) ?? [];
  const id = name.slice(name.indexOf('.') + 1).slice(0, 64);
  return { id, kind: kind as DriverImage['kind'], light: light as DriverImage['light'], page: 0, bytes };
}
