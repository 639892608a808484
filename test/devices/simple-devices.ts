/** Devices as simple as can be, for proofs of the testbed itself: what they were told is kept, and what they say is set from outside. */
import { DeviceFault, type ErrnoName } from '../../drivers/simulated/testbed/device-fault.ts';
import type { HidDevice, HidHost } from '../../drivers/simulated/testbed/hid-device.ts';
import type { LineSettings } from '../../drivers/simulated/testbed/posix.ts';
import type { ModemInputs, ModemOutputs, SerialDevice, SerialHost } from '../../drivers/simulated/testbed/serial-device.ts';

/** Vendor page, one input report of 64 bytes and one feature report of 255 for every id (HID 1.11, 6.2.2). */
export function plainDescriptor(ids: readonly number[]): Uint8Array {
  const head = [0x06, 0x0d, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08];
  const reports = ids.flatMap((id) => [0x85, id, 0x09, 0x01, 0x95, 63, 0x81, 0x02, 0x09, 0x01, 0x95, 255, 0xb1, 0x02]);
  return Uint8Array.from([...head, ...reports, 0xc0]);
}

export class SimpleHid implements HidDevice {
  readonly identity;
  readonly reportDescriptor = plainDescriptor([1, 8, 0x25, 0x26, 0x27]);
  readonly features = new Map<number, Uint8Array>();
  readonly faults = new Map<number, ErrnoName>();
  readonly written: Uint8Array[] = [];
  imageBytes = 0;
  /** Feature reports wait for it, and go on when it is resolved. */
  gate: Promise<unknown> | undefined;
  asked = 0;
  attached = 0;
  #host: HidHost | undefined;

  constructor(serialNumber = 'SIM1') {
    this.identity = { vendorId: 0x1209, productId: 0x0001, manufacturer: 'Bench', product: 'Simple pad', serialNumber };
  }

  attach(host: HidHost): void {
    this.#host = host;
    this.attached += 1;
  }

  detach(): void {
    this.#host = undefined;
    this.attached -= 1;
  }

  input(report: Uint8Array): boolean {
    return this.#host?.input(report) ?? false;
  }

  async getFeature(reportId: number): Promise<Uint8Array> {
    await this.#pass(reportId);
    const feature = this.features.get(reportId);
    if (!feature) throw new DeviceFault('EPIPE');
    return feature;
  }

  async setFeature(report: Uint8Array): Promise<void> {
    const [reportId = 0, low = 0, high = 0] = report;
    await this.#pass(reportId);
    if (reportId === 0x26) this.imageBytes += low | (high << 8);
    else this.features.set(reportId, report);
  }

  output(report: Uint8Array): void {
    this.written.push(report);
  }

  async #pass(reportId: number): Promise<void> {
    this.asked += 1;
    await this.gate;
    const fault = this.faults.get(reportId);
    if (fault) throw new DeviceFault(fault);
  }
}

export class SimpleSerial implements SerialDevice {
  readonly identity;
  readonly received: Uint8Array[] = [];
  readonly outputs: ModemOutputs[] = [];
  readonly breaks: boolean[] = [];
  inputs: ModemInputs = { cts: true, dsr: true, dcd: false, ri: false };
  #host: SerialHost | undefined;

  constructor(serialNumber = 'A1') {
    this.identity = { vendorId: 0x1209, productId: 0x0002, manufacturer: 'Bench', product: 'Simple line', serialNumber };
  }

  attach(host: SerialHost): void {
    this.#host = host;
  }

  detach(): void {
    this.#host = undefined;
  }

  get settings(): LineSettings | undefined {
    return this.#host?.settings();
  }

  send(bytes: Uint8Array | string): boolean {
    return this.#host?.send(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes) ?? false;
  }

  receive(bytes: Uint8Array): void {
    this.received.push(bytes);
  }

  modemInputs(): ModemInputs {
    return this.inputs;
  }

  modemOutputs(lines: ModemOutputs): void {
    this.outputs.push(lines);
  }

  sendBreak(isOn: boolean): void {
    this.breaks.push(isOn);
  }
}
