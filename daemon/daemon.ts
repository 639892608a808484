/** The whole daemon, put together: data folder, desk, dispatcher, port. `main.ts` starts it; tests start it in their own process. */
import { join } from 'node:path';
import { Access } from './access/access.ts';
import { DEFAULT_POLICY_FOLDER } from './access/policy.ts';
import type { Result } from '../api-spec/methods/index.ts';
import type { ReaderSelector } from '../api-spec/schemas.ts';
import type { Handlers } from './api/call.ts';
import { createCardProfiles } from '../apdu/cards/index.ts';
import type { CardProfile } from '../apdu/card-profile.ts';
import type { PadDriver } from '../drivers/pads/driver.ts';
import type { LinePads } from '../drivers/pads/line-configuration.ts';
import type { ModuleSourceOptions } from '../drivers/pkcs11/source.ts';
import { AuditAnnouncer } from './audit/announce.ts';
import { AuditLog } from './audit/audit-log.ts';
import { startRetention } from './audit/retention.ts';
import { Configuration } from './configuration/configuration.ts';
import { Reloading } from './configuration/reloading.ts';
import type { Settings } from './configuration/schema.ts';
import { openConsole, type Console } from './console/console-server.ts';
import { LINK_MS } from './console/sessions.ts';
import { ApiError } from './errors.ts';
import { Contents } from './contents/contents.ts';
import { Dispatcher } from './api/dispatcher.ts';
import { EventLog } from './api/event-log.ts';
import { createHandlers } from './api/handlers/index.ts';
import type { SimulatedDesk, SimulatedPads } from './api/handlers/simulation.ts';
import { Databases, REPLACED_ACT } from './databases/databases.ts';
import { openDataFolder, type DataFolder } from './data-folder.ts';
import { CARD_CACHE_FILE, CardCache } from './desk/card-cache.ts';
import type { Desk, DeskSource } from './desk/desk.ts';
import { Modules } from './desk/modules.ts';
import { openDesk, type OpenDeskOptions } from './desk/open-desk.ts';
import type { SimulatedCountrySigners } from './documents/trust-store.ts';
import { TrustedCountries } from './documents/trusted-countries.ts';
import { openVerdicts } from './documents/open-verdicts.ts';
import type { Admission } from './listen/admission.ts';
import { IdentityAuthorities, type SimulatedAuthorities } from './identity/settings.ts';
import { Authorities } from './issuance/authority/authority.ts';
import type { OpenDatabase } from './issuance/journal.ts';
import { openIssuance } from './issuance/open-issuance.ts';
import { listen, type HttpServer, type UnixSocket } from './listen/http-server.ts';
import { readKnownPrograms } from './listen/peer.ts';
import type { WebSocketConnection } from './listen/web-socket.ts';
import type { Log } from './log.ts';
import { Pads } from './pads/pads.ts';
import { PinReuse } from './pin/reuse.ts';
import { WRONG_PINS_FILE, WrongPins } from './pin/wrong-pins.ts';
import type { FrontTimes } from '../pkcs11-module/front/front.ts';
import { openPkcs11Door, type Pkcs11Door } from './pkcs11/door.ts';
import { SharedSlots } from './pkcs11/token-desk.ts';
import { OpenPrompts } from './prompt/open-prompts.ts';
import { PromptDesk } from './prompt/prompt-desk.ts';
import { StationLink } from './prompt/station-link.ts';
import type { ScannerDriver } from '../drivers/scanners/driver.ts';
import { Scanners } from './scanners/scanners.ts';
import { ScsDoor } from './scs/door.ts';
import { readTls, type TlsFiles } from './tls/tls-folder.ts';
import { TelemetryDoor } from './telemetry/door.ts';
import { telemetryOf } from './telemetry/settings.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { openRecorder } from './trace/open-recorder.ts';
import { VERSION } from './version.ts';

/** To wait for another reload. */
const TLS_PATIENCE_MS = 10_000;

