/** The methods as REST: one route for each that has a `rest` row, made from the table. */
import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ERRORS, type WireError } from '../../api-spec/errors.ts';
import { METHODS, METHOD_NAMES, type MethodName } from '../../api-spec/methods/index.ts';
import type { ApiMethod } from '../../api-spec/method.ts';
import type { Call, Caller } from '../api/call.ts';
import type { Dispatcher } from '../api/dispatcher.ts';
import { MESSAGE_BYTES } from '../api/limits.ts';
import { ApiError } from '../errors.ts';
import type { Contents } from '../contents/contents.ts';
import { callerOf, type Admission } from './admission.ts';
import { addContentRoutes } from './contents-routes.ts';
import type { Entrance } from './entrance.ts';
import type { Gate } from './gate.ts';
import { isKey } from './json-rpc.ts';

/** How long the body of a request that is refused is read and forgotten. */
const BODY_PATIENCE_MS = 1_000;
const EVERY_ANSWER = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export interface RestOptions {
  readonly dispatcher: Dispatcher;
  /** Asked at each request: the port, and so the gate, is known only after listening. */
  readonly gate: () => Gate;
  readonly contents: Contents;
  /** Without one nobody is counted. */
  readonly entrance?: Entrance;
}

function refuseSchemas(): never {
  throw new Error('no route has a schema of its own');
}

export function createRest({ dispatcher, gate, entrance, contents }: RestOptions): FastifyInstance {
  const app: FastifyInstance = fastify({
    bodyLimit: MESSAGE_BYTES,
    exposeHeadRoutes: false,
    logger: false,
    // The dispatcher checks parameters and results. Fastify would load its own validator and serializer all the same, 4 MB of memory.
    schemaController: { compilersFactory: { buildValidator: refuseSchemas, buildSerializer: refuseSchemas } },
    // Paths that fastify cannot read never come to its hooks: the gate stands here too.
    frameworkErrors: (_, request, reply) => {
      if (enter(request, reply)) fail(reply, invalid('the path is not well formed'));
    },
  });
  const fail = (reply: FastifyReply, error: unknown, method?: MethodName): FastifyReply =>
    sendError(reply, dispatcher.wireError(error, method));
  /** True when the request may go on; else it is answered. */
  const enter = (request: FastifyRequest, reply: FastifyReply): boolean => {
    try {
      if (request.method === 'OPTIONS' && answerPreflight(gate(), request, reply)) return false;
      const admission = gate().check(request.raw);
      if (admission.kind === 'web') void reply.headers(corsHeaders(admission.origin));
      entrance?.enterForCall(request.raw, admission, (ended) => reply.raw.once('close', ended));
      admissions.set(request.raw, admission);
      answerExpectation(request.raw, reply);
      return true;
    } catch (error) {
      void refuse(request.raw, reply, error);
      return false;
    }
  };
  const refuse = async (request: IncomingMessage, reply: FastifyReply, error: unknown): Promise<void> => {
    if (entrance?.refuse(request.socket) === false) {
      reply.hijack();
      return;
    }
    void reply.header('connection', 'close');
    await bodyPassed(request);
    fail(reply, error);
  };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) => parseJson(String(body), done));
  app.addHook('onRequest', (request, reply, done) => {
    void reply.headers(EVERY_ANSWER);
    if (enter(request, reply)) done();
  });
  app.setErrorHandler((error, _, reply) => fail(reply, fromFastify(error)));
  app.setNotFoundHandler((_, reply) =>
    fail(reply, new ApiError('method_not_found', 'looking up the path: there is none like it')),
  );
  const whoCalls = (request: FastifyRequest): Caller => callerOf(admissions.get(request.raw) ?? refuseUnchecked());
  addContentRoutes(app, { contents, callerOf: whoCalls, fail, bodyPassed });
  for (const name of METHOD_NAMES) {
    const { rest }: ApiMethod = METHODS[name];
    if (rest)
      app.route({ method: rest.verb, url: rest.path, handler: (request, reply) => answer(dispatcher, name, request, reply) });
  }
  return app;
}

