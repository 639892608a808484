/**
 * A HID device on /dev/hidrawN, as the kernel has it (Documentation/hid/hidraw.rst, linux/hidraw.h). One byte in the pipe of the node stands for one report in the
 * queue: poll(2) sees it, and each read takes one whole report. All handles share the queue, where the kernel gives each its own.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import type { DeviceTree, SysfsDevice } from './device-tree.ts';
import { DeviceFault } from './device-fault.ts';
import type { HidDevice } from './hid-device.ts';
import { NodeServer } from './node-server.ts';
import type { ProgramCall } from './preload-frames.ts';
import type { ProgramMemory } from './program-handle.ts';
import { CLASS_HID, hex, usbDirectories, usbInterfacePath } from './usb-device.ts';

/** Given out by the kernel at run time; what it is does not matter. */
const MAJOR_HIDRAW = 240;
/** BUS_USB of linux/input.h. */
const BUS_USB = 3;
/** linux/hidraw.h: ioctls of the type 'H', by their number. */
const TYPE_HIDRAW = 0x48;
const HIDIOCGRDESCSIZE = 0x01;
const HIDIOCGRDESC = 0x02;
const HIDIOCGRAWINFO = 0x03;
const HIDIOCGRAWNAME = 0x04;
const HIDIOCGRAWPHYS = 0x05;
const HIDIOCSFEATURE = 0x06;
const HIDIOCGFEATURE = 0x07;
const HIDIOCGRAWUNIQ = 0x08;
/** HID_MAX_DESCRIPTOR_SIZE. */
const MAX_DESCRIPTOR_BYTES = 4096;
/** What a pipe holds of single bytes (pipe(7)); the kernel keeps 64 reports only, but a program here shares its cores with the testbed. */
const MAX_QUEUED = 65_536;

export interface HidPlace {
  /** N of /dev/hidrawN. */
  readonly index: number;
  /** The port of the hub; a device keeps it when it is plugged in again. */
  readonly port: number;
  /** Counts every device that was ever plugged in, as the kernel does. */
  readonly instance: number;
  readonly onError: (error: unknown) => void;
}

/** A HID device as it is plugged in. Disposal unplugs it. */
export class HidNode implements AsyncDisposable {
  /** As programs name it: "/dev/hidraw0". */
  readonly path: string;
  readonly name: string;
  readonly port: number;
  readonly #device: HidDevice;
  readonly #tree: DeviceTree;
  readonly #taken: string[] = [];
  #queue: Uint8Array[] = [];
  #pipeFd: number | undefined;
  #server: NodeServer | undefined;
  #isGone = false;
  #unplugging: Promise<void> | undefined;
  /** Calls that wait for the device. Its unplugging ends them, whatever it was about to answer. */
  readonly #waiting = new Set<(fault: DeviceFault) => void>();
  #reportsRead = 0;

  private constructor(tree: DeviceTree, device: HidDevice, place: HidPlace) {
    this.#tree = tree;
    this.#device = device;
    this.name = `hidraw${place.index}`;
    this.path = `/dev/${this.name}`;
    this.port = place.port;
  }

