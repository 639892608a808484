/** The port: HTTP on both loopback addresses, REST behind it, and the upgrade to WebSocket at /v1/ws. The gate stands before both. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { ERRORS } from '../../api-spec/errors.ts';
import type { Dispatcher } from '../api/dispatcher.ts';
import type { EventLog } from '../api/event-log.ts';
import { MAX_CLIENTS, MESSAGE_BYTES } from '../api/limits.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Admission } from './admission.ts';
import { Gate, SUBPROTOCOL, type OriginAccess } from './gate.ts';
import { createRest } from './rest.ts';
import { WebSocketConnection } from './web-socket.ts';

const WEBSOCKET_PATH = '/v1/ws';
/** Slow headers and slow bodies are cut off. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
/** Tries for a port that is free on both addresses, when any will do. */
const PORT_TRIES = 20;

export interface HttpServerOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly token: string;
  readonly dispatcher: Dispatcher;
  readonly events: EventLog;
  readonly log: Log;
  readonly access: OriginAccess;
  readonly onClient: (connection: WebSocketConnection, admission: Admission) => void;
  readonly onClientGone: (callerId: string) => void;
}

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly clients: () => number;
}

/** Throws the system's error when the port is taken. */
export async function listen(options: HttpServerOptions): Promise<HttpServer> {
  // The port, and so what Host must say, is known only once it is bound.
  const bound: { gate?: Gate } = {};
  const requireGate = (): Gate => {
    if (!bound.gate) throw new ApiError('internal_error', 'answering a request: not listening yet');
    return bound.gate;
  };
  const timeouts = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  };
  const servers: Server[] = [];
  const rest = createRest({ dispatcher: options.dispatcher, gate: requireGate });
  await rest.ready();
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  const create = (): Server => {
    const server = createServer({ ...timeouts, requireHostHeader: false }, (request, response) =>
      rest.routing(request, response),
    );
    server.on('upgrade', (request, socket, head) => upgrade(request, socket, head));
    return server;
  };
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', (error) => options.log.debug({ problem: error.message }, 'a socket failed while upgrading'));
    try {
      const admission = requireGate().check(request);
      requireWebSocket(request, sockets.clients.size);
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        options.onClient(new WebSocketConnection(webSocket, { ...options, admission, onClose: options.onClientGone }), admission);
      });
    } catch (error) {
      refuse(socket, options.dispatcher, error);
    }
  };
  servers.push(...(await bindLoopback(options.port, create)));
  const port = (servers[0]?.address() as AddressInfo).port;
  bound.gate = new Gate(port, options.token, options.access);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    clients: () => sockets.clients.size,
    async [Symbol.asyncDispose]() {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      await Promise.all(servers.map(closeServer));
      await rest.close();
    },
  };
}

/** 127.0.0.1, and [::1] on the same port where the system has it. */
async function bindLoopback(wanted: number, create: () => Server): Promise<readonly Server[]> {
  for (let attempt = 1; ; attempt++) {
    const first = create();
    await bind(first, '127.0.0.1', wanted);
    const second = create();
    try {
      await bind(second, '::1', (first.address() as AddressInfo).port);
      return [first, second];
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return [first];
      await closeServer(first);
      if (wanted !== 0 || attempt === PORT_TRIES || code !== 'EADDRINUSE') throw error;
    }
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function requireWebSocket(request: IncomingMessage, clients: number): void {
  if (request.url !== WEBSOCKET_PATH) throw new ApiError('method_not_found', 'upgrading: only /v1/ws is a WebSocket');
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    const problem = 'the only upgrade is to websocket';
    throw new ApiError('invalid_request', `upgrading: ${problem}`, { problem });
  }
  if (clients >= MAX_CLIENTS)
    throw new ApiError('too_many_calls', `upgrading: ${MAX_CLIENTS} WebSockets are open`, { limit: MAX_CLIENTS });
}

function refuse(socket: Duplex, dispatcher: Dispatcher, error: unknown): void {
  const wire = dispatcher.wireError(error);
  const body = JSON.stringify({ error: wire });
  const head = `HTTP/1.1 ${ERRORS[wire.code].httpStatus} Refused\r\nConnection: close\r\nCache-Control: no-store\r\nContent-Type: application/json; charset=utf-8`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
