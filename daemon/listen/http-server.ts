/**
 * Where kortd listens: HTTP on both loopback addresses and on Unix sockets, REST behind it, and the upgrades to WebSocket. The gate stands before all of
 * them, whichever way Node hands a request over.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { CONNECTIONS, HEADER_BYTES, HEADERS_MS, KEEP_ALIVE_MS, PIPELINED_REQUESTS, REQUEST_MS } from '../api/limits.ts';
import type { Contents } from '../contents/contents.ts';
import { ApiError } from '../errors.ts';
import { bindLoopback, bindUnixSocket, closeServer, listenOnDescriptor, portOf } from './bind.ts';
import { Connections, type Connection, type ConnectionKind } from './connections.ts';
import { Entrance } from './entrance.ts';
import { Gate, type OriginAccess } from './gate.ts';
import { noteUnixSocket } from './peer.ts';
import { Quotas } from './quotas.ts';
import { refuseOn } from './refusal.ts';
import { createRest } from './rest.ts';
import { TlsListener } from './tls-listener.ts';
import { Upgrades, type UpgradeOptions } from './upgrades.ts';

/** Of every server that speaks HTTP here. */
export const SERVER_OPTIONS = {
  headersTimeout: HEADERS_MS,
  requestTimeout: REQUEST_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  /** How late a timeout may be; Node's default is 30 s. */
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: HEADER_BYTES,
  insecureHTTPParser: false,
  /** The gate looks, and says more than Node would. */
  requireHostHeader: false,
} as const;
const SWEEP_MS = 1_000;

export type UnixSocket =
  | OwnUnixSocket
  | { /** Listens already: the service manager opened it, and looks after its file. */ readonly descriptor: number };

export interface OwnUnixSocket {
  readonly path: string;
  /** Permissions of its file: they are the authentication of who comes through it. */
  readonly mode: number;
}

export interface HttpServerOptions extends UpgradeOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Of https. 0: any free one. */
  readonly tlsPort: number;
  readonly unixSockets: readonly UnixSocket[];
  readonly token: string;
  readonly access: OriginAccess;
  readonly contents: Contents;
}

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly clients: () => number;
  /** Of answers and events that WebSockets have not read. */
  readonly unreadBytes: () => number;
  /** https beside http, with these files; none closes it. */
  readonly tls: TlsListener;
}

/** Throws the system's error when the port is taken, or a socket cannot be made. */
export async function listen(options: HttpServerOptions): Promise<HttpServer> {
  // The port, and so what Host must say, is known only once it is bound.
  const bound: { gate?: Gate } = {};
  const gate = (): Gate => {
    if (!bound.gate) throw new ApiError('internal_error', 'answering a request: not listening yet');
    return bound.gate;
  };
  await using undo = new AsyncDisposableStack();
  const quotas = new Quotas();
  const connections = new Connections(quotas);
  const entrance = new Entrance({ connections, quotas, knows: (origin) => options.access.knows(origin) });
  const rest = createRest({ dispatcher: options.dispatcher, gate, entrance, contents: options.contents });
  undo.defer(() => rest.close());
  await rest.ready();
  const upgrades = undo.use(new Upgrades(options, gate, entrance));
  const doors = new Doors({ options, rest, upgrades, connections, entrance });
  const servers = await bindLoopback(options.port, () => doors.attach(createServer(SERVER_OPTIONS), 'tcp'));
  undo.defer(() => closeAll(servers));
  const [first] = servers;
  const port = portOf(first);
  bound.gate = new Gate(port, options.token, options.access);
  for (const socket of options.unixSockets) {
    const server = doors.attach(createServer(SERVER_OPTIONS), 'unix');
    undo.defer(() => closeServer(server));
    if ('descriptor' in socket) await listenOnDescriptor(server, socket.descriptor);
    else await bindUnixSocket(server, socket.path, socket.mode);
  }
  const sweep = setInterval(() => {
    connections.sweep();
    quotas.forgetIdle();
  }, SWEEP_MS).unref();
  undo.defer(() => clearInterval(sweep));
  const attach = (server: Server): Server => doors.attach(server, 'tcp');
  const tls = undo.use(new TlsListener({ port: options.tlsPort, gate: bound.gate, serverOptions: SERVER_OPTIONS, attach }));
  // First of all: a server is closed when its connections are.
  undo.use(connections);
  const resources = undo.move();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    clients: () => upgrades.clients,
    unreadBytes: () => upgrades.unreadBytes,
    tls,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map(closeServer));
}

interface DoorsOptions {
  readonly options: HttpServerOptions;
  readonly rest: FastifyInstance;
  readonly upgrades: Upgrades;
  readonly connections: Connections;
  readonly entrance: Entrance;
}

/** Every way in which Node's servers hand over what came. */
class Doors {
  readonly #parts: DoorsOptions;

  constructor(parts: DoorsOptions) {
    this.#parts = parts;
  }

  /** For a server over TLS as well. Gives it back. */
  attach(server: Server, kind: ConnectionKind): Server {
    const { connections, upgrades } = this.#parts;
    server.maxConnections = CONNECTIONS;
    // Node would drop what is more, an Origin header among it: the gate counts instead.
    server.maxHeadersCount = 0;
    server.on('connection', (socket: Socket) => {
      if (kind === 'unix') noteUnixSocket(socket);
      connections.add(socket, kind);
    });
    server.on('secureConnection', (layer: Socket) => connections.addLayer(layer));
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => this.#onRequest(request, response);
    for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) server.on(event, onRequest);
    server.on('upgrade', (request, socket, head) => upgrades.handle(request, socket, head));
    server.on('connect', (request, socket) => upgrades.refuseTunnel(request, socket));
    server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    return server;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#parts.entrance.connectionOf(request.socket);
    if (connection.isRefused) return;
    if (connection.waiting.length >= PIPELINED_REQUESTS) connection.cut();
    else if (connection.isBusy) connection.waiting.push(() => this.#answer(connection, request, response));
    else this.#answer(connection, request, response);
  }

  /** One request of a connection at a time: one read of the network holds hundreds, and everybody else waits. */
  #answer(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    if (connection.isRefused || request.socket.destroyed) return;
    connection.isBusy = true;
    response.once('close', () => {
      const next = connection.waiting.shift();
      if (next) setImmediate(next);
      else connection.isBusy = false;
    });
    this.#parts.rest.routing(request, response);
  }

  /** What is no HTTP, or does not come in time. */
  #onClientError(error: Error & { readonly code?: string }, socket: Duplex): void {
    const { entrance, options, connections } = this.#parts;
    const connection = socket instanceof Socket ? connections.of(socket) : undefined;
    if (!(socket instanceof Socket) || !connection || connection.isRefused || connection.isBusy || socket.bytesRead === 0) {
      socket.destroy();
      return;
    }
    if (entrance.refuse(socket)) refuseOn(socket, options.dispatcher.wireError(whyNoRequest(error.code)));
  }
}

function whyNoRequest(code: string | undefined): ApiError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ApiError('message_too_large', 'reading a request: its head is too large', { limitBytes: HEADER_BYTES });
  const problem = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'it did not come whole in time' : 'it is not HTTP';
  return new ApiError('invalid_request', `reading a request: ${problem}`, { problem });
}