export interface DaemonOptions {
  readonly dataFolder: string;
  /** 0: any free one. */
  readonly port: number;
  readonly sources: readonly DeskSource[];
  readonly simulated: boolean;
  readonly log: Log;
  /** What may change while this runs; the defaults unless given. */
  readonly configuration?: Configuration;
  readonly profiles?: readonly CardProfile[];
  /** Files that grant access to web origins; /etc/kortd/policy.d unless given. */
  readonly policyFolder?: string;
  /** Of the page that asks for PINs and consent. 0: any free one; the next one after `port` unless given. */
  readonly consolePort?: number;
  /** Of https, while the data folder has a certificate. 0: any free one; the second after `port` unless given. */
  readonly tlsPort?: number;
  /** How vendors' modules are waited for; for tests. */
  readonly modules?: ModuleSourceOptions;
  /** Beside the one in the data folder, for other users of the workstation. */
  readonly unixSockets?: readonly UnixSocket[];
  /** Authorities of the simulated desk; only with `simulated`. */
  readonly simulatedAuthorities?: SimulatedAuthorities;
  /** Who signs the travel documents of the simulated desk; only with `simulated`. */
  readonly simulatedCountrySigners?: SimulatedCountrySigners;
  /** What the simulated desk means its readers for. */
  readonly scenarioRoles?: ReadonlyMap<string, ReaderSelector>;
  /** HSA-ids of those who act as administrators at the simulated desk; only with `simulated`. */
  readonly simulatedAdministrators?: readonly string[];
  /** Readers and cards of the simulated desk, to be moved by calls; only with `simulated`. */
  readonly simulatedDesk?: SimulatedDesk;
  /** Of signature pads; asked for when somebody first wants one. Without it there are none. */
  readonly padDrivers?: (configured: LinePads) => Promise<readonly PadDriver[]>;
  /** Pads of the simulated desk, to be written on by calls; only with `simulated`. */
  readonly simulatedPads?: SimulatedPads;
  /** Scanners of the simulated desk, beside those of the file; only with `simulated`. */
  readonly simulatedScanners?: readonly ScannerDriver[];
  /** Connections of programs that use PKCS #11 are held by a process that outlives the daemon; times are for tests. Without it they end with the daemon. */
  readonly pkcs11Front?: Partial<FrontTimes>;
  /** Of issuance: when something happened, and whether it is too late. */
  readonly now?: () => Date;
  /** Of issuance: milliseconds since some moment, never set back. Default: of this process. */
  readonly monotonicMs?: () => number;
  /** Of issuance: how the journal's database is opened; for tests. */
  readonly openJournalDatabase?: OpenDatabase;
}

export interface Daemon extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly desk: Desk;
  /** Of the signature creation service, while a policy switches it on. */
  readonly scsPorts: () => ScsDoor['ports'];
  /** Where Prometheus reads, while metrics are on. */
  readonly metricsPort: () => number | undefined;
  /** Reads the policy and the TLS certificate anew. */
  readonly reload: () => Promise<Result<'system.reload'>>;
}

/** What comes after the handlers that use it. */
interface Live {
  console?: Console;
  server?: HttpServer;
  dispatcher?: Dispatcher;
  scs?: ScsDoor;
}

