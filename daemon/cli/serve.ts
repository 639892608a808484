/** `kortd serve`: the daemon, on real readers or on a simulated desk, until SIGTERM or SIGINT. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import type { ReaderSelector } from '../../api-spec/schemas.ts';
import { Configuration } from '../configuration/configuration.ts';
import type { Settings } from '../configuration/schema.ts';
import { defaultDataFolder } from '../data-folder.ts';
import { startDaemon, type DaemonOptions } from '../daemon.ts';
import { selectorOf } from '../desk/reader-selector.ts';
import { hardenProcess } from '../hardening/harden-process.ts';
import type { Log } from '../log.ts';
import { keepIdleMemoryLow } from '../hardening/idle-memory.ts';
import { takeSystemdEnvironment, type SystemdEnvironment } from '../service/systemd-environment.ts';
import { superviseBy } from '../service/supervision.ts';
import type { UnixSocket } from '../listen/http-server.ts';
import type { ReaderSource } from '../../drivers/reader-source.ts';
import { returnUnusedMemory } from '../../drivers/unused-memory.ts';
import type { ScannerDriver } from '../../drivers/scanners/driver.ts';
import type { AuthorityServer } from '../../drivers/simulated/authority/server.ts';
import type { Scenario } from '../../drivers/simulated/scenario.ts';
import type { TellDeviation } from '../trace/scenario-card.ts';
import { printResult } from './output.ts';
import { sourceOf, type SettingFlags } from './setting-options.ts';
import { describeAuthority } from './simulate-authority.ts';
import { UsageError } from './usage-error.ts';

export type ServeFlags = SettingFlags & { readonly examples?: true };

/** What only those give that start the daemon themselves. */
export interface ServeSurroundings {
  /** Instead of standard error. */
  readonly logFile?: string;
  /** Called when the daemon answers. */
  readonly onReady?: () => void;
}

/** How long calls that still block may take to end by themselves. */
const EXIT_PATIENCE_MS = 1_500;

export async function runServe(flags: ServeFlags, surroundings: ServeSurroundings = {}): Promise<void> {
  if (flags['simulate'] === undefined && (flags['authorityPort'] ?? flags['authorityState']) !== undefined)
    throw new UsageError(
      '--authority-port and --authority-state go with --simulate',
      '--authority-port och --authority-state används tillsammans med --simulate',
    );
  if (flags['authorityPort'] === undefined && flags['authorityState'] !== undefined)
    throw new UsageError(
      '--authority-state goes with --authority-port',
      '--authority-state används tillsammans med --authority-port',
    );
  const configuration = Configuration.open(sourceOf(flags));
  await serveUntilStopped(configuration, { ...surroundings, examples: flags.examples ?? false });
  if (configuration.settings.simulation.scenario !== undefined) return;
  const { processBlockingCalls } = await import('../../drivers/pcsc/blocking-calls.ts');
  const deadline = performance.now() + EXIT_PATIENCE_MS;
  while (processBlockingCalls().underWay > 0 && performance.now() < deadline) await delay(10);
  if (processBlockingCalls().underWay === 0) return;
  const { exitAtOnce } = await import('../../drivers/process-exit.ts');
  exitAtOnce(0);
}

async function serveUntilStopped(
  configuration: Configuration,
  surroundings: ServeSurroundings & { readonly examples: boolean },
): Promise<void> {
  const { listen, log: logging, folders, simulation } = configuration.settings;
  const log = pino(
    { level: logging.level, base: { pid: process.pid } },
    pino.destination({ dest: surroundings.logFile ?? 2, sync: true }),
  );
  configuration.onApplied((settings) => (log.level = settings.log.level));
  const stopped = waitForSignal();
  const systemd = takeSystemdEnvironment(process.env, process.pid);
  await hardenProcess(log);
  await using resources = new AsyncDisposableStack();
  const { source, scenario, ...simulatedDesk } = await openSource(simulation.scenario, { log, resources });
  const authority = await openAuthority(scenario, simulation, { log, resources });
  const daemon = await startDaemon({
    configuration,
    dataFolder: folders.data ?? defaultDataFolder(),
    policyFolder: folders.policy,
    port: listen.port,
    ...(listen.consolePort === undefined ? {} : { consolePort: listen.consolePort }),
    ...(listen.tlsPort === undefined ? {} : { tlsPort: listen.tlsPort }),
    unixSockets: [...socketsOfUsers(listen.userSockets), ...socketsOf(systemd)],
    sources: [source],
    simulated: simulation.scenario !== undefined,
    ...simulatedDesk,
    ...(process.platform === 'win32' ? {} : { pkcs11Front: frontTimes(configuration) }),
    log,
  });
  resources.use(daemon);
  const supervision = resources.use(await superviseBy(systemd, { log, monotonicMicros }));
  resources.use(onHangup(() => supervision.reloading(daemon.reload())));
  supervision.ready(`Serving ${daemon.url}`);
  resources.use(keepIdleMemoryLow(returnUnusedMemory));
  surroundings.onReady?.();
  printResult(`kortd ready ${daemon.url}`);
  if (authority) printResult(describeAuthority(authority));
  if (surroundings.examples) printExamples();
  const signal = await stopped;
  log.info({ signal }, 'shutting down');
  supervision.stopping();
}

/** Read when a front starts, so that one after a reload goes by the new value. */
function frontTimes(configuration: Configuration): NonNullable<DaemonOptions['pkcs11Front']> {
  return {
    get lingerMs() {
      return configuration.settings.pkcs11.lingerMs;
    },
  };
}

