/**
 * A simulated STU pad behind a serial line: frames, seven-bit packing and CRC, written a second time from the description of Wacom's serial protocol. The pad
 * itself is that of `stu.ts`.
 */
import type { SerialDevice, SerialDeviceLine } from '../ports/serial-lines.ts';
import type { SimulatedStu } from './stu.ts';

/** What goes wrong on the way from the pad, at which frame, counted from 1; and on the way to it. */
export type SerialStuFault =
  /** A bit of this frame is turned. */
  | { readonly kind: 'crc'; readonly at: number }
  /** Of this frame only so many bytes come. */
  | { readonly kind: 'half'; readonly at: number; readonly lengthBytes: number }
  /** Bytes without sync come before this frame. */
  | { readonly kind: 'noise'; readonly at: number }
  /** This frame does not come. */
  | { readonly kind: 'mute'; readonly at: number }
  | { readonly kind: 'unplug'; readonly at: number }
  /** The pad finds the CRC of this command wrong, counted from 1, and does not carry it out. */
  | { readonly kind: 'damagedCommand'; readonly at: number };

export class SimulatedSerialStu implements SerialDevice {
  readonly #pad: SimulatedStu;
  readonly #faults: readonly SerialStuFault[];
  #line: SerialDeviceLine | undefined;
  #unfinished: number[] = [];
  #sent = 0;
  #taken = 0;

  constructor(pad: SimulatedStu, { faults = [] }: { readonly faults?: readonly SerialStuFault[] } = {}) {
    this.#pad = pad;
    this.#faults = faults;
    pad.onReport((report) => this.#send([...report]));
  }

  attach(line: SerialDeviceLine): void {
    this.#line = line;
    this.#pad.powerUp();
  }

  receive(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte >= 0x80) this.#unfinished = [];
      this.#unfinished.push(byte);
      const [first = 0, second] = this.#unfinished;
      if (first < 0x80 || second === undefined) continue;
      const length = ((first % 0x40) << 7) + second;
      if (this.#unfinished.length < 2 + length) continue;
      const content = fromSevens(this.#unfinished.slice(2));
      this.#unfinished = [];
      this.#obey(content);
    }
  }

  #obey(content: readonly number[]): void {
    this.#taken += 1;
    const report = content.slice(0, -2);
    const sum = checksum(report);
    const isWhole = content.at(-2) === sum % 256 && content.at(-1) === Math.floor(sum / 256);
    if (!isWhole || this.#faults.some((fault) => fault.kind === 'damagedCommand' && fault.at === this.#taken))
      this.#send([0x81, 3]);
    else if (report[0] === 0x80) this.#give(report[1] ?? 0);
    else this.#send([0x81, this.#pad.setFeature(Buffer.from(report)) < 0 ? this.#lastResult() : 0]);
  }

  #give(id: number): void {
    const report = this.#pad.getFeature(id);
    this.#send(report ? [...report] : [0x81, this.#lastResult()]);
  }

  /** The second byte of Status. A refusal is never "none". */
  #lastResult(): number {
    return this.#pad.getFeature(0x03)?.[2] || 1;
  }

  #send(report: readonly number[]): void {
    this.#sent += 1;
    const sum = checksum(report);
    const packed = toSevens([...report, sum % 256, Math.floor(sum / 256)]);
    let frame = [0xc0 + (packed.length >> 7), packed.length % 0x80, ...packed];
    for (const fault of this.#faults) {
      if (fault.kind === 'damagedCommand' || fault.at !== this.#sent) continue;
      if (fault.kind === 'crc') frame = frame.with(3, (frame[3] ?? 0) ^ 1);
      if (fault.kind === 'half') frame = frame.slice(0, fault.lengthBytes);
      if (fault.kind === 'noise') frame = [1, 2, 3, ...frame];
      if (fault.kind === 'mute') return;
      if (fault.kind === 'unplug') {
        this.#line?.unplug();
        return;
      }
    }
    this.#line?.send(Uint8Array.from(frame));
  }
}

/** As a string of bits, in groups of seven; the last is filled with zeros. */
function toSevens(bytes: readonly number[]): number[] {
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,7}/g) ?? []).map((group) => parseInt(group.padEnd(7, '0'), 2));
}

function fromSevens(groups: readonly number[]): number[] {
  const bits = groups.map((group) => group.toString(2).padStart(7, '0')).join('');
  return (bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2));
}

/** CRC-16/ARC, by its table of sixteen. */
function checksum(bytes: readonly number[]): number {
  const table = [
    0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401, 0xa001, 0x6c00, 0x7800, 0xb401, 0x5000, 0x9c01, 0x8801,
    0x4400,
  ];
  return bytes.reduce((crc, byte) => {
    const low = (table[(crc ^ byte) & 15] ?? 0) ^ (crc >> 4);
    return (table[(low ^ (byte >> 4)) & 15] ?? 0) ^ (low >> 4);
  }, 0);
}
