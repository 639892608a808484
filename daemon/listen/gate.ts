/**
 * Who may speak at all, for REST and WebSocket alike: Host, then Origin, then method and content type, then the access token. Headers are counted in
 * the raw list, since Node joins or drops repeated ones. A request with an Origin comes from a web page: it needs a grant and a token of that very origin
 * and user. What comes through a Unix socket was let in by the kernel.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { METHODS } from '../../api-spec/methods/index.ts';
import type { Scope } from '../../api-spec/scopes.ts';
import { TOKEN_SUBPROTOCOL_PREFIX } from '../../api-spec/wire.ts';
import { ownUser } from '../access/local-user.ts';
import type { WebHolder } from '../access/web-holder.ts';
import { HEADER_LINES } from '../api/limits.ts';
import { ApiError } from '../errors.ts';
import type { Admission } from './admission.ts';
import { OCTET_STREAM, isContentsUpload } from './contents-routes.ts';
import { headerValues } from './headers.ts';
import { isUnixSocket, tcpUserOf, unixPeerOf } from './peer.ts';

/** What the gate asks about web origins. */
export interface OriginAccess {
  /** Throws origin_refused for what can never hold a grant. */
  parse(text: string): string;
  /** Some user of this workstation has granted the origin something. */
  knows(origin: string): boolean;
  scopesOf(holder: WebHolder): ReadonlySet<Scope>;
  acceptsToken(token: string, holder: WebHolder): boolean;
  /** As acceptsToken, for a WebSocket: each token opens one. */
  claimToken(token: string, holder: WebHolder): boolean;
}

/** The one door for an origin without a grant. */
const REQUEST_PATH = METHODS['access.request'].rest?.path;
const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH']);

export class Gate {
  readonly #hosts = new Set<string>();
  readonly #tokenHash: Buffer;
  readonly #access: OriginAccess;

  constructor(port: number, token: string, access: OriginAccess) {
    this.addPort(port);
    this.#tokenHash = hash(token);
    this.#access = access;
  }

