/**
 * Asks the configured server for a time stamp (RFC 3161, section 3.4, over HTTP), and takes the answer only when it is one: to this very request, under the
 * policy that was asked for, by an authority that may.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { TimeStampPolicy } from '../../access/policy.ts';
import type { TimeStampReport } from './report.ts';
import { TIME_STAMP_HASH, checkTimeStamp, createTimeStampRequest, failed, readTimeStampResponse } from './time-stamp.ts';

/** Tokens have 2 to 8 kB, with the certificates of their authority. */
const MAX_RESPONSE_BYTES = 65_536;
const NONCE_BYTES = 16;

export interface FetchedTimeStamp {
  readonly token: Uint8Array;
  readonly report: TimeStampReport;
}

/** Throws time_stamp_failed, and what `signal` is aborted with. */
export async function fetchTimeStamp(
  { url, policy, trustAnchors, timeoutMs }: TimeStampPolicy,
  stamped: Uint8Array,
  signal: AbortSignal,
): Promise<FetchedTimeStamp> {
  const nonce = randomBytes(NONCE_BYTES);
  // Positive, and in its shortest form.
  nonce[0] = 0x40 | ((nonce[0] ?? 0) & 0x3f);
  const digest = createHash(TIME_STAMP_HASH).update(stamped).digest();
  const wanted = policy === undefined ? {} : { policy };
  const request = createTimeStampRequest({ digest, nonce, ...wanted });
  const token = readTimeStampResponse(await post(url, request, { signal, timeoutMs }));
  const report = checkTimeStamp(token, { stamped, nonce, ...wanted, anchors: trustAnchors, intermediates: [] });
  const reasons = report.reasons.filter(({ code }) => trustAnchors.length > 0 || code !== 'NO_CERTIFICATE_CHAIN_FOUND');
  if (reasons.length > 0) throw failed(reasons.map(({ text }) => text).join('; '));
  return { token, report };
}

async function post(
  url: string,
  body: Uint8Array,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Uint8Array> {
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' },
      body: Uint8Array.from(body),
      // What is configured is asked, and nobody else.
      redirect: 'error',
      signal: AbortSignal.any([signal, late]),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw failed(`the server answered ${response.status}`);
    }
    return await readBounded(response);
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) throw failed(`nothing came within ${timeoutMs} ms`, error);
    if (error instanceof TypeError) throw failed('the server cannot be reached', error);
    throw error;
  }
}

async function readBounded({ body }: Response): Promise<Uint8Array> {
  const parts: AsyncIterable<Uint8Array> | readonly Uint8Array[] = body ?? [];
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of parts) {
    length += chunk.length;
    if (length > MAX_RESPONSE_BYTES) throw failed(`the answer is longer than ${MAX_RESPONSE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
