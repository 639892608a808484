/** Content as calls name it: in the message, as a digest, or uploaded before; and results that are too long for an answer. */
import type { Params } from '../../../api-spec/methods/index.ts';
import type { ContentHash, Content } from '../../contents/contents.ts';
import { ApiError } from '../../errors.ts';
import { digestsOf } from '../../signing/cms/content-digests.ts';
import type { Call } from '../call.ts';
import type { HandlerContext } from './context.ts';

export type ContentParam = Params<'sign.cms'>['content'];
export type BytesParam = Params<'sign.pdf'>['pdf'];

export interface GivenContent {
  /** Undefined when it is not known by this hash. */
  readonly digestOf: (hash: ContentHash) => Uint8Array | undefined;
  /** Present when the bytes are at hand. */
  readonly bytes?: Uint8Array;
  /** When it was given by its digest alone: no other hash will do. */
  readonly onlyHash?: ContentHash;
}

const DIGEST_BYTES: Readonly<Record<ContentHash, number>> = { sha256: 32, sha384: 48, sha512: 64 };
/** A longer result waits to be fetched: base64 of this, and what goes around it, fits one message. */
const INLINE_BYTES = 131_072;

/** Throws content_not_found, and invalid_params for a digest of the wrong length. */
export function contentOf(context: HandlerContext, param: ContentParam, call: Call): GivenContent {
  if ('data' in param) {
    const bytes = Buffer.from(param.data, 'base64');
    return { bytes, digestOf: digestsOf(bytes) };
  }
  if ('upload' in param) {
    const { bytes, digests } = context.contents.find(call.caller, param.upload);
    return { digestOf: (hash) => digests[hash], ...(bytes ? { bytes } : {}) };
  }
  const { hash, value } = param.digest;
  const digest = new Uint8Array(Buffer.from(value, 'base64'));
  if (digest.length !== DIGEST_BYTES[hash])
    throw invalidContent(call, `content.digest.value must be ${DIGEST_BYTES[hash]} bytes for ${hash}, not ${digest.length}`);
  return { digestOf: (wanted) => (wanted === hash ? digest : undefined), onlyHash: hash };
}

/** Throws content_not_found, also for an upload whose bytes were not kept. */
export function bytesOf(context: HandlerContext, param: BytesParam, call: Call): Uint8Array {
  if ('data' in param) return Buffer.from(param.data, 'base64');
  const { bytes } = context.contents.find(call.caller, param.upload);
  if (!bytes) throw new ApiError('content_not_found', `reading upload ${param.upload}: its bytes were not kept`);
  return bytes;
}

/** In the answer, or waiting to be fetched. Throws contents_full. */
export function giveOut(
  context: HandlerContext,
  bytes: Uint8Array,
  call: Call,
): { readonly inline: string } | { readonly waiting: Content } {
  if (bytes.length <= INLINE_BYTES) return { inline: Buffer.from(bytes).toString('base64') };
  return { waiting: context.contents.put(call.caller, bytes) };
}

/** Throws contents_full when a result of about this length could not be given out: before anybody is asked for a PIN. */
export function requireRoom(context: HandlerContext, aboutBytes: number, call: Call): void {
  if (aboutBytes > INLINE_BYTES / 2) context.contents.requireRoom(call.caller, aboutBytes + INLINE_BYTES);
}

export function invalidContent(call: Call, problem: string): ApiError {
  return new ApiError('invalid_params', `calling ${call.method}: ${problem}`, { problem });
}
