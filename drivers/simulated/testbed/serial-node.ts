/**
 * A serial device on /dev/ttyACMN or /dev/ttyUSBN. It is a pseudo terminal of this machine, which carries the bytes and keeps the speed; unplugging hangs it up, as
 * the kernel does. Modem lines and breaks, which such a terminal has not, are answered here where they are asked for (ioctl_tty(2), asm-generic/termios.h, ioctls.h).
 */
import { closeSync, constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { DeviceFault } from './device-fault.ts';
import type { DeviceTree, SysfsDevice } from './device-tree.ts';
import { NodeServer } from './node-server.ts';
import { countOpenHandles } from './open-terminals.ts';
import { lineSettings, openPseudoTerminal, type LineSettings } from './posix.ts';
import type { ProgramCall } from './preload-frames.ts';
import type { ProgramMemory } from './program-handle.ts';
import type { ModemInputs, SerialDevice } from './serial-device.ts';
import { CLASS_COMMUNICATIONS, hex, usbDirectories, usbInterfacePath } from './usb-device.ts';

/** Linux, Documentation/admin-guide/devices.txt. */
const MAJOR = { ttyACM: 166, ttyUSB: 188 } as const;
const DRIVER = { ttyACM: 'cdc_acm', ttyUSB: 'ftdi_sio' } as const;

const TIOCMGET = 0x5415;
const TIOCMBIS = 0x5416;
const TIOCMBIC = 0x5417;
const TIOCMSET = 0x5418;
const TIOCSBRK = 0x5427;
const TIOCCBRK = 0x5428;
const TIOCM_DTR = 0x002;
const TIOCM_RTS = 0x004;
const TIOCM_CTS = 0x020;
const TIOCM_CAR = 0x040;
const TIOCM_RNG = 0x080;
const TIOCM_DSR = 0x100;

/** Beyond what the terminal itself holds, 4 KiB. */
const MAX_UNREAD_BYTES = 1_048_576;

const READY: ModemInputs = { cts: true, dsr: true, dcd: false, ri: false };

/** Which driver of the kernel has it: CDC-ACM devices, or converters such as FTDI's. */
export type SerialKind = keyof typeof MAJOR;

export interface SerialPlace {
  readonly kind: SerialKind;
  /** N of /dev/ttyACMN. */
  readonly index: number;
  readonly port: number;
  /**
   * Every call of the program then goes through the preload library, which ends a program that closes its port while another of its threads reads it: the end of
   * many a program whose line hung up. Without, the program opens the terminal itself, and modem lines answer ENOTTY.
   */
  readonly hasModemLines: boolean;
  readonly onError: (error: unknown) => void;
}

/** A serial device as it is plugged in. Disposal unplugs it. */
export class SerialNode implements AsyncDisposable {
  /** As programs list and open it: "/dev/ttyACM0" with modem lines, a name in /dev/shm without. */
  readonly path: string;
  readonly name: string;
  readonly port: number;
  readonly #device: SerialDevice;
  readonly #tree: DeviceTree;
  readonly #taken: string[] = [];
  #server: NodeServer | undefined;
  #isGone = false;
  #unplugging: Promise<void> | undefined;
  #terminal: Terminal | undefined;
  readonly #terminalPath: string;
  #outputs = 0;

  private constructor(tree: DeviceTree, device: SerialDevice, place: SerialPlace) {
    this.#terminal = new Terminal((bytes) => {
      device.receive(bytes);
    }, place.onError);
    this.#terminalPath = this.#terminal.path;
    this.#tree = tree;
    this.#device = device;
    this.name = `${place.kind}${place.index}`;
    this.path = place.hasModemLines ? `/dev/${this.name}` : tree.plainPath(this.name);
    this.port = place.port;
  }

  static async plug(tree: DeviceTree, device: SerialDevice, place: SerialPlace): Promise<SerialNode> {
    const node = new SerialNode(tree, device, place);
    const { name } = node;
    if (place.hasModemLines) {
      node.#server = await NodeServer.listen(tree.socketPath(name), (call, memory) => node.#answer(call, memory), place);
      node.#taken.push(...(await tree.addTerminalNode(name, `${MAJOR[place.kind]}:${place.index}`, node.#terminalPath)));
    } else node.#taken.push(...(await tree.addPlainTerminal(name, node.#terminalPath)));
    for (const directory of serialDirectories(device, { ...place, path: node.path }))
      node.#taken.unshift(...(await tree.addSysfs(directory)));
    device.attach?.({ send: (bytes) => node.#send(bytes), settings: () => node.settings });
    return node;
  }

  /** True until nothing of it is left in the tree. */
  get isPluggedIn(): boolean {
    return !this.#isGone;
  }

  /** While it is being taken out, and after. */
  get unplugging(): Promise<void> | undefined {
    return this.#unplugging;
  }

  /** Handles that programs have open. */
  get openHandles(): number {
    return this.#server?.openHandles ?? countOpenHandles(this.#terminalPath, this.#tree.root);
  }

  /** What the program set its port to, or left of it. 9600 8N1 before anybody did. */
  get settings(): LineSettings {
    if (!this.#terminal) throw new DeviceFault('ENODEV', 'the simulated device is unplugged');
    return this.#terminal.settings;
  }

  /** Hangs the line up, and takes the port away. */
  unplug(): Promise<void> {
    this.#unplugging ??= this.#unplug();
    return this.#unplugging;
  }

  /** Unplugs it, and ends the programs that still have it open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.unplug();
    await this.#server?.[Symbol.asyncDispose]();
  }

  async #unplug(): Promise<void> {
    const terminal = this.#terminal;
    this.#terminal = undefined;
    this.#device.detach?.();
    this.#server?.close();
    await terminal?.[Symbol.asyncDispose]();
    await this.#tree.take(this.#taken);
    this.#isGone = true;
  }

  #send(bytes: Uint8Array): boolean {
    return this.#terminal?.write(bytes) ?? false;
  }

  async #answer(call: ProgramCall, memory: ProgramMemory): Promise<number | 'run'> {
    // Bytes, and the calls on a line that hung up, go to the terminal: the kernel answers there as it does for a real one.
    if (call.operation !== 'ioctl' || !this.#terminal) return 'run';
    switch (call.request) {
      case TIOCMGET:
        memory.write(call.argument, word(this.#outputs | inputBits(this.#device.modemInputs?.() ?? READY)));
        return 0;
      case TIOCMBIS:
      case TIOCMBIC:
      case TIOCMSET: {
        const bits = Buffer.from(await memory.read(call.argument, 4)).readUInt32LE();
        this.#drive(call.request, bits & (TIOCM_DTR | TIOCM_RTS));
        return 0;
      }
      case TIOCSBRK:
      case TIOCCBRK:
        this.#device.sendBreak?.(call.request === TIOCSBRK);
        return 0;
      default:
        return 'run';
    }
  }

  #drive(request: number, bits: number): void {
    if (request === TIOCMSET) this.#outputs = bits;
    else this.#outputs = request === TIOCMBIS ? this.#outputs | bits : this.#outputs & ~bits;
    this.#device.modemOutputs?.({ dtr: (this.#outputs & TIOCM_DTR) !== 0, rts: (this.#outputs & TIOCM_RTS) !== 0 });
  }
}

/** The device's end of a pseudo terminal. */
class Terminal implements AsyncDisposable {
  readonly path: string;
  readonly #masterFd: number;
  /** Kept open: with nobody at the other end a read of the master fails. */
  readonly #slaveFd: number;
  readonly #stream: ReadStream;

  constructor(onBytes: (bytes: Uint8Array) => void, onError: (error: unknown) => void) {
    const { masterFd, path } = openPseudoTerminal();
    this.path = path;
    this.#masterFd = masterFd;
    this.#slaveFd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    this.#stream = new ReadStream(masterFd);
    this.#stream.on('data', (chunk) => {
      onBytes(typeof chunk === 'string' ? Buffer.from(chunk) : Uint8Array.from(chunk));
    });
    this.#stream.on('error', onError);
  }

  get settings(): LineSettings {
    return lineSettings(this.#masterFd);
  }

  /** False when they are lost, because nobody has read for long. */
  write(bytes: Uint8Array): boolean {
    if (this.#stream.writableLength + bytes.length > MAX_UNREAD_BYTES) return false;
    this.#stream.write(bytes);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#stream.once('close', resolve));
    this.#stream.destroy();
    await closed;
    closeSync(this.#slaveFd);
  }
}

function inputBits({ cts, dsr, dcd, ri }: ModemInputs): number {
  return (cts ? TIOCM_CTS : 0) | (dsr ? TIOCM_DSR : 0) | (dcd ? TIOCM_CAR : 0) | (ri ? TIOCM_RNG : 0);
}

function word(number: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}

function serialDirectories(
  { identity }: SerialDevice,
  { kind, index, port, path }: SerialPlace & { readonly path: string },
): readonly SysfsDevice[] {
  const bus = usbInterfacePath(port);
  return [
    ...usbDirectories(port, identity, { interfaceClass: CLASS_COMMUNICATIONS, driver: DRIVER[kind] }),
    {
      path: `${bus}/tty/${kind}${index}`,
      under: 'class',
      subsystem: 'tty',
      // The ID_ values are udev's (its rules compute them); a tree without udevd has them in the event itself.
      uevent: {
        MAJOR: MAJOR[kind],
        MINOR: index,
        DEVNAME: path,
        ID_BUS: 'usb',
        ID_VENDOR_ENC: identity.manufacturer.replaceAll(' ', '\\x20'),
        ID_VENDOR_ID: hex(identity.vendorId, 4),
        ID_MODEL_ENC: identity.product.replaceAll(' ', '\\x20'),
        ID_MODEL_ID: hex(identity.productId, 4),
        ID_SERIAL_SHORT: identity.serialNumber,
        DEVLINKS: `/dev/serial/by-id/usb-${identity.serialNumber}-if00`,
      },
      attributes: { dev: `${MAJOR[kind]}:${index}` },
      device: bus,
    },
  ];
}
