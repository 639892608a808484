/** How late the event loop is: looked at twenty times a second while somebody observes, and never else. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 50;

export interface LoopDelays {
  readonly max: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
}

export interface LoopDelay extends Disposable {
  /** Seconds, since it was last taken. */
  take(): LoopDelays;
}

export function openLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    take() {
      const seconds = (nanoseconds: number): number => late(nanoseconds / 1e9);
      const { max, mean } = histogram;
      const taken = {
        ...{ max: seconds(max), mean: seconds(mean) },
        ...{ p50: seconds(histogram.percentile(50)), p99: seconds(histogram.percentile(99)) },
      };
      histogram.reset();
      return taken;
    },
    [Symbol.dispose]: () => void histogram.disable(),
  };
}

/** Node tells the time between two looks: what is more than that was late. Not a number before the second look. */
function late(seconds: number): number {
  return Number.isFinite(seconds) ? Math.max(0, seconds - RESOLUTION_MS / 1_000) : 0;
}
