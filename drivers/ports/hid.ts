/** HID devices through node-hid (hidapi), always by its asynchronous class: the other one stops the whole service while a device thinks. No logic beyond that. */
import type { Device, HIDAsync } from 'node-hid';
import { DeviceBusyError, DeviceError, DeviceProtocolError, DeviceRemovedError } from '../errors.ts';
import type { HidPort, HidPortInfo, HidPorts } from './hid-port.ts';

/** Loaded with the first use. */
async function library(): Promise<typeof import('node-hid')> {
  const module: { readonly default?: typeof import('node-hid') } & typeof import('node-hid') = await import('node-hid');
  return module.default ?? module;
}

export const hidPorts: HidPorts = { list, open };

async function list(vendorIds: readonly number[]): Promise<readonly HidPortInfo[]> {
  const { devicesAsync } = await library();
  const devices = await devicesAsync();
  return devices.filter(({ vendorId }) => vendorIds.includes(vendorId)).flatMap(infoOf);
}

function infoOf({ path, vendorId, productId, product, serialNumber }: Device): readonly HidPortInfo[] {
  if (path === undefined || path === '') return [];
  return [{ path, vendorId, productId, ...(product ? { product } : {}), ...(serialNumber ? { serialNumber } : {}) }];
}

async function open(path: string): Promise<HidPort> {
  const { HIDAsync } = await library();
  try {
    return new NodeHidPort(path, await HIDAsync.open(path));
  } catch (error) {
    const isThere = (await allDevices()).some((device) => device.path === path);
    const ErrorClass = isThere ? DeviceBusyError : DeviceRemovedError;
    throw new ErrorClass(`opening ${path}: ${messageOf(error)}`, { device: path }, { cause: error });
  }
}

async function allDevices(): Promise<readonly Device[]> {
  const { devicesAsync } = await library();
  return await devicesAsync();
}

class NodeHidPort implements HidPort {
  readonly #path: string;
  readonly #device: HIDAsync;
  #closing: Promise<void> | undefined;
  #isGone = false;

  constructor(path: string, device: HIDAsync) {
    this.#path = path;
    this.#device = device;
  }

  async getFeature(reportId: number, length: number): Promise<Uint8Array> {
    return await this.#carry(`getting report ${reportId.toString(16)}`, () => this.#device.getFeatureReport(reportId, length));
  }

  async setFeature(report: Uint8Array): Promise<void> {
    await this.#carry(`setting report ${(report[0] ?? 0).toString(16)}`, () =>
      this.#device.sendFeatureReport(Buffer.from(report)),
    );
  }

  listen({ onReport, onGone }: Parameters<HidPort['listen']>[0]): void {
    this.#device.on('data', (report: Buffer) => onReport(new Uint8Array(report)));
    this.#device.on('error', (error: unknown) => {
      if (this.#isGone || this.#closing) return;
      this.#isGone = true;
      onGone(new DeviceRemovedError(`reading ${this.#path}: ${messageOf(error)}`, { device: this.#path }, { cause: error }));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#device.close();
    } catch (error) {
      if (!this.#isGone)
        throw new DeviceError(`closing ${this.#path}: ${messageOf(error)}`, { device: this.#path }, { cause: error });
    }
    this.#device.removeAllListeners();
  }

  /** hidapi gives no codes: whether the device refused or is gone is told by whether it is still listed. */
  async #carry<R>(attempt: string, work: () => Promise<R>): Promise<R> {
    if (this.#isGone || this.#closing) throw new DeviceRemovedError(`${attempt}: the device is gone`, { device: this.#path });
    try {
      return await work();
    } catch (error) {
      const isThere = (await allDevices()).some(({ path }) => path === this.#path);
      const ErrorClass = isThere ? DeviceProtocolError : DeviceRemovedError;
      throw new ErrorClass(`${attempt} of ${this.#path}: ${messageOf(error)}`, { device: this.#path }, { cause: error });
    }
  }
}

/** node-hid throws errors, texts and nothing at all. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