  static async plug(tree: DeviceTree, device: HidDevice, place: HidPlace): Promise<HidNode> {
    if (device.reportDescriptor.length > MAX_DESCRIPTOR_BYTES)
      throw new RangeError(
        `a report descriptor has at most ${MAX_DESCRIPTOR_BYTES} bytes, this has ${device.reportDescriptor.length}`,
      );
    const node = new HidNode(tree, device, place);
    const { name } = node;
    node.#server = await NodeServer.listen(tree.socketPath(name), (call, memory) => node.#answer(call, memory), {
      onError: place.onError,
      onIdle: () => {
        node.#idle();
      },
    });
    node.#taken.push(...(await tree.addPipeNode(name, `${MAJOR_HIDRAW}:${place.index}`)));
    node.#pipeFd = openSync(tree.nodePath(name), constants.O_RDWR | constants.O_NONBLOCK);
    for (const directory of hidDirectories(device, place)) node.#taken.unshift(...(await tree.addSysfs(directory)));
    device.attach?.({ input: (report) => node.#input(report) });
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
    return this.#server?.openHandles ?? 0;
  }

  /** Reports that programs have read, and those that wait. */
  get reports(): { readonly read: number; readonly waiting: number } {
    return { read: this.#reportsRead, waiting: this.#queue.length };
  }

  /** Gone from the bus: every call of a handle that is still open fails, as does whatever the device is just asked. */
  unplug(): Promise<void> {
    this.#unplugging ??= this.#unplug();
    return this.#unplugging;
  }

  /** Unplugs it, and ends the programs that still have it open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.unplug();
    await this.#server?.[Symbol.asyncDispose]();
    this.#closePipe();
  }

  /** It is listed no more before its calls fail, as in the kernel: programs look there to tell a refusal from a removal. */
  async #unplug(): Promise<void> {
    this.#server?.close();
    await this.#tree.take(this.#taken);
    this.#isGone = true;
    this.#queue = [];
    for (const end of this.#waiting) end(new DeviceFault('ENODEV', 'the simulated device was unplugged'));
    this.#device.detach?.();
    // Whoever waits in poll(2) wakes up and reads the error.
    this.#signal();
    if (this.openHandles === 0) this.#closePipe();
  }

  #input(report: Uint8Array): boolean {
    if (this.#isGone || this.openHandles === 0 || this.#queue.length >= MAX_QUEUED) return false;
    this.#queue.push(Uint8Array.from(report));
    this.#signal();
    return true;
  }

  #signal(): void {
    if (this.#pipeFd !== undefined) writeSync(this.#pipeFd, Uint8Array.of(0));
  }

  #closePipe(): void {
    if (this.#pipeFd !== undefined) closeSync(this.#pipeFd);
    this.#pipeFd = undefined;
  }

  /** What nobody read is lost when nobody has the device open. */
  #idle(): void {
    while (this.#queue.shift()) this.#takeSignal();
    if (this.#isGone) this.#closePipe();
  }

  #takeSignal(): void {
    if (this.#pipeFd !== undefined) readSync(this.#pipeFd, new Uint8Array(1));
  }

  async #answer(call: ProgramCall, memory: ProgramMemory): Promise<number> {
    this.#mustBeThere(call);
    switch (call.operation) {
      case 'read':
        return this.#read(call.pointer, call.lengthBytes, memory);
      case 'write': {
        const report = await memory.read(call.pointer, call.lengthBytes);
        if (!this.#device.output) throw new DeviceFault('EPIPE', 'the simulated device has no output report');
        await this.#whilePluggedIn(this.#device.output(report));
        return report.length;
      }
      case 'ioctl':
        return await this.#control(call.request, call.argument, memory);
    }
  }

  /** drivers/hid/hidraw.c: EIO for a read of a device that is gone, ENODEV for all else. */
  #mustBeThere({ operation }: ProgramCall): void {
    if (this.#isGone) throw new DeviceFault(operation === 'read' ? 'EIO' : 'ENODEV', 'the simulated device is unplugged');
  }

  async #whilePluggedIn<T>(work: T | Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#isGone) reject(new DeviceFault('ENODEV', 'the simulated device was unplugged'));
    this.#waiting.add(reject);
    Promise.resolve(work).then(resolve, reject);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(reject);
    }
  }

  #read(pointer: bigint, lengthBytes: number, memory: ProgramMemory): number {
    const report = this.#queue.shift();
    if (!report) throw new DeviceFault('EAGAIN', 'no report waits');
    this.#takeSignal();
    this.#reportsRead += 1;
    const part = report.subarray(0, lengthBytes);
    memory.write(pointer, part);
    return part.length;
  }

  async #control(request: number, argument: bigint, memory: ProgramMemory): Promise<number> {
    // asm-generic/ioctl.h: number, type and size of the argument.
    const size = (request >>> 16) & 0x3fff;
    if (((request >>> 8) & 0xff) !== TYPE_HIDRAW) throw new DeviceFault('ENOTTY');
    switch (request & 0xff) {
      case HIDIOCSFEATURE:
        await this.#whilePluggedIn(this.#device.setFeature(await memory.read(argument, size)));
        return size;
      case HIDIOCGFEATURE: {
        const [reportId = 0] = await memory.read(argument, Math.min(size, 1));
        const report = await this.#whilePluggedIn(this.#device.getFeature(reportId));
        const part = report.subarray(0, size);
        memory.write(argument, part);
        return part.length;
      }
      default:
        return this.#describe(request & 0xff, size, (bytes) => {
          memory.write(argument, bytes);
        });
    }
  }

  #describe(number: number, size: number, give: (bytes: Uint8Array) => void): number {
    const { identity, reportDescriptor } = this.#device;
    const text = (value: string): number => {
      const bytes = Buffer.from(`${value}\0`).subarray(0, size);
      give(bytes);
      return bytes.length;
    };
    switch (number) {
      case HIDIOCGRDESCSIZE:
        give(littleEndian(reportDescriptor.length));
        return 0;
      case HIDIOCGRDESC:
        give(Buffer.concat([littleEndian(reportDescriptor.length), reportDescriptor]));
        return 0;
      case HIDIOCGRAWINFO:
        give(Buffer.concat([littleEndian(BUS_USB), littleEndian(identity.vendorId | (identity.productId << 16))]));
        return 0;
      case HIDIOCGRAWNAME:
        return text(`${identity.manufacturer} ${identity.product}`);
      case HIDIOCGRAWPHYS:
        return text('usb-simulated/input0');
      case HIDIOCGRAWUNIQ:
        return text(identity.serialNumber);
      default:
        throw new DeviceFault('ENOTTY');
    }
  }
}

function littleEndian(number: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number >>> 0);
  return bytes;
}

function hidDirectories(device: HidDevice, { index, port, instance }: HidPlace): readonly SysfsDevice[] {
  const { identity, reportDescriptor } = device;
  const upper = (number: number, digits: number): string => hex(number, digits).toUpperCase();
  const bus = usbInterfacePath(port);
  const hid = `${bus}/0003:${upper(identity.vendorId, 4)}:${upper(identity.productId, 4)}.${upper(instance, 4)}`;
  return [
    ...usbDirectories(port, identity, { interfaceClass: CLASS_HID, driver: 'usbhid' }),
    {
      path: hid,
      under: 'bus',
      subsystem: 'hid',
      uevent: {
        DRIVER: 'hid-generic',
        HID_ID: `0003:${upper(identity.vendorId, 8)}:${upper(identity.productId, 8)}`,
        HID_NAME: `${identity.manufacturer} ${identity.product}`,
        HID_PHYS: 'usb-simulated/input0',
        HID_UNIQ: identity.serialNumber,
      },
      binary: { report_descriptor: reportDescriptor },
    },
    {
      path: `${hid}/hidraw/hidraw${index}`,
      under: 'class',
      subsystem: 'hidraw',
      uevent: { MAJOR: MAJOR_HIDRAW, MINOR: index, DEVNAME: `hidraw${index}` },
      attributes: { dev: `${MAJOR_HIDRAW}:${index}` },
      device: hid,
    },
  ];
}
