/**
 * The test authority over HTTP on 127.0.0.1: EST, a JSON door for portals, revocation lists and OCSP. Pages of this machine may call it, others may not, and a
 * name that was pointed here from outside (DNS rebinding) is refused. Its keys are public: trust nothing that they sign.
 */
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { openTestAuthority, type AuthorityOptions, type TestAuthority } from './authority.ts';
import { AuthorityError } from './errors.ts';
import { addEstRoutes } from './est-routes.ts';
import { addPortalRoutes } from './portal-routes.ts';
import { addStatusRoutes } from './status-routes.ts';

export interface AuthorityServerOptions extends Pick<AuthorityOptions, 'scenario' | 'stateFile'> {
  /** On 127.0.0.1; 0 takes any free one. */
  readonly port: number;
  readonly now?: () => Date;
  /** Hears of defects. */
  readonly onInternalError?: (error: unknown) => void;
}

export interface AuthorityServer extends AsyncDisposable {
  /** "http://127.0.0.1:8088": as certificates have it. */
  readonly url: string;
  readonly authority: TestAuthority;
}

const HOST = '127.0.0.1';
/** A request of an RSA-4096 key has some 2 kB. */
const MAX_BODY_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const PREFLIGHT_SECONDS = 600;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** Whoever opened it disposes of it. Throws when the port is taken, or the file holds something else. */
export async function serveTestAuthority(options: AuthorityServerOptions): Promise<AuthorityServer> {
  let url = '';
  const now = options.now ?? ((): Date => new Date());
  const authority = await openTestAuthority({
    scenario: options.scenario,
    address: () => url,
    now,
    ...(options.stateFile === undefined ? {} : { stateFile: options.stateFile }),
  });
  const app = createApp(authority, { now, onInternalError: options.onInternalError });
  const close = async (): Promise<void> => {
    await app.close();
    await authority[Symbol.asyncDispose]();
  };
  try {
    url = await app.listen({ host: HOST, port: options.port });
  } catch (error) {
    await close();
    throw listenError(error, options.port);
  }
  return { url, authority, [Symbol.asyncDispose]: close };
}

/** Whoever serves a daemon beside it must be told which of the ports it is. */
function listenError(error: unknown, port: number): Error {
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
  const reason = isTaken ? 'the port is taken by another program; choose another one' : String(error);
  return new Error(`serving the test authority on ${HOST}:${port}: ${reason}`, { cause: error });
}

function createApp(
  authority: TestAuthority,
  { now, onInternalError }: { readonly now: () => Date; readonly onInternalError: ((error: unknown) => void) | undefined },
): FastifyInstance {
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    logger: false,
    // An OCSP question in a path: three certificates, say.
    routerOptions: { maxParamLength: 2_048 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(BODY_TYPES, { parseAs: 'buffer' }, (_, body, done) => done(null, body));
  app.addHook('onRequest', async (request, reply) => {
    requireLocalHost(request.headers.host);
    allowLocalPage(request, reply);
    if (request.method === 'OPTIONS') await reply.code(204).send();
  });
  app.setErrorHandler((error, _, reply) => {
    const refusal = toRefusal(error);
    if (refusal.code === 'internal_error') onInternalError?.(error);
    return reply.code(refusal.httpStatus).type('application/json').send(JSON.stringify(refusal));
  });
  app.setNotFoundHandler(() => {
    throw new AuthorityError('not_found', 'looking up the address: there is none like it');
  });
  addEstRoutes(app, authority, now);
  addPortalRoutes(app, authority, now);
  addStatusRoutes(app, authority);
  return app;
}

/** Any of these is bytes to fastify; what an address takes, its route says. */
const BODY_TYPES = ['application/pkcs10', 'application/ocsp-request', 'application/json'];

function requireLocalHost(host: string | undefined): void {
  if (host !== undefined && LOOPBACK.test(host.replace(/:\d{1,5}$/, ''))) return;
  throw new AuthorityError('origin_refused', 'looking at the Host header: it does not name this machine');
}

function allowLocalPage({ headers: { origin } }: FastifyRequest, reply: FastifyReply): void {
  if (origin === undefined) return;
  if (!URL.canParse(origin) || !LOOPBACK.test(new URL(origin).hostname))
    throw new AuthorityError('origin_refused', `looking at the Origin header: ${origin.slice(0, 200)} is not on this machine`);
  reply.headers({
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'content-type',
    'access-control-max-age': PREFLIGHT_SECONDS,
    vary: 'origin',
  });
}

function toRefusal(error: unknown): AuthorityError {
  if (error instanceof AuthorityError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new AuthorityError('too_large', `reading the body: more than ${MAX_BODY_BYTES} bytes`, { cause: error });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new AuthorityError('unsupported_media_type', `reading the body: it is none of ${BODY_TYPES.join(', ')}`, {
      cause: error,
    });
  if (typeof code === 'string' && code.startsWith('FST_ERR'))
    return new AuthorityError('input_invalid', 'reading the call: it is not well formed', { cause: error });
  return new AuthorityError('internal_error', 'answering the call', { cause: error });
}
