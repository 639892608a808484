/** The pen as it writes, for whoever draws along: samples in small batches, soon, and as fine as the policy lets them be told. */
import type { EventData } from '../../api-spec/events.ts';
import type { PenSample } from '../../drivers/pads/driver.ts';

/** How fine live samples are: enough to draw the ink, or all that was measured. */
export type LiveDetail = 'ink' | 'raw';

type PenEvent = EventData<'pad.pen'>;
type Wire = PenEvent['samples'][number];

/** So long the first sample of a batch waits for others. */
const BATCH_MS = 2;
const BATCH_SAMPLES = 64;
/** What of a movement a drawing needs: a tenth of a millimetre, a fiftieth of a second, sixteen steps of pressure. */
const INK = { mm: 0.1, ms: 20, pressure: 1 / 16 } as const;
const RAW = { mm: 0.001, ms: 0.1, pressure: 1 / 65_536 } as const;

export interface LiveInkOptions {
  readonly capture: string;
  readonly pad: string;
  readonly detail: LiveDetail;
  readonly publish: (event: PenEvent) => void;
}

export class LiveInk implements Disposable {
  readonly #options: LiveInkOptions;
  #samples: Wire[] = [];
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LiveInkOptions) {
    this.#options = options;
  }

  add(sample: PenSample): void {
    this.#samples.push(toWire(sample, this.#options.detail));
    if (this.#samples.length >= BATCH_SAMPLES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  lose(samples: number): void {
    this.flush();
    this.#lost += samples;
  }

  clear(): void {
    this.flush();
    const { capture, pad, publish } = this.#options;
    publish({ capture, pad, samples: [], cleared: true });
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#samples.length === 0) return;
    const { capture, pad, publish } = this.#options;
    publish({ capture, pad, samples: this.#samples, ...(this.#lost > 0 ? { lost: this.#lost } : {}) });
    this.#samples = [];
    this.#lost = 0;
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}

function toWire({ sequence, xMm, yMm, timeMs, pressure, isDown }: PenSample, detail: LiveDetail): Wire {
  const step = detail === 'raw' ? RAW : INK;
  const to = (value: number, grain: number): number => Number((Math.round(value / grain) * grain).toFixed(5));
  return [sequence, to(xMm, step.mm), to(yMm, step.mm), to(timeMs, step.ms), to(pressure, step.pressure), isDown ? 1 : 0];
}