/** Resolves when calls are accepted. Throws DataFolderError, and the system's error when the port is taken; nothing is left open then. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(openDataFolder(options.dataFolder));
  readKnownPrograms();
  const { configuration = Configuration.default() } = options;
  const databases = Databases.mend({ folder: folder.path, log: options.log });
  const parts = openParts(undo, folder, { ...options, configuration, databases });
  undo.use(databases.examineLater());
  await databases.record((purpose) => parts.audit.append({ ...REPLACED_ACT, purpose }));
  const { access, identities, desk, modules, events, audit, prompts, pinReuse, contents, scanners } = parts;
  const { port, log, consolePort = port === 0 ? 0 : port + 1, tlsPort = port === 0 ? 0 : port + 2 } = options;
  const countries = trustedCountries(access, options);
  const live: Live = {};
  const reloading = new Reloading({ configuration, access, scanners, log });
  const reload = reloadOf({ ...parts, countries, reloading, folder, log, live });
  const handlers: Handlers = createHandlers({
    ...parts,
    ...issuanceOf(undo, parts),
    ...simulationOf(options),
    identity: () => identities.settings,
    countrySigners: () => countries.signers(),
    startedAt: new Date(),
    clients: () => live.server?.clients() ?? 0,
    callsUnderWay: () => live.dispatcher?.callsUnderWay ?? 0,
    problems: () => [...reloading.problems, ...databases.problems],
    acknowledgeDatabase: (file) => databases.acknowledge(file),
    consoleLink: (user, page) => consoleLink(live.console, user, page),
    reload,
  });
  const dispatcher = new Dispatcher(handlers, options.log, { audit, telemetry: parts.telemetry });
  live.dispatcher = dispatcher;
  const onClientGone = (caller: string): void => forgetCaller(caller, desk, pinReuse);
  const server = undo.use(
    await listen({
      port,
      tlsPort,
      token: folder.token,
      dispatcher,
      events,
      log,
      access,
      contents,
      onClient: (connection, admission) => endWithGrant(access, connection, admission),
      onClientGone,
      onStation: (socket, user) => addStation(prompts, new StationLink(socket, { place: 'agent', user })),
      unixSockets: unixSocketsOf(folder, options),
    }),
  );
  live.server = server;
  live.console = undo.use(await openConsole({ port: consolePort, prompts, log, desk: { dispatcher, events, onClientGone } }));
  const retentionDays = (): number | undefined => access.policy.auditRetentionDays ?? configuration.settings.audit.retentionDays;
  undo.use(startRetention({ audit, retentionDays, log }));
  const pkcs11 = undo.use(await pkcs11DoorOf(folder, parts.slots, { ...options, configuration }));
  const telemetryDoor = undo.use(await openTelemetry(parts, { options, configuration, server, dispatcher, pkcs11 }));
  desk.open();
  await modules.apply(desk, access.policy.modules);
  await scanners.open();
  const sockets = {
    socket: folder.socketPath,
    ...(pkcs11 ? { pkcs11: configuration.settings.pkcs11.socket ?? folder.pkcs11Path } : {}),
  };
  folder.publish({ url: server.url, ...sockets, pid: process.pid, version: VERSION });
  const scs = undo.use(new ScsDoor({ access, dispatcher, desk }));
  live.scs = scs;
  await serveOthers({ folder, access, log, server, scs });
  const resources = undo.move();
  return {
    url: server.url,
    token: folder.token,
    desk,
    scsPorts: () => scs.ports,
    metricsPort: () => telemetryDoor.metricsPort,
    reload,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface Reloaded extends Pick<
  ReturnType<typeof openParts>,
  'access' | 'cache' | 'desk' | 'identities' | 'modules' | 'scanners'
> {
  readonly countries: TrustedCountries;
  readonly reloading: Reloading;
  readonly folder: DataFolder;
  readonly log: Log;
  readonly live: Live;
}

/** Configuration and policy all or nothing; then what goes by them. */
function reloadOf(parts: Reloaded): Daemon['reload'] {
  const { access, identities, cache, desk, modules, scanners, countries, reloading, folder, log, live } = parts;
  return async () => {
    const refused = await reloading.apply();
    if (refused.length > 0) return { problems: [...refused] };
    identities.reload();
    cache.applyPolicy();
    desk.review();
    const moduleProblems = await modules.apply(desk, access.policy.modules);
    const { problems, ...ports } = await serveOthers({ folder, access, log, ...live });
    const countryProblems = await countries.problems();
    const others = [...countryProblems, ...moduleProblems, ...scanners.problems, ...problems];
    return { problems: [...identities.problems, ...others], ...ports, ...reloading.needsRestart };
  };
}

/** Its door is a Unix socket; a named pipe of Node's would let everybody in. */
function issuanceOf(undo: AsyncDisposableStack, { issuance, access }: ReturnType<typeof openParts>) {
  const { ceremonies, evidence, pictures } = issuance;
  const authorities = undo.use(new Authorities(() => access.policy.issuance.authorities));
  return { issuance: ceremonies, evidence, pictures, authorities };
}

function simulationOf({ simulated, simulatedDesk, simulatedPads }: DaemonOptions) {
  return {
    simulated,
    ...(simulated ? { simulatedDesk, simulatedPads } : { simulatedDesk: undefined, simulatedPads: undefined }),
  };
}

async function pkcs11DoorOf(
  { path: folder, pkcs11Path }: DataFolder,
  slots: SharedSlots,
  { pkcs11Front: front, log, configuration }: DaemonOptions & { readonly configuration: Configuration },
): Promise<Pkcs11Door | undefined> {
  if (process.platform === 'win32') return undefined;
  const { socket } = configuration.settings.pkcs11;
  const programs = socket === undefined ? { path: pkcs11Path, mode: 0o600 as const } : { path: socket, mode: 0o660 as const };
  return await openPkcs11Door({ ...{ folder, programs, slots, front, log }, version: VERSION });
}

function unixSocketsOf({ socketPath }: DataFolder, { unixSockets = [] }: DaemonOptions): readonly UnixSocket[] {
  return process.platform === 'win32' ? [] : [{ path: socketPath, mode: 0o600 }, ...unixSockets];
}

