/**
 * What systemd tells a service in its environment: where it listens for the service's word (sd_notify(3)), how often it wants one (sd_watchdog_enabled(3)), and
 * which sockets it has opened for it (sd_listen_fds(3)). The variables are taken out: they are for this process and none that it starts.
 */

/** SD_LISTEN_FDS_START of sd-daemon.h. */
const FIRST_FD = 3;
/** Of the unit there is one; more than a few are a mistake. */
const MAX_SOCKETS = 16;

export interface SystemdEnvironment {
  /** Of the manager; undefined when nobody wants to be told. */
  readonly notifySocket?: string;
  /** The service is killed when it says nothing for so long. */
  readonly watchdogMs?: number;
  /** Listening sockets, by their file descriptors. */
  readonly sockets: readonly number[];
}

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'] as const;

/** Changes `environment`. Values that are meant for another process, or are no numbers, count as none. */
export function takeSystemdEnvironment(environment: NodeJS.ProcessEnv, pid: number): SystemdEnvironment {
  const values = Object.fromEntries(VARIABLES.map((name) => [name, environment[name]]));
  for (const name of VARIABLES) Reflect.deleteProperty(environment, name);
  const watchdogMs = watchdogOf(values, pid);
  const notifySocket = values['NOTIFY_SOCKET'];
  return {
    ...(notifySocket ? { notifySocket } : {}),
    ...(watchdogMs === undefined ? {} : { watchdogMs }),
    sockets: socketsOf(values, pid),
  };
}

type Values = Readonly<Record<string, string | undefined>>;

function watchdogOf({ WATCHDOG_USEC, WATCHDOG_PID }: Values, pid: number): number | undefined {
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== pid) return undefined;
  const micros = Number(WATCHDOG_USEC ?? Number.NaN);
  return Number.isSafeInteger(micros) && micros > 0 ? micros / 1_000 : undefined;
}

function socketsOf({ LISTEN_PID, LISTEN_FDS }: Values, pid: number): readonly number[] {
  const count = Number(LISTEN_FDS ?? 0);
  if (Number(LISTEN_PID) !== pid || !Number.isSafeInteger(count) || count < 1 || count > MAX_SOCKETS) return [];
  return Array.from({ length: count }, (_, index) => FIRST_FD + index);
}
