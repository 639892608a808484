/** A simulated STU pad as a HID device: its reports as Wacom's STU-540 describes them, and its refusals as stalls. */
import type { SimulatedStu } from '../pads/stu.ts';
import { DeviceFault } from './device-fault.ts';
import type { HidDevice, HidHost } from './hid-device.ts';

/** Bytes behind the id, as firmware 1.8 of an STU-540 lists them (github.com/le2ni/stusign, docs/research/stu-540-hid-report-sizes.json), and the exchange of older pads. Sorted by id. */
const FEATURES: readonly (readonly [id: number, bytes: number])[] = [
  [0x03, 4],
  [0x04, 1],
  [0x06, 8],
  [0x08, 16],
  [0x09, 16],
  [0x0a, 4],
  [0x0b, 10],
  [0x0c, 2],
  [0x0d, 1],
  [0x0e, 1],
  [0x0f, 13],
  [0x13, 16],
  [0x14, 16],
  [0x15, 4],
  [0x16, 1],
  [0x1a, 16],
  [0x1b, 2],
  [0x20, 1],
  [0x21, 1],
  [0x22, 4],
  [0x23, 10],
  [0x24, 10],
  [0x25, 1],
  [0x26, 255],
  [0x27, 1],
  [0x28, 3],
  [0x29, 2],
  [0x2a, 8],
  [0x2b, 2],
  [0x2d, 4],
  [0x2e, 3],
  [0x2f, 1],
  [0x32, 1],
  [0x40, 67],
  [0x50, 16],
];

/** Pen samples: Protocol.hpp of Wacom's STU SDK. Sorted by id. */
const INPUTS: readonly (readonly [id: number, bytes: number])[] = [
  [0x01, 6],
  [0x10, 16],
  [0x30, 8],
  [0x31, 20],
  [0x33, 16],
  [0x34, 10],
];

/** Items of HID 1.11, 6.2.2: usage page (not known of real pads: of a vendor), usage, collection, then bytes from 0 to 255. */
const HEAD = [0x06, 0x0d, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08];
const TAG_INPUT = 0x81;
const TAG_FEATURE = 0xb1;
const END_COLLECTION = 0xc0;

export class StuDevice implements HidDevice {
  readonly identity;
  readonly reportDescriptor = Uint8Array.from([
    ...HEAD,
    ...INPUTS.flatMap(([id, bytes]) => report(id, bytes, TAG_INPUT)),
    ...FEATURES.flatMap(([id, bytes]) => report(id, bytes, TAG_FEATURE)),
    END_COLLECTION,
  ]);
  readonly #pad: SimulatedStu;
  #stop: (() => void) | undefined;

  constructor(pad: SimulatedStu) {
    this.#pad = pad;
    this.identity = {
      vendorId: pad.vendorId,
      productId: pad.productId,
      manufacturer: 'Wacom Co.,Ltd.',
      product: pad.name,
      serialNumber: pad.serialNumber,
    };
  }

  attach(host: HidHost): void {
    this.#pad.powerUp();
    this.#stop = this.#pad.onReport((bytes) => host.input(bytes));
  }

  detach(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  getFeature(reportId: number): Uint8Array {
    const answer = this.#pad.getFeature(reportId);
    if (!answer) throw new DeviceFault('EPIPE', `the simulated pad refuses report ${reportId}`);
    return answer;
  }

  setFeature(bytes: Uint8Array): void {
    if (this.#pad.setFeature(bytes) < 0) throw new DeviceFault('EPIPE', `the simulated pad refuses report ${bytes[0] ?? 0}`);
  }
}

function report(id: number, bytes: number, tag: number): readonly number[] {
  return [0x85, id, 0x09, 0x01, ...(bytes > 0xff ? [0x96, bytes & 0xff, bytes >> 8] : [0x95, bytes]), tag, 0x02];
}
