/**
 * The Signature Creation Service on ports of its own, for web apps that speak it already: GET /version and POST /sign. It is another door to sign.digest and sign.cms, behind
 * the same checks: Host, Origin with a grant for `sign`, quotas, bounds, the dispatcher with its deadline and its audit. The protocol has no token: what lets
 * an origin in is its grant, and each signature wants the person.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ERRORS, type WireError } from '../../api-spec/errors.ts';
import type { Result } from '../../api-spec/methods/index.ts';
import { SIGNATURE_SCHEMES, ecdsaToDer } from '../../apdu/signature-encoding.ts';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import type { Call } from '../api/call.ts';
import type { Dispatcher } from '../api/dispatcher.ts';
import { CONNECTIONS, HEADER_LINES, MESSAGE_BYTES } from '../api/limits.ts';
import type { Desk } from '../desk/desk.ts';
import { ApiError } from '../errors.ts';
import { callerOf, type Admission } from '../listen/admission.ts';
import { bindLoopback, closeServer, portOf } from '../listen/bind.ts';
import { Connections } from '../listen/connections.ts';
import { Entrance } from '../listen/entrance.ts';
import type { OriginAccess } from '../listen/gate.ts';
import { headerValues } from '../listen/headers.ts';
import { SERVER_OPTIONS } from '../listen/http-server.ts';
import { tcpUserOf } from '../listen/peer.ts';
import { Quotas } from '../listen/quotas.ts';
import { createTlsServer } from '../tls/https-server.ts';
import type { TlsFiles } from '../tls/tls-folder.ts';
import { ScsFailedError, VERSION_INFO, failedAnswer, nameOf, okAnswer, parseRequest, type ScsRequest } from './messages.ts';
import { select, type Selected } from './selection.ts';

const SWEEP_MS = 1_000;
/** Of a body, the bytes beyond its bound among them; then the connection is cut. */
const FORGOTTEN_BYTES = 8 * MESSAGE_BYTES;
const PATHS: Readonly<Record<string, string>> = { '/version': 'GET', '/sign': 'POST' };

export interface ScsOptions {
  readonly access: Pick<OriginAccess, 'parse' | 'knows' | 'scopesOf'>;
  readonly dispatcher: Dispatcher;
  readonly desk: Pick<Desk, 'cards'>;
  /** Whose browser is at the other end; undefined when nobody can tell. */
  readonly userOf?: (socket: Socket) => string | undefined;
}

/** Absent: that port is closed. 0: any free one. */
export interface ScsPorts {
  readonly http?: number | undefined;
  readonly https?: { readonly port: number; readonly files: TlsFiles } | undefined;
}

export interface ScsService extends AsyncDisposable {
  readonly httpPort: number | undefined;
  readonly httpsPort: number | undefined;
}

