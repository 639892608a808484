/**
 * Where kortd listens: HTTP on both loopback addresses and on Unix sockets, REST behind it, and the upgrades to WebSocket: /v1/ws for calls and events,
 * /v1/prompts for the agent of a person's session, which comes through a Unix socket alone. The gate stands before all of them.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { ERRORS } from '../../api-spec/errors.ts';
import { SUBPROTOCOL, WEB_SOCKET_PATH } from '../../api-spec/wire.ts';
import type { Dispatcher } from '../api/dispatcher.ts';
import type { EventLog } from '../api/event-log.ts';
import { MAX_CLIENTS, MESSAGE_BYTES } from '../api/limits.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { STATION_MESSAGE_BYTES, STATION_SUBPROTOCOL } from '../prompt/station-messages.ts';
import type { Admission } from './admission.ts';
import { bindLoopback, bindUnixSocket, closeServer, portOf } from './bind.ts';
import { Gate, type OriginAccess } from './gate.ts';
import { isUnixSocket } from './peer.ts';
import { createRest } from './rest.ts';
import { WebSocketConnection } from './web-socket.ts';

export const PROMPTS_PATH = '/v1/prompts';
/** Slow headers and slow bodies are cut off. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;

export interface UnixSocket {
  readonly path: string;
  /** Permissions of its file: they are the authentication of who comes through it. */
  readonly mode: number;
}

export interface HttpServerOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly unixSockets: readonly UnixSocket[];
  readonly token: string;
  readonly dispatcher: Dispatcher;
  readonly events: EventLog;
  readonly log: Log;
  readonly access: OriginAccess;
  readonly onClient: (connection: WebSocketConnection, admission: Admission) => void;
  readonly onClientGone: (callerId: string) => void;
  /** A place where the user can be asked is at the other end. */
  readonly onStation: (socket: WebSocket, user: string) => void;
}

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly clients: () => number;
}

/** Throws the system's error when the port is taken, or a socket cannot be made. */
export async function listen(options: HttpServerOptions): Promise<HttpServer> {
  // The port, and so what Host must say, is known only once it is bound.
  const bound: { gate?: Gate } = {};
  const requireGate = (): Gate => {
    if (!bound.gate) throw new ApiError('internal_error', 'answering a request: not listening yet');
    return bound.gate;
  };
  await using undo = new AsyncDisposableStack();
  const rest = createRest({ dispatcher: options.dispatcher, gate: requireGate });
  undo.defer(() => rest.close());
  await rest.ready();
  const upgrades = new Upgrades(options, requireGate);
  undo.use(upgrades);
  const create = (): Server => {
    const timeouts = {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    };
    const server = createServer({ ...timeouts, requireHostHeader: false }, (request, response) =>
      rest.routing(request, response),
    );
    server.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head));
    return server;
  };
  const servers = await bindLoopback(options.port, create);
  undo.defer(() => closeAll(servers));
  const [first] = servers;
  if (!first) throw new ApiError('internal_error', 'listening: no address was bound');
  const port = portOf(first);
  bound.gate = new Gate(port, options.token, options.access);
  for (const { path, mode } of options.unixSockets) {
    const server = create();
    undo.defer(() => closeServer(server));
    await bindUnixSocket(server, path, mode);
  }
  const resources = undo.move();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    clients: () => upgrades.clients,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map(closeServer));
}

/** From an HTTP request to a WebSocket, once the gate let it pass. */
class Upgrades implements Disposable {
  readonly #options: HttpServerOptions;
  readonly #gate: () => Gate;
  readonly #clients = acceptor(SUBPROTOCOL, MESSAGE_BYTES);
  readonly #stations = acceptor(STATION_SUBPROTOCOL, STATION_MESSAGE_BYTES);

  constructor(options: HttpServerOptions, gate: () => Gate) {
    this.#options = options;
    this.#gate = gate;
  }

  get clients(): number {
    return this.#clients.clients.size;
  }

  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { log, dispatcher } = this.#options;
    socket.on('error', (error) => log.debug({ problem: error.message }, 'a socket failed while upgrading'));
    try {
      const admission = this.#gate().check(request);
      requireWebSocket(request);
      if (request.url === WEB_SOCKET_PATH) this.#acceptClient(admission, request, socket, head);
      else if (request.url === PROMPTS_PATH && isUnixSocket(request.socket))
        this.#stations.handleUpgrade(request, socket, head, (station) => this.#options.onStation(station, admission.user));
      else throw new ApiError('method_not_found', `upgrading: only ${WEB_SOCKET_PATH} is a WebSocket`);
    } catch (error) {
      refuse(socket, dispatcher, error);
    }
  }

  [Symbol.dispose](): void {
    for (const server of [this.#clients, this.#stations]) {
      for (const client of server.clients) client.terminate();
      server.close();
    }
  }

  #acceptClient(admission: Admission, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.clients >= MAX_CLIENTS)
      throw new ApiError('too_many_calls', `upgrading: ${MAX_CLIENTS} WebSockets are open`, { limit: MAX_CLIENTS });
    this.#clients.handleUpgrade(request, socket, head, (webSocket) => {
      const { onClient, onClientGone } = this.#options;
      onClient(new WebSocketConnection(webSocket, { ...this.#options, admission, onClose: onClientGone }), admission);
    });
  }
}

function acceptor(subprotocol: string, maxPayload: number): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    clientTracking: true,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  });
}

function requireWebSocket(request: IncomingMessage): void {
  if (request.headers.upgrade?.toLowerCase() === 'websocket') return;
  const problem = 'the only upgrade is to websocket';
  throw new ApiError('invalid_request', `upgrading: ${problem}`, { problem });
}

function refuse(socket: Duplex, dispatcher: Dispatcher, error: unknown): void {
  const wire = dispatcher.wireError(error);
  const body = JSON.stringify({ error: wire });
  const head = `HTTP/1.1 ${ERRORS[wire.code].httpStatus} Refused\r\nConnection: close\r\nCache-Control: no-store\r\nContent-Type: application/json; charset=utf-8`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