function consoleLink(
  console: Console | undefined,
  ...[user, page]: Parameters<Console['issueLink']>
): { readonly url: string; readonly expiresInMs: number } {
  if (!console) throw new ApiError('internal_error', 'opening the console: not listening yet');
  return { url: console.issueLink(user, page), expiresInMs: LINK_MS };
}

/** What the daemon works with, beside its doors; `undo` closes it. */
function openParts(
  undo: AsyncDisposableStack,
  folder: DataFolder,
  options: DaemonOptions & { readonly configuration: Configuration; readonly databases: Databases },
) {
  const { log, configuration, databases, policyFolder = DEFAULT_POLICY_FOLDER } = options;
  const events = new EventLog();
  const announcer = undo.use(new AuditAnnouncer((last) => events.publish('audit.appended', { last })));
  const audit = undo.use(AuditLog.open({ folder: folder.path, log, onAppended: announcer.appended }));
  const telemetry = new Telemetry();
  const prompts = new PromptDesk(telemetry, new OpenPrompts({ publish: events.publish }));
  const access = undo.use(
    new Access({
      ...{ dataFolder: folder.path, policyFolder, log, publish: events.publish, prompts },
      consentDays: () => configuration.settings.access.consentDays,
    }),
  );
  const wrongPins = undo.use(new WrongPins(join(folder.path, WRONG_PINS_FILE)));
  const pinReuse = undo.use(new PinReuse());
  const contents = undo.use(new Contents());
  const identities = new IdentityAuthorities(() => access.policy.identity, options);
  const cache = undo.use(openCardCache(folder, access, { log, configuration }));
  const modules = undo.use(new Modules(log, options.modules));
  const recorder = undo.use(openRecorder({ dataFolder: folder.path, audit, log }));
  const watched: { slots?: SharedSlots } = {};
  const publish: EventLog['publish'] = (name, data) => {
    events.publish(name, data);
    if (name.startsWith('card.') || name.startsWith('reader.')) watched.slots?.review();
  };
  const desk = undo.use(
    openDesk({
      ways: () => modules.ways,
      dataFolder: folder.path,
      ...whatIsOnTheDesk(options),
      ...{ cache, recorder, publish, telemetry },
      policy: () => access.policy,
      identity: () => identities.settings,
    }),
  );
  const issuance = undo.use(
    openIssuance({
      dataFolder: folder.path,
      policy: () => access.policy.issuance,
      simulatedAdministrators: options.simulated ? (options.simulatedAdministrators ?? []) : [],
      audit,
      publish: events.publish,
      now: options.now ?? (() => new Date()),
      monotonicMs: options.monotonicMs ?? (() => performance.now()),
      isJournalLost: () => databases.isJournalLost,
      log,
      openJournalDatabase: options.openJournalDatabase,
    }),
  );
  const { padDrivers = () => Promise.resolve([]) } = options;
  const pads = undo.use(new Pads({ drivers: () => padDrivers(access.policy.pads.lines), publish: events.publish, log }));
  const slots = new SharedSlots({
    ...{ desk, prompts, audit, log },
    mayWrite: () => access.policy.programsMayWrite,
    isInJob: ({ kind, serialNumber }) =>
      kind !== undefined && serialNumber !== undefined && issuance.ceremonies.hasOpenJobOn({ profile: kind.id, serialNumber }),
  });
  const scanners = undo.use(
    new Scanners({
      ...{ dataFolder: folder.path, publish: events.publish, log, now: options.now ?? (() => new Date()) },
      drivers: options.simulated ? (options.simulatedScanners ?? []) : [],
      simulated: options.simulated,
    }),
  );
  watched.slots = slots;
  const documents = undo.use(openVerdicts(() => access.policy.verdicts, options.now ?? (() => new Date())));
  return {
    ...{ slots, audit, events, prompts, access, wrongPins, pinReuse, contents, identities, cache, modules, desk, issuance },
    ...{ recorder, telemetry, pads, scanners, verdicts: documents.verdicts, passportReadings: documents.passportReadings },
  };
}