/** Throws the system's error when a port is taken; nothing is left open then. */
export async function openScs(options: ScsOptions, { http, https }: ScsPorts): Promise<ScsService> {
  await using undo = new AsyncDisposableStack();
  const site = undo.use(new ScsSite(options));
  const listen = async (port: number, create: () => Server): Promise<number> => {
    const servers = await bindLoopback(port, () => site.attach(create()));
    undo.defer(async () => {
      await Promise.all(servers.map(closeServer));
    });
    site.addPort(portOf(servers[0]));
    return portOf(servers[0]);
  };
  const httpPort = http === undefined ? undefined : await listen(http, () => createServer(SERVER_OPTIONS));
  const httpsPort = https && (await listen(https.port, () => createTlsServer(https.files, SERVER_OPTIONS)));
  const resources = undo.move();
  return { httpPort, httpsPort, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

type WebAdmission = Extract<Admission, { kind: 'web' }>;

class ScsSite implements Disposable {
  readonly #options: ScsOptions;
  readonly #hosts = new Set<string>();
  readonly #quotas = new Quotas();
  readonly #connections = new Connections(this.#quotas);
  readonly #entrance: Entrance;
  readonly #sweeping: NodeJS.Timeout;

  constructor(options: ScsOptions) {
    this.#options = options;
    const knows = (origin: string): boolean => options.access.knows(origin);
    this.#entrance = new Entrance({ connections: this.#connections, quotas: this.#quotas, knows });
    this.#sweeping = setInterval(() => {
      this.#connections.sweep();
      this.#quotas.forgetIdle();
    }, SWEEP_MS).unref();
  }

  addPort(port: number): void {
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) this.#hosts.add(`${host}:${port}`);
  }

  attach(server: Server): Server {
    server.maxConnections = CONNECTIONS;
    server.maxHeadersCount = 0;
    server.on('connection', (socket: Socket) => this.#connections.add(socket, 'tcp'));
    server.on('secureConnection', (layer: Socket) => this.#connections.addLayer(layer));
    server.on('clientError', (_error, socket) => socket.destroy());
    server.on('upgrade', (_request, socket) => socket.destroy());
    server.on('connect', (_request, socket) => socket.destroy());
    server.on('request', (request, response) => void this.#answer(request, response));
    return server;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweeping);
    this.#connections[Symbol.dispose]();
  }

  /** One request for each connection: what is sent behind it is not looked at. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection = this.#connections.of(request.socket);
    if (!connection || connection.isRefused || connection.isBusy) return;
    connection.isBusy = true;
    try {
      const admission = this.#admit(request);
      for (const [name, value] of Object.entries(corsHeaders(admission.origin))) response.setHeader(name, value);
      if (request.method === 'OPTIONS') {
        answerPreflight(response);
        return;
      }
      this.#requirePath(request);
      this.#entrance.enterForCall(request, admission, (ended) => response.once('close', ended));
      send(response, 200, request.url === '/version' ? VERSION_INFO : await this.#sign(request, response, admission));
    } catch (error) {
      this.#refuse(request, response, error);
    }
  }

  /** Host, then Origin and its grant, then the user: in this order, as at the API's gate. */
  #admit(request: IncomingMessage): WebAdmission {
    const [host = '', ...otherHosts] = headerValues(request, 'host');
    if (otherHosts.length > 0 || !this.#hosts.has(host.toLowerCase()))
      throw new ApiError('host_refused', 'checking the Host header: it is not an address of kortd');
    if (request.rawHeaders.length > 2 * HEADER_LINES)
      throw new ApiError('invalid_request', 'checking the request: too many header lines', { problem: 'too many header lines' });
    const [text, ...otherOrigins] = headerValues(request, 'origin');
    if (text === undefined || otherOrigins.length > 0)
      throw new ApiError('origin_refused', 'checking the Origin header: a web page says who it is');
    const { access, userOf = tcpUserOf } = this.#options;
    const origin = access.parse(text);
    const user = access.knows(origin) ? userOf(request.socket) : undefined;
    const scopes = (): ReturnType<OriginAccess['scopesOf']> => access.scopesOf({ origin, user: user ?? '' });
    if (user === undefined || !scopes().has('sign'))
      throw new ApiError('origin_refused', 'checking the Origin header: the origin may not have anything signed');
    return { kind: 'web', origin, user, scopes };
  }

  #requirePath({ url = '', method }: IncomingMessage): void {
    if (PATHS[url] !== method) throw new ApiError('method_not_found', 'looking up the path: there is none like it');
  }

  async #sign(request: IncomingMessage, response: ServerResponse, admission: WebAdmission): Promise<object> {
    let call: Call | undefined;
    const giveUp = (): void => {
      if (!response.writableFinished) call?.abort('call_cancelled', 'signing: the caller went away');
    };
    response.once('close', giveUp);
    const body = parseRequest(await readBody(request));
    const { selector = {}, hashAlgorithm = 'SHA256', signatureType = 'signature' } = body;
    const { chain, ...selected } = select(this.#options.desk.cards, selector, hashAlgorithm);
    const outcome = await this.#options.dispatcher.call({
      ...methodCall(body, selected),
      caller: callerOf(admission),
      onStart: (started) => (call = started),
    });
    if ('error' in outcome) throw failureOf(outcome.error);
    const signature = signatureIn(outcome.result as Partial<Result<'sign.digest'> & Result<'sign.cms'>>, selected.algorithm);
    return okAnswer({ signatureType, signatureAlgorithm: nameOf(hashAlgorithm, selected.algorithm), signature, chain });
  }

  /** A page that came past the gate reads why; a failed signature is an answer like any other. */
  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (error instanceof ScsFailedError) {
      send(response, 200, failedAnswer(error.reasonCode, error.message));
      return;
    }
    if (!this.#connections.of(request.socket) || !this.#entrance.refuse(request.socket)) return;
    const wire = this.#options.dispatcher.wireError(error);
    const { httpStatus } = ERRORS[wire.code];
    send(response, httpStatus, failedAnswer(httpStatus, wire.en));
  }
}

