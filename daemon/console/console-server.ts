/**
 * The console's port: a page where a person answers trusted prompts in a browser window that only kortd serves, and one that shows the desk. A port
 * of its own, and a name for each, gives them origins of their own, so that nothing else can read what is typed. There are no cookies: a page holds
 * its session's token itself.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { bindLoopback, closeServer, portOf } from '../listen/bind.ts';
import { headerValues } from '../listen/headers.ts';
import { Heartbeat } from '../listen/heartbeat.ts';
import { tcpUserOf } from '../listen/peer.ts';
import type { Log } from '../log.ts';
import type { PromptDesk } from '../prompt/prompt-desk.ts';
import { StationLink } from '../prompt/station-link.ts';
import { STATION_MESSAGE_BYTES, STATION_SUBPROTOCOL } from '../prompt/station-messages.ts';
import { readDeskAssets, readPromptAssets, securityHeaders, type Asset } from './assets.ts';
import { ConsoleGate, ConsoleRefusedError } from './console-gate.ts';
import { hostOfPage, pageAt, type ConsolePage } from './console-page.ts';
import { DESK_SUBPROTOCOL, DeskChannel, type DeskParts } from './desk-channel.ts';
import { CLOSE_SESSION_OVER, ConsoleSessions, TooManyTriesError } from './sessions.ts';
import { userNameOf } from './user-name.ts';

const SESSION_PATH = '/session';
/** The WebSocket of each page, and what it speaks. */
const CHANNELS = {
  desk: { path: '/desk', subprotocol: DESK_SUBPROTOCOL },
  prompts: { path: '/prompts', subprotocol: STATION_SUBPROTOCOL },
} as const satisfies Record<ConsolePage, object>;
/** Prefix of the subprotocol that carries the session's token: browsers can set no other header of a WebSocket. */
const SESSION_SUBPROTOCOL = 'kortd.session.';
/** `{"code":"…"}` with 256 bits in base64url. */
const SESSION_BODY_BYTES = 256;
/** Slow headers and slow bodies are cut off. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000 } as const;
/** Windows of a few users, and the requests of pages that load. */
const MAX_CONNECTIONS = 64;
/** Sessions that are over are ended with so much delay. */
const SWEEP_MS = 15_000;
const CLOSE_TIMEOUT_MS = 1_000;

export interface ConsoleOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly prompts: PromptDesk;
  /** Of the page that shows the desk; without it there is none. */
  readonly desk?: DeskParts;
  readonly log: Log;
  readonly now?: () => number;
  /** Whose browser is at the other end; undefined when nobody can tell. */
  readonly userOf?: (socket: Socket) => string | undefined;
}

export interface Console extends AsyncDisposable {
  readonly port: number;
  /** An address that opens a page for this user, that with the prompts unless told: good once, within LINK_MS. */
  issueLink(user: string, page?: ConsolePage): string;
}

/** Throws the system's error when the port is taken. */
export async function openConsole(options: ConsoleOptions): Promise<Console> {
  const site = new ConsoleSite(options);
  let servers: readonly [Server, ...Server[]];
  try {
    servers = await bindLoopback(options.port, () => site.createServer());
  } catch (error) {
    site.close();
    throw error;
  }
  const port = portOf(servers[0]);
  site.open(port);
  return {
    port,
    issueLink: (user, page = 'prompts') => `http://${hostOfPage(page, port)}/#${site.sessions[page].issueCode(user)}`,
    async [Symbol.asyncDispose]() {
      site.close();
      await Promise.all(servers.map(closeServer));
    },
  };
}

interface Newcomer {
  readonly token: string;
  readonly peer: Socket;
  readonly close: (code: number) => void;
}

