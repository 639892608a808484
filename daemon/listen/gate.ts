/**
 * Who may speak at all, for REST and WebSocket alike: Host, then Origin, then the access token. Headers are counted in the raw list,
 * since Node joins or drops repeated ones. A request with an Origin comes from a web page: it needs a grant and a token of that very origin.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { METHODS } from '../../api-spec/methods/index.ts';
import type { Scope } from '../../api-spec/scopes.ts';
import { ApiError } from '../errors.ts';
import type { Admission } from './admission.ts';

/** Subprotocol of a WebSocket, and the prefix of one that carries the token: browsers can set no other header. */
export const SUBPROTOCOL = 'kortd.v1';
const TOKEN_SUBPROTOCOL = 'kortd.token.';

/** What the gate asks about web origins. */
export interface OriginAccess {
  /** Throws origin_refused for what can never hold a grant. */
  parse(text: string): string;
  scopesOf(origin: string): ReadonlySet<Scope>;
  acceptsToken(token: string, origin: string): boolean;
}

/** The one door for an origin without a grant. */
const REQUEST_PATH = METHODS['access.request'].rest?.path;

export class Gate {
  readonly #hosts: ReadonlySet<string>;
  readonly #tokenHash: Buffer;
  readonly #access: OriginAccess;

  constructor(port: number, token: string, access: OriginAccess) {
    this.#hosts = new Set(['127.0.0.1', 'localhost', '[::1]'].map((host) => `${host}:${port}`));
    this.#tokenHash = hash(token);
    this.#access = access;
  }

  /** Throws host_refused, origin_refused, invalid_request, unauthorized: in this order. */
  check(request: IncomingMessage): Admission {
    this.#requireHost(request);
    const origin = this.#originOf(request);
    requirePath(request);
    const token = accessToken(request);
    if (origin === undefined) {
      if (token === undefined || !this.#isToken(token)) throw unauthorized();
      return { kind: 'native' };
    }
    if (request.method === 'POST' && request.url === REQUEST_PATH)
      return { kind: 'web', origin, scopes: new Set(['access.request']) };
    if (token === undefined || !this.#access.acceptsToken(token, origin)) throw unauthorized();
    return { kind: 'web', origin, scopes: new Set([...this.#access.scopesOf(origin), 'access.request']) };
  }

  /** The origin that a browser asks for before it calls (Fetch, section 4.8, CORS-preflight fetch); undefined for what is no such question. */
  checkPreflight(request: IncomingMessage): string | undefined {
    this.#requireHost(request);
    if (headerValues(request, 'access-control-request-method').length !== 1) return undefined;
    const origin = this.#originOf(request);
    requirePath(request);
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
    if (text === undefined) return undefined;
    if (others.length > 0) throw new ApiError('origin_refused', 'checking the Origin header: there are several');
    const origin = this.#access.parse(text);
    if (request.url !== REQUEST_PATH && this.#access.scopesOf(origin).size === 0) {
      throw new ApiError('origin_refused', 'checking the Origin header: the origin has no access');
    }
    return origin;
  }

  #isToken(token: string): boolean {
    return timingSafeEqual(hash(token), this.#tokenHash);
  }
}

function requirePath(request: IncomingMessage): void {
  if (request.url?.startsWith('/')) return;
  const problem = 'the request target must be a path';
  throw new ApiError('invalid_request', `checking the request target: ${problem}`, { problem });
}

function unauthorized(): ApiError {
  return new ApiError('unauthorized', 'checking the access token: missing or wrong');
}

function accessToken(request: IncomingMessage): string | undefined {
  const [authorization, ...others] = headerValues(request, 'authorization');
  if (others.length > 0) return undefined;
  if (authorization !== undefined) return /^Bearer ([\x21-\x7e]{1,256})$/i.exec(authorization)?.[1];
  const offered = headerValues(request, 'sec-websocket-protocol').flatMap((value) => value.split(',').map((name) => name.trim()));
  return offered.find((name) => name.startsWith(TOKEN_SUBPROTOCOL))?.slice(TOKEN_SUBPROTOCOL.length);
}

function headerValues(request: IncomingMessage, name: string): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) values.push(request.rawHeaders[index + 1] ?? '');
  }
  return values;
}

/** Equal lengths for a comparison in constant time. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
