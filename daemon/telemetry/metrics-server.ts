/**
 * Where Prometheus reads: GET /metrics on a loopback port of its own, with nothing else behind it. Figures alone are told, so that every program of this machine may
 * read them, or with a token only those who have it. No browser may: neither a page, nor by an address that was rebound to loopback.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { bindLoopback, closeServer, portOf } from '../listen/bind.ts';
import { headerValues } from '../listen/headers.ts';
import type { Log } from '../log.ts';
import type { Metrics } from './prometheus.ts';

const PATH = '/metrics';
/** A scrape is one short request; a collector keeps its connection for the next. */
const TIMEOUTS = { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 90_000, maxHeaderSize: 8_192 } as const;
const MAX_CONNECTIONS = 16;
/** For no browser to make anything of it, whoever sent it here. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const;

export interface MetricsServerOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly metrics: Metrics;
  /** Whoever reads must have it; undefined: every program of this machine may read. */
  readonly token: string | undefined;
  readonly log: Log;
}

export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
}

/** Throws the system's error when the port is taken. */
export async function openMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const bound = { port: 0 };
  const scrape = oneAtATime(() => options.metrics.text());
  const create = (): Server => {
    const server = createServer({ ...TIMEOUTS, requireHostHeader: false }, (request, response) => {
      answer(request, response, { ...options, port: bound.port, scrape }).catch((error: unknown) => {
        options.log.error({ err: error }, 'the metrics could not be told');
        if (!response.headersSent) refuse(request, response, 500);
        else response.destroy();
      });
    });
    server.maxConnections = MAX_CONNECTIONS;
    return server;
  };
  const servers = await bindLoopback(options.port, create);
  bound.port = portOf(servers[0]);
  return {
    port: bound.port,
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map(closeServer));
    },
  };
}

interface Serving extends MetricsServerOptions {
  readonly scrape: () => Promise<string>;
}

async function answer(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const status = refusalOf(request, serving);
  if (status !== undefined) {
    refuse(request, response, status);
    return;
  }
  const text = await serving.scrape();
  response.writeHead(200, { ...HEADERS, 'content-type': serving.metrics.contentType, 'content-length': Buffer.byteLength(text) });
  response.end(request.method === 'HEAD' ? undefined : text);
}

/** Host before all else: it alone tells a page whose name was rebound to loopback. */
function refusalOf(request: IncomingMessage, { port, token }: Serving): number | undefined {
  const [host = '', ...others] = headerValues(request, 'host');
  const isOurs = ['127.0.0.1', 'localhost', '[::1]'].some((name) => host.toLowerCase() === `${name}:${port}`);
  if (!isOurs || others.length > 0 || isBrowser(request)) return 403;
  if (request.url !== PATH) return 404;
  if (request.method !== 'GET' && request.method !== 'HEAD') return 405;
  return token === undefined || hasToken(request, token) ? undefined : 401;
}

/** Browsers say where a request comes from, by Origin (Fetch) or by Sec-Fetch-Site (Fetch Metadata, W3C); collectors say neither. */
function isBrowser(request: IncomingMessage): boolean {
  return ['origin', 'sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site'].some((name) => headerValues(request, name).length > 0);
}

function hasToken(request: IncomingMessage, token: string): boolean {
  const [given = '', ...others] = headerValues(request, 'authorization');
  return others.length === 0 && timingSafeEqual(hash(given), hash(`Bearer ${token}`));
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="kortd metrics"' } : {};
  // What was not read would be taken for the next request.
  const close = request.complete ? {} : { connection: 'close' };
  response.writeHead(status, { ...HEADERS, ...challenge, ...close, 'content-length': 0 });
  response.end();
}

/** Equal lengths for a comparison in constant time. */
function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Those that ask meanwhile are given what is being made. */
function oneAtATime(make: () => Promise<string>): () => Promise<string> {
  let making: Promise<string> | undefined;
  return () => (making ??= make().finally(() => (making = undefined)));
}
