/**
 * Who may speak at all, for REST and WebSocket alike: Host, then Origin, then the access token. Headers are counted in the raw list,
 * since Node joins or drops repeated ones. Every request with an Origin comes from a web page, and none is let in.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ApiError } from '../errors.ts';

/** Subprotocol of a WebSocket, and the prefix of one that carries the token: browsers can set no other header. */
export const SUBPROTOCOL = 'kortd.v1';
const TOKEN_SUBPROTOCOL = 'kortd.token.';

export class Gate {
  readonly #hosts: ReadonlySet<string>;
  readonly #tokenHash: Buffer;

  constructor(port: number, token: string) {
    this.#hosts = new Set(['127.0.0.1', 'localhost', '[::1]'].map((host) => `${host}:${port}`));
    this.#tokenHash = hash(token);
  }

  /** Throws host_refused, origin_refused, invalid_request, unauthorized: in this order. */
  check(request: IncomingMessage): void {
    const hosts = headerValues(request, 'host');
    const [host = ''] = hosts;
    if (hosts.length !== 1 || !this.#hosts.has(host.toLowerCase()))
      throw new ApiError('host_refused', 'checking the Host header: it is not an address of kortd');
    if (headerValues(request, 'origin').length > 0)
      throw new ApiError('origin_refused', 'checking the Origin header: web pages have no access');
    if (!request.url?.startsWith('/')) {
      const problem = 'the request target must be a path';
      throw new ApiError('invalid_request', `checking the request target: ${problem}`, { problem });
    }
    if (!this.#isToken(accessToken(request))) throw new ApiError('unauthorized', 'checking the access token: missing or wrong');
  }

  #isToken(token: string | undefined): boolean {
    return token !== undefined && timingSafeEqual(hash(token), this.#tokenHash);
  }
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
