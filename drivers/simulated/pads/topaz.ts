/**
 * A Topaz signature pad at the far end of a serial line, written from the README of github.com/l1n/topaz-dext a second time: it sends while a pen is near,
 * five bytes a point, and takes the control characters of its screen. It knows nothing of the line: `SimulatedSerialLines`, a pseudo-terminal and the
 * testbed below `serialport` all carry it.
 */
import { parseHex } from '../bytes.ts';
import { systemClock, type SimulatedClock } from '../clock.ts';
import type { SerialDevice, SerialDeviceLine } from '../ports/serial-lines.ts';
import type { PenPoint } from './pen.ts';

/** What goes wrong, at which point of the writing, counted from 1. */
export type TopazFault =
  /** The first thing on the line is the end of a packet. */
  | { readonly kind: 'midPacketStart' }
  /** Bytes that are no packet come before this point (hexadecimal; default: eight that have no sync bit). */
  | { readonly kind: 'noise'; readonly at: number; readonly bytes?: string }
  /** Of this point's packet only so many bytes come. */
  | { readonly kind: 'halfPacket'; readonly at: number; readonly lengthBytes: number }
  /** This point comes as all ones, which the sensor gives when it is disturbed. */
  | { readonly kind: 'allOnes'; readonly at: number }
  /** Nothing comes for so long, then this point. */
  | { readonly kind: 'pause'; readonly at: number; readonly delayMs: number }
  /** The plug is pulled before this point. */
  | { readonly kind: 'unplug'; readonly at: number };

export interface SimulatedTopazOptions {
  /** Of the sensor. Default 410. */
  readonly dotsPerInch?: number;
  /** Coordinates of the corner that is 0, 0. Default 500, 700. */
  readonly origin?: { readonly x: number; readonly y: number };
  /** Default 349. */
  readonly rateHz?: number;
  /** Sends a pressure packet before each point. */
  readonly hasPressure?: boolean;
  /** Six and eighteen bits; sent when the pen comes near. */
  readonly device?: { readonly modelNumber: number; readonly serialNumber: number };
  readonly faults?: readonly TopazFault[];
  readonly clock?: SimulatedClock;
}

const MM_PER_INCH = 25.4;
/** As much as an FTDI converter hands over at a time: its latency timer is 16 ms. */
const BURST_MS = 16;

export class SimulatedTopaz implements SerialDevice {
  readonly #options: SimulatedTopazOptions;
  #line: SerialDeviceLine | undefined;
  /** Control bytes that it took, in order. */
  readonly received: number[] = [];

  constructor(options: SimulatedTopazOptions = {}) {
    this.#options = options;
  }

  attach(line: SerialDeviceLine): void {
    this.#line = line;
  }

  receive(bytes: Uint8Array): void {
    this.received.push(...bytes);
  }

  /** Writes with the pen; resolves when the pen has left, or the plug was pulled. */
  async write(points: readonly PenPoint[], { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { clock = systemClock, rateHz = 349 } = this.#options;
    const perBurst = Math.max(1, Math.floor((rateHz * BURST_MS) / 1000));
    const startMs = clock.now();
    this.#send(this.#opening());
    let burst: number[] = [];
    for (const [index, point] of points.entries()) {
      for (const fault of this.#faultsAt(index + 1)) {
        if (fault.kind === 'unplug') {
          this.#send(burst);
          this.#line?.unplug();
          return;
        }
        if (fault.kind !== 'pause') continue;
        this.#send(burst);
        burst = [];
        await clock.wait(fault.delayMs, signal);
      }
      burst.push(...this.#packetsOf(point, index + 1));
      if ((index + 1) % perBurst !== 0) continue;
      this.#send(burst);
      burst = [];
      await clock.wait(Math.max(0, startMs + ((index + 1) * 1000) / rateHz - clock.now()), signal);
    }
    this.#send(burst);
    this.#send(leaving());
  }

  #opening(): readonly number[] {
    const { device, faults = [] } = this.#options;
    const rest = faults.some(({ kind }) => kind === 'midPacketStart') ? [0x12, 0x05, 0x33] : [];
    return device ? [...rest, ...devicePacket(device)] : rest;
  }

  #packetsOf(point: PenPoint, at: number): readonly number[] {
    const { dotsPerInch = 410, origin = { x: 500, y: 700 }, hasPressure = false } = this.#options;
    const counts = (mm: number): number => Math.round((mm / MM_PER_INCH) * dotsPerInch);
    const isDown = point.pressure !== undefined;
    let packet = packetOf(isDown ? 0xc1 : 0xc0, origin.x + counts(point.xMm), origin.y + counts(point.yMm));
    let before: readonly number[] = hasPressure && isDown ? pressurePacket(point.pressure) : [];
    for (const fault of this.#faultsAt(at)) {
      if (fault.kind === 'noise')
        before = [...(fault.bytes === undefined ? [0, 1, 2, 3, 4, 5, 6, 7] : parseHex(fault.bytes)), ...before];
      if (fault.kind === 'halfPacket') packet = packet.slice(0, fault.lengthBytes);
      if (fault.kind === 'allOnes') packet = packetOf(0xc1, 0xfff, 0xfff);
    }
    return [...before, ...packet];
  }

  #faultsAt(at: number): readonly Exclude<TopazFault, { readonly kind: 'midPacketStart' }>[] {
    return (this.#options.faults ?? []).filter((fault) => fault.kind !== 'midPacketStart').filter((fault) => fault.at === at);
  }

  #send(bytes: readonly number[]): void {
    if (bytes.length > 0) this.#line?.send(Uint8Array.from(bytes));
  }
}

/** "Packet Format" and "Coordinate Decoding", format 0: seven bits a byte, the low ones first. */
function packetOf(status: number, x: number, y: number): number[] {
  return [status, x & 0x7f, (x >> 7) & 0x1f, y & 0x7f, (y >> 7) & 0x1f];
}

/** "Pressure Decoding": type 7, in place of y. */
function pressurePacket(pressure: number): readonly number[] {
  return packetOf(0xc1 | (7 << 2), 0, Math.round(pressure * 1023));
}

/** "Device Info Decoding": type 2. Fourteen bits in each half. */
function devicePacket({
  modelNumber,
  serialNumber,
}: {
  readonly modelNumber: number;
  readonly serialNumber: number;
}): readonly number[] {
  const high = (modelNumber << 2) | (serialNumber >> 16);
  const low = serialNumber & 0xffff;
  return [0x80 | (2 << 2), high & 0x7f, (high >> 7) & 0x7f, low & 0x7f, (low >> 7) & 0x7f];
}

/** Neither near nor down. */
function leaving(): readonly number[] {
  return packetOf(0x80, 0, 0);
}