class ConsoleSite {
  /** A link or a token of one page is worth nothing at the other. */
  readonly sessions: Readonly<Record<ConsolePage, ConsoleSessions>>;
  readonly #prompts: PromptDesk;
  readonly #log: Log;
  readonly #userOf: (socket: Socket) => string | undefined;
  readonly #promptAssets = readPromptAssets();
  /** Read with their first use: not everybody looks at the desk. */
  #deskAssets: ReadonlyMap<string, Asset> | undefined;
  readonly #desk: DeskChannel | undefined;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: STATION_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(STATION_SUBPROTOCOL) ? STATION_SUBPROTOCOL : false),
  });
  #gate: ConsoleGate | undefined;
  readonly #heartbeat = new Heartbeat();
  #sweeping: NodeJS.Timeout | undefined;

  constructor({ prompts, desk, log, now = Date.now, userOf = tcpUserOf }: ConsoleOptions) {
    this.sessions = { desk: new ConsoleSessions(now), prompts: new ConsoleSessions(now) };
    this.#desk = desk && new DeskChannel(desk, log);
    this.#prompts = prompts;
    this.#log = log;
    this.#userOf = userOf;
  }

  createServer(): Server {
    const server = createServer({ ...TIMEOUTS, requireHostHeader: false }, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => this.#refuse(request, response, error));
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    return server;
  }

  /** The port, and so what Host must say, is known only once it is bound. */
  open(port: number): void {
    this.#gate = new ConsoleGate(port);
    this.#sweeping = setInterval(() => Object.values(this.sessions).forEach((sessions) => sessions.sweep()), SWEEP_MS);
  }

  close(): void {
    clearInterval(this.#sweeping);
    this.#heartbeat[Symbol.dispose]();
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
    this.#desk?.[Symbol.dispose]();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gate = this.#requireGate();
    const host = gate.hostOf(request);
    for (const [name, value] of Object.entries(securityHeaders(host))) response.setHeader(name, value);
    if (request.url === SESSION_PATH) {
      requireMethod(request, 'POST');
      gate.requireOwnOrigin(request, host);
      await this.#beginSession(request, response, pageAt(host));
      return;
    }
    const asset = this.#assetsOf(pageAt(host)).get(request.url ?? '');
    if (!asset) throw new ConsoleRefusedError(404, 'answering a request: there is nothing at this path');
    requireMethod(request, 'GET');
    if (request.url === '/') gate.requireNavigation(request);
    else gate.requireOwnPage(request, host);
    send(response, 200, asset);
  }

  #assetsOf(page: ConsolePage): ReadonlyMap<string, Asset> {
    if (page === 'prompts') return this.#promptAssets;
    if (!this.#desk) return new Map();
    this.#deskAssets ??= readDeskAssets();
    return this.#deskAssets;
  }

  async #beginSession(request: IncomingMessage, response: ServerResponse, page: ConsolePage): Promise<void> {
    const code = codeIn(await readBody(request));
    const user = this.#userOf(request.socket);
    const token = this.sessions[page].redeem(code, user);
    if (token === undefined || user === undefined) {
      this.#log.warn({ user, page }, 'a link to the console was refused: unknown, used, too old, or for another user');
      sendJson(response, 403, { error: 'link_refused' });
      return;
    }
    this.#log.info({ user, page }, 'the console was opened');
    sendJson(response, 201, { token, user: userNameOf(user) });
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const status = statusOf(error);
    const problem = error instanceof Error ? error.message : String(error);
    if (status === 500) this.#log.error({ problem }, 'the console could not answer');
    else this.#log.debug({ problem, status }, 'the console refused a request');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What was not read would be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close');
    sendJson(response, status, { error: status === 429 ? 'too_many_tries' : 'refused' });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', (error) => this.#log.debug({ problem: error.message }, 'a socket of the console failed while upgrading'));
    try {
      const gate = this.#requireGate();
      const host = gate.hostOf(request);
      gate.requireOwnOrigin(request, host);
      const page = pageAt(host);
      const channel = CHANNELS[page];
      if (request.url !== channel.path) throw new ConsoleRefusedError(404, `upgrading: only ${channel.path} is a WebSocket here`);
      if (request.headers.upgrade?.toLowerCase() !== 'websocket')
        throw new ConsoleRefusedError(400, 'upgrading: the only upgrade is to websocket');
      const token = tokenOf(request, channel.subprotocol);
      if (page === 'prompts')
        this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#welcome(webSocket, token, request.socket));
      else if (this.#desk)
        this.#desk.upgrade(request, socket, head, (webSocket) => this.#showDesk(webSocket, token, request.socket));
      else throw new ConsoleRefusedError(404, 'upgrading: there is no such page');
    } catch (error) {
      this.#log.debug({ problem: error instanceof Error ? error.message : String(error) }, 'the console refused a WebSocket');
      const status = statusOf(error);
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n`);
    }
  }

  /** As #welcome, for the page that shows the desk. */
  #showDesk(socket: WebSocket, token: string, peer: Socket): void {
    const window = this.#enter('desk', { token, peer, close: (code) => closeSoon(socket, code) });
    if (!window || !this.#desk) {
      socket.on('error', () => socket.terminate());
      closeSoon(socket, CLOSE_SESSION_OVER);
      return;
    }
    this.#heartbeat.add(socket);
    void this.#desk.serve(socket, window.user).then(() => window[Symbol.dispose]());
  }

  /** A page cannot see why a WebSocket was refused: one without a session is opened, told that, and closed. */
  #welcome(socket: WebSocket, token: string, peer: Socket): void {
    const holds = new DisposableStack();
    const close = (code: number): void => {
      closeSoon(socket, code);
      // Nothing more is asked there, whatever the browser does.
      holds.dispose();
    };
    const window = this.#enter('prompts', { token, peer, close });
    if (!window) {
      socket.on('error', () => socket.terminate());
      close(CLOSE_SESSION_OVER);
      return;
    }
    const station = new StationLink(socket, { place: 'console', user: window.user });
    holds.use(this.#prompts.add(station));
    this.#heartbeat.add(socket);
    void station.closed.then(() => {
      holds.dispose();
      window[Symbol.dispose]();
    });
  }

  #enter(page: ConsolePage, { token, peer, close }: Newcomer): ReturnType<ConsoleSessions['enter']> {
    try {
      return this.sessions[page].enter(token, this.#userOf(peer), close);
    } catch (error) {
      if (!(error instanceof TooManyTriesError)) throw error;
      return undefined;
    }
  }

  #requireGate(): ConsoleGate {
    if (!this.#gate) throw new ConsoleRefusedError(503, 'answering a request: not listening yet');
    return this.#gate;
  }
}

/** `ws` would wait 30 s for the other side to close as well. */
function closeSoon(socket: WebSocket, code: number): void {
  socket.close(code);
  const timer = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
  socket.once('close', () => clearTimeout(timer));
}

function requireMethod(request: IncomingMessage, method: string): void {
  if (request.method !== method) throw new ConsoleRefusedError(405, `answering a request: this path has ${method} only`);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const [type, ...others] = headerValues(request, 'content-type');
  if (type?.toLowerCase() !== 'application/json' || others.length > 0)
    throw new ConsoleRefusedError(415, 'reading a body: it is not application/json');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > SESSION_BODY_BYTES)
      throw new ConsoleRefusedError(413, `reading a body: it has more than ${SESSION_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function codeIn(text: string): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // The parser's own words quote the code.
    throw new ConsoleRefusedError(400, 'reading a body: it is not JSON');
  }
  if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string') return body.code;
  throw new ConsoleRefusedError(400, 'reading a body: it has no code');
}

/** Empty, and so of no session, when the page sent none. */
function tokenOf(request: IncomingMessage, subprotocol: string): string {
  const offered = headerValues(request, 'sec-websocket-protocol').flatMap((value) => value.split(',').map((name) => name.trim()));
  if (!offered.includes(subprotocol)) throw new ConsoleRefusedError(400, `upgrading: ${subprotocol} was not offered`);
  return offered.find((name) => name.startsWith(SESSION_SUBPROTOCOL))?.slice(SESSION_SUBPROTOCOL.length) ?? '';
}

function statusOf(error: unknown): number {
  if (error instanceof TooManyTriesError) return 429;
  return error instanceof ConsoleRefusedError ? error.httpStatus : 500;
}

function send(response: ServerResponse, status: number, { type, body }: Asset): void {
  response.writeHead(status, { 'content-type': type, 'content-length': body.length }).end(body);
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  send(response, status, { type: 'application/json; charset=utf-8', body: Buffer.from(JSON.stringify(value)) });
}