function failureOf({ code, en }: WireError): ScsFailedError {
  return new ScsFailedError(ERRORS[code].httpStatus, en);
}

/** `cms` is detached: the page has the content. Throws ScsFailedError. */
function methodCall(
  request: ScsRequest,
  selected: Omit<Selected, 'chain'>,
): { readonly method: 'sign.cms' | 'sign.digest'; readonly params: object } {
  const { hash } = SIGNATURE_SCHEMES[selected.algorithm];
  const digest = digestOf(request, SIGNATURE_SCHEMES[selected.algorithm]).toString('base64');
  if (request.signatureType !== 'cms') return { method: 'sign.digest', params: { ...selected, digest } };
  const content = { digest: { hash, value: digest } };
  return { method: 'sign.cms', params: { ...selected, content, detached: true } };
}

/** ECDSA in DER, or the whole CMS. */
function signatureIn(
  { cms, signature = '' }: Partial<Result<'sign.digest'> & Result<'sign.cms'>>,
  algorithm: SignatureAlgorithm,
): Uint8Array {
  if (cms !== undefined) return Buffer.from(cms, 'base64');
  const raw = Buffer.from(signature, 'base64');
  return algorithm.startsWith('ES') ? ecdsaToDer(raw) : raw;
}

/** Throws ScsFailedError. */
function digestOf(
  { content, contentType }: ScsRequest,
  { hash, digestLength }: { readonly hash: string; readonly digestLength: number },
): Buffer {
  const bytes = Buffer.from(content, 'base64');
  if (contentType === 'data') return createHash(hash).update(bytes).digest();
  if (bytes.length === digestLength) return bytes;
  throw new ScsFailedError(400, `The digest must have ${digestLength} bytes, not ${bytes.length}.`);
}

/** A body that is too long is read on for a while and forgotten: the other side reads no answer while it writes. */
function readBody(request: IncomingMessage): Promise<string> {
  const types = headerValues(request, 'content-type');
  if (types.length !== 1 || !/^application\/json\s*(?:;|$)/i.test(types[0] ?? ''))
    throw new ScsFailedError(400, 'The content type must be application/json.');
  const tooLarge = (): ApiError =>
    new ApiError('message_too_large', 'reading the body: too large', { limitBytes: MESSAGE_BYTES });
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MESSAGE_BYTES) chunks.push(chunk);
      else chunks.length = 0;
      if (length > FORGOTTEN_BYTES) request.destroy();
    });
    request.once('end', () => (length > MESSAGE_BYTES ? reject(tooLarge()) : resolve(Buffer.concat(chunks).toString())));
    request.once('close', () => reject(new ApiError('call_cancelled', 'reading the body: the caller went away')));
  });
}

function corsHeaders(origin: string): Readonly<Record<string, string>> {
  return { 'access-control-allow-origin': origin, vary: 'Origin' };
}

function answerPreflight(response: ServerResponse): void {
  response
    .writeHead(204, {
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'content-type, accept',
      'access-control-max-age': '600',
      connection: 'close',
    })
    .end();
}

function send(response: ServerResponse, status: number, answer: object): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify(answer));
  response
    .writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': body.length,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      connection: 'close',
    })
    .end(body);
}
