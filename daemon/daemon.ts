/** The whole daemon, put together: data folder, desk, dispatcher, port. `main.ts` starts it; tests start it in their own process. */
import { Access } from './access/access.ts';
import { DEFAULT_POLICY_FOLDER } from './access/policy.ts';
import type { Handlers } from './api/call.ts';
import { CARD_PROFILES } from '../apdu/cards/index.ts';
import type { CardProfile } from '../apdu/card-profile.ts';
import type { ReaderSource } from '../drivers/reader-source.ts';
import { AuditLog } from './audit/audit-log.ts';
import { Dispatcher } from './api/dispatcher.ts';
import { EventLog } from './api/event-log.ts';
import { createHandlers } from './api/handlers/index.ts';
import { codeOf } from './api/wire-error.ts';
import { openDataFolder } from './data-folder.ts';
import { identify } from './desk/card-access.ts';
import { Desk } from './desk/desk.ts';
import type { Admission } from './listen/admission.ts';
import { listen, type HttpServer, type UnixSocket } from './listen/http-server.ts';
import type { WebSocketConnection } from './listen/web-socket.ts';
import type { Log } from './log.ts';
import { PromptDesk } from './prompt/prompt-desk.ts';
import { StationLink } from './prompt/station-link.ts';
import { VERSION } from './version.ts';

export interface DaemonOptions {
  readonly dataFolder: string;
  /** 0: any free one. */
  readonly port: number;
  readonly sources: readonly ReaderSource[];
  readonly simulated: boolean;
  readonly log: Log;
  readonly profiles?: readonly CardProfile[];
  /** Files that grant access to web origins; /etc/kortd/policy.d unless given. */
  readonly policyFolder?: string;
  /** Beside the one in the data folder, for other users of the workstation. */
  readonly unixSockets?: readonly UnixSocket[];
}

export interface Daemon extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly desk: Desk;
}

/** Resolves when calls are accepted. Throws DataFolderError, and the system's error when the port is taken; nothing is left open then. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(openDataFolder(options.dataFolder));
  const audit = undo.use(AuditLog.open({ folder: folder.path, log: options.log }));
  const events = new EventLog();
  const { policyFolder = DEFAULT_POLICY_FOLDER } = options;
  const prompts = new PromptDesk();
  const access = undo.use(
    new Access({ dataFolder: options.dataFolder, policyFolder, log: options.log, publish: events.publish, prompts }),
  );
  const desk: Desk = undo.use(
    new Desk({
      sources: options.sources,
      profiles: options.profiles ?? CARD_PROFILES,
      publish: events.publish,
      log: options.log,
      identify: (card) =>
        identify(desk, card, (error) => ({ code: codeOf(error), message: error instanceof Error ? error.message : '' })),
    }),
  );
  const live: { server?: HttpServer; dispatcher?: Dispatcher } = {};
  const handlers: Handlers = createHandlers({
    access,
    desk,
    events,
    audit,
    simulated: options.simulated,
    startedAt: new Date(),
    clients: () => live.server?.clients() ?? 0,
    callsUnderWay: () => live.dispatcher?.callsUnderWay ?? 0,
  });
  const dispatcher = new Dispatcher(handlers, options.log, audit);
  live.dispatcher = dispatcher;
  const { port, log } = options;
  const server = undo.use(
    await listen({
      port,
      token: folder.token,
      dispatcher,
      events,
      log,
      access,
      onClient: (connection, admission) => endWithGrant(access, connection, admission),
      onClientGone: (caller) => desk.leases.releaseAll(caller),
      onStation: (socket, user) => addStation(prompts, new StationLink(socket, { place: 'agent', user })),
      unixSockets: [{ path: folder.socketPath, mode: 0o600 }, ...(options.unixSockets ?? [])],
    }),
  );
  live.server = server;
  desk.open();
  folder.publish({ url: server.url, socket: folder.socketPath, pid: process.pid, version: VERSION });
  const resources = undo.move();
  return { url: server.url, token: folder.token, desk, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** A web page's connection lives no longer than the grant that it came by. */
function endWithGrant(access: Access, connection: WebSocketConnection, admission: Admission): void {
  if (admission.kind !== 'web') return;
  const registration = access.addConnection(admission, () => connection.revoke());
  void connection.closed.then(() => registration[Symbol.dispose]());
}

function addStation(prompts: PromptDesk, station: StationLink): void {
  const registration = prompts.add(station);
  void station.closed.then(() => registration[Symbol.dispose]());
}
