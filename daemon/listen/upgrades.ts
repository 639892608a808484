/** From an HTTP request to a WebSocket, once the gate let it pass: /v1/ws for calls and events, /v1/prompts for the agent of a person's session. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { SUBPROTOCOL, WEB_SOCKET_PATH } from '../../api-spec/wire.ts';
import type { Dispatcher } from '../api/dispatcher.ts';
import type { EventLog } from '../api/event-log.ts';
import { MAX_CLIENTS, MAX_STATIONS, MESSAGE_BYTES, MESSAGE_PARTS } from '../api/limits.ts';
import { ApiError } from '../errors.ts';
import type { Log } from '../log.ts';
import { PROMPTS_PATH, STATION_MESSAGE_BYTES, STATION_SUBPROTOCOL } from '../prompt/station-messages.ts';
import type { Admission } from './admission.ts';
import { Backlogs } from './backlogs.ts';
import type { Entrance } from './entrance.ts';
import type { Gate } from './gate.ts';
import { headerValues } from './headers.ts';
import { Heartbeat } from './heartbeat.ts';
import { Rounds } from './inbox.ts';
import { isUnixSocket } from './peer.ts';
import { tooMany } from './quotas.ts';
import { refuseOn } from './refusal.ts';
import { WebSocketConnection } from './web-socket.ts';

/** For the other side to close as well; one that does not read would keep what waits for it. */
const CLOSE_TIMEOUT_MS = 1_000;
/** For one that broke the protocol to read why. */
const BROKEN_CLOSE_MS = 250;
/** RFC 6455, section 4.1: 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

export interface UpgradeOptions {
  readonly dispatcher: Dispatcher;
  readonly events: EventLog;
  readonly log: Log;
  readonly onClient: (connection: WebSocketConnection, admission: Admission) => void;
  readonly onClientGone: (callerId: string) => void;
  /** A place where the user can be asked is at the other end. */
  readonly onStation: (socket: WebSocket, user: string) => void;
}

export class Upgrades implements Disposable {
  readonly #options: UpgradeOptions;
  readonly #gate: () => Gate;
  readonly #entrance: Entrance;
  readonly #backlogs = new Backlogs();
  readonly #rounds = new Rounds();
  readonly #heartbeat = new Heartbeat();
  readonly #clients: WebSocketServer;
  readonly #stations: WebSocketServer;

  constructor(options: UpgradeOptions, gate: () => Gate, entrance: Entrance) {
    this.#options = options;
    this.#gate = gate;
    this.#entrance = entrance;
    this.#clients = this.#acceptor(SUBPROTOCOL, { maxPayload: MESSAGE_BYTES, autoPong: false });
    this.#stations = this.#acceptor(STATION_SUBPROTOCOL, { maxPayload: STATION_MESSAGE_BYTES, autoPong: true });
  }

  get clients(): number {
    return this.#clients.clients.size;
  }

  /** Of answers and events that clients have not read. */
  get unreadBytes(): number {
    return this.#backlogs.bytes;
  }

  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', (error) => this.#options.log.debug({ problem: error.message }, 'a socket failed while upgrading'));
    const connection = this.#entrance.connectionOf(request.socket);
    // Behind other requests, whose answers would come into the WebSocket.
    if (connection.isRefused || connection.isBusy) {
      socket.destroy();
      return;
    }
    try {
      const admission = this.#gate().check(request);
      requireHandshake(request);
      if (request.url === WEB_SOCKET_PATH) this.#acceptClient(admission, request, socket, head);
      else if (request.url === PROMPTS_PATH && isUnixSocket(request.socket))
        this.#acceptStation(admission, request, socket, head);
      else throw new ApiError('method_not_found', `upgrading: only ${WEB_SOCKET_PATH} is a WebSocket`);
    } catch (error) {
      this.#refuse(request, socket, error);
    }
  }

  /** CONNECT asks for a tunnel; there is none. */
  refuseTunnel(request: IncomingMessage, socket: Duplex): void {
    try {
      this.#gate().check(request);
      throw malformed('CONNECT is no call');
    } catch (error) {
      this.#refuse(request, socket, error);
    }
  }

  [Symbol.dispose](): void {
    this.#heartbeat[Symbol.dispose]();
    for (const server of [this.#clients, this.#stations]) {
      for (const client of server.clients) client.terminate();
      server.close();
    }
  }

  #acceptClient(admission: Admission, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.clients >= MAX_CLIENTS) throw tooMany('WebSockets are open', MAX_CLIENTS);
    const quota = this.#entrance.enter(request, admission);
    this.#clients.handleUpgrade(request, socket, head, (webSocket) => {
      this.#watch(webSocket);
      const { dispatcher, events, log, onClient, onClientGone } = this.#options;
      const [backlogs, rounds] = [this.#backlogs, this.#rounds];
      const options = { dispatcher, events, log, admission, quota, backlogs, rounds, onClose: onClientGone };
      onClient(new WebSocketConnection(webSocket, options), admission);
    });
  }

  #acceptStation(admission: Admission, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#stations.clients.size >= MAX_STATIONS) throw tooMany('places to ask a person are open', MAX_STATIONS);
    this.#entrance.enter(request, admission);
    this.#stations.handleUpgrade(request, socket, head, (station) => {
      this.#watch(station);
      this.#options.onStation(station, admission.user);
    });
  }

  /** One that broke the protocol is told so, and not read any more: the library would read and drop what still comes, at any rate. */
  #watch(socket: WebSocket): void {
    this.#heartbeat.add(socket);
    socket.on('error', () => {
      setImmediate(() => socket.pause());
      const timer = setTimeout(() => socket.terminate(), BROKEN_CLOSE_MS).unref();
      socket.once('close', () => clearTimeout(timer));
    });
  }

  #refuse(request: IncomingMessage, socket: Duplex, error: unknown): void {
    if (this.#entrance.refuse(request.socket))
      refuseOn(socket, this.#options.dispatcher.wireError(error), ['Sec-WebSocket-Version: 13']);
  }

  #acceptor(subprotocol: string, limits: { readonly maxPayload: number; readonly autoPong: boolean }): WebSocketServer {
    // Its type declarations lack closeTimeout.
    const options: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      ...limits,
      ...MESSAGE_PARTS,
      perMessageDeflate: false,
      clientTracking: true,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    };
    const server = new WebSocketServer(options);
    server.on('wsClientError', (error, socket, request) => this.#refuse(request, socket, malformed(error.message)));
    return server;
  }
}

/** RFC 6455, section 4.2.1. What follows a handshake at once is taken for frames, so it may have no body. */
function requireHandshake(request: IncomingMessage): void {
  const { headers, method } = request;
  if (headers.upgrade?.toLowerCase() !== 'websocket') throw malformed('the only upgrade is to websocket');
  if (method !== 'GET') throw malformed('a WebSocket begins with GET');
  if ((headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined)
    throw malformed('a WebSocket begins with a request without a body');
  if (headerValues(request, 'sec-websocket-version').join() !== '13') throw malformed('the version of WebSocket must be 13');
  if (!KEY.test(headerValues(request, 'sec-websocket-key').join()))
    throw malformed('Sec-WebSocket-Key must be 16 bytes in base64');
}

function malformed(problem: string): ApiError {
  return new ApiError('invalid_request', `upgrading: ${problem}`, { problem });
}
