/** The body of a call as bytes, of the one content type that its address takes. */
import type { FastifyRequest } from 'fastify';
import { AuthorityError } from './errors.ts';

/** Throws AuthorityError for a body of another type than `wanted`. */
export function bodyOf(request: FastifyRequest, wanted: string): Buffer {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== wanted || !Buffer.isBuffer(request.body))
    throw new AuthorityError('unsupported_media_type', `reading the body: it must be ${wanted}`);
  return request.body;
}