/** Before the desk is: so that the first cards are told of as well. */
async function openTelemetry(
  { issuance, telemetry, ...parts }: ReturnType<typeof openParts>,
  { options, configuration, server, dispatcher, pkcs11 }: Doors,
): Promise<TelemetryDoor> {
  const door = new TelemetryDoor({
    ...{ telemetry, log: options.log },
    parts: {
      ...{ ...parts, ceremonies: issuance.ceremonies, clients: server.clients, unreadBytes: server.unreadBytes },
      callsUnderWay: () => dispatcher.callsUnderWay,
      programs: () => ({ programs: pkcs11?.programCount ?? 0, fronts: pkcs11?.frontCount ?? 0 }),
    },
  });
  const apply = async (settings: Settings): Promise<void> => {
    for (const problem of await door.apply(telemetryOf(settings)))
      options.log.warn(problem, 'not everything is told of the daemon’s work');
  };
  await apply(configuration.settings);
  configuration.onApplied((settings) => void apply(settings));
  return door;
}

interface Doors {
  readonly options: DaemonOptions;
  readonly configuration: Configuration;
  readonly server: HttpServer;
  readonly dispatcher: Dispatcher;
  readonly pkcs11: Pkcs11Door | undefined;
}

function trustedCountries(access: Access, { simulated, simulatedCountrySigners, log }: DaemonOptions): TrustedCountries {
  const bench = simulated ? simulatedCountrySigners : undefined;
  return new TrustedCountries({ sections: () => access.policy.passports, simulated: bench, log });
}

function openCardCache(
  { path }: DataFolder,
  access: Access,
  { log, configuration }: { readonly log: Log; readonly configuration: Configuration },
): CardCache {
  const limits = (): Settings['cards'] => configuration.settings.cards;
  return new CardCache({ file: join(path, CARD_CACHE_FILE), isEnabled: () => access.policy.keepsCards, limits, log });
}

function whatIsOnTheDesk({
  sources,
  profiles = createCardProfiles({ now: () => new Date() }),
  log,
  scenarioRoles,
}: DaemonOptions): Pick<OpenDeskOptions, 'sources' | 'profiles' | 'log' | 'scenarioRoles'> {
  return { sources, profiles, log, scenarioRoles };
}

/** A web page's connection lives no longer than the grant that it came by. */
function endWithGrant(access: Access, connection: WebSocketConnection, admission: Admission): void {
  if (admission.kind !== 'web') return;
  const registration = access.addConnection(admission, () => connection.revoke());
  void connection.closed.then(() => registration[Symbol.dispose]());
}

/** What was held for a connection goes with it. */
function forgetCaller(caller: string, desk: Desk, pinReuse: PinReuse): void {
  desk.leases.releaseAll(caller);
  pinReuse.forgetCaller(caller);
}

function addStation(prompts: PromptDesk, station: StationLink): void {
  const registration = prompts.add(station);
  void station.closed.then(() => registration[Symbol.dispose]());
}

interface Others {
  readonly folder: DataFolder;
  readonly access: Access;
  readonly log: Log;
  readonly server?: HttpServer;
  readonly scs?: ScsDoor;
}

/** The ports beside the first, as certificate and policy have them now. */
async function serveOthers({ folder, access, log, server, scs }: Others): Promise<{
  readonly tlsPort?: number;
  readonly problems: readonly Problem[];
}> {
  const { port, files, problems } = await serveTls(folder, server, log);
  const all = [...problems, ...(await serveScs(scs, access, files, log))];
  return { problems: all, ...(port === undefined ? {} : { tlsPort: port }) };
}

interface Problem {
  readonly file: string;
  readonly problem: string;
}

/** Serves https when the data folder has a certificate that is of use. What is wrong with it keeps nobody from plain http: it is told. */
async function serveTls(
  { path }: DataFolder,
  server: HttpServer | undefined,
  log: Log,
): Promise<{ readonly port?: number; readonly files?: TlsFiles; readonly problems: readonly Problem[] }> {
  try {
    const files = readTls(path, { now: new Date() });
    const port = await server?.tls.serve(files, AbortSignal.timeout(TLS_PATIENCE_MS));
    return { ...(port === undefined ? {} : { port }), ...(files ? { files } : {}), problems: [] };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    log.error({ problem }, 'https is not served');
    return { problems: [{ file: join(path, 'tls'), problem }] };
  }
}

/** Opens the signature creation service as the policy says. A port that is taken (by the service of another product) keeps nobody from the rest: it is told. */
async function serveScs(
  door: ScsDoor | undefined,
  access: Access,
  files: TlsFiles | undefined,
  log: Log,
): Promise<readonly Problem[]> {
  try {
    await door?.apply(access.policy.scs, files, AbortSignal.timeout(TLS_PATIENCE_MS));
    return [];
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    log.error({ problem }, 'the signature creation service is not served');
    return [{ file: 'scs', problem }];
  }
}
