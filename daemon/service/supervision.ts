/**
 * The service's side of systemd's `Type=notify`: ready, reloading, stopping, and a sign of life while the event loop turns. A daemon that hangs is silent, and is
 * started again. Without a manager nothing is loaded and nothing is done.
 */
import type { Log } from '../log.ts';
import type { SystemdEnvironment } from './systemd-environment.ts';

/** sd_watchdog_enabled(3): "every half of the time". */
const SIGNS_PER_PERIOD = 2;

export interface Supervision extends Disposable {
  /** Calls are accepted. */
  ready(status: string): void;
  /** Until `work` has ended. */
  reloading(work: Promise<unknown>): void;
  stopping(): void;
}

export interface SupervisionOptions {
  readonly log: Log;
  /** CLOCK_MONOTONIC in microseconds. */
  readonly monotonicMicros: () => bigint;
}

/** The caller disposes when the daemon has ended. */
export async function superviseBy(
  { notifySocket, watchdogMs }: SystemdEnvironment,
  { log, monotonicMicros }: SupervisionOptions,
): Promise<Supervision> {
  if (notifySocket === undefined) return SILENT;
  const { sendDatagram } = await import('../../drivers/notify-socket.ts');
  const tell = (...lines: readonly string[]): void => {
    try {
      sendDatagram(notifySocket, lines.join('\n'));
    } catch (error) {
      log.warn({ problem: error instanceof Error ? error.message : String(error) }, 'the service manager was not told');
    }
  };
  const signs = watchdogMs === undefined ? undefined : setInterval(() => tell('WATCHDOG=1'), watchdogMs / SIGNS_PER_PERIOD);
  signs?.unref();
  return {
    ready: (status) => tell('READY=1', `STATUS=${status}`),
    reloading: (work) => {
      tell('RELOADING=1', `MONOTONIC_USEC=${monotonicMicros()}`);
      work.catch((error: unknown) => log.error({ err: error }, 'reloading failed')).finally(() => tell('READY=1'));
    },
    stopping: () => tell('STOPPING=1', 'STATUS=Stopping'),
    [Symbol.dispose]: () => clearInterval(signs),
  };
}

const SILENT: Supervision = {
  ready: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
  [Symbol.dispose]: () => undefined,
};
