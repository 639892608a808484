/**
 * The folder that the preload library shows to a program as /sys and /dev: directories, attributes and links of sysfs as the kernel's documentation has
 * them (Documentation/admin-guide/sysfs-rules.rst), nodes, and the place of the sockets. What was added for a device is taken away as one.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { DeviceError } from '../../errors.ts';
import { makeFifo } from './posix.ts';

/** One directory of sysfs. */
export interface SysfsDevice {
  /** From /sys: "/devices/pci0000:00/usb1/1-1". */
  readonly path: string;
  /** Linked from /sys/bus or /sys/class. */
  readonly under: 'bus' | 'class';
  readonly subsystem: string;
  readonly uevent: Readonly<Record<string, string | number>>;
  readonly attributes?: Readonly<Record<string, string | number>>;
  readonly binary?: Readonly<Record<string, Uint8Array>>;
  /** A class device links to what it belongs to. */
  readonly device?: string;
}

/** udev lists what is below /dev alone, and this is what any user may write to there. */
const PLAIN_FOLDER = '/dev/shm';
/** sun_path of unix(7) has 108 bytes, and "/ioctl/dev/" and a node's name come after the root. */
const MAX_ROOT_LENGTH = 72;
const FOLDERS = ['sys/bus', 'sys/class', 'sys/dev/char', 'sys/devices', 'dev/.node', 'ioctl/dev', 'run/udev/data'];

export class DeviceTree {
  /** What UMOCKDEV_DIR names. */
  readonly root: string;
  readonly #plainFolder: string;

  private constructor(root: string, plainFolder: string) {
    this.root = root;
    this.#plainFolder = plainFolder;
  }

  /** A folder that only this user may enter. */
  static async make(parentFolder: string): Promise<DeviceTree> {
    const root = await mkdtemp(join(parentFolder, 'kortd-bed-'));
    const tree = new DeviceTree(root, await mkdtemp(join(PLAIN_FOLDER, 'kortd-bed-')));
    if (root.length > MAX_ROOT_LENGTH) {
      await tree.remove();
      throw new DeviceError(`starting a testbed in ${parentFolder}: the path of its sockets is too long`);
    }
    for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
    return tree;
  }

  socketPath(node: string): string {
    return join(this.root, 'ioctl', 'dev', node);
  }

  plainPath(name: string): string {
    return join(this.#plainFolder, name);
  }

  nodePath(node: string): string {
    return join(this.root, 'dev', node);
  }

  /** Gives what it made, for `take`. */
  async addSysfs(device: SysfsDevice): Promise<readonly string[]> {
    const folder = `sys${device.path}`;
    const home = `sys/${device.under}/${device.subsystem}`;
    const listed = `${home}${device.under === 'bus' ? '/devices' : ''}/${basename(device.path)}`;
    await mkdir(join(this.root, folder), { recursive: true });
    await this.#write(`${folder}/uevent`, lines(device.uevent));
    for (const [name, value] of Object.entries(device.attributes ?? {})) await this.#write(`${folder}/${name}`, `${value}\n`);
    for (const [name, bytes] of Object.entries(device.binary ?? {})) await this.#write(`${folder}/${name}`, bytes);
    await this.#link(`${folder}/subsystem`, home);
    await this.#link(listed, folder);
    if (device.device !== undefined) await this.#link(`${folder}/device`, `sys${device.device}`);
    const { MAJOR, MINOR } = device.uevent;
    if (MAJOR === undefined) return [listed, folder];
    const byNumber = `sys/dev/char/${MAJOR}:${MINOR ?? 0}`;
    await this.#link(byNumber, folder);
    return [listed, byNumber, folder];
  }

  /** A node that poll(2) understands: a byte in the pipe says that something can be read. */
  async addPipeNode(node: string, deviceNumber: string): Promise<readonly string[]> {
    makeFifo(this.nodePath(node));
    return [`dev/${node}`, await this.#number(node, deviceNumber)];
  }

  /** A node that is a terminal of the machine: the preload library stands in for its calls. */
  async addTerminalNode(node: string, deviceNumber: string, terminal: string): Promise<readonly string[]> {
    await symlink(terminal, this.nodePath(node));
    return [`dev/${node}`, await this.#number(node, deviceNumber)];
  }

  /** A terminal of the machine under a name that is not of the tree: the preload library has nothing to do with it. */
  async addPlainTerminal(name: string, terminal: string): Promise<readonly string[]> {
    await symlink(terminal, this.plainPath(name));
    return [this.plainPath(name)];
  }

  /** In the given order: what lists a device goes before what it is. */
  async take(paths: readonly string[]): Promise<void> {
    for (const path of paths) await rm(resolve(this.root, path), { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    for (const folder of [this.root, this.#plainFolder]) await rm(folder, { recursive: true, force: true });
  }

  async #number(node: string, deviceNumber: string): Promise<string> {
    const path = `dev/.node/${node}`;
    await symlink(deviceNumber, join(this.root, path));
    return path;
  }

  async #write(path: string, content: string | Uint8Array): Promise<void> {
    await writeFile(join(this.root, path), content);
  }

  async #link(at: string, to: string): Promise<void> {
    const path = join(this.root, at);
    await mkdir(dirname(path), { recursive: true });
    await symlink(relative(dirname(path), join(this.root, to)), path);
  }
}

function lines(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
