/**
 * The scanners of the desk: drivers as the configuration names them, each scanner that they find, and scans that were made. Tells the API what comes and goes;
 * knows nothing of documents beyond what a scan says.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Scanner } from '../../api-spec/methods/scanner.ts';
import { SCAN_SCHEMA, type Scan, type ScanImage } from '../../api-spec/scan/scan.ts';
import { acceptScan, type AcceptedScan } from '../../drivers/scanners/accept.ts';
import type { ScannerConfiguration } from '../../drivers/scanners/configuration.ts';
import type { DriverImage, DriverScan, ScannerDriver, ScanOptions, ScanProgress } from '../../drivers/scanners/driver.ts';
import { SCANNER_KINDS } from '../../drivers/scanners/index.ts';
import type { Publish } from '../desk/desk.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { TurnTaker } from '../turns.ts';
import { readConfigurations, watchConfigurations, type Reading } from './configuration-file.ts';
import { Station, stationId } from './station.ts';
import { ScanStore, type ScanOwner } from './store.ts';

/** What drivers of vendors' programs hand pictures over in. */
export const SCANNERS_FOLDER = 'scanners';
/** A driver that floods with states of things is read this far. */
const MAX_SCANNERS = 32;
/** The scan ends before its call does, so that the caller is told why. */
const MARGIN_MS = 500;

export interface ScannersOptions {
  readonly dataFolder: string;
  readonly publish: Publish;
  readonly log: Log;
  readonly now: () => Date;
  /** Beside those of the file: those of a simulated desk. They are disposed of by whoever made them. */
  readonly drivers: readonly ScannerDriver[];
  readonly simulated: boolean;
}

export interface ScanRequest {
  /** Left out: the only one that is there. */
  readonly scanner?: string | undefined;
  readonly lights?: ScanOptions['lights'] | undefined;
  readonly readsChip?: boolean | undefined;
  readonly images: readonly DriverImage[];
  readonly owner: ScanOwner;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly taker: TurnTaker;
  /** Who wants it, in plain words. */
  readonly asker: string;
  /** Told as soon as it is known which scanner it is. */
  readonly onScanner: (id: string) => void;
  /** Keeps a picture for whoever asked, and gives the id of the content; undefined when there is no room. */
  readonly keepImage: (bytes: Uint8Array) => string | undefined;
}

interface Opened {
  readonly driver: ScannerDriver;
  readonly configuration: ScannerConfiguration | undefined;
}

export class Scanners implements AsyncDisposable {
  readonly store = new ScanStore();
  readonly #options: ScannersOptions;
  readonly #stations = new Map<string, Station>();
  /** As it was last told. */
  readonly #told = new Map<string, Scanner>();
  #opened: readonly Opened[] = [];
  #problems: readonly Problem[] = [];
  #refused: Problem | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #watching: Disposable | undefined;
  #isClosed = false;

  constructor(options: ScannersOptions) {
    this.#options = options;
    this.#opened = options.drivers.map((driver) => ({ driver, configuration: undefined }));
  }

