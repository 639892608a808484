/**
 * A bench of simulated USB devices below any program of this machine that knows nothing of it: node-hid, serialport and whatever else opens /dev/hidrawN or
 * /dev/ttyACMN. The program is started with `environment()`, which puts libumockdev-preload before its C library; no root, no kernel module, and no real device is
 * touched. Linux with glibc alone, and Debian's packages umockdev and udev.
 */
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceUnavailableError } from '../../errors.ts';
import { DeviceTree } from './device-tree.ts';
import type { HidDevice } from './hid-device.ts';
import { HidNode } from './hid-node.ts';
import type { SerialDevice } from './serial-device.ts';
import { SerialNode, type SerialKind } from './serial-node.ts';

export interface TestbedOptions {
  /** Where its folder is made. Default: the folder for temporary files. */
  readonly folder?: string;
  /** Told of defects: a device that throws what is no `DeviceFault`, a program that is no preloaded one. Default: thrown by `dispose`. */
  readonly onError?: (error: unknown) => void;
}

export interface PlugOptions {
  /** N of /dev/hidrawN or /dev/ttyACMN. Default: the lowest that is free. */
  readonly index?: number;
  /** Default: the lowest port that is free. */
  readonly port?: number;
}

export interface PlugSerialOptions extends PlugOptions {
  /** Default: ttyACM. */
  readonly kind?: SerialKind;
  /**
   * Default: false. The line is then listed under a name in /dev/shm, and modem lines answer ENOTTY. With them it is /dev/ttyACMN, and a program that loses the line may
   * be ended: see the README.
   */
  readonly modemLines?: boolean;
}

const LIBRARY = 'libumockdev-preload.so.0';
/** As many as the ports of a bus have addresses (USB 2.0, 9.4.6). */
const MAX_PORTS = 127;
/** Minor numbers of hidraw (drivers/hid/hidraw.c, HIDRAW_MAX_DEVICES), and more than the serial drivers have. */
const MAX_INDEX = 63;

type DeviceNode = HidNode | SerialNode;

export class Testbed implements AsyncDisposable {
  readonly #tree: DeviceTree;
  readonly #library: string;
  readonly #errors: unknown[] = [];
  readonly #onError: (error: unknown) => void;
  /** What is plugged in, and what is not and still held open. */
  #nodes: readonly DeviceNode[] = [];
  #instances = 0;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(tree: DeviceTree, library: string, onError?: (error: unknown) => void) {
    this.#tree = tree;
    this.#library = library;
    this.#onError = onError ?? ((error) => this.#errors.push(error));
  }

  /** Throws `ServiceUnavailableError` where umockdev is not installed. */
  static async open(options: TestbedOptions = {}): Promise<Testbed> {
    const library = findPreloadLibrary();
    return new Testbed(await DeviceTree.make(options.folder ?? tmpdir()), library, options.onError);
  }

  /** What UMOCKDEV_DIR names. */
  get root(): string {
    return this.#tree.root;
  }

  /** For the program under test, over what it has already. */
  environment(base: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const preload = base['LD_PRELOAD'];
    const libraries = preload === undefined || preload === '' ? this.#library : `${preload}:${this.#library}`;
    return { ...base, LD_PRELOAD: libraries, UMOCKDEV_DIR: this.root };
  }

  /** Handles that programs have open, of every device that was ever plugged in. */
  get openHandles(): number {
    return this.#nodes.reduce((sum, { openHandles }) => sum + openHandles, 0);
  }

  plugHid(device: HidDevice, options: PlugOptions = {}): Promise<HidNode> {
    return this.#inTurn(async () => {
      const place = this.#place('hidraw', options);
      this.#instances += 1;
      return await HidNode.plug(this.#tree, device, { ...place, instance: this.#instances, onError: this.#onError });
    });
  }

  plugSerial(device: SerialDevice, options: PlugSerialOptions = {}): Promise<SerialNode> {
    const { kind = 'ttyACM', modemLines: hasModemLines = false } = options;
    return this.#inTurn(async () => {
      const place = this.#place(kind, options);
      return await SerialNode.plug(this.#tree, device, { ...place, kind, hasModemLines, onError: this.#onError });
    });
  }

  /**
   * Unplugs everything, and takes the folder away. End the programs before: one that has a device open is ended by its preload library.
   * Throws what went wrong meanwhile, unless `onError` was told.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    for (const node of this.#nodes) await node[Symbol.asyncDispose]();
    await this.#tree.remove();
    const errors = this.#errors.splice(0);
    if (errors.length > 0) throw new AggregateError(errors, 'simulated devices failed');
  }

  /** One after the other, and after what is being taken out, so that no two take the same place. */
  #inTurn<N extends DeviceNode>(plug: () => Promise<N>): Promise<N> {
    const plugged = this.#turn.then(async () => {
      for (const { unplugging } of this.#nodes) await unplugging;
      const node = await plug();
      this.#nodes = [...this.#nodes.filter(({ isPluggedIn, openHandles }) => isPluggedIn || openHandles > 0), node];
      return node;
    });
    this.#turn = plugged.catch(() => undefined);
    return plugged;
  }

  #place(prefix: string, options: PlugOptions): { readonly index: number; readonly port: number } {
    const present = this.#nodes.filter(({ isPluggedIn }) => isPluggedIn);
    const index = options.index ?? lowestFree((n) => present.some(({ name }) => name === `${prefix}${n}`), 0);
    const port = options.port ?? lowestFree((n) => present.some((node) => node.port === n), 1);
    if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) throw new RangeError(`${index} is no number of a device`);
    if (!Number.isInteger(port) || port < 1 || port > MAX_PORTS) throw new RangeError(`${port} is no port of a bus`);
    if (present.some((node) => node.name === `${prefix}${index}` || node.port === port))
      throw new RangeError(`${prefix}${index} or port ${port} is taken`);
    return { index, port };
  }
}

function lowestFree(isTaken: (number: number) => boolean, first: number): number {
  let number = first;
  while (isTaken(number)) number += 1;
  return number;
}

/** Where Debian has it, in the folder of its architecture; elsewhere in one of the plain folders. */
function findPreloadLibrary(): string {
  const folders = ['/usr/lib', '/usr/lib64', '/lib', '/lib64'].filter((folder) => existsSync(folder));
  const deeper = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.includes('-linux-gnu'))
      .map((name) => join(folder, name)),
  );
  const path = [...deeper, ...folders].map((folder) => join(folder, LIBRARY)).find((candidate) => existsSync(candidate));
  if (path === undefined || process.platform !== 'linux')
    throw new ServiceUnavailableError(`starting a testbed: ${LIBRARY} is not there (Linux, Debian package umockdev)`);
  return path;
}