/** The permissions of each folder are the authentication: its user's group can enter, and write to the socket, which is made with that group (setgid). */
function socketsOfUsers(folder: string | undefined): readonly UnixSocket[] {
  if (folder === undefined) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ path: join(folder, name, 'socket'), mode: 0o660 }));
}

function socketsOf({ sockets }: SystemdEnvironment): readonly UnixSocket[] {
  return sockets.map((descriptor) => ({ descriptor }));
}

/** Node's clock is CLOCK_MONOTONIC. */
function monotonicMicros(): bigint {
  return process.hrtime.bigint() / 1_000n;
}

/** As services read their configuration anew (daemon(7), "SIGHUP"). */
function onHangup(reload: () => void): Disposable {
  process.on('SIGHUP', reload);
  return { [Symbol.dispose]: () => void process.off('SIGHUP', reload) };
}

/** Only what is served is loaded: the native library for real readers, the simulators for simulated ones. */
export async function openSource(
  simulate: string | undefined,
  { log, resources }: { readonly log: Log; readonly resources: AsyncDisposableStack },
): Promise<
  { readonly source: ReaderSource; readonly scenario?: Scenario } & Partial<
    Pick<
      DaemonOptions,
      | 'simulatedAuthorities'
      | 'simulatedCountrySigners'
      | 'simulatedAdministrators'
      | 'simulatedDesk'
      | 'scenarioRoles'
      | 'padDrivers'
      | 'simulatedPads'
      | 'simulatedScanners'
    >
  >
> {
  if (simulate === undefined) {
    const { createPcscSource } = await import('../../drivers/pcsc/source.ts');
    const source = createPcscSource();
    resources.defer(() => withinPatience(source[Symbol.asyncDispose]()));
    return {
      source,
      padDrivers: async (configured) => (await import('../../drivers/pads/index.ts')).createPadDrivers(configured),
    };
  }
  const { loadScenario } = await import('../../drivers/simulated/scenario.ts');
  const { recordedCardKinds } = await import('../trace/scenario-card.ts');
  const tell: TellDeviation = (card, deviation) =>
    log.warn({ card, ...deviation }, 'a recorded card was asked what was not recorded');
  const scenario = await loadScenario(simulate, { kinds: recordedCardKinds(tell) });
  resources.use(scenario);
  const { source, administrators } = scenario;
  return {
    source,
    scenario,
    simulatedAuthorities: scenario,
    simulatedCountrySigners: scenario.countrySigners,
    simulatedDesk: scenario,
    simulatedScanners: [...scenario.scanners, ...(await openScannerServices(scenario))],
    simulatedAdministrators: administrators,
    scenarioRoles: rolesIn(scenario),
    simulatedPads: scenario.pads,
    padDrivers: async () => {
      const { StuDriver } = await import('../../drivers/pads/stu/driver.ts');
      const { createLinePadDrivers, linePortsOf } = await import('../../drivers/pads/line-configuration.ts');
      const { joinPorts } = await import('../../drivers/pads/stu/serial-ports.ts');
      const { onLines } = scenario.pads;
      const configured = await onLines.configuration();
      const now = (): number => performance.now();
      const ports = joinPorts(scenario.pads.bus, linePortsOf(configured, onLines.lines));
      return [new StuDriver({ ports }), ...createLinePadDrivers(configured, { lines: onLines.lines, now })];
    },
  };
}

/** Vendors' services of the simulated desk; each starts with its first scan, and is disposed of by the daemon. */
async function openScannerServices({ scannerServices }: Scenario): Promise<readonly ScannerDriver[]> {
  if (scannerServices.length === 0) return [];
  const { openBenchScanner } = await import('../../drivers/scanners/bench-scanner.ts');
  return scannerServices.map(openBenchScanner);
}

/** Beside the daemon, until the daemon ends. */
async function openAuthority(
  scenario: Scenario | undefined,
  { authorityPort, authorityState }: Settings['simulation'],
  { log, resources }: { readonly log: pino.Logger; readonly resources: AsyncDisposableStack },
): Promise<AuthorityServer | undefined> {
  if (!scenario || authorityPort === undefined) return undefined;
  const { serveTestAuthority } = await import('../../drivers/simulated/authority/server.ts');
  return resources.use(
    await serveTestAuthority({
      scenario,
      port: authorityPort,
      ...(authorityState === undefined ? {} : { stateFile: authorityState }),
      onInternalError: (error) => log.error({ err: error }, 'the test authority failed'),
    }),
  );
}

function rolesIn({ readers }: Scenario): ReadonlyMap<string, ReaderSelector> {
  const known = readers.map(({ reader }) => ({ ...reader.state(), isIdentityPending: false }));
  return new Map(
    readers.flatMap(({ role }, index) => {
      const own = known[index];
      const others = known.filter((other) => other !== own);
      const selector = role !== undefined && own ? selectorOf(own, others, () => false) : undefined;
      return role !== undefined && selector ? [[role, selector]] : [];
    }),
  );
}

/** Releasing what a hung card holds may never end; the process does. */
async function withinPatience(closing: PromiseLike<void>): Promise<void> {
  await Promise.race([closing, delay(EXIT_PATIENCE_MS, undefined, { ref: false })]);
}

function waitForSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

function printExamples(): void {
  printResult(
    [
      '',
      'In another terminal, in this folder:',
      '  npm run -s kortd -- status',
      '  npm run -s kortd -- call card.list',
      '  npm run -s kortd -- call certificate.list \'{"card":{"role":"operator"}}\'',
      '',
      'The README goes on from here: make a key, request a certificate, sign. Ctrl+C stops.',
    ].join('\n'),
  );
}