  /** kortd is to be had at this port too. */
  addPort(port: number): void {
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) this.#hosts.add(`${host}:${port}`);
  }

  removePort(port: number): void {
    for (const host of ['127.0.0.1', 'localhost', '[::1]']) this.#hosts.delete(`${host}:${port}`);
  }

  /** Throws host_refused, origin_refused, invalid_request, unauthorized: in this order. */
  check(request: IncomingMessage): Admission {
    if (isUnixSocket(request.socket)) return admitUnix(request);
    this.#requireHost(request);
    const origin = this.#originOf(request);
    requireForm(request);
    const token = accessToken(request);
    if (origin === undefined) {
      if (token === undefined || !this.#isToken(token)) throw unauthorized();
      return { kind: 'native', user: ownUser() };
    }
    const isAsking = request.method === 'POST' && request.url === REQUEST_PATH;
    if (!isAsking && token === undefined) throw unauthorized();
    const user = tcpUserOf(request.socket);
    if (user === undefined) throw unauthorized();
    const holder = { origin, user };
    if (isAsking) return { kind: 'web', ...holder, scopes: () => ASK_ONLY };
    const isAccepted =
      request.headers.upgrade === undefined
        ? this.#access.acceptsToken(token ?? '', holder)
        : this.#access.claimToken(token ?? '', holder);
    if (!isAccepted) throw unauthorized();
    return { kind: 'web', ...holder, scopes: () => new Set([...this.#access.scopesOf(holder), ...ASK_ONLY]) };
  }

  /** The origin that a browser asks for before it calls (Fetch, section 4.8, CORS-preflight fetch); undefined for what is no such question. */
  checkPreflight(request: IncomingMessage): string | undefined {
    if (isUnixSocket(request.socket)) return undefined;
    this.#requireHost(request);
    if (headerValues(request, 'access-control-request-method').length !== 1) return undefined;
    const origin = this.#originOf(request);
    requireForm(request);
    return origin;
  }

  #requireHost(request: IncomingMessage): void {
    const hosts = headerValues(request, 'host');
    const [host = ''] = hosts;
    if (hosts.length !== 1 || !this.#hosts.has(host.toLowerCase()))
      throw new ApiError('host_refused', 'checking the Host header: it is not an address of kortd');
  }

  /** Undefined without an Origin header. An origin without a grant comes only to ask for one. */
  #originOf(request: IncomingMessage): string | undefined {
    const [text, ...others] = headerValues(request, 'origin');
    if (others.length > 0) throw new ApiError('origin_refused', 'checking the Origin header: there are several');
    requireFetchMetadata(request, text !== undefined);
    if (text === undefined) return undefined;
    const origin = this.#access.parse(text);
    if (request.url !== REQUEST_PATH && !this.#access.knows(origin)) {
      throw new ApiError('origin_refused', 'checking the Origin header: the origin has no access');
    }
    return origin;
  }

  #isToken(token: string): boolean {
    return timingSafeEqual(hash(token), this.#tokenHash);
  }
}

const ASK_ONLY: ReadonlySet<Scope> = new Set(['access.request']);

/** Browsers do not come this way: what says that it is one lies. */
function admitUnix(request: IncomingMessage): Admission {
  if (headerValues(request, 'origin').length > 0)
    throw new ApiError('origin_refused', 'checking the Origin header: web pages do not come through a Unix socket');
  requireForm(request);
  return { kind: 'native', ...unixPeerOf(request.socket) };
}

/**
 * Fetch Metadata (W3C), where a browser sends it: a page's call is never from the same origin, since this port serves no page, and never a navigation; a
 * browser's request without Origin is one of those. Absent headers prove nothing; Node's own fetch and WebSocket send a mode and no site.
 */
function requireFetchMetadata(request: IncomingMessage, hasOrigin: boolean): void {
  const [site] = headerValues(request, 'sec-fetch-site');
  const [mode] = headerValues(request, 'sec-fetch-mode');
  const isCall = site === undefined || (hasOrigin && site !== 'same-origin' && site !== 'none');
  if (isCall && mode !== 'navigate') return;
  throw new ApiError('origin_refused', 'checking the Sec-Fetch headers: a browser came here other than by a call of a page');
}

/** The target is a path, and a body says that it is JSON, or an upload that it is bytes (a form can say neither). */
function requireForm(request: IncomingMessage): void {
  if (!request.url?.startsWith('/')) throw malformed('the request target must be a path');
  if (request.rawHeaders.length > 2 * HEADER_LINES) throw malformed(`a request has at most ${HEADER_LINES} header lines`);
  if (!BODY_METHODS.has(request.method ?? '')) return;
  const types = headerValues(request, 'content-type');
  if (isContentsUpload(request)) {
    if (types.length !== 1 || types[0]?.toLowerCase() !== OCTET_STREAM)
      throw malformed(`the content type must be ${OCTET_STREAM}`);
    return;
  }
  const hasBody = request.headers['content-length'] !== '0' && hasBodyHeaders(request);
  if (types.length > 1 || (hasBody && !/^application\/json\s*(?:;|$)/i.test(types[0] ?? '')))
    throw malformed('the content type must be application/json');
}

/** RFC 9112, section 6. */
function hasBodyHeaders({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function malformed(problem: string): ApiError {
  return new ApiError('invalid_request', `checking the request: ${problem}`, { problem });
}

function unauthorized(): ApiError {
  return new ApiError('unauthorized', 'checking the access token: missing or wrong');
}

function accessToken(request: IncomingMessage): string | undefined {
  const [authorization, ...others] = headerValues(request, 'authorization');
  if (others.length > 0) return undefined;
  if (authorization !== undefined) return /^Bearer ([\x21-\x7e]{1,256})$/i.exec(authorization)?.[1];
  const offered = headerValues(request, 'sec-websocket-protocol').flatMap((value) => value.split(',').map((name) => name.trim()));
  return offered.find((name) => name.startsWith(TOKEN_SUBPROTOCOL_PREFIX))?.slice(TOKEN_SUBPROTOCOL_PREFIX.length);
}

/** Equal lengths for a comparison in constant time. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
