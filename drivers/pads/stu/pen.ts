/**
 * From a pad's raw samples to those of the contract: time and sequence beyond their sixteen bits, lost samples counted, pressure thresholds with hysteresis, taps on
 * drawn buttons told apart from ink.
 */
import { DeviceProtocolError } from '../../errors.ts';
import type { PadEvent, PenSample } from '../driver.ts';
import type { ButtonArea } from '../screen/compose.ts';
import type { RawSample } from './reports.ts';

export interface PenScale {
  readonly maxX: number;
  readonly maxY: number;
  readonly maxPressure: number;
  readonly areaMm: { readonly width: number; readonly height: number };
  readonly screen: { readonly widthPx: number; readonly heightPx: number };
  readonly rateHz: number;
  readonly threshold: { readonly on: number; readonly off: number };
}

const WRAP = 0x1_0000;
/** A difference beyond this went backwards. */
const BACKWARDS = 0x8000;
/** Without sequence numbers: so many periods between two samples near the pad, and one was lost. */
const GAP_PERIODS = 1.75;

interface Last {
  readonly raw: RawSample;
  readonly hostMs: number;
  readonly timeMs: number;
}

export class Pen {
  readonly #scale: PenScale;
  readonly #buttons: () => readonly ButtonArea[];
  #last: Last | undefined;
  #sequence = 0;
  #isDown = false;
  /** Where the pen went down on a button; its samples are no ink. */
  #pressed: ButtonArea | undefined;

  constructor(scale: PenScale, buttons: () => readonly ButtonArea[]) {
    this.#scale = scale;
    this.#buttons = buttons;
  }

  /** `hostMs`: when it came. Throws DeviceProtocolError for samples in an order that no pad has. */
  take(raw: RawSample, hostMs: number): readonly PadEvent[] {
    const last = this.#last;
    const step = last ? this.#stepFrom(last, raw, hostMs) : { timeMs: 0, lost: 0, isRepeat: false };
    if (step.isRepeat) return [];
    const { maxX, maxY, maxPressure } = this.#scale;
    const isValid = !raw.isNear || (raw.x <= maxX && raw.y <= maxY && raw.pressure <= maxPressure);
    const timeMs = (last?.timeMs ?? 0) + step.timeMs;
    const lost = step.lost + (isValid ? 0 : 1);
    const sequence = this.#sequence + lost;
    this.#last = { raw: isValid ? raw : { ...(last?.raw ?? raw), ...countsOf(raw) }, hostMs, timeMs };
    const events: PadEvent[] = lost > 0 ? [{ kind: 'lost', samples: lost }] : [];
    this.#sequence = sequence;
    if (!isValid) return events;
    this.#sequence++;
    return [...events, ...this.#place(raw.isNear ? raw : { ...(last?.raw ?? raw), isNear: false }, sequence, timeMs)];
  }

  /** A report that was not whole: it held so many samples. */
  loseReport(samples: number): readonly PadEvent[] {
    if (this.#last?.raw.sequence !== undefined) return []; // the next sequence number tells
    this.#sequence += samples;
    return [{ kind: 'lost', samples }];
  }

  /** The pen is up, whatever it was: after the screen was cleared. */
  lift(): void {
    this.#isDown = false;
    this.#pressed = undefined;
  }

  #stepFrom(
    last: Last,
    raw: RawSample,
    hostMs: number,
  ): { readonly timeMs: number; readonly lost: number; readonly isRepeat: boolean } {
    const period = 1_000 / this.#scale.rateHz;
    const host = Math.max(hostMs - last.hostMs, 0);
    const timeMs = this.#elapsed(last, raw, host);
    if (raw.sequence !== undefined && last.raw.sequence !== undefined) {
      const difference = (raw.sequence - last.raw.sequence + WRAP) % WRAP;
      if (difference >= BACKWARDS) throw wentBack('sequence numbers');
      return { timeMs, lost: Math.max(difference - 1, 0), isRepeat: difference === 0 };
    }
    const isGap = raw.timeCount !== undefined && last.raw.isNear && timeMs > GAP_PERIODS * period;
    return { timeMs, lost: isGap ? Math.round(timeMs / period) - 1 : 0, isRepeat: false };
  }

  /** By the pad's clock where it tells it; the host's says how often that went round. Else by its rate while the pen is near. */
  #elapsed(last: Last, raw: RawSample, host: number): number {
    if (raw.timeCount === undefined || last.raw.timeCount === undefined) {
      const period = 1_000 / this.#scale.rateHz;
      return last.raw.isNear ? period : Math.max(period, host);
    }
    const difference = (raw.timeCount - last.raw.timeCount + WRAP) % WRAP;
    const rounds = Math.max(Math.round((host - difference) / WRAP), 0);
    if (difference >= BACKWARDS && rounds === 0 && host < BACKWARDS / 2) throw wentBack('times');
    return difference + rounds * WRAP;
  }

  #place(raw: RawSample, sequence: number, timeMs: number): readonly PadEvent[] {
    const wasDown = this.#isDown;
    const { on, off } = this.#scale.threshold;
    this.#isDown = raw.isNear && raw.isTouching && (wasDown ? raw.pressure > off : raw.pressure >= on);
    const at = this.#buttonAt(raw);
    if (this.#isDown && !wasDown) this.#pressed = at;
    if (this.#pressed) {
      if (this.#isDown) return [];
      const { id } = this.#pressed;
      const isTap = at === this.#pressed;
      this.#pressed = undefined;
      return isTap ? [{ kind: 'button', button: id }] : [];
    }
    return [{ kind: 'pen', sample: this.#sample(raw, sequence, timeMs) }];
  }

  #sample(raw: RawSample, sequence: number, timeMs: number): PenSample {
    const { maxX, maxY, maxPressure, areaMm } = this.#scale;
    return {
      sequence,
      xMm: (raw.x * areaMm.width) / maxX,
      yMm: (raw.y * areaMm.height) / maxY,
      timeMs,
      pressure: raw.isNear ? raw.pressure / maxPressure : 0,
      isDown: this.#isDown,
    };
  }

  #buttonAt({ x, y }: RawSample): ButtonArea | undefined {
    const { maxX, maxY, screen } = this.#scale;
    const column = (x * screen.widthPx) / maxX;
    const row = (y * screen.heightPx) / maxY;
    return this.#buttons().find(({ left, right, top, bottom }) => column >= left && column < right && row >= top && row < bottom);
  }
}

function countsOf({ timeCount, sequence }: RawSample): Partial<RawSample> {
  return { ...(timeCount === undefined ? {} : { timeCount }), ...(sequence === undefined ? {} : { sequence }) };
}

function wentBack(what: string): DeviceProtocolError {
  return new DeviceProtocolError(`reading pen samples: their ${what} went back`);
}
