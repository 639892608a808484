/**
 * One Topaz pad on its open line. It needs no command to begin: it sends while a pen is near and is silent otherwise, so silence is no fault, and what it
 * sent before a capture began is not part of it. It has no time and, but for a few, no pressure: time is that of its rate, pressure 1 while the pen is down.
 */
import { DeviceBusyError, DeviceError } from '../../errors.ts';
import type { SerialLine, SerialLines } from '../../ports/serial-line.ts';
import type { CaptureOptions, PadDescription, PadEvent, SignaturePad } from '../driver.ts';
import { EventQueue } from '../event-queue.ts';
import { RateClock } from '../rate-clock.ts';
import type { TopazLine } from './driver.ts';
import { lineSettings, pointMm } from './models.ts';
import { LCD_CLEAR, LCD_PERSISTENT_INK, PacketReader, PRESSURE_LEVELS, type TopazPacket } from './packets.ts';

export interface OpenTopazOptions {
  readonly lines: SerialLines;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onClosed: () => void;
}

export async function openTopazPad(line: TopazLine, options: OpenTopazOptions): Promise<SignaturePad> {
  const pad = new TopazPad(line, options);
  await pad.open(options);
  return pad;
}

class TopazPad implements SignaturePad {
  readonly description: PadDescription;
  readonly #found: TopazLine;
  readonly #now: () => number;
  readonly #onClosed: () => void;
  #line: SerialLine | undefined;
  #failure: Error | undefined;
  #capture: TopazCapture | undefined;
  #closing: Promise<void> | undefined;

  constructor(found: TopazLine, { now, onClosed }: OpenTopazOptions) {
    this.description = found.description;
    this.#found = found;
    this.#now = now;
    this.#onClosed = onClosed;
  }

  async open({ lines, signal }: OpenTopazOptions): Promise<void> {
    const { path, model } = this.#found;
    this.#line = await lines.open(path, lineSettings(model), {
      signal,
      listener: { bytes: (chunk) => this.#capture?.take(chunk), gone: (error) => this.#lose(error) },
    });
  }

  async clear({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (!this.#found.model.hasScreen) return;
    await this.#line?.write(Uint8Array.of(LCD_CLEAR, LCD_PERSISTENT_INK), { signal });
  }

  async *capture({ signal }: CaptureOptions): AsyncGenerator<PadEvent, void> {
    if (this.#failure) throw this.#failure;
    if (this.#closing)
      throw new DeviceError(`capturing at ${this.description.id}: it is closed`, { device: this.description.id });
    if (this.#capture)
      throw new DeviceBusyError(`capturing at ${this.description.id}: a capture is under way`, { device: this.description.id });
    const queue = new EventQueue();
    this.#capture = new TopazCapture(this.#found, { queue, now: this.#now });
    try {
      yield* queue.drain(signal);
    } finally {
      this.#capture = undefined;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#capture?.end();
    await this.#line?.[Symbol.asyncDispose]();
    this.#onClosed();
  }

  #lose(error: Error): void {
    this.#failure ??= error;
    this.#capture?.fail(error);
  }
}

/** From packets to samples, for one capture. */
class TopazCapture {
  readonly #found: TopazLine;
  readonly #queue: EventQueue;
  readonly #clock: RateClock;
  readonly #reader = new PacketReader();
  #sequence = 0;
  #pressure = 1;

  constructor(found: TopazLine, { queue, now }: { readonly queue: EventQueue; readonly now: () => number }) {
    this.#found = found;
    this.#queue = queue;
    this.#clock = new RateClock({ rateHz: found.description.capabilities.rateHz, now });
  }

  take(chunk: Uint8Array): void {
    this.#reader.read(chunk, { packet: (packet) => this.#tell(packet), broken: () => this.#miss() });
  }

  fail(error: Error): void {
    this.#queue.end(error);
  }

  end(): void {
    this.#queue.end();
  }

  #tell(packet: TopazPacket): void {
    if (packet.kind === 'pressure' && this.#found.description.capabilities.pressureLevels > 0)
      this.#pressure = packet.pressure / PRESSURE_LEVELS;
    if (packet.kind !== 'pen' || !(packet.isNear || packet.isDown)) return;
    const { isDown } = packet;
    const sample = {
      sequence: this.#sequence++,
      ...pointMm(this.#found.model, packet.x, packet.y),
      timeMs: this.#clock.next(),
      pressure: isDown ? this.#pressure : 0,
      isDown,
    };
    this.#queue.push({ kind: 'pen', sample });
  }

  /** A packet that was broken off, or is all ones, stands for a sample: what it was cannot be told any more. */
  #miss(): void {
    this.#sequence += 1;
    this.#clock.skip(1);
    this.#queue.push({ kind: 'lost', samples: 1 });
  }
}
