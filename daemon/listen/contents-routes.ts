/**
 * The REST routes that are not calls: content streamed in and out as bytes (daemon/contents). They stand behind the same gate and quotas as every call, and want the
 * scope `sign`.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MAX_TIMEOUT_MS } from '../../api-spec/method.ts';
import { CONTENTS_PATH, CONTENTS_SCOPE } from '../../api-spec/wire.ts';
import type { Caller } from '../api/call.ts';
import { REQUEST_MS } from '../api/limits.ts';
import type { Content, Contents } from '../contents/contents.ts';
import { ApiError } from '../errors.ts';

export const OCTET_STREAM = 'application/octet-stream';

export interface ContentRoutesOptions {
  readonly contents: Contents;
  /** Whom the gate let in. */
  readonly callerOf: (request: FastifyRequest) => Caller;
  readonly fail: (reply: FastifyReply, error: unknown) => FastifyReply;
  /** Resolves when the other side has sent its body, or has had time to. */
  readonly bodyPassed: (request: IncomingMessage) => Promise<void>;
}

export function addContentRoutes(app: FastifyInstance, options: ContentRoutesOptions): void {
  const { contents, fail } = options;
  // The body stays a stream.
  app.addContentTypeParser(OCTET_STREAM, (_request, _body, done) => done(null));
  const owned = (request: FastifyRequest): Caller => requireScope(options.callerOf(request));
  app.post(CONTENTS_PATH, async (request, reply) => {
    try {
      const caller = owned(request);
      const keep = keepOf(request.query);
      using upload = contents.open(caller, { keep, ...sizeOf(request.raw) });
      await receive(request.raw, (chunk) => upload.write(chunk), timeoutOf(request));
      return await reply.send(describe(upload.finish()));
    } catch (error) {
      void reply.header('connection', 'close');
      await options.bodyPassed(request.raw);
      return fail(reply, error);
    }
  });
  app.get<{ Params: { id: string } }>(`${CONTENTS_PATH}/:id`, (request, reply) => {
    const { bytes } = contents.find(owned(request), request.params.id);
    if (!bytes) throw new ApiError('content_not_found', 'reading content: its bytes were not kept');
    return reply.type(OCTET_STREAM).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
  app.delete<{ Params: { id: string } }>(`${CONTENTS_PATH}/:id`, (request, reply) => {
    contents.delete(owned(request), request.params.id);
    return reply.send({});
  });
}

export function isContentsUpload({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && url.split('?', 1)[0] === CONTENTS_PATH;
}

function requireScope(caller: Caller): Caller {
  if (caller.scopes.has(CONTENTS_SCOPE)) return caller;
  throw new ApiError('scope_missing', `using contents: the caller lacks the scope ${CONTENTS_SCOPE}`, { scope: CONTENTS_SCOPE });
}

function keepOf(query: unknown): boolean {
  const given = Object.entries(typeof query === 'object' && query !== null ? query : {});
  for (const [name, value] of given)
    if (name !== 'keep' || (value !== 'true' && value !== 'false'))
      throw invalid('the query may hold keep=true or keep=false alone');
  return given.some(([, value]) => value === 'true');
}

function sizeOf({ headers }: IncomingMessage): { readonly sizeBytes?: number } {
  const length = headers['content-length'];
  return length === undefined ? {} : { sizeBytes: Number(length) };
}

function timeoutOf({ headers }: FastifyRequest): number {
  const { 'kortd-timeout-ms': text } = headers;
  const timeoutMs = text === undefined ? REQUEST_MS : Number(text);
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  throw invalid(`Kortd-Timeout-Ms must be a whole number from 1 to ${MAX_TIMEOUT_MS}`);
}

/** Resolves at the end of the body. What hashes is faster than what reads: nothing piles up. */
function receive(request: IncomingMessage, onChunk: (chunk: Uint8Array) => void, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      settle();
    };
    const giveUp = (error: unknown): void =>
      end(() => reject(error instanceof Error ? error : new ApiError('call_cancelled', 'reading content: the caller went away')));
    const timer = setTimeout(
      () => giveUp(new ApiError('deadline_exceeded', `reading content: not whole within ${timeoutMs} ms`, { timeoutMs })),
      timeoutMs,
    );
    const onData = (chunk: Uint8Array): void => {
      try {
        onChunk(chunk);
        release(chunk);
      } catch (error) {
        giveUp(error);
      }
    };
    const onEnd = (): void => end(resolve);
    const onClose = (): void => giveUp(new ApiError('call_cancelled', 'reading content: the caller went away'));
    request.on('data', onData).once('end', onEnd).once('close', onClose).once('error', onClose);
  });
}

/** Gives its memory back at once; the collector would let 64 MB of it gather. A chunk that shares its memory with others is left alone. */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function describe({ id, sizeBytes, digests }: Content): object {
  const base64 = (digest: Uint8Array): string => Buffer.from(digest).toString('base64');
  return {
    content: id,
    size: sizeBytes,
    digests: { sha256: base64(digests.sha256), sha384: base64(digests.sha384), sha512: base64(digests.sha512) },
  };
}

function invalid(problem: string): ApiError {
  return new ApiError('invalid_request', `reading the request: ${problem}`, { problem });
}