  /** Begins to look for scanners, and reads the file whenever it changes. */
  async open(): Promise<void> {
    const folder = join(this.#options.dataFolder, SCANNERS_FOLDER);
    rmSync(folder, { recursive: true, force: true });
    for (const { driver } of this.#opened) this.#begin(driver);
    this.#watching = watchConfigurations(this.#options.dataFolder, () => void this.apply(this.prepare()));
    await this.apply(this.prepare());
  }

  /** Reads the file anew, and changes nothing. */
  prepare(): Reading {
    return readConfigurations(this.#options.dataFolder);
  }

  /** What `prepare` gave. A driver whose row is unchanged goes on; a file that was refused leaves all of them as they are. */
  async apply(reading: Reading): Promise<readonly Problem[]> {
    const applied = this.#turn.then(() => this.#apply(reading));
    this.#turn = applied.catch(() => undefined); // whoever asked is told
    await applied;
    return this.#problems;
  }

  /** The file, when it was refused. */
  get refused(): Problem | undefined {
    return this.#refused;
  }

  /** What is wrong with the file, in one line each. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  list(): readonly Scanner[] {
    return [...this.#stations.values()].flatMap((station) => station.describe() ?? []);
  }

  /** Throws ApiError; and the signal's reason when the call is given up. */
  async scan(request: ScanRequest): Promise<Scan> {
    const station = this.#find(request.scanner);
    request.onScanner(station.id);
    const startedAt = this.#options.now().toISOString();
    const { lights, readsChip = true, images, signal, taker, owner } = request;
    const timeoutMs = Math.max(1, request.timeoutMs - Math.min(MARGIN_MS, request.timeoutMs / 2));
    const onProgress = (progress: ScanProgress): void => this.#progress(station, progress);
    try {
      const given = await station.scan({
        ...{ signal, timeoutMs, taker, owner: ownerKey(owner) },
        options: { images, readsChip, onProgress, ...(lights ? { lights } : {}) },
      });
      return this.#keep(given, { request, station, startedAt });
    } finally {
      this.#options.publish('scanner.progress', { scanner: station.id, stage: 'ended' });
    }
  }

  /** Throws scanner_not_found. */
  cancel(id: string, owner: ScanOwner): boolean {
    return this.#find(id).cancel(ownerKey(owner));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#watching?.[Symbol.dispose]();
    await this.#turn;
    for (const station of this.#stations.values()) station.close();
    this.store[Symbol.dispose]();
    await Promise.all(this.#opened.map(({ driver }) => driver[Symbol.asyncDispose]()));
    rmSync(join(this.#options.dataFolder, SCANNERS_FOLDER), { recursive: true, force: true });
  }

  async #apply({ configurations, problem }: Reading): Promise<void> {
    if (this.#isClosed) return;
    this.#refused = problem;
    if (problem) {
      this.#problems = [problem];
      this.#options.log.error(problem, 'the file of the scanners was refused');
      return;
    }
    const before = this.#opened.filter(({ configuration }) => configuration !== undefined);
    const kept = before.filter(({ configuration }) => configurations.some((row) => isDeepStrictEqual(row, configuration)));
    const gone = before.filter((opened) => !kept.includes(opened));
    this.#opened = this.#opened.filter((opened) => !gone.includes(opened));
    for (const { driver } of gone) this.#forget(driver);
    await Promise.all(gone.map(({ driver }) => driver[Symbol.asyncDispose]()));
    const added = configurations.filter((row) => !kept.some(({ configuration }) => isDeepStrictEqual(row, configuration)));
    const problems: Problem[] = [];
    for (const configuration of added) {
      try {
        const driver = await this.#openDriver(configuration);
        this.#opened = [...this.#opened, { driver, configuration }];
        this.#begin(driver);
      } catch (error) {
        problems.push({ file: configuration.name, problem: error instanceof Error ? error.message : String(error) });
      }
    }
    for (const each of problems) this.#options.log.error(each, 'scanners cannot be used');
    this.#problems = problems;
  }

  async #openDriver({ name, driver, options = {} }: ScannerConfiguration): Promise<ScannerDriver> {
    const kind = SCANNER_KINDS.get(driver);
    if (!kind) throw new Error(`there is no driver ${driver}`);
    const folder = join(this.#options.dataFolder, SCANNERS_FOLDER, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const note = (problem: string): void =>
      this.#options.log.warn({ scanner: name, problem: problem.slice(0, 300) }, 'of a scanner');
    return await kind.open(name, options, { folder, note });
  }

  #begin(driver: ScannerDriver): void {
    driver.watch(() => this.#review(driver));
    this.#review(driver);
  }

  /** Tells what came, went and changed at a driver. */
  #review(driver: ScannerDriver): void {
    if (this.#isClosed || !this.#opened.some((opened) => opened.driver === driver)) return;
    for (const { id } of driver.list().slice(0, MAX_SCANNERS)) {
      const known = this.#stations.get(stationId(driver, id));
      if (known) continue;
      const station = new Station(driver, id, () => this.#tell(station));
      this.#stations.set(station.id, station);
    }
    for (const station of this.#stations.values()) if (station.driver === driver) this.#tell(station);
  }

  #tell(station: Station): void {
    if (this.#stations.get(station.id) !== station) return;
    const scanner = station.describe();
    const before = this.#told.get(station.id);
    if (!scanner) {
      this.#remove(station);
    } else if (!isDeepStrictEqual(scanner, before)) {
      this.#told.set(station.id, scanner);
      this.#options.publish(before ? 'scanner.changed' : 'scanner.added', { scanner });
    }
  }

  #forget(driver: ScannerDriver): void {
    for (const station of this.#stations.values()) if (station.driver === driver) this.#remove(station);
  }

  #remove(station: Station): void {
    station.close();
    this.#stations.delete(station.id);
    if (this.#told.delete(station.id)) this.#options.publish('scanner.removed', { scanner: station.id });
  }

  #find(id: string | undefined): Station {
    if (id === undefined) {
      const [first, ...others] = this.#stations.values();
      if (first && others.length === 0) return first;
      const found = first ? 'there are several, and none was named' : 'there is none';
      throw new ApiError('scanner_not_found', `choosing a scanner: ${found}`);
    }
    const station = this.#stations.get(id);
    if (!station?.describe()) throw new ApiError('scanner_not_found', `looking up scanner ${id}: there is none of this id`);
    return station;
  }

  #progress(station: Station, { stage, light }: ScanProgress): void {
    this.#options.publish('scanner.progress', { scanner: station.id, stage, ...(light === undefined ? {} : { light }) });
  }

  #keep(
    given: DriverScan,
    { request, station, startedAt }: { readonly request: ScanRequest; readonly station: Station; readonly startedAt: string },
  ): Scan {
    const accepted = acceptScan(given);
    const scan: Scan = {
      schema: SCAN_SCHEMA,
      id: randomUUID(),
      startedAt,
      endedAt: this.#options.now().toISOString(),
      ...accepted.parts,
      origin: {
        scanner: station.id,
        driver: station.driver.kind,
        ...accepted.parts.origin,
        simulated: this.#options.simulated && this.#options.drivers.includes(station.driver),
      },
      images: keepImages(accepted, request.keepImage),
    };
    const images = new Map(accepted.images.map(({ image, bytes }) => [image.id, bytes]));
    this.store.put(request.owner, { scan, images, asker: request.asker, ...(accepted.raw ? { raw: accepted.raw } : {}) });
    return scan;
  }
}

export interface Problem {
  readonly file: string;
  readonly problem: string;
}

function keepImages({ images }: AcceptedScan, keep: ScanRequest['keepImage']): ScanImage[] {
  return images.map(({ image, bytes }) => {
    const content = keep(bytes);
    return { ...image, ...(content === undefined ? {} : { content }) };
  });
}

function ownerKey({ user, origin = '' }: ScanOwner): string {
  return `${user} ${origin}`;
}