/** Resolves when the other side has sent its body, or has had time to: it reads no answer while it writes. */
function bodyPassed(request: IncomingMessage): Promise<void> {
  const { headers } = request;
  const hasBody = (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined;
  if (!hasBody || headers.expect !== undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, BODY_PATIENCE_MS).unref();
    for (const event of ['end', 'close'] as const)
      request.once(event, () => {
        clearTimeout(timer);
        resolve();
      });
    request.resume();
  });
}

/** RFC 9110, section 10.1.1: the client waits with its body until it is asked for it. */
function answerExpectation({ headers }: IncomingMessage, reply: FastifyReply): void {
  if (headers.expect === undefined) return;
  if (headers.expect.toLowerCase() !== '100-continue') throw invalid('Expect may hold 100-continue alone');
  reply.raw.writeContinue();
}

/** What the gate said of each request under way. */
const admissions = new WeakMap<object, Admission>();

function refuseUnchecked(): never {
  throw new ApiError('internal_error', 'answering a request: it did not pass the gate');
}

/** One origin by name, never a wildcard, and no credentials: the token is in a header. */
function corsHeaders(origin: string): Record<string, string> {
  return { 'access-control-allow-origin': origin, vary: 'Origin' };
}

/** True for a browser's question before a call; it is then answered. */
function answerPreflight(gate: Gate, request: FastifyRequest, reply: FastifyReply): boolean {
  const origin = gate.checkPreflight(request.raw);
  if (origin === undefined) return false;
  void reply
    .code(204)
    .headers({
      ...corsHeaders(origin),
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'authorization, content-type, idempotency-key, kortd-timeout-ms',
      'access-control-max-age': '600',
    })
    .send();
  return true;
}

async function answer(
  dispatcher: Dispatcher,
  name: MethodName,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  let call: Call | undefined;
  const giveUp = (): void => {
    if (!reply.raw.writableFinished) call?.abort('call_cancelled', `calling ${name}: the caller went away`);
  };
  reply.raw.once('close', giveUp);
  try {
    const outcome = await dispatcher.call({
      method: name,
      params: request.method === 'GET' ? request.query : (request.body ?? {}),
      caller: callerOf(admissions.get(request.raw) ?? refuseUnchecked()),
      onStart: (started) => {
        call = started;
      },
      ...readHeaders(request),
    });
    if ('error' in outcome) return await sendError(reply, outcome.error);
    return await reply.type('application/json; charset=utf-8').send(JSON.stringify(outcome.result));
  } catch (error) {
    return sendError(reply, dispatcher.wireError(error, name));
  }
}

function readHeaders(request: FastifyRequest): { timeoutMs?: number; idempotencyKey?: string } {
  const { 'kortd-timeout-ms': timeout, 'idempotency-key': key } = request.headers;
  if (key !== undefined && !isKey(key)) throw invalid('Idempotency-Key must be 1 to 128 characters');
  if (timeout !== undefined && !/^\d{1,9}$/.test(String(timeout)))
    throw invalid('Kortd-Timeout-Ms must be a number of milliseconds');
  return {
    ...(timeout === undefined ? {} : { timeoutMs: Number(timeout) }),
    ...(key === undefined ? {} : { idempotencyKey: key }),
  };
}

function parseJson(body: string, done: (error: Error | null, value?: unknown) => void): void {
  try {
    done(null, JSON.parse(body));
  } catch (error) {
    done(new ApiError('invalid_json', 'parsing the body: not JSON', {}, { cause: error }));
  }
}

/** Fastify's own refusals, in our codes. */
function fromFastify(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new ApiError('message_too_large', 'reading the body: too large', { limitBytes: MESSAGE_BYTES }, { cause: error });
  if (code === 'ECONNRESET')
    return new ApiError('call_cancelled', 'reading the body: the caller went away', {}, { cause: error });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return invalid('the content type must be application/json');
  if (typeof code === 'string' && code.startsWith('FST_ERR_CTP')) return invalid('the body does not fit its headers');
  return error;
}

function invalid(problem: string): ApiError {
  return new ApiError('invalid_request', `reading the request: ${problem}`, { problem });
}

function sendError(reply: FastifyReply, error: WireError): FastifyReply {
  return reply
    .code(ERRORS[error.code].httpStatus)
    .headers(EVERY_ANSWER)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ error }));
}
